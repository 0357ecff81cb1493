/**
 * What waits. Every operation is one transaction on the store that reads the state, changes it and writes it back, so nothing
 * here remembers anything: tabs, workers and restarts cannot disagree.
 */
import type { Clock } from './clock.js';
import type { AddOptions, AddResult } from './event-batcher.js';
import type { EngineOptions } from './options.js';
import type { DropReason } from './outcome.js';
import {
  addTombstone,
  checkState,
  countDrop,
  type FrozenBatch,
  type PauseReason,
  type QueueState,
  type Tombstone,
  type Waiting,
} from './queue-state.js';
import { addRange, contains, countRanges, type Ranges } from './ranges.js';
import { REFUSALS_BEFORE_HOLD } from './retry.js';
import type { Lane, Store, StoredRecord, StoreTransaction } from './store.js';
import type { SourceRange } from './wire.js';

/** Events in one record, at most: what one read brings in should be about one batch. */
const MAX_RECORD_EVENTS = 100;

/** Refused events kept for inspection, the newest. */
export const MAX_QUARANTINE = 100;

/** Records of the carried lane one request asks about. */
const CARRIED_PER_REQUEST = 20;

/** Sources not heard of for this long are forgotten: no page hands over the same events again after it. */
const SOURCE_MEMORY_MS = 7 * 86_400_000;

const EVICTION_ORDER: readonly Lane[] = ['low', 'carried', 'normal', 'critical'];

export interface QueueOptions<E> {
  store: Store<E>;
  clock: Clock;
  limits: Required<EngineOptions>;
  sizeOf: (event: E) => number;
  identify: (event: E) => { source: string; seq: number } | undefined;
}

/** Events that were dropped by an operation, for the listeners. */
export interface Dropped<E> {
  events: E[];
  reason: DropReason;
  detail?: string;
}

/** What every operation returns: the state after it, and what it dropped. */
export interface Changed<E> {
  state: QueueState;
  dropped: Dropped<E>[];
}

/** A batch with its events, as taken for an attempt. */
export interface TakenBatch<E> {
  frozen: FrozenBatch;
  events: E[];
  drops: Tombstone[];
  carried: SourceRange[];
  /** Offsets below this in the carried lane are answered by `carried`. */
  carriedTo: number;
}

/** How an attempt ended for each event of a batch. Indices into its events. */
export interface Settlement {
  delivered: 'all' | number[];
  refused: { index: number; reason: string }[];
  /** What the receiver said to have of `carried`; undefined when it did not say. */
  has?: SourceRange[];
}

export type Queue<E> = ReturnType<typeof createQueue<E>>;

