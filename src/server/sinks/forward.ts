/**
 * `petrel/sinks/forward`: another collector, or any endpoint that takes one of the formats of `petrel/formats/*`.
 *
 * docs/sinks.md says what arrives there.
 * @packageDocumentation
 */
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import type { Clock } from '../../core/clock.js';
import { PetrelError } from '../../core/errors.js';
import { checkNumber, show } from '../../core/options.js';
import type { Outcome } from '../../core/outcome.js';
import { outcomeOfStatus, parseRetryAfter } from '../../core/retry.js';
import type { WireAnswer } from '../../core/wire.js';
import type { Format } from '../../formats/lib/format.js';
import { createSystemClock } from '../../web/system-clock.js';
import { onceEach, type Placed } from './lib/once-each.js';
import { type PetrelContent, petrelBody } from './lib/petrel-body.js';
import { createSplitter } from './lib/split-refused.js';
import type { ReceivedEvent, Sink } from './sink.js';

/** Options of {@link createForwardSink}. */
export interface ForwardSinkOptions {
  /** Where to POST to. */
  url: string;
  /**
   * The write key for the other side.
   * @defaultValue to a collector, the key each event came with
   */
  key?: string;
  /**
   * How the events are written: one of `petrel/formats/*`.
   * @defaultValue Petrel's own wire format, for another collector
   */
  format?: Format;
  /** Further headers, such as `{ authorization: 'Bearer …' }`. */
  headers?: Record<string, string>;
  /**
   * Longest a request may take, in milliseconds (100 to 600 000).
   * @defaultValue 20000
   */
  timeoutMs?: number;
  /**
   * How long `close()` waits for writes under way, in milliseconds (0 to 600 000). Then they fail.
   * @defaultValue 5000
   */
  closeTimeoutMs?: number;
  /** Time and chance. Default: the system's. */
  clock?: Clock;
}

/** What the other side said, when it was not "yes". */
class ForwardError extends Error {
  override readonly name = 'ForwardError';

  constructor(readonly outcome: Exclude<Outcome, { kind: 'delivered' | 'partial' }>) {
    super(`the other side answered: ${'detail' in outcome && outcome.detail ? outcome.detail : outcome.kind}`);
  }
}

type Rejected = { index: number; reason: string }[];

/** Bodies smaller than this, in bytes, are not worth compressing. */
const GZIP_FROM_BYTES = 1_024;

const compress = promisify(gzip);

/**
 * Sends each batch on, and acknowledges it when the other side has. Nothing is kept here: while the other side is away, the collector's senders
 * keep their copies.
 *
 * An id is stored once where the other side sees to that, as a collector does. Only duplicates within a write are told, or when all of it is known.
 *
 * @throws PetrelError `invalid-option`. Whether anybody is there shows with the first write.
 */
