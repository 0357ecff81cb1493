/**
 * The lanes of a queue: what waits, in order of age. Every function works within one transaction, on the state it is given.
 */
import type { EngineOptions } from './options.js';
import type { DropReason } from './outcome.js';
import { countDrop, noneWaiting, type QueueState, type Waiting } from './queue-state.js';
import type { Lane, StoredRecord, StoreTransaction } from './store.js';

/** Past every offset. */
export const END = Number.MAX_SAFE_INTEGER;

/** Events in one record, at most: what one read brings in should be about one batch. */
const MAX_RECORD_EVENTS = 100;

/** Who goes first when there is no room. */
export const EVICTION_ORDER: readonly Lane[] = ['low', 'carried', 'normal', 'critical'];

/** Counts dropped events, with a tombstone for each that has a number. */
export type Drop<E> = (events: E[], reason: DropReason, detail?: string) => void;

/** Writes the events behind everything else in the lane, cut into records. */
export async function append<E>(
  tx: StoreTransaction<E>,
  state: QueueState,
  limits: Required<EngineOptions>,
  lane: Lane,
  events: readonly E[],
  sizes: number[],
  at: number,
) {
  const most = Math.min(MAX_RECORD_EVENTS, limits.maxBatchSize);
  let start = 0;
  while (start < events.length) {
    let end = start;
    let bytes = 0;
    while (end < events.length && end - start < most) {
      const size = sizes[end]!;
      if (end > start && bytes + size > limits.maxBatchBytes) break;
      bytes += size;
      end++;
    }
    const record = {
      lane,
      offset: state.nextOffset,
      events: events.slice(start, end),
      sizes: sizes.slice(start, end),
      at,
    };
    await tx.writeRecord(record);
    state.nextOffset += end - start;
    count(state.waiting[lane], 1, record);
    start = end;
  }
}

/**
 * Takes events off the head of a lane, oldest first, as many of each record as `gone` says; 0 ends it.
 * The one place where waiting events go without a batch.
 */
export async function shed<E>(
  tx: StoreTransaction<E>,
  state: QueueState,
  lane: Lane,
  gone: (record: StoredRecord<E>) => number,
  consume: (part: StoredRecord<E>) => void,
) {
  const waiting = state.waiting[lane];
  while (waiting.events > 0) {
    const record = await readHead(tx, state, lane);
    const taken = record ? gone(record) : 0;
    if (!record || taken === 0) return;
    consume(slice(record, 0, taken));
    await tx.removeRecords(lane, record.offset, record.offset + 1);
    count(waiting, -1, record);
    if (taken < record.events.length) {
      const rest = slice(record, taken, record.events.length);
      await tx.writeRecord(rest);
      count(waiting, 1, rest);
    }
    state.head[lane] = record.offset + taken;
  }
}

/** The first waiting record of a lane; notes when it was added. */
export async function readHead<E>(
  tx: StoreTransaction<E>,
  state: QueueState,
  lane: Lane,
): Promise<StoredRecord<E> | undefined> {
  const waiting = state.waiting[lane];
  const [record] = waiting.events > 0 ? await tx.readRecords(lane, state.head[lane], END, 1) : [];
  waiting.oldestAt = record?.at ?? 0;
  if (!record && waiting.events > 0) {
    // The store has fewer records than the state says (removed by hand, corrupt and skipped). What is gone is counted, so that
    // the law holds and nothing waits for ever for events that do not exist.
    countDrop(state, 'storage', waiting.events);
    state.waiting[lane] = noneWaiting();
    state.head[lane] = state.nextOffset;
  }
  return record;
}

/** Drops the events whose age is over the limit, at the head of every lane. */
export async function expire<E>(tx: StoreTransaction<E>, state: QueueState, drop: Drop<E>, tooOld: number) {
  for (const lane of EVICTION_ORDER) {
    if (state.waiting[lane].oldestAt >= tooOld) continue;
    await shed(
      tx,
      state,
      lane,
      ({ at, events }) => (at < tooOld ? events.length : 0),
      ({ events }) => drop(events, ageReason(state)),
    );
  }
}

/** Drops everything that waits. */
export async function clear<E>(tx: StoreTransaction<E>, state: QueueState, drop: Drop<E>, reason: DropReason) {
  for (const lane of EVICTION_ORDER) {
    await shed(
      tx,
      state,
      lane,
      ({ events }) => events.length,
      ({ events }) => drop(events, reason),
    );
  }
}

/** Events and bytes kept: what waits and what is in batches. */
export function usage(state: QueueState): { events: number; bytes: number } {
  const all: { events: number; bytes: number }[] = [
    ...state.batches,
    ...EVICTION_ORDER.map((lane) => state.waiting[lane]),
  ];
  return {
    events: all.reduce((sum, { events }) => sum + events, 0),
    bytes: all.reduce((sum, { bytes }) => sum + bytes, 0),
  };
}

export function ageReason(state: QueueState): DropReason {
  return state.blocked ? 'blocked' : 'expired';
}

export function bytesOf(records: { sizes: number[] }[]): number {
  return records.reduce((sum, { sizes }) => sum + sizes.reduce((a, b) => a + b, 0), 0);
}

export function count(waiting: Waiting, sign: 1 | -1, record: { sizes: number[] }): void {
  waiting.records += sign;
  waiting.events += sign * record.sizes.length;
  waiting.bytes += sign * bytesOf([record]);
}

export function slice<E>(record: StoredRecord<E>, start: number, end: number): StoredRecord<E> {
  return {
    ...record,
    offset: record.offset + start,
    events: record.events.slice(start, end),
    sizes: record.sizes.slice(start, end),
  };
}