export function createQueue<E>({ store, clock, limits, sizeOf, identify }: QueueOptions<E>) {
  type Tx = StoreTransaction<E>;

  /** Runs one operation: state in, changes, state out. */
  function change<T extends object>(
    body: (tx: Tx, state: QueueState, drop: Drop) => Promise<T>,
  ): Promise<T & Changed<E>> {
    return store.transact(async (tx) => {
      const state = checkState(await tx.readState());
      const dropped: Dropped<E>[] = [];
      const drop: Drop = (events, reason, detail) => {
        if (events.length === 0) return;
        countDrop(state, reason, events.length);
        dropped.push({ events, reason, ...(detail !== undefined && { detail }) });
        for (const event of events) {
          const id = identify(event);
          if (id) addTombstone(state, { source: id.source, first: id.seq, last: id.seq, reason });
        }
      };
      const result = await body(tx, state, drop);
      await tx.writeState(state);
      return { ...result, state, dropped };
    });
  }
  type Drop = (events: E[], reason: DropReason, detail?: string) => void;

  /** Leaves out the events this store has had before, and notes the others as had. */
  async function withoutDuplicates(tx: Tx, events: readonly E[], now: number): Promise<E[]> {
    const seen = new Map<string, Ranges>();
    const fresh: E[] = [];
    for (const event of events) {
      const id = identify(event);
      if (id) {
        let stored = seen.get(id.source);
        if (!stored) {
          stored = (await tx.readSource(id.source))?.stored ?? [];
          seen.set(id.source, stored);
        }
        if (contains(stored, id.seq)) continue;
        addRange(stored, id.seq, id.seq);
      }
      fresh.push(event);
    }
    for (const [source, stored] of seen) await tx.writeSource(source, { stored, at: now });
    return fresh;
  }

  /** Writes the events behind everything else in the lane, cut into records. */
  async function write(tx: Tx, state: QueueState, lane: Lane, events: readonly E[], sizes: number[], at: number) {
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
   * Drops what is over the bounds, oldest of the lowest priority: to the event, or by whole records, which writes nothing
   * but the state and so works in a store that is full.
   */
  async function evict(
    tx: Tx,
    state: QueueState,
    drop: Drop,
    keep: { maxEvents: number; maxBytes: number },
    unit: 'event' | 'record',
  ) {
    const kept = usage(state);
    for (const lane of EVICTION_ORDER) {
      while (state.waiting[lane].events > 0 && (kept.events > keep.maxEvents || kept.bytes > keep.maxBytes)) {
        const [record] = await tx.readRecords(lane, state.head[lane], Number.MAX_SAFE_INTEGER, 1);
        if (!record) {
          forget(state, lane, kept);
          break;
        }
        let gone = 0;
        while (
          gone < record.events.length &&
          (unit === 'record' || kept.events > keep.maxEvents || kept.bytes > keep.maxBytes)
        ) {
          kept.events--;
          kept.bytes -= record.sizes[gone]!;
          gone++;
        }
        drop(record.events.slice(0, gone), unit === 'event' ? 'queue-full' : 'storage');
        await removeFromHead(tx, state, record, gone);
      }
    }
  }

  /** Drops the events whose age is over the limit, at the head of every lane. */
  async function expire(tx: Tx, state: QueueState, drop: Drop, now: number) {
    for (const lane of EVICTION_ORDER) {
      while (state.waiting[lane].events > 0 && state.waiting[lane].oldestAt < now - limits.maxAgeMs) {
        const [record] = await tx.readRecords(lane, state.head[lane], Number.MAX_SAFE_INTEGER, 1);
        if (!record) {
          forget(state, lane);
          break;
        }
        if (record.at >= now - limits.maxAgeMs) {
          state.waiting[lane].oldestAt = record.at;
          break;
        }
        drop(record.events, ageReason(state));
        await removeFromHead(tx, state, record, record.events.length);
      }
    }
  }

  /** Takes the first `gone` events of a lane's first waiting record away. */
  async function removeFromHead(tx: Tx, state: QueueState, record: StoredRecord<E>, gone: number) {
    await tx.removeRecords(record.lane, record.offset, record.offset + 1);
    count(state.waiting[record.lane], -1, record);
    if (gone < record.events.length) {
      const rest = slice(record, gone, record.events.length);
      await tx.writeRecord(rest);
      count(state.waiting[record.lane], 1, rest);
    }
    state.head[record.lane] = record.offset + gone;
    await findOldest(tx, state, record.lane);
  }

  /** Sets when the oldest event of the lane was added. */
  async function findOldest(tx: Tx, state: QueueState, lane: Lane) {
    const waiting = state.waiting[lane];
    if (waiting.events <= 0) {
      waiting.oldestAt = 0;
      return;
    }
    const [next] = await tx.readRecords(lane, state.head[lane], Number.MAX_SAFE_INTEGER, 1);
    waiting.oldestAt = next?.at ?? 0;
  }

  /**
   * The store has fewer records than the state says (removed by hand, corrupt and skipped): counts what is gone, so that the
   * law holds and nothing waits for ever for events that do not exist.
   */
  function forget(state: QueueState, lane: Lane, kept?: { events: number; bytes: number }) {
    const waiting = state.waiting[lane];
    countDrop(state, 'storage', waiting.events);
    if (kept) {
      kept.events -= waiting.events;
      kept.bytes -= waiting.bytes;
    }
    state.waiting[lane] = { events: 0, bytes: 0, records: 0, oldestAt: 0 };
    state.head[lane] = state.nextOffset;
  }

  /** Fixes the composition of the next batch of a lane. */
  async function freeze(tx: Tx, state: QueueState, lane: Lane, now: number) {
    const waiting = state.waiting[lane];
    const maxBytes = Math.min(limits.maxBatchBytes, state.batchBytesLimit ?? Number.POSITIVE_INFINITY);
    const events: E[] = [];
    let bytes = 0;
    let from = -1;
    let to = state.head[lane];
    let full = false;
    while (!full && waiting.events > 0 && events.length < limits.maxBatchSize) {
      // About as many records as the batch will need; one more shows the next one's age.
      const perRecord = Math.max(1, waiting.events / Math.max(1, waiting.records));
      const wanted = Math.ceil((limits.maxBatchSize - events.length) / perRecord) + 1;
      const records = await tx.readRecords(lane, to, Number.MAX_SAFE_INTEGER, wanted);
      if (records.length === 0) {
        forget(state, lane);
        break;
      }
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
        if (fits === record.events.length) {
          events.push(...record.events);
          continue;
        }
        full = true;
        const rest = slice(record, fits, record.events.length);
        count(waiting, 1, rest);
        if (fits > 0) {
          await tx.writeRecord(slice(record, 0, fits));
          await tx.writeRecord(rest);
          events.push(...record.events.slice(0, fits));
        }
        break;
      }
    }
    state.head[lane] = to;
    await findOldest(tx, state, lane);
    if (events.length === 0) return undefined;
    const frozen: FrozenBatch = {
      id: clock.randomId(),
      lane,
      from,
      to,
      events: events.length,
      bytes,
      createdAt: now,
      attempt: 0,
    };
    state.batches.push(frozen);
    return { frozen, events };
  }

  /** The records of a frozen batch. Missing ones are counted: they cannot come back. */
  async function readFrozen(tx: Tx, state: QueueState, frozen: FrozenBatch): Promise<StoredRecord<E>[]> {
    const records = await tx.readRecords(frozen.lane, frozen.from, frozen.to, frozen.events);
    const found = records.reduce((sum, record) => sum + record.events.length, 0);
    if (found < frozen.events) {
      countDrop(state, 'storage', frozen.events - found);
      frozen.events = found;
      frozen.bytes = bytesOf(records);
    }
    if (found === 0) remove(state, frozen);
    return records;
  }

  /**
   * Replaces a frozen batch by batches made of some of its records, with new ids. What is left of the old range is removed.
   */
  async function refreeze(tx: Tx, state: QueueState, frozen: FrozenBatch, groups: StoredRecord<E>[][], now: number) {
    await tx.removeRecords(frozen.lane, frozen.from, frozen.to);
    const batches: FrozenBatch[] = [];
    for (const records of groups) {
      const last = records.at(-1);
      if (!last) continue;
      for (const record of records) await tx.writeRecord(record);
      batches.push({
        id: clock.randomId(),
        lane: frozen.lane,
        from: records[0]!.offset,
        to: last.offset + last.events.length,
        events: records.reduce((sum, record) => sum + record.events.length, 0),
        bytes: bytesOf(records),
        createdAt: now,
        attempt: 0,
      });
    }
    const at = state.batches.findIndex((batch) => batch.id === frozen.id);
    state.batches.splice(at, 1, ...batches);
  }

  /** Keeps a refused event for inspection, in place of the oldest when there is no room. */
  async function quarantine(tx: Tx, state: QueueState, record: StoredRecord<E>) {
    const kept: StoredRecord<E> = { ...record, lane: 'quarantine', offset: state.nextOffset };
    state.nextOffset += record.events.length;
    await tx.writeRecord(kept);
    const waiting = state.waiting.quarantine;
    count(waiting, 1, kept);
    while (waiting.events > MAX_QUARANTINE) {
      const [oldest] = await tx.readRecords('quarantine', 0, Number.MAX_SAFE_INTEGER, 1);
      if (!oldest) return;
      await tx.removeRecords('quarantine', oldest.offset, oldest.offset + 1);
      count(waiting, -1, oldest);
    }
  }

  /** Settles what the receiver was asked about: has it, so it is delivered; has it not, so it waits to be sent. */
  async function settleCarried(tx: Tx, state: QueueState, to: number, has: SourceRange[] | undefined): Promise<E[]> {
    if (to <= state.head.carried) return [];
    const stored = new Map<string, Ranges>();
    for (const [source, first, last] of has ?? []) {
      stored.set(source, addRange(stored.get(source) ?? [], first, last));
    }
    const records = await tx.readRecords('carried', state.head.carried, to, CARRIED_PER_REQUEST);
    const delivered: E[] = [];
    for (const record of records) {
      count(state.waiting.carried, -1, record);
      const missing: E[] = [];
      const sizes: number[] = [];
      record.events.forEach((event, i) => {
        const id = identify(event);
        if (id && contains(stored.get(id.source) ?? [], id.seq)) delivered.push(event);
        else {
          missing.push(event);
          sizes.push(record.sizes[i]!);
        }
      });
      await write(tx, state, 'normal', missing, sizes, record.at);
    }
    await tx.removeRecords('carried', state.head.carried, to);
    state.head.carried = to;
    await findOldest(tx, state, 'carried');
    await findOldest(tx, state, 'normal');
    state.counters.delivered += delivered.length;
    return delivered;
  }

  /** Does to the records of a frozen batch what `fate` says of each event. */
  function sort(records: StoredRecord<E>[], fate: (index: number) => 'keep' | 'gone') {
    const kept: StoredRecord<E>[] = [];
    let index = 0;
    for (const record of records) {
      let start = -1;
      for (let i = 0; i <= record.events.length; i++) {
        const keep = i < record.events.length && fate(index + i) === 'keep';
        if (keep && start < 0) start = i;
        else if (!keep && start >= 0) {
          kept.push(slice(record, start, i));
          start = -1;
        }
      }
      index += record.events.length;
    }
    return kept;
  }

  return {
    /** Reads the state without changing anything. */
    state: (): Promise<QueueState> => store.transact(async (tx) => checkState(await tx.readState())),

    /** Stores events behind those that wait; over the bounds, the oldest make room. */
    add: (
      events: readonly E[],
      { priority = 'normal', carried = false }: AddOptions,
    ): Promise<AddResult & Changed<E>> =>
      change(async (tx, state, drop) => {
        const now = clock.now();
        const fresh = await withoutDuplicates(tx, events, now);
        const lane = carried ? 'carried' : priority;
        if (fresh.length > 0 && state.waiting[lane].events === 0) state.waiting[lane].oldestAt = now;
        await write(tx, state, lane, fresh, fresh.map(sizeOf), now);
        state.counters.accepted += fresh.length;
        await evict(tx, state, drop, limits, 'event');
        return { stored: fresh.length, duplicates: events.length - fresh.length };
      }),

    /** Counts events that were numbered but never got here. */
    recordDrops: (drops: readonly Tombstone[]): Promise<Changed<E>> =>
      change(async (tx, state) => {
        const now = clock.now();
        for (const { source, first, last, reason } of drops) {
          const stored = (await tx.readSource(source))?.stored ?? [];
          const before = countRanges(stored);
          for (let seq = first; seq <= last; ) {
            // Only what is not stored: a repeated message must not count twice, nor call a stored event dropped.
            const [, end] = stored.find(([a, b]) => seq >= a && seq <= b) ?? [];
            if (end !== undefined) {
              seq = end + 1;
              continue;
            }
            const next = stored.find(([a]) => a > seq)?.[0] ?? Number.POSITIVE_INFINITY;
            const stop = Math.min(last, next - 1);
            addTombstone(state, { source, first: seq, last: stop, reason });
            addRange(stored, seq, stop);
            seq = stop + 1;
          }
          const dropped = countRanges(stored) - before;
          state.counters.accepted += dropped;
          if (dropped > 0) countDrop(state, reason, dropped);
          await tx.writeSource(source, { stored, at: now });
        }
        return {};
      }),

    /** Makes the queue fit its bounds and its age limit: at start, when they may be smaller than before. */
    tidy: (): Promise<Changed<E>> =>
      change(async (tx, state, drop) => {
        const now = clock.now();
        await expire(tx, state, drop, now);
        await evict(tx, state, drop, limits, 'event');
        await tx.removeSources(now - SOURCE_MEMORY_MS);
        return {};
      }),

    /** Drops the oldest tenth: the store said it is full. */
    makeRoom: (): Promise<Changed<E>> =>
      change(async (tx, state, drop) => {
        const used = usage(state);
        const keep = { maxEvents: Math.floor(used.events * 0.9), maxBytes: Math.floor(used.bytes * 0.9) };
        await evict(tx, state, drop, keep, 'record');
        return {};
      }),

    /**
     * The next batch to send: one that was frozen before and is not under way, else a new one of the first of `lanes` that
     * has something waiting. Nothing when there is none; with `report`, then a batch without events, if there is something to tell.
     */
    take: (
      lanes: readonly Lane[],
      underway: ReadonlySet<string>,
      report: boolean,
    ): Promise<{ batch: TakenBatch<E> | undefined } & Changed<E>> =>
      change(async (tx, state, drop) => {
        const now = clock.now();
        await expire(tx, state, drop, now);
        let taken: { frozen: FrozenBatch; events: E[] } | undefined;
        for (const frozen of [...state.batches]) {
          if (underway.has(frozen.id) || taken) continue;
          const records = await readFrozen(tx, state, frozen);
          const old = records.filter((record) => record.at < now - limits.maxAgeMs);
          if (old.length > 0) {
            for (const record of old) drop(record.events, ageReason(state));
            const rest = records.filter((record) => !old.includes(record));
            await refreeze(tx, state, frozen, [rest], now);
            const renewed = state.batches.find((batch) => batch.from === rest[0]?.offset && batch.lane === frozen.lane);
            if (renewed) taken = { frozen: renewed, events: rest.flatMap((record) => record.events) };
          } else if (records.length > 0) taken = { frozen, events: records.flatMap((record) => record.events) };
        }
        for (const lane of lanes)
          taken ??= state.waiting[lane].events > 0 ? await freeze(tx, state, lane, now) : undefined;

        if (
          !taken &&
          !(report && underway.size === 0 && (state.tombstones.length > 0 || state.waiting.carried.events > 0))
        ) {
          return { batch: undefined };
        }
        const records = await tx.readRecords(
          'carried',
          state.head.carried,
          Number.MAX_SAFE_INTEGER,
          underway.size === 0 ? CARRIED_PER_REQUEST : 0,
        );
        const last = records.at(-1);
        const frozen = taken?.frozen ?? emptyBatch(clock.randomId(), now);
        const batch: TakenBatch<E> = {
          frozen: { ...frozen },
          events: taken?.events ?? [],
          drops: state.tombstones.map((tombstone) => ({ ...tombstone })),
          carried: rangesOf(records.flatMap((record) => record.events.map(identify))),
          carriedTo: last ? last.offset + last.events.length : state.head.carried,
        };
        return { batch };
      }),

    /** Removes what the receiver settled; the rest of the batch becomes a new one at its place. */
    settle: (taken: TakenBatch<E>, { delivered, refused, has }: Settlement): Promise<{ delivered: E[] } & Changed<E>> =>
      change(async (tx, state, drop) => {
        const now = clock.now();
        const done: E[] = [];
        const frozen = state.batches.find((batch) => batch.id === taken.frozen.id);
        if (frozen) {
          const records = await readFrozen(tx, state, frozen);
          const ids = delivered === 'all' ? undefined : new Set(delivered);
          const reasons = new Map(refused.map(({ index, reason }) => [index, reason]));
          const isDelivered = (index: number) => !reasons.has(index) && (ids === undefined || ids.has(index));
          let index = 0;
          for (const record of records) {
            for (let i = 0; i < record.events.length; i++, index++) {
              const event = record.events[i]!;
              if (isDelivered(index)) done.push(event);
              else if (reasons.has(index)) {
                await quarantine(tx, state, slice(record, i, i + 1));
                drop([event], 'refused', reasons.get(index));
              }
            }
          }
          if (done.length + reasons.size >= index) {
            await tx.removeRecords(frozen.lane, frozen.from, frozen.to);
            remove(state, frozen);
          } else {
            const rest = sort(records, (i) => (isDelivered(i) || reasons.has(i) ? 'gone' : 'keep'));
            await refreeze(tx, state, frozen, [rest], now);
          }
        }
        state.counters.delivered += done.length;
        if (done.length > 0 || taken.events.length === 0) state.refusals = 0;
        state.failures = 0;
        // Another batch's 429 stands, although this one got through.
        if (state.pause?.reason === 'backoff' || state.pause?.reason === 'blocked') delete state.pause;
        if (state.batchBytesLimit !== undefined && done.length > 0) {
          state.batchBytesLimit *= 2;
          if (state.batchBytesLimit >= limits.maxBatchBytes) delete state.batchBytesLimit;
        }
        state.tombstones = withoutTold(state.tombstones, taken.drops);
        done.push(...(await settleCarried(tx, state, taken.carriedTo, has)));
        return { delivered: done };
      }),

    /** Cuts a batch in two, with new ids. A batch of one event cannot be cut: see {@link refuse}. */
    split: (taken: TakenBatch<E>, tooLarge: boolean): Promise<Changed<E>> =>
      change(async (tx, state) => {
        const frozen = state.batches.find((batch) => batch.id === taken.frozen.id);
        if (!frozen) return {};
        if (tooLarge) state.batchBytesLimit = Math.max(1, Math.floor(frozen.bytes / 2));
        const records = await readFrozen(tx, state, frozen);
        const half = Math.ceil(frozen.events / 2);
        const first = sort(records, (index) => (index < half ? 'keep' : 'gone'));
        const second = sort(records, (index) => (index >= half ? 'keep' : 'gone'));
        await refreeze(tx, state, frozen, [first, second], clock.now());
        return {};
      }),

    /**
     * Drops the one event of a batch for good, and keeps it in the quarantine. Not when so many single events were refused in a
     * row that the receiver must be taken to refuse everything: then `done` is false and nothing is changed.
     */
    refuse: (
      taken: TakenBatch<E>,
      reason: 'refused' | 'too-large',
      detail?: string,
    ): Promise<{ done: boolean } & Changed<E>> =>
      change(async (tx, state, drop) => {
        const frozen = state.batches.find((batch) => batch.id === taken.frozen.id);
        if (state.refusals >= REFUSALS_BEFORE_HOLD) return { done: false };
        if (!frozen) return { done: true };
        for (const record of await readFrozen(tx, state, frozen)) {
          await quarantine(tx, state, record);
          drop(record.events, reason, detail);
        }
        await tx.removeRecords(frozen.lane, frozen.from, frozen.to);
        remove(state, frozen);
        state.refusals++;
        return { done: true };
      }),

    /** Notes a failed attempt and how long nothing is to be sent. The batch stays as it is, at the front. */
    fail: (
      taken: TakenBatch<E>,
      pause: (state: QueueState) => { waitMs: number; reason: PauseReason },
      detail?: string,
    ): Promise<Changed<E>> =>
      change(async (_tx, state) => {
        const now = clock.now();
        const frozen = state.batches.find((batch) => batch.id === taken.frozen.id);
        if (frozen) frozen.attempt = taken.frozen.attempt + 1;
        // Of several batches that fail together, the first one counts: it is one receiver that is ill, once.
        if (state.pause && state.pause.until > now && state.pause.reason === 'backoff') {
          const next = pause(state);
          if (next.reason !== 'backoff') state.pause = { ...next, until: now + next.waitMs, ...(detail && { detail }) };
          return {};
        }
        state.failures++;
        const { waitMs, reason } = pause(state);
        state.pause = { until: now + waitMs, waitMs, reason, ...(detail !== undefined && { detail }) };
        return {};
      }),

    /** Ends a pause whose time has come, or that a clock set back has made longer than it was meant to be. */
    checkPause: (): Promise<Changed<E>> =>
      change(async (_tx, state) => {
        const now = clock.now();
        if (!state.pause) return {};
        if (state.pause.until <= now) delete state.pause;
        else if (state.pause.until > now + state.pause.waitMs) state.pause.until = now + state.pause.waitMs;
        return {};
      }),

    /** Shortens a backoff to `waitMs`: there is reason to believe that the receiver can be reached again. */
    hurry: (waitMs: number): Promise<Changed<E>> =>
      change(async (_tx, state) => {
        const until = clock.now() + waitMs;
        if (state.pause?.reason === 'backoff' && state.pause.until > until) state.pause.until = until;
        return {};
      }),

    /** Drops everything that waits, in batches too. */
    purge: (reason: DropReason): Promise<Changed<E>> =>
      change(async (tx, state, drop) => {
        for (const lane of ['low', 'normal', 'critical', 'carried', 'quarantine'] as const) {
          const expected =
            state.waiting[lane].events +
            state.batches.reduce((sum, batch) => sum + (batch.lane === lane ? batch.events : 0), 0);
          let found = 0;
          for (let from = 0; ; ) {
            const records = await tx.readRecords(lane, from, Number.MAX_SAFE_INTEGER, 100);
            if (records.length === 0) break;
            for (const record of records) {
              found += record.events.length;
              if (lane !== 'quarantine') drop(record.events, reason);
            }
            from = records.at(-1)!.offset + 1;
          }
          if (lane !== 'quarantine' && found < expected) countDrop(state, 'storage', expected - found);
          await tx.removeRecords(lane, 0, Number.MAX_SAFE_INTEGER);
          state.waiting[lane] = { events: 0, bytes: 0, records: 0, oldestAt: 0 };
          state.head[lane] = state.nextOffset;
        }
        state.batches = [];
        return {};
      }),

    /** The refused events kept for inspection, oldest first. */
    quarantined: (): Promise<E[]> =>
      store.transact(async (tx) => {
        const records = await tx.readRecords('quarantine', 0, Number.MAX_SAFE_INTEGER, MAX_QUARANTINE);
        return records.flatMap((record) => record.events);
      }),
  };
}

