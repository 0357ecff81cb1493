/**
 * What waits. Every operation is one transaction on the store that reads the state, changes it and writes it back, so nothing
 * here remembers anything: tabs, workers and restarts cannot disagree.
 */

import { freeze, MAX_QUARANTINE, makeBatch, readFrozen, rework } from './batches.js';
import type { Clock } from './clock.js';
import type { AddOptions, AddResult, EventBatch } from './event-batcher.js';
import { evict } from './evict.js';
import type { Due } from './flush-trigger.js';
import { ageReason, append, clear, type Drop, END, expire, usage } from './lanes.js';
import type { EngineOptions } from './options.js';
import type { DropReason, Outcome } from './outcome.js';
import {
  addTombstone,
  checkState,
  countDrop,
  type FrozenBatch,
  noneWaiting,
  type QueueState,
  type Tombstone,
} from './queue-state.js';
import { addRange, contains, type Ranges } from './ranges.js';
import { settle } from './settlement.js';
import { dropTails, keepStored, noteTail, readStored } from './sources.js';
import type { Store, StoredRecord, StoreTransaction } from './store.js';
import type { SourceRange, SourceTail } from './wire.js';

/** Records of the carried lane one request asks about. */
const CARRIED_PER_REQUEST = 20;

/** Sources not heard of for this long are forgotten: no page hands over the same events again after it. */
const SOURCE_MEMORY_MS = 7 * 86_400_000;

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

/** A batch as taken for an attempt. */
export interface TakenBatch<E> {
  batch: EventBatch<E>;
  /** Records of the carried lane with a lower offset are answered by `has`. */
  carriedTo: number;
}

export type Queue<E> = ReturnType<typeof createQueue<E>>;

