/**
 * Frozen batches: made from the head of a lane, read again, and taken apart. Every function works within one transaction, on the
 * state it is given.
 */
import type { Clock } from './clock.js';
import { bytesOf, count, type Drop, END, readHead, shed, slice } from './lanes.js';
import type { EngineOptions } from './options.js';
import type { DropReason } from './outcome.js';
import { countDrop, type FrozenBatch, type QueueState } from './queue-state.js';
import type { Lane, StoredRecord, StoreTransaction } from './store.js';

/** Refused events kept for inspection, the newest. */
export const MAX_QUARANTINE = 100;

/** What becomes of one event of a batch: kept in the first or second new batch, delivered, or dropped. */
export type Fate = 0 | 1 | 'delivered' | DropReason;

/** Fixes the composition of the next batch of a lane. */
export async function freeze<E>(
  tx: StoreTransaction<E>,
  state: QueueState,
  limits: Required<EngineOptions>,
  clock: Clock,
  lane: Lane,
): Promise<{ frozen: FrozenBatch; events: E[] } | undefined> {
  const waiting = state.waiting[lane];
  const maxBytes = Math.min(limits.maxBatchBytes, state.batchBytesLimit ?? Number.POSITIVE_INFINITY);
  const events: E[] = [];
  let bytes = 0;
  const parts: StoredRecord<E>[] = [];
  let from = -1;
  let to = state.head[lane];
  let full = false;
  while (!full && waiting.events > 0 && events.length < limits.maxBatchSize) {
    // About as many records as the batch will need; one more shows the next one's age.
    const perRecord = Math.max(1, waiting.events / Math.max(1, waiting.records));
    const wanted = Math.ceil((limits.maxBatchSize - events.length) / perRecord) + 1;
    const records = await tx.readRecords(lane, to, END, wanted);
    if (records.length === 0) break;
    for (const record of records) {
      let fits = 0;
      while (fits < record.events.length && events.length + fits < limits.maxBatchSize) {
        const size = record.sizes[fits]!;
        if (events.length + fits > 0 && bytes + size > maxBytes) break;
        bytes += size;
        fits++;
      }
      if (from < 0) from = record.offset;
      count(waiting, -1, record);
      to = record.offset + fits;
      const part = slice(record, 0, fits);
      parts.push(part);
      events.push(...part.events);
      if (fits === record.events.length) continue;
      full = true;
      const rest = slice(record, fits, record.events.length);
      count(waiting, 1, rest);
      if (fits > 0) {
        await tx.writeRecord(part);
        await tx.writeRecord(rest);
      }
      break;
    }
  }
  state.head[lane] = to;
  await readHead(tx, state, lane);
  if (events.length === 0) return undefined;
  const frozen = makeBatch(clock, lane, from, to, parts);
  state.batches.push(frozen);
  return { frozen, events };
}

/** The records of a frozen batch. Missing ones are counted: they cannot come back. */
export async function readFrozen<E>(
  tx: StoreTransaction<E>,
  state: QueueState,
  frozen: FrozenBatch,
): Promise<StoredRecord<E>[]> {
  const records = await tx.readRecords(frozen.lane, frozen.from, frozen.to, frozen.events);
  const found = records.reduce((sum, { events }) => sum + events.length, 0);
  if (found < frozen.events) {
    countDrop(state, 'storage', frozen.events - found);
    frozen.events = found;
    frozen.bytes = bytesOf(records);
  }
  if (found === 0) state.batches = state.batches.filter(({ id }) => id !== frozen.id);
  return records;
}

/**
 * Takes a frozen batch apart, event by event: kept in one of the new batches that take its place (0, 1), delivered, or dropped.
 * The new batches have new ids: another composition is another batch.
 */
export async function rework<E>(
  tx: StoreTransaction<E>,
  state: QueueState,
  drop: Drop<E>,
  clock: Clock,
  frozen: FrozenBatch,
  fateOf: (index: number, record: StoredRecord<E>) => Fate,
  detailOf: (index: number) => string | undefined = () => undefined,
): Promise<E[]> {
  const delivered: E[] = [];
  const groups: [StoredRecord<E>[], StoredRecord<E>[]] = [[], []];
  const records = await readFrozen(tx, state, frozen);
  await tx.removeRecords(frozen.lane, frozen.from, frozen.to);
  let index = 0;
  for (const record of records) {
    for (let i = 0; i < record.events.length; i++, index++) {
      const one = slice(record, i, i + 1);
      const fate = fateOf(index, record);
      if (fate === 'delivered') delivered.push(...one.events);
      else if (typeof fate === 'string') {
        if (fate === 'refused' || fate === 'too-large') await quarantine(tx, state, one);
        drop(one.events, fate, detailOf(index));
      } else {
        const before = groups[fate].at(-1);
        if (before && i > 0 && before.offset + before.events.length === one.offset) {
          before.events.push(...one.events);
          before.sizes.push(...one.sizes);
        } else groups[fate].push(one);
      }
    }
  }
  const batches: FrozenBatch[] = [];
  for (const group of groups) {
    for (const record of group) await tx.writeRecord(record);
    const last = group.at(-1);
    if (last) batches.push(makeBatch(clock, frozen.lane, group[0]!.offset, last.offset + last.events.length, group));
  }
  state.batches = state.batches.flatMap((batch) => (batch.id === frozen.id ? batches : [batch]));
  return delivered;
}

/** A batch of these parts of a lane, with a new id. Without parts: one that has only something to tell. */
export const makeBatch = (
  clock: Clock,
  lane: Lane,
  from: number,
  to: number,
  parts: { sizes: number[] }[],
): FrozenBatch => ({
  id: clock.randomId(),
  lane,
  from,
  to,
  events: parts.reduce((sum, { sizes }) => sum + sizes.length, 0),
  bytes: bytesOf(parts),
  createdAt: clock.now(),
  attempt: 0,
});

/** Keeps a refused event for inspection, in place of the oldest when there is no room. */
async function quarantine<E>(tx: StoreTransaction<E>, state: QueueState, record: StoredRecord<E>) {
  const kept: StoredRecord<E> = { ...record, lane: 'quarantine', offset: state.nextOffset };
  state.nextOffset += record.events.length;
  await tx.writeRecord(kept);
  const waiting = state.waiting.quarantine;
  count(waiting, 1, kept);
  await shed(
    tx,
    state,
    'quarantine',
    () => Number(waiting.events > MAX_QUARANTINE),
    () => {},
  );
}