/** Events and bytes kept: what waits and what is in batches. */
function usage(state: QueueState): { events: number; bytes: number } {
  const all: { events: number; bytes: number }[] = [
    ...state.batches,
    ...EVICTION_ORDER.map((lane) => state.waiting[lane]),
  ];
  return {
    events: all.reduce((sum, { events }) => sum + events, 0),
    bytes: all.reduce((sum, { bytes }) => sum + bytes, 0),
  };
}

function ageReason(state: QueueState): DropReason {
  return state.pause?.reason === 'blocked' ? 'blocked' : 'expired';
}

function bytesOf(records: { sizes: number[] }[]): number {
  return records.reduce((sum, { sizes }) => sum + sizes.reduce((a, b) => a + b, 0), 0);
}

function count(waiting: Waiting, sign: 1 | -1, record: { sizes: number[] }): void {
  waiting.records += sign;
  waiting.events += sign * record.sizes.length;
  waiting.bytes += sign * bytesOf([record]);
}

function slice<E>(record: StoredRecord<E>, start: number, end: number): StoredRecord<E> {
  return {
    ...record,
    offset: record.offset + start,
    events: record.events.slice(start, end),
    sizes: record.sizes.slice(start, end),
  };
}

function remove(state: QueueState, { id }: FrozenBatch): void {
  state.batches = state.batches.filter((batch) => batch.id !== id);
}