export function createQueue<E>(given: QueueOptions<E>) {
  const { store, clock, limits, sizeOf, identify } = given;
  type Tx = StoreTransaction<E>;

  /** Runs one operation: state in, changes, state out. */
  function change<T extends object>(
    body: (tx: Tx, state: QueueState, drop: Drop<E>) => Promise<T>,
  ): Promise<T & Changed<E>> {
    return store.transact(async (tx) => {
      const state = checkState(await tx.readState());
      const dropped: Dropped<E>[] = [];
      const drop: Drop<E> = (events, reason, detail) => {
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

  /** Leaves out the events this store has had before, and notes the others as had. */
  async function withoutDuplicates(
    tx: Tx,
    state: QueueState,
    events: readonly E[],
    now: number,
    from: string | undefined,
  ): Promise<E[]> {
    const seen = new Map<string, Ranges>();
    const fresh: E[] = [];
    for (const event of events) {
      const id = identify(event);
      if (id) {
        let stored = seen.get(id.source);
        if (!stored) {
          stored = await readStored(tx, state, id.source);
          seen.set(id.source, stored);
        }
        if (contains(stored, id.seq)) continue;
        addRange(stored, id.seq, id.seq);
      }
      fresh.push(event);
    }
    for (const [source, stored] of seen) await noteTail(tx, state, source, stored, from, now);
    return fresh;
  }

  function cutPause(state: QueueState, waitMs = Number.POSITIVE_INFINITY): void {
    const { pause } = state;
    if (!pause) return;
    const now = clock.now();
    const ours = pause.reason === 'backoff' || pause.reason === 'blocked';
    pause.until = Math.min(pause.until, now + (ours ? Math.min(waitMs, pause.waitMs) : pause.waitMs));
    if (pause.until <= now) delete state.pause;
  }

  return {
    /** Reads the state without changing anything. */
    state: (): Promise<QueueState> => store.transact(async (tx) => checkState(await tx.readState())),

    /** Stores events behind those that wait; over the bounds, the oldest make room. */
    add: (
      events: readonly E[],
      { priority = 'normal', carried = false, from }: AddOptions,
    ): Promise<AddResult & Changed<E>> =>
      change(async (tx, state, drop) => {
        const now = clock.now();
        const fresh = await withoutDuplicates(tx, state, events, now, from);
        const lane = carried ? 'carried' : priority;
        if (fresh.length > 0 && state.waiting[lane].events === 0) state.waiting[lane].oldestAt = now;
        await append(tx, state, limits, lane, fresh, fresh.map(sizeOf), now);
        state.counters.accepted += fresh.length;
        await evict(tx, state, drop, clock, limits, 'event');
        return { stored: fresh.length, duplicates: events.length - fresh.length };
      }),

    /** Counts events that were numbered but never got here. */
    recordDrops: (drops: readonly Tombstone[]): Promise<Changed<E>> =>
      change(async (tx, state) => {
        for (const { source, first, last, reason } of drops) {
          const stored = await readStored(tx, state, source);
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
          await keepStored(tx, state, source, addRange(stored, first, last), clock.now());
        }
        return {};
      }),

    /** Makes the queue fit its bounds and its age limit: at start, when they may be smaller than before. */
    tidy: (): Promise<Changed<E>> =>
      change(async (tx, state, drop) => {
        const now = clock.now();
        await expire(tx, state, drop, now - limits.maxAgeMs);
        await evict(tx, state, drop, clock, limits, 'event');
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
          clock,
          { maxEvents: Math.floor(events * 0.9), maxBytes: Math.floor(bytes * 0.9) },
          'record',
        );
        return {};
      }),

    /**
     * The next batch to send, if `decide` says that one is due: one that was frozen before and is not under way, else a new one of the
     * first of its lanes that has something waiting. Nothing when there is none; with `report`, then a batch without events, if there is
     * something to tell. `alive`: those who may still add something; undefined when nobody knows.
     */
    take: (
      decide: (state: QueueState) => Due | undefined,
      underway: ReadonlySet<string>,
      alive?: readonly string[],
    ): Promise<{ taken?: TakenBatch<E>; due?: Due | undefined } & Changed<E>> =>
      change(async (tx, state, drop) => {
        cutPause(state);
        const tooOld = clock.now() - limits.maxAgeMs;
        await expire(tx, state, drop, tooOld);
        const due = decide(state);
        if (!due) return {};
        const { lanes, report } = due;
        let frozen: FrozenBatch | undefined;
        let records: StoredRecord<E>[] = [];
        for (;;) {
          frozen = state.batches.find(({ id }) => !underway.has(id));
          records = frozen ? await readFrozen(tx, state, frozen) : [];
          if (!frozen || (records.length > 0 && records.every(({ at }) => at >= tooOld))) break;
          await rework(tx, state, drop, clock, frozen, (_, { at }) => (at < tooOld ? ageReason(state) : 0));
        }
        let taken = frozen && { frozen, events: records.flatMap(({ events }) => events) };
        for (const lane of lanes) taken ??= await freeze(tx, state, limits, clock, lane);

        // One question at a time: with several batches under way, two would ask the same.
        const alone = underway.size === 0;
        const tell = report && alone && (state.tombstones.length > 0 || state.waiting.carried.events > 0);
        if (!taken && !tell) return {};
        const carried = await tx.readRecords('carried', state.head.carried, END, alone ? CARRIED_PER_REQUEST : 0);
        const last = carried.at(-1);
        if (taken) taken.frozen.sending = true;
        const events = taken?.events ?? [];
        const { id, createdAt, attempt, bytes } = taken?.frozen ?? makeBatch(clock, 'normal', 0, 0, []);
        const isBacklog = usage(state).events > events.length;
        const batch: EventBatch<E> = {
          id,
          events,
          createdAt,
          attempt: attempt + 1,
          size: events.length,
          approximateBytes: bytes,
          drops: state.tombstones.map((tombstone) => ({ ...tombstone })),
          carried: rangesOf(carried.flatMap(({ events }) => events.map(identify))),
          tails: (state.tails ?? []).flatMap(({ source, last, from, told }): SourceTail[] => {
            const closed = !!alive && !!from && !alive.includes(from);
            // The receiver sees for itself how far a source has come, when nothing is left behind.
            return closed || (isBacklog && last !== told) ? [[source, last, closed ? 1 : 0]] : [];
          }),
        };
        return { taken: { batch, carriedTo: last ? last.offset + 1 : 0 }, due };
      }),

    /** Ends an attempt: see {@link settle}. */
    settle: (taken: TakenBatch<E>, outcome: Outcome): Promise<{ delivered: E[] } & Changed<E>> =>
      change(async (tx, state, drop) => ({ delivered: await settle(tx, state, drop, given, taken, outcome) })),

    /**
     * Ends a pause whose time has come, or that a clock set back has made longer than it was meant to be. A pause of our own
     * making is cut to `waitMs`, when given: there is reason to believe that the receiver can be reached again.
     */
    checkPause: (waitMs?: number): Promise<Changed<E>> =>
      change(async (_tx, state) => {
        cutPause(state, waitMs);
        return {};
      }),

    /** Drops everything that waits, in batches too. */
    purge: (reason: DropReason): Promise<Changed<E>> =>
      change(async (tx, state, drop) => {
        for (const frozen of state.batches) await rework(tx, state, drop, clock, frozen, () => reason);
        await clear(tx, state, drop, reason);
        await tx.removeRecords('quarantine', 0, END);
        state.waiting.quarantine = noneWaiting();
        // Nothing more is said about these sources but what was dropped of them.
        await dropTails(tx, state.tails ?? [], clock.now());
        state.tails = [];
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

/** Sequence numbers by source, joined to ranges. */
function rangesOf(ids: ({ source: string; seq: number } | undefined)[]): SourceRange[] {
  const sources = new Map<string, Ranges>();
  for (const id of ids) if (id) sources.set(id.source, addRange(sources.get(id.source) ?? [], id.seq, id.seq));
  return [...sources].flatMap(([source, ranges]) => ranges.map(([first, last]): SourceRange => [source, first, last]));
}
