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
  noneWaiting,
  type PauseReason,
  type QueueState,
  type Tombstone,
  type Waiting,
} from './queue-state.js';
import { addRange, contains, type Ranges } from './ranges.js';
import { REFUSALS_BEFORE_HOLD } from './retry.js';
import type { Lane, Store, StoredRecord, StoreTransaction } from './store.js';
import type { SourceRange } from './wire.js';

/** Past every offset. */
const END = Number.MAX_SAFE_INTEGER;

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
  /** Records of the carried lane with a lower offset are answered by `has`. */
  carriedTo: number;
}

/** What becomes of one event of a batch: kept in the first or second new batch, delivered, or dropped. */
type Fate = 0 | 1 | 'delivered' | DropReason;

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
        const last = dropped.at(-1);
        if (last?.reason === reason && last.detail === detail) last.events.push(...events);
        else dropped.push({ events: [...events], reason, ...(detail !== undefined && { detail }) });
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
   * Takes events off the head of a lane, oldest first, as many of each record as `gone` says; 0 ends it.
   * The one place where waiting events go without a batch.
   */
  async function shed(
    tx: Tx,
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
  async function readHead(tx: Tx, state: QueueState, lane: Lane): Promise<StoredRecord<E> | undefined> {
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
    const over = () => kept.events > keep.maxEvents || kept.bytes > keep.maxBytes;
    for (const lane of EVICTION_ORDER) {
      if (!over()) return;
      await shed(
        tx,
        state,
        lane,
        ({ sizes }) => {
          let gone = 0;
          while (gone < sizes.length && (over() || (gone > 0 && unit === 'record'))) {
            kept.events--;
            kept.bytes -= sizes[gone++]!;
          }
          return gone;
        },
        ({ events }) => drop(events, unit === 'event' ? 'queue-full' : 'storage'),
      );
      await readHead(tx, state, lane);
    }
  }

  /** Drops the events whose age is over the limit, at the head of every lane. */
  async function expire(tx: Tx, state: QueueState, drop: Drop, tooOld: number) {
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

  /** Fixes the composition of the next batch of a lane. */
  async function freeze(tx: Tx, state: QueueState, lane: Lane) {
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
    const frozen = makeBatch(lane, from, to, parts);
    state.batches.push(frozen);
    return { frozen, events };
  }

  /** The records of a frozen batch. Missing ones are counted: they cannot come back. */
  async function readFrozen(tx: Tx, state: QueueState, frozen: FrozenBatch): Promise<StoredRecord<E>[]> {
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
  async function rework(
    tx: Tx,
    state: QueueState,
    drop: Drop,
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
      if (last) batches.push(makeBatch(frozen.lane, group[0]!.offset, last.offset + last.events.length, group));
    }
    state.batches = state.batches.flatMap((batch) => (batch.id === frozen.id ? batches : [batch]));
    return delivered;
  }

  const makeBatch = (lane: Lane, from: number, to: number, parts: { sizes: number[] }[]): FrozenBatch => ({
    id: clock.randomId(),
    lane,
    from,
    to,
    events: parts.reduce((sum, { sizes }) => sum + sizes.length, 0),
    bytes: bytesOf(parts),
    createdAt: clock.now(),
    attempt: 0,
  });

  const find = (state: QueueState, { frozen }: TakenBatch<E>) => state.batches.find(({ id }) => id === frozen.id);

  /** Keeps a refused event for inspection, in place of the oldest when there is no room. */
  async function quarantine(tx: Tx, state: QueueState, record: StoredRecord<E>) {
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

  /** Settles what the receiver was asked about: has it, so it is delivered; has it not, so it waits to be sent. */
  async function settleCarried(tx: Tx, state: QueueState, to: number, has: SourceRange[]): Promise<E[]> {
    const stored = new Map<string, Ranges>();
    for (const [source, first, last] of has) stored.set(source, addRange(stored.get(source) ?? [], first, last));
    const asked: StoredRecord<E>[] = [];
    await shed(
      tx,
      state,
      'carried',
      ({ offset, events }) => (offset < to ? events.length : 0),
      (record) => asked.push(record),
    );
    const delivered: E[] = [];
    for (const { events, sizes, at } of asked) {
      const isStored = (event: E) => {
        const id = identify(event);
        return id !== undefined && contains(stored.get(id.source) ?? [], id.seq);
      };
      delivered.push(...events.filter(isStored));
      const missing = events.map((event) => !isStored(event));
      await write(
        tx,
        state,
        'normal',
        events.filter((_, i) => missing[i]),
        sizes.filter((_, i) => missing[i]),
        at,
      );
    }
    await readHead(tx, state, 'normal');
    state.counters.delivered += delivered.length;
    return delivered;
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
        for (const { source, first, last, reason } of drops) {
          const stored = (await tx.readSource(source))?.stored ?? [];
          // Only the gaps: a repeated message must not count twice, nor call a stored event dropped.
          let next = first;
          for (const [from, to] of [...stored, [last + 1, last + 1] as const]) {
            const end = Math.min(from - 1, last);
            if (next <= end) {
              addTombstone(state, { source, first: next, last: end, reason });
              countDrop(state, reason, end - next + 1);
              state.counters.accepted += end - next + 1;
            }
            next = Math.max(next, to + 1);
          }
          await tx.writeSource(source, { stored: addRange(stored, first, last), at: clock.now() });
        }
        return {};
      }),

    /** Makes the queue fit its bounds and its age limit: at start, when they may be smaller than before. */
    tidy: (): Promise<Changed<E>> =>
      change(async (tx, state, drop) => {
        const now = clock.now();
        await expire(tx, state, drop, now - limits.maxAgeMs);
        await evict(tx, state, drop, limits, 'event');
        await tx.removeSources(now - SOURCE_MEMORY_MS);
        return {};
      }),

    /** Drops the oldest tenth: the store said it is full. */
    makeRoom: (): Promise<Changed<E>> =>
      change(async (tx, state, drop) => {
        const { events, bytes } = usage(state);
        await evict(
          tx,
          state,
          drop,
          { maxEvents: Math.floor(events * 0.9), maxBytes: Math.floor(bytes * 0.9) },
          'record',
        );
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
        const tooOld = clock.now() - limits.maxAgeMs;
        await expire(tx, state, drop, tooOld);
        let frozen: FrozenBatch | undefined;
        let records: StoredRecord<E>[] = [];
        for (;;) {
          frozen = state.batches.find(({ id }) => !underway.has(id));
          records = frozen ? await readFrozen(tx, state, frozen) : [];
          if (!frozen || (records.length > 0 && records.every(({ at }) => at >= tooOld))) break;
          await rework(tx, state, drop, frozen, (_, { at }) => (at < tooOld ? ageReason(state) : 0));
        }
        let taken = frozen && { frozen, events: records.flatMap(({ events }) => events) };
        for (const lane of lanes) taken ??= await freeze(tx, state, lane);

        // One question at a time: with several batches under way, two would ask the same.
        const alone = underway.size === 0;
        const tell = report && alone && (state.tombstones.length > 0 || state.waiting.carried.events > 0);
        if (!taken && !tell) return { batch: undefined };
        const carried = await tx.readRecords('carried', state.head.carried, END, alone ? CARRIED_PER_REQUEST : 0);
        const last = carried.at(-1);
        const batch: TakenBatch<E> = {
          frozen: { ...(taken?.frozen ?? makeBatch('normal', 0, 0, [])) },
          events: taken?.events ?? [],
          drops: state.tombstones.map((tombstone) => ({ ...tombstone })),
          carried: rangesOf(carried.flatMap(({ events }) => events.map(identify))),
          carriedTo: last ? last.offset + 1 : 0,
        };
        return { batch };
      }),

    /** Removes what the receiver settled; the rest of the batch becomes a new one at its place. */
    settle: (
      taken: TakenBatch<E>,
      { delivered, refused, has = [] }: Settlement,
    ): Promise<{ delivered: E[] } & Changed<E>> =>
      change(async (tx, state, drop) => {
        const frozen = find(state, taken);
        let done: E[] = [];
        if (frozen && delivered === 'all') {
          // Without reading it again: this is every healthy batch.
          done = taken.events;
          await tx.removeRecords(frozen.lane, frozen.from, frozen.to);
          state.batches = state.batches.filter((batch) => batch !== frozen);
        } else if (frozen && delivered !== 'all') {
          const stored = new Set(delivered);
          const reasons = new Map(refused.map(({ index, reason }) => [index, reason]));
          done = await rework(
            tx,
            state,
            drop,
            frozen,
            (index) => (reasons.has(index) ? 'refused' : stored.has(index) ? 'delivered' : 0),
            (index) => reasons.get(index),
          );
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
        // One that has grown since it was told is told again, whole: telling twice does no harm.
        state.tombstones = state.tombstones.filter(
          (tombstone) => !taken.drops.some((told) => JSON.stringify(told) === JSON.stringify(tombstone)),
        );
        return { delivered: [...done, ...(await settleCarried(tx, state, taken.carriedTo, has))] };
      }),

    /** Cuts a batch in two, with new ids. A batch of one event cannot be cut: see {@link refuse}. */
    split: (taken: TakenBatch<E>, tooLarge: boolean): Promise<Changed<E>> =>
      change(async (tx, state, drop) => {
        const frozen = find(state, taken);
        if (!frozen) return {};
        if (tooLarge) state.batchBytesLimit = Math.max(1, Math.floor(frozen.bytes / 2));
        await rework(tx, state, drop, frozen, (index) => (index < frozen.events / 2 ? 0 : 1));
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
        const frozen = find(state, taken);
        if (state.refusals >= REFUSALS_BEFORE_HOLD) return { done: false };
        if (!frozen) return { done: true };
        await rework(
          tx,
          state,
          drop,
          frozen,
          () => reason,
          () => detail,
        );
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
        const frozen = find(state, taken);
        if (frozen) frozen.attempt = taken.frozen.attempt + 1;
        // Of several batches that fail together, the first one counts: it is one receiver that is ill, once.
        const again = state.pause?.reason === 'backoff' && state.pause.until > now;
        if (!again) state.failures++;
        const { waitMs, reason } = pause(state);
        if (!again || reason !== 'backoff') {
          state.pause = { until: now + waitMs, waitMs, reason, ...(detail !== undefined && { detail }) };
        }
        return {};
      }),

    /**
     * Ends a pause whose time has come, or that a clock set back has made longer than it was meant to be. A backoff is cut to
     * `waitMs`, when given: there is reason to believe that the receiver can be reached again.
     */
    checkPause: (waitMs = Number.POSITIVE_INFINITY): Promise<Changed<E>> =>
      change(async (_tx, state) => {
        const now = clock.now();
        const { pause } = state;
        if (!pause) return {};
        const longest = pause.reason === 'backoff' ? Math.min(waitMs, pause.waitMs) : pause.waitMs;
        if (pause.until <= now) delete state.pause;
        else pause.until = Math.min(pause.until, now + longest);
        return {};
      }),

    /** Drops everything that waits, in batches too. */
    purge: (reason: DropReason): Promise<Changed<E>> =>
      change(async (tx, state, drop) => {
        for (const frozen of state.batches) await rework(tx, state, drop, frozen, () => reason);
        for (const lane of EVICTION_ORDER) {
          await shed(
            tx,
            state,
            lane,
            ({ events }) => events.length,
            ({ events }) => drop(events, reason),
          );
        }
        await tx.removeRecords('quarantine', 0, END);
        state.waiting.quarantine = noneWaiting();
        return {};
      }),

    /** The refused events kept for inspection, oldest first. */
    quarantined: (): Promise<E[]> =>
      store.transact(async (tx) => {
        const records = await tx.readRecords('quarantine', 0, END, MAX_QUARANTINE);
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

/** Sequence numbers by source, joined to ranges. */
function rangesOf(ids: ({ source: string; seq: number } | undefined)[]): SourceRange[] {
  const sources = new Map<string, Ranges>();
  for (const id of ids) if (id) sources.set(id.source, addRange(sources.get(id.source) ?? [], id.seq, id.seq));
  return [...sources].flatMap(([source, ranges]) => ranges.map(([first, last]): SourceRange => [source, first, last]));
}
