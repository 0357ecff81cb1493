import type { Clock } from './clock.js';
import type { Priority } from './event.js';
import type { EngineOptions } from './options.js';
import type { DropReason, FlushReason, Outcome } from './outcome.js';
import type { Tombstone } from './queue-state.js';
import type { Stats } from './stats.js';
import type { Lane, Store } from './store.js';
import type { SourceRange } from './wire.js';

/** A batch on its way. A retry shows the same `id` and `events`. */
export interface EventBatch<E> {
  readonly id: string;
  readonly events: readonly E[];
  /** When it was composed, in ms since the epoch. */
  readonly createdAt: number;
  /** 1 for the first attempt. */
  readonly attempt: number;
  /** Number of events; 0 when only drops or a question about carried events are to be told. */
  readonly size: number;
  /** Bytes of the encoded events, without what the wire format adds around them. */
  readonly approximateBytes: number;
  /** Drops the receiver has not been told of. */
  readonly drops: readonly Tombstone[];
  /** What the sender believes delivered by a leaving page; the receiver is asked which of it it has. */
  readonly carried: readonly SourceRange[];
}

export interface EventBatcherOptions<E> extends EngineOptions {
  /** Where events wait. Default: memory (createMemoryStore). */
  store?: Store<E>;
  /** Delivers a batch. Must not throw for an expected failure; what it throws counts as `retry`. */
  deliver: (batch: EventBatch<E>, reason: FlushReason) => Promise<Outcome>;
  clock: Clock;
  /** Bytes of an event. Default: UTF-8 length of its JSON. */
  sizeOf?: (event: E) => number;
  /** Source and sequence number of an event: makes `add` idempotent and drops tellable. */
  identify?: (event: E) => { source: string; seq: number } | undefined;
  /**
   * Runs `send` while no other owner of the same store sends (a Web Lock in browsers). Default: at once.
   * Adding needs no lock: any number of owners may add to one store.
   */
  lead?: <T>(send: () => Promise<T>) => Promise<T>;
  /** Told after the transaction that settled them. Must not throw. */
  onDelivered?: (events: readonly E[]) => void;
  onDropped?: (events: readonly E[], reason: DropReason, detail?: string) => void;
  /** Told when sending starts, ends, or is paused. */
  onState?: (state: 'sending' | 'idle' | 'backoff' | 'rate-limited' | 'held' | 'blocked', detail?: string) => void;
}

export interface AddOptions {
  /** @defaultValue 'normal' */
  priority?: Priority;
  /** Put them in the `carried` lane. */
  carried?: boolean;
}

export interface AddResult {
  /** Events now in the store. */
  stored: number;
  /** Events the store had before (same source and seq). */
  duplicates: number;
}

export interface FlushResult {
  /** Events delivered by this flush. */
  delivered: number;
  /** Events dropped by this flush (refused, expired …). */
  dropped: number;
  /** Events still waiting or in flight. */
  remaining: number;
  /** Why something remains. */
  pausedBy?: 'backoff' | 'rate-limited' | 'held' | 'blocked';
  /** When the next attempt is due, in ms since the epoch. */
  nextAttemptAt?: number;
}

export type { Lane, Stats };
