import { PetrelError } from './errors.js';
import type { DropReason } from './outcome.js';
import type { Ranges } from './ranges.js';
import type { Lane } from './store.js';

/** What waits in one lane: not in a frozen batch. */
export interface Waiting {
  events: number;
  bytes: number;
  records: number;
  /** When the oldest of them was added, in ms since the epoch; 0 when there are none. */
  oldestAt: number;
}

/**
 * A batch whose composition is fixed: written before its first attempt; it keeps its id and content until it is settled or split.
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
  /** Attempts that ended without settling it. */
  attempt: number;
  /** An attempt is under way, or was when its process died: eviction spares it. */
  sending?: true;
}

/** Sequence numbers of one source that were dropped, and why. Told to the receiver with the next batch. */
export interface Tombstone {
  source: string;
  first: number;
  last: number;
  reason: DropReason;
}

/** How far a source has come, as this queue knows it. Told to the receiver, who cannot prove what it never heard of. */
export interface Tail {
  source: string;
  /** The highest number that was added. */
  last: number;
  /** Who added it: see `AddOptions.from`. */
  from?: string;
  /** The `last` the receiver was told. */
  told?: number;
  /**
   * Its sequence numbers that ever got here, for as long as it is in this list; elsewhere they are in the store's `SourceRecord`.
   * A page adds ten times a second: what lies in the state costs no request of its own.
   */
  stored?: Ranges;
}

/** Why nothing is sent for a while. */
export type PauseReason =
  /** An attempt failed. */
  | 'backoff'
  /** The receiver asked for it (429, 503 with Retry-After). */
  | 'rate-limited'
  /** Key or address refused (401, 403, 404, 410), or every single event refused. */
  | 'held'
  /** For a long time no request got an answer while the browser was online (ad blocker, CSP). */
  | 'blocked';

/** Nothing is sent before `until`. Kept in the store, so that a restarted worker does not forget it. */
export interface Pause {
  /** In ms since the epoch. */
  until: number;
  /** How long the wait was when it began; a clock that jumped back cannot make it longer than this. */
  waitMs: number;
  reason: PauseReason;
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
  version: typeof STATE_VERSION;
  /** Offset the next event gets. */
  nextOffset: number;
  /** The quarantine's events are already counted as dropped. */
  waiting: Record<Lane, Waiting>;
  /** First offset of each lane that is not in a frozen batch. */
  head: Record<Lane, number>;
  /** Frozen batches, in the order in which they are to leave. */
  batches: FrozenBatch[];
  /** Cumulative since the database was made. */
  counters: { accepted: number; delivered: number; dropped: Partial<Record<DropReason, number>> };
  /** Drops the receiver has not been told of. At most {@link MAX_TOMBSTONES}, the newest. */
  tombstones: Tombstone[];
  /** Sources whose end the receiver has not been told. At most 50, the newest: see sources.ts. */
  tails?: Tail[];
  /** Failed attempts in a row, over all batches: the receiver's health, not a batch's. Reset by any success. */
  failures: number;
  /** Single events refused in a row with nothing accepted in between. */
  refusals: number;
  /** The endpoint counts as blocked, also while it is probed. Until something gets through. */
  blocked?: true;
  /** Set while the receiver finds batches too large: no new batch is made with more bytes. Doubles with each success. */
  batchBytesLimit?: number;
  pause?: Pause;
}

/** Version of {@link QueueState} that this release writes. */
export const STATE_VERSION = 1;

/** All lanes, in the order of their names in the store. */
export const LANES: readonly Lane[] = ['low', 'normal', 'critical', 'carried', 'quarantine'];

/** Adjacent ranges are joined, so this is reached only by drops scattered over hundreds of page loads. */
export const MAX_TOMBSTONES = 500;

/** A lane in which nothing waits. */
export function noneWaiting(): Waiting {
  return { events: 0, bytes: 0, records: 0, oldestAt: 0 };
}

/** The state of a queue that has never been written. */
export function emptyState(): QueueState {
  const none = noneWaiting;
  return {
    version: STATE_VERSION,
    nextOffset: 0,
    waiting: { low: none(), normal: none(), critical: none(), carried: none(), quarantine: none() },
    head: { low: 0, normal: 0, critical: 0, carried: 0, quarantine: 0 },
    batches: [],
    counters: { accepted: 0, delivered: 0, dropped: {} },
    tombstones: [],
    failures: 0,
    refusals: 0,
  };
}

/** A copy that shares nothing that is ever changed in place. */
export function cloneState(state: QueueState): QueueState {
  const waiting = {} as QueueState['waiting'];
  for (const lane of LANES) waiting[lane] = { ...state.waiting[lane] };
  return {
    ...state,
    waiting,
    head: { ...state.head },
    batches: state.batches.map((batch) => ({ ...batch })),
    counters: { ...state.counters, dropped: { ...state.counters.dropped } },
    tombstones: state.tombstones.map((tombstone) => ({ ...tombstone })),
    ...(state.tails && {
      tails: state.tails.map((tail) => ({ ...tail, ...(tail.stored && { stored: [...tail.stored] }) })),
    }),
  };
}

/**
 * The state as a store gave it, or an empty one.
 * @throws {@link PetrelError} `store-unavailable` when it was written by a newer release: it must be left alone.
 */
export function checkState(state: QueueState | undefined): QueueState {
  if (!state) return emptyState();
  if (state.version > STATE_VERSION) {
    throw new PetrelError(
      'store-unavailable',
      `the queue was written by a newer release (version ${state.version}, this one knows ${STATE_VERSION})`,
    );
  }
  return state;
}

/** Counts drops, and keeps a tombstone for those that have a sequence number. */
export function countDrop(state: QueueState, reason: DropReason, events: number): void {
  state.counters.dropped[reason] = (state.counters.dropped[reason] ?? 0) + events;
}

/** Adds a tombstone, joining it to a neighbour of the same source and reason. */
export function addTombstone(state: QueueState, { source, first, last, reason }: Tombstone): void {
  const list = state.tombstones;
  // From the end: drops come in order, so the neighbour is nearly always the last entry.
  for (let i = list.length - 1; i >= 0; i--) {
    const near = list[i]!;
    if (near.source !== source || near.reason !== reason || first > near.last + 1 || last < near.first - 1) continue;
    near.first = Math.min(near.first, first);
    near.last = Math.max(near.last, last);
    return;
  }
  list.push({ source, first, last, reason });
  if (list.length > MAX_TOMBSTONES) list.shift();
}
