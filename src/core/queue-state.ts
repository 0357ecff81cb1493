import type { DropReason } from './outcome.js';
import type { Lane } from './store.js';

/** Events and bytes, added up. */
export interface Totals {
  events: number;
  bytes: number;
  records: number;
}

/**
 * A batch whose composition is fixed: it was written before its first attempt and keeps its id and content until it is settled or split.
 * The events stay in their lane; the batch is the range of their offsets.
 */
export interface FrozenBatch {
  /** Unique over all queues and time. */
  id: string;
  lane: Lane;
  /** Offset of its first event. */
  from: number;
  /** Offset after its last event. */
  to: number;
  events: number;
  bytes: number;
  /** When it was frozen, in ms since the epoch. */
  createdAt: number;
  /** Attempts made and ended so far. */
  attempt: number;
}

/** Sequence numbers of one source that were dropped, and why. Told to the receiver with the next batch. */
export interface Tombstone {
  source: string;
  first: number;
  last: number;
  reason: DropReason;
}

/** Nothing is sent before `until`. Kept in the store, so that a restarted worker does not forget it. */
export interface Pause {
  /** In ms since the epoch. */
  until: number;
  /** How long the wait was when it began; a clock that jumped back cannot make it longer than this. */
  waitMs: number;
  /**
   * `backoff`: an attempt failed. `rate-limited`: the receiver asked for it. `held`: key or address refused.
   * `blocked`: requests do not leave the browser (ad blocker, CSP).
   */
  reason: 'backoff' | 'rate-limited' | 'held' | 'blocked';
  /** The last failure in words, for `stats()` and the debug log. */
  detail?: string;
}

/**
 * Everything about a queue but its events: one small record, read and written in each transaction, so that any number of
 * tabs and worker versions agree and a killed worker forgets nothing.
 *
 * The law: `accepted = delivered + dropped + waiting + inFlight` (stats.ts).
 */
export interface QueueState {
  /** Version of this shape. Changes are additive; a higher one is refused, not overwritten. */
  version: 1;
  /** Offset the next event gets. */
  nextOffset: number;
  /** What waits, per lane: not in a frozen batch. The quarantine's events are already counted as dropped. */
  waiting: Record<Lane, Totals>;
  /** First offset of each lane that is not in a frozen batch. */
  head: Record<Lane, number>;
  /** Frozen batches, in the order in which they are to leave. */
  batches: FrozenBatch[];
  /** Cumulative since the database was made. */
  counters: { accepted: number; delivered: number; dropped: Partial<Record<DropReason, number>> };
  /** Drops the receiver has not been told of. */
  tombstones: Tombstone[];
  /** Failed attempts in a row, over all batches: the receiver's health, not a batch's. Reset by any success. */
  failures: number;
  /** Attempts in a row that never left the browser while it was online. */
  blocked: number;
  pause?: Pause;
  /** When the oldest waiting event was added, in ms since the epoch; undefined when nothing waits. */
  oldestAt?: number;
}