function emptyBatch(id: string, now: number): FrozenBatch {
  return { id, lane: 'normal', from: 0, to: 0, events: 0, bytes: 0, createdAt: now, attempt: 0 };
}

/** Sequence numbers by source, joined to ranges. */
function rangesOf(ids: ({ source: string; seq: number } | undefined)[]): SourceRange[] {
  const sources = new Map<string, Ranges>();
  for (const id of ids) if (id) sources.set(id.source, addRange(sources.get(id.source) ?? [], id.seq, id.seq));
  return [...sources].flatMap(([source, ranges]) => ranges.map(([first, last]): SourceRange => [source, first, last]));
}

/** What of `tombstones` was not in `told`. A tombstone may have grown since it was told: what grew stays. */
function withoutTold(tombstones: Tombstone[], told: readonly Tombstone[]): Tombstone[] {
  return tombstones.flatMap((tombstone) => {
    const was = told.find(
      ({ source, reason, first, last }) =>
        source === tombstone.source &&
        reason === tombstone.reason &&
        first >= tombstone.first &&
        last <= tombstone.last,
    );
    if (!was) return [tombstone];
    const rest: Tombstone[] = [];
    if (tombstone.first < was.first) rest.push({ ...tombstone, last: was.first - 1 });
    if (tombstone.last > was.last) rest.push({ ...tombstone, first: was.last + 1 });
    return rest;
  });
}