export async function createForwardSink(options: ForwardSinkOptions): Promise<Sink> {
  const { url, key, format, headers = {}, timeoutMs, closeTimeoutMs } = check(options);
  const { clock = createSystemClock() } = options;
  const aborter = new AbortController();
  const underway = new Set<Promise<unknown>>();
  /** Until when the other side wants to be left alone. */
  let pausedUntil = Number.NEGATIVE_INFINITY;
  let closing: Promise<void> | undefined;

  function refuseWhenClosed(): void {
    if (closing) throw new PetrelError('closed', 'the sink is closed');
  }

  /** The answer's JSON; undefined when it is none. @throws ForwardError, or what `fetch` throws */
  async function post(body: string, contentType: string, mayCompress: boolean): Promise<unknown> {
    const now = clock.now();
    if (now < pausedUntil) {
      throw new ForwardError({ kind: 'rate-limited', retryAfterMs: pausedUntil - now, detail: 'to come later' });
    }
    const isCompressed = mayCompress && body.length >= GZIP_FROM_BYTES;
    const response = await fetch(url, {
      method: 'POST',
      body: isCompressed ? new Uint8Array(await compress(body)) : body,
      headers: { 'content-type': contentType, ...(isCompressed && { 'content-encoding': 'gzip' }), ...headers },
      signal: AbortSignal.any([aborter.signal, AbortSignal.timeout(timeoutMs)]),
    });
    const text = await response.text();
    const retryAfterMs = parseRetryAfter(
      response.headers.get('retry-after'),
      clock.now(),
      response.headers.get('date'),
    );
    const outcome = outcomeOfStatus(response.status, retryAfterMs, `HTTP ${response.status}: ${text.slice(0, 200)}`);
    if (outcome.kind === 'delivered') return jsonOf(text);
    if (outcome.kind === 'partial') throw new TypeError('a status says nothing about single events');
    if ('retryAfterMs' in outcome && outcome.retryAfterMs !== undefined)
      pausedUntil = clock.now() + outcome.retryAfterMs;
    throw new ForwardError(outcome);
  }

  const postPetrel = async (content: PetrelContent, head: { key?: string; sdk?: string }) =>
    (await post(petrelBody(content, { sentAt: clock.now(), ...head }), 'text/plain;charset=UTF-8', true)) as
      | Partial<WireAnswer>
      | undefined;

  /** @returns how many the other side knew */
  async function sendPetrel(placed: readonly Placed[], rejected: Rejected): Promise<number> {
    let known = 0;
    for (const group of groups(placed, key)) {
      const answer = await postPetrel({ events: group.placed.map(({ event }) => event) }, group.head);
      known += answer?.duplicates ?? 0;
      for (const { index, reason } of answer?.rejected ?? []) {
        const at = index === undefined ? undefined : group.placed[index];
        if (at) rejected.push({ index: at.index, reason });
      }
    }
    return known;
  }

  async function sendFormatted(placed: readonly Placed[], rejected: Rejected, to: Format): Promise<void> {
    let rest = placed;
    while (rest.length > 0) {
      const events: ReceivedEvent[] = rest.map(({ event }) => event);
      const { body, contentType, taken, refused } = to.encode(events, {
        sentAt: clock.now(),
        ...(key !== undefined && { key }),
      });
      const answer = body === '' ? undefined : await post(body, contentType, false);
      for (const { index, reason } of [...refused, ...(to.refusedBy?.(answer, events, taken) ?? [])]) {
        rejected.push({ index: rest[index]!.index, reason });
      }
      const done = new Set([...taken, ...refused.map(({ index }) => index)]);
      if (done.size === 0) throw new Error(`the format ${to.name} takes none of the events, and refuses none`);
      rest = rest.filter((_, i) => !done.has(i));
    }
  }

  const splitter = createSplitter((error) => {
    if (!(error instanceof ForwardError)) return undefined;
    const { kind } = error.outcome;
    return kind === 'refused' || kind === 'too-large' ? kind : undefined;
  });

  const write: Sink['write'] = async (events, drops, { tails, repeated: _ } = { tails: [], repeated: 0 }) => {
    const { first, duplicates } = onceEach(events);
    const rejected: Rejected = [];
    let known = 0;
    const alone = await splitter.store(first, async (some) => {
      if (format) await sendFormatted(some, rejected, format);
      else known += await sendPetrel(some, rejected);
    });
    // After the events: a drop that is told and a batch that fails are told again, which does no harm.
    if (!format && drops.length + tails.length > 0) {
      await postPetrel({ events: [], drops, tails }, key === undefined ? headOf(events) : { key });
    }
    if (known === first.length) duplicates.push(...first.map(({ index }) => index));
    const all = [...rejected, ...alone];
    return {
      duplicates: duplicates.sort((a, b) => a - b),
      ...(all.length > 0 && { rejected: all }),
    };
  };

  async function close(): Promise<void> {
    const timer = clock.setTimeout(() => aborter.abort(new Error('the sink is closed')), closeTimeoutMs);
    await Promise.allSettled(underway);
    clock.clearTimeout(timer);
  }

  return {
    async write(...batch) {
      refuseWhenClosed();
      const work = write(...batch);
      underway.add(work);
      try {
        return await work;
      } finally {
        underway.delete(work);
      }
    },

    async has(ranges) {
      refuseWhenClosed();
      // Other people's endpoints cannot be asked.
      if (format || ranges.length === 0) return [];
      return (await postPetrel({ events: [], carried: ranges }, key === undefined ? {} : { key }))?.has ?? [];
    },

    close() {
      closing ??= close();
      return closing;
    },
  };
}

/** A body has one key and one version: events that came with others go in bodies of their own. */
function groups(
  placed: readonly Placed[],
  key: string | undefined,
): { head: { key?: string; sdk?: string }; placed: Placed[] }[] {
  const found = new Map<string, { head: { key?: string; sdk?: string }; placed: Placed[] }>();
  for (const one of placed) {
    const head = { ...headOf([one.event]), ...(key !== undefined && { key }) };
    const name = JSON.stringify([head.key, head.sdk]);
    const group = found.get(name) ?? { head, placed: [] };
    found.set(name, group);
    group.placed.push(one);
  }
  return [...found.values()];
}

function headOf([event]: readonly ReceivedEvent[]): { key?: string; sdk?: string } {
  return { ...(event?.key !== undefined && { key: event.key }), ...(event?.sdk !== undefined && { sdk: event.sdk }) };
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function check(options: ForwardSinkOptions) {
  const { url, key, format, timeoutMs = 20_000, closeTimeoutMs = 5_000 } = options;
  if (typeof url !== 'string' || !/^https?:\/\//.test(url) || !URL.canParse(url)) {
    throw new PetrelError(
      'invalid-option',
      `\`url\` must be a URL that begins with http:// or https://, not ${show(url)}`,
    );
  }
  if (key !== undefined && (typeof key !== 'string' || key === '')) {
    throw new PetrelError('invalid-option', `\`key\` must be a string of at least one character, not ${show(key)}`);
  }
  if (format !== undefined && typeof format?.encode !== 'function') {
    throw new PetrelError('invalid-option', `\`format\` must be one of petrel/formats/*, not ${show(format)}`);
  }
  checkNumber('timeoutMs', timeoutMs, { min: 100, max: 600_000 });
  checkNumber('closeTimeoutMs', closeTimeoutMs, { min: 0, max: 600_000 });
  return { ...options, timeoutMs, closeTimeoutMs };
}
