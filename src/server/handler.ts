import type { WireAnswer } from '../core/wire.js';
import { type ExpandedBody, expandBody } from '../core/wire-codec.js';
import { createCors } from './cors.js';
import { type ReadingBudget, readJson } from './decode.js';
import { createIntake, type IntakeState } from './intake.js';
import type { Ledger } from './ledger/ledger.js';
import { readLedger } from './ledger/route.js';
import { type CollectorOptions, checkCollectorOptions } from './options.js';
import { answer, answerRefusal, Refusal, refusalOf } from './refusal.js';
import type { ReceivedEvent } from './sinks/sink.js';

/** A collector: a function from request to answer, fit for any server that speaks the Fetch API. */
export interface Collector {
  /**
   * Never rejects. POST: 200 with a `WireAnswer` once everything in the request is stored, else a status and a `WireError`.
   * OPTIONS: the preflight. GET of a path ending in `/healthz`: 200 as long as the process lives; of one ending in `/ledger`, with
   * its token: what arrived and what did not.
   */
  (request: Request): Promise<Response>;
  /** What waits for the sink, and how the sink does. */
  state(): IntakeState;
  /**
   * Refuses new requests, stores what is queued (at most `closeTimeoutMs`), and closes the sink.
   * Close the server first, so that nobody is refused.
   */
  close(): Promise<void>;
}

const ALLOWED_METHODS = 'POST, OPTIONS';

/**
 * Makes a collector: requests are decoded, checked event by event, put together to batches by the same engine that runs in
 * the browser, and answered when the sink has committed. Each id is stored once.
 *
 * @throws PetrelError `invalid-option`, naming option, range and value.
 *
 * @example
 * ```ts
 * import { createCollector } from 'petrel/server';
 * import { serve } from 'petrel/server/node';
 * import { createSqliteSink } from 'petrel/sinks/sqlite';
 *
 * const collector = createCollector({ sink: await createSqliteSink({ path: 'events.db' }), keys: ['pk_live'] });
 * const server = await serve(collector, { port: 8787 });
 * ```
 */
export function createCollector(options: CollectorOptions): Collector {
  const checked = checkCollectorOptions(options);
  const { clock, limits, keys, path } = checked;
  const cors = createCors(checked.origins);
  const intake = createIntake(checked);
  const ledger: Ledger | undefined = checked.ledger.store ?? checked.sink.ledger;
  const reading: ReadingBudget = { used: 0, max: limits.maxReadingBytes };

  async function collect(request: Request): Promise<WireAnswer> {
    const receivedAt = clock.now();
    const body = await readJson(request, limits, reading);
    if (keys) checkKey(body, keys);
    const { head, events, sizes, rejected } = expandBody(body, limits);
    const { batchId, sentAt, sdk, key, drops = [], carried, tails = [] } = head;
    // Completed in place: nobody else has them, and copies of every event were a tenth of the collector's time.
    const received = events as ReceivedEvent[];
    for (const event of received) {
      event.receivedAt = receivedAt;
      event.sentAt = sentAt;
      if (batchId) event.batchId = batchId;
      if (sdk !== undefined) event.sdk = sdk;
      if (key !== undefined) event.key = key;
    }

    const [receipt, has] = await Promise.all([
      intake.take(received, sizes, positionsOf(events, rejected)),
      carried && intake.has(carried),
      intake.takeNotes(
        drops.map((drop) => ({ ...drop, receivedAt })),
        tails.map(([source, last, closed]) => ({ source, last, closed: closed === 1, receivedAt })),
      ),
    ]);
    return {
      ...(batchId && { batchId }),
      accepted: receipt.accepted,
      duplicates: receipt.duplicates,
      rejected: [...rejected, ...receipt.rejected],
      ...(has && { has }),
      serverTime: clock.now(),
    };
  }

  async function tell(request: Request, token: string): Promise<object> {
    const [, given] = request.headers.get('authorization')?.match(/^Bearer (.+)$/i) ?? [];
    if (given === undefined || !sameText(token, given)) {
      throw new Refusal('unknown-token', 'the ledger is read with `Authorization: Bearer <token>`');
    }
    if (!ledger) throw new Refusal('not-found', 'this collector keeps no ledger: its sink has none');
    return readLedger(ledger, new URL(request.url).searchParams, clock.now(), checked.ledger.maxAgeMs);
  }

  async function handle(request: Request): Promise<Response> {
    const headers = cors.headers(request);
    try {
      const { pathname } = new URL(request.url);
      if (request.method === 'OPTIONS') return cors.preflight(request);
      if ((request.method === 'GET' || request.method === 'HEAD') && pathname.endsWith('/healthz')) {
        return answer(200, { status: 'ok', ...intake.state() }, headers);
      }
      if (request.method === 'GET' && pathname.endsWith('/ledger') && checked.ledger.token !== undefined) {
        return answer(200, await tell(request, checked.ledger.token), headers);
      }
      if (path !== undefined && pathname !== path)
        throw new Refusal('not-found', `nothing is at ${pathname.slice(0, 100)}`);
      if (request.method !== 'POST') {
        throw new Refusal('method-not-allowed', 'events are posted', { allow: ALLOWED_METHODS });
      }
      if (!cors.allows(request)) {
        throw new Refusal(
          'origin-not-allowed',
          `${request.headers.get('origin')} is not among this collector's \`origins\``,
        );
      }
      return answer(200, await collect(request), headers);
    } catch (error) {
      const refusal = refusalOf(error);
      if (refusal.error === 'internal') checked.onError(error, 'request');
      return answerRefusal(refusal, headers);
    }
  }

  return Object.assign(handle, { state: intake.state, close: intake.close });
}

/** Before the body is expanded: who has no key causes no work. */
function checkKey(body: unknown, keys: readonly string[]): void {
  const key = typeof body === 'object' && body !== null ? (body as { key?: unknown }).key : undefined;
  let known = false;
  for (const candidate of keys) if (typeof key === 'string' && sameText(candidate, key)) known = true;
  if (!known)
    throw new Refusal('unknown-key', key === undefined ? 'the body has no write key' : 'the write key is not known');
}

/** In the same time wherever the difference is, so that a key cannot be guessed letter by letter. */
function sameText(a: string, b: string): boolean {
  if (a.length !== b.length) return false;
  let difference = 0;
  for (let i = 0; i < a.length; i++) difference |= a.charCodeAt(i) ^ b.charCodeAt(i);
  return difference === 0;
}

/** The place in the request of each event that was taken: those that are not among the rejected, in order. */
function positionsOf(events: readonly unknown[], rejected: ExpandedBody['rejected']): number[] {
  const positions: number[] = [];
  let next = 0;
  for (let position = 0; positions.length < events.length; position++) {
    if (rejected[next]?.index === position) next++;
    else positions.push(position);
  }
  return positions;
}
