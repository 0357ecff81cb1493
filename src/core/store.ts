import type { QueueState } from './queue-state.js';

/**
 * Where a record lies. Within a lane, order is age.
 * `low`, `normal` and `critical` wait to be sent (critical first) and are evicted in the other direction (low first).
 * `carried` holds copies of what a leaving page sent by itself: not sent until the receiver said which of them it lacks.
 * `quarantine` holds what the receiver refused for good, for inspection.
 */
export type Lane = 'low' | 'normal' | 'critical' | 'carried' | 'quarantine';

/**
 * Some events that were added together, stored as one.
 *
 * One record per message instead of one per event is 7 to 12 times faster in IndexedDB (docs: PLATFORM finding 5).
 */
export interface StoredRecord<E> {
  lane: Lane;
  /**
   * Number of its first event in the queue's log; the i-th event has `offset + i`. So a record can be split without
   * renumbering, a batch is a range of offsets, and removing a batch is removing a range.
   */
  offset: number;
  /** 1 to `maxBatchSize` events. */
  events: E[];
  /** Encoded size of each event in bytes; same length as `events`. */
  sizes: number[];
  /** Wall-clock time when it was added, in ms since the epoch. */
  at: number;
}

/** What one transaction can do. Every read sees the writes before it in the same transaction. */
export interface StoreTransaction<E> {
  /** The queue's state; undefined before the first write. */
  readState(): Promise<QueueState | undefined>;
  /** Replaces the queue's state. */
  writeState(state: QueueState): Promise<void>;
  /** Records of one lane with `from <= offset < to`, oldest first, at most `limit`. */
  readRecords(lane: Lane, from: number, to: number, limit: number): Promise<StoredRecord<E>[]>;
  /** Adds the record, or replaces the one with the same lane and offset. */
  writeRecord(record: StoredRecord<E>): Promise<void>;
  /** Removes every record of the lane with `from <= offset < to`. */
  removeRecords(lane: Lane, from: number, to: number): Promise<void>;
  /** What is known of one source: which of its sequence numbers were ever stored here. Undefined when never seen. */
  readSource(source: string): Promise<SourceRecord | undefined>;
  /** Replaces what is known of a source. */
  writeSource(source: string, record: SourceRecord): Promise<void>;
  /** Forgets the sources not touched since `before` (ms since the epoch). */
  removeSources(before: number): Promise<void>;
}

/** The sequence numbers of one source that reached this store, so that a repeated hand-over is recognised. */
export interface SourceRecord {
  /** Sorted, disjoint, inclusive ranges. */
  stored: [first: number, last: number][];
  /** When it was last written, in ms since the epoch. */
  at: number;
}

/**
 * The durable log behind one queue.
 *
 * `transact` runs `body` in one atomic transaction: all of its writes become durable, or none does.
 * It resolves after the commit (IndexedDB: `oncomplete`), with what `body` returned.
 * Transactions of one store run one after another, also across tabs and workers that share the database.
 * `body` must await nothing but the transaction's own methods, or the transaction may close under it. It may be run a second time,
 * when the connection was lost and nothing of the first run was kept: so it changes nothing but the store until it returns.
 *
 * Fails with a {@link PetrelError} of code `store-full`, `store-timeout` or `store-unavailable`; nothing of the transaction is kept then.
 * The contract is test/contract/store.contract.ts; every implementation runs it.
 */
export interface Store<E> {
  /** Runs `body` in one transaction; see {@link Store}. */
  transact<T>(body: (tx: StoreTransaction<E>) => Promise<T>): Promise<T>;
  /** Lets go of the connection; later calls fail with `store-unavailable`. What is stored stays. */
  close(): void;
}
