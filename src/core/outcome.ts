import type { SourceRange } from './wire.js';

/**
 * How one attempt to deliver a batch ended. An expected failure is a value, never an exception.
 *
 * | kind | what the engine does |
 * |---|---|
 * | `delivered` | removes the batch |
 * | `partial` | removes what was delivered, quarantines what was refused; the rest forms a new batch |
 * | `refused` | one event: quarantined; several: the batch is halved until the bad one is alone |
 * | `too-large` | halves the batch (two new ids); a single event is dropped as `too-large` |
 * | `retry` | keeps the batch, waits with backoff, tries again |
 * | `rate-limited` | keeps the batch, nothing is sent before `retryAfterMs` (at least the longest backoff) |
 * | `held` | keeps the batch, probes slowly (5 min to 1 h), tells the page once: a key or an address is wrong |
 *
 * `has`: which of the batch's `carried` sequence numbers the receiver already stores; absent when it did not say.
 */
export type Outcome =
  | { kind: 'delivered'; has?: SourceRange[] }
  | {
      kind: 'partial';
      /** Positions in `batch.events` that are settled as delivered. */
      delivered: number[];
      /** Positions that will never be accepted, each with the receiver's word for why. */
      refused: { index: number; reason: string }[];
      has?: SourceRange[];
    }
  | { kind: 'refused'; detail?: string }
  | {
      kind: 'too-large' /** The receiver's limit in bytes of the request body, where it said so. */;
      limitBytes?: number;
    }
  | {
      kind: 'retry';
      /** What failed: the way there, the receiver's store, or the receiver. */
      cause: 'network' | 'timeout' | 'storage' | 'server';
      /** No answer came although the browser says it is online: an ad blocker, a CSP, or nobody there. */
      unanswered?: boolean;
      detail?: string;
      /** The receiver's wish, in milliseconds from now. */
      retryAfterMs?: number;
    }
  | { kind: 'rate-limited'; retryAfterMs?: number; detail?: string }
  | { kind: 'held'; detail?: string };

/**
 * Why an event was lost. The same words in code, `stats()`, `on('dropped')`, the ledger and the docs.
 *
 * | reason | meaning |
 * |---|---|
 * | `invalid` | name, properties or options are not what `track` takes (empty name, cyclic, not JSON, a getter threw) |
 * | `too-large` | the event alone is over the event limit, or over the receiver's |
 * | `queue-full` | evicted by the bounds: oldest first, lowest priority first |
 * | `expired` | older than `maxAgeMs` |
 * | `blocked` | older than `maxAgeMs` while every attempt was blocked (ad blocker, CSP) |
 * | `refused` | the receiver refused it for good; kept in the quarantine for inspection |
 * | `consent` | purged because consent was denied |
 * | `plugin` | a plugin or `beforeSend` said so |
 * | `sampled` | not in the sample |
 * | `buffer-full` | more than the page can hold before the host answers |
 * | `storage` | the store lost or refused it and no place was left |
 * | `closed` | tracked after `close()` |
 */
export type DropReason =
  | 'invalid'
  | 'too-large'
  | 'queue-full'
  | 'expired'
  | 'blocked'
  | 'refused'
  | 'consent'
  | 'plugin'
  | 'sampled'
  | 'buffer-full'
  | 'storage'
  | 'closed';

/** What set a delivery off: see flush-trigger.ts. */
export type FlushReason = 'size' | 'bytes' | 'age' | 'priority' | 'manual' | 'exit' | 'retry';
