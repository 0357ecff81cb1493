import type { Clock } from '../core/clock.js';
import type { EventBatch } from '../core/event-batcher.js';
import type { Outcome } from '../core/outcome.js';
import { outcomeOfStatus, parseRetryAfter } from '../core/retry.js';
import type { Transport } from '../core/transport.js';
import type { SourceRange, WireAnswer, WireError } from '../core/wire.js';

/** Together with a wait of 15 s this stays under the 60 s a Firefox worker lives for one message. */
const TIMEOUT_MS = 15_000;

/** Longest text of a failure that is kept: it goes into the stored state. */
const MAX_DETAIL_LENGTH = 200;

export interface FetchTransportOptions<E> {
  /** Absolute URL to POST to. */
  endpoint: string;
  clock: Clock;
  fetch: typeof fetch;
  /** The id under which an answer names an event. */
  idOf: (event: E) => string;
  /** Whether the browser says it is online; tells a dead network from an endpoint that nobody answers at. Default: it is. */
  onLine?: () => boolean;
  /** Longest wait for the whole answer, in milliseconds. @defaultValue 15000 */
  timeoutMs?: number;
}

/**
 * Sends payloads by `fetch`, as requests that need no preflight: text/plain, no header of ours, no credentials.
 * Plain fetch without `keepalive`, whose 64 KiB are shared with the page.
 */
export function createFetchTransport<E>({
  endpoint,
  clock,
  fetch,
  idOf,
  onLine = () => true,
  timeoutMs = TIMEOUT_MS,
}: FetchTransportOptions<E>): Transport<E> {
  const send: Transport<E>['send'] = async ({ body, contentType, encoding }, batch, judge) => {
    const abort = new AbortController();
    const timer = clock.setTimeout(() => abort.abort(), timeoutMs);
    let answered = false;
    try {
      const response = await fetch(encoding ? withParameter(endpoint, `enc=${encoding}`) : endpoint, {
        method: 'POST',
        // TypeScript 6 tells views on shared memory apart; ours never are.
        body: body as BodyInit,
        headers: { 'content-type': contentType },
        credentials: 'omit',
        priority: 'low',
        signal: abort.signal,
      });
      answered = true;
      // Read to the end in any case: an unread body keeps its connection, and under keepalive its quota.
      const text = await response.text();
      return outcomeOf(response, parse(text), batch, judge);
    } catch (error) {
      if (abort.signal.aborted) return { kind: 'retry', cause: 'timeout', detail: `no answer within ${timeoutMs} ms` };
      // A refused connection, a blocker, CSP and missing CORS all look the same from here.
      return {
        kind: 'retry',
        cause: 'network',
        ...(!answered && onLine() && { unanswered: true }),
        detail: short(String(error)),
      };
    } finally {
      clock.clearTimeout(timer);
    }
  };

  function outcomeOf(
    response: Response,
    answer: unknown,
    batch: EventBatch<E>,
    judge?: (answer: unknown) => Outcome,
  ): Outcome {
    // Both are null where the receiver does not expose them by CORS.
    const { headers, status } = response;
    const retryAfterMs = parseRetryAfter(headers.get('retry-after'), clock.now(), headers.get('date'));
    const { error, message, limitBytes } = isObject(answer) ? (answer as Partial<WireError>) : {};
    const words = [`HTTP ${status}`, error, message].filter((word) => typeof word === 'string').join(': ');
    const detail = short(words);
    const outcome = outcomeOfStatus(status, retryAfterMs, detail);
    if (outcome.kind === 'delivered') {
      if (!judge && isAnswer(answer)) return refine(answer, batch);
      // A 301 or 302 made a GET without body of the POST (http → https, a Wi-Fi's login page): its 200 took nothing.
      if (response.redirected) return { kind: 'held', detail: short(`redirected to ${response.url}`) };
      if (judge) return judge(answer);
    }
    if (outcome.kind === 'too-large' && typeof limitBytes === 'number' && limitBytes > 0) {
      return { ...outcome, limitBytes };
    }
    // An older collector than we are: the events are good, and it will be updated.
    if (outcome.kind === 'refused' && error === 'unsupported-version') return { kind: 'held', detail };
    return outcome;
  }

  function refine({ rejected, has }: WireAnswer, batch: EventBatch<E>): Outcome {
    const told = Array.isArray(has) ? { has: has.filter(isSourceRange) } : {};
    const reasons = new Map(rejected.filter(isObject).map(({ id, reason }) => [id, reason]));
    const delivered: number[] = [];
    const refused: { index: number; reason: string }[] = [];
    for (const [index, event] of batch.events.entries()) {
      const id = idOf(event);
      if (reasons.has(id)) refused.push({ index, reason: short(String(reasons.get(id))) });
      else delivered.push(index);
    }
    return refused.length > 0 ? { kind: 'partial', delivered, refused, ...told } : { kind: 'delivered', ...told };
  }

  return { send };
}

function withParameter(address: string, parameter: string): string {
  const url = new URL(address);
  url.search += `${url.search && '&'}${parameter}`;
  return url.href;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // an empty body, or a web page: the status alone decides
  }
}

const short = (text: string): string => text.slice(0, MAX_DETAIL_LENGTH);

function isObject(value: unknown): value is { [key: string]: unknown } {
  return typeof value === 'object' && value !== null;
}

/** Whether it is a collector's answer. Anything else under a 2xx means that the whole batch was taken. */
function isAnswer(value: unknown): value is WireAnswer {
  return isObject(value) && typeof value.accepted === 'number' && Array.isArray(value.rejected);
}

function isSourceRange(value: unknown): value is SourceRange {
  return (
    Array.isArray(value) &&
    typeof value[0] === 'string' &&
    Number.isSafeInteger(value[1]) &&
    Number.isSafeInteger(value[2]) &&
    value[1] <= value[2]
  );
}
