import { type Batcher, createBatcher } from './batcher.js';
import type { Clock } from './clock.js';
import { PetrelError } from './errors.js';
import { type Priority, utf8Length } from './event.js';
import { checkEngineOptions, ENGINE_OPTIONS, type EngineOptions } from './options.js';
import type { DropReason, FlushReason, Outcome } from './outcome.js';
import type { PauseReason, Tombstone } from './queue-state.js';
import type { Stats } from './stats.js';
import type { Store } from './store.js';
import type { SourceRange, SourceTail } from './wire.js';

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
  /** How far the sources have come, where the receiver could not tell from the events. */
  readonly tails: readonly SourceTail[];
}

export interface EventBatcherOptions<E> extends EngineOptions {
  /** Where events wait: `createMemoryStore()`, or one that outlives the process. */
  store: Store<E>;
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
  /**
   * Those who may still add something, by the name they gave as {@link AddOptions.from}. What others added has come to its end, and
   * the receiver is told so. Default: nobody knows.
   */
  alive?: () => Promise<readonly string[]>;
  /** Told after the transaction that settled them. Must not throw. */
  onDelivered?: (events: readonly E[]) => void;
  /** Told after the transaction that dropped them, with the reason, and the receiver's word for it where there is one. Must not throw. */
  onDropped?: (events: readonly E[], reason: DropReason, detail?: string) => void;
  /** Told when sending starts, ends, or is paused. */
  onState?: (state: BatcherState, detail?: string) => void;
}

/** What a batcher does: sends, has nothing to send at the moment, or why it waits. */
export type BatcherState = 'sending' | 'idle' | PauseReason;

/** Options of {@link EventBatcher.addMany}. */
export interface AddOptions {
  /** @defaultValue 'normal' */
  priority?: Priority;
  /** Put them in the `carried` lane. */
  carried?: boolean;
  /** Who adds them: see {@link EventBatcherOptions.alive}. */
  from?: string | undefined;
}

/** What became of {@link EventBatcher.addMany}. */
export interface AddResult {
  /** Events now in the store. */
  stored: number;
  /** Events the store had before (same source and seq). */
  duplicates: number;
}

/** What became of {@link EventBatcher.flush}. */
export interface FlushResult {
  /** Events delivered by this flush. */
  delivered: number;
  /** Events dropped by this flush (refused, expired …). */
  dropped: number;
  /** Events still waiting or in flight. */
  remaining: number;
  /** Why something remains. */
  pausedBy?: PauseReason;
  /** When the next attempt is due, in ms since the epoch. */
  nextAttemptAt?: number;
}

/**
 * Collects events and delivers them in batches: the same engine in the worker, in the page and in the collector.
 *
 * An event that `add` resolved for is in the store, and leaves it only delivered, refused, evicted, expired or purged, and counted.
 * Nothing is sent before {@link EventBatcher.start}.
 *
 * @example
 * ```ts
 * const batcher = new EventBatcher<string>({
 *   clock,
 *   store: createMemoryStore(),
 *   maxBatchSize: 5,
 *   deliver: async (batch) => {
 *     await write(batch.events);
 *     return { kind: 'delivered' };
 *   },
 * });
 * batcher.start();
 * await batcher.add('hello');
 * ```
 */
export class EventBatcher<E> {
  readonly #batcher: Batcher<E>;

  /** @throws {@link PetrelError} `invalid-option`, naming option, range and value. */
  constructor(options: EventBatcherOptions<E>) {
    const engine = Object.fromEntries(
      Object.keys(ENGINE_OPTIONS).map((key) => [key, options[key as keyof EngineOptions]]),
    );
    const limits = checkEngineOptions(engine);
    if (typeof options.deliver !== 'function') throw new PetrelError('invalid-option', '`deliver` must be a function');
    this.#batcher = createBatcher<E>({
      ...options,
      limits,
      sizeOf: options.sizeOf ?? ((event) => utf8Length(JSON.stringify(event) ?? '')),
      identify: options.identify ?? (() => undefined),
      lead: options.lead ?? ((send) => send()),
    });
  }

  /** Events waiting and in flight, as this batcher last saw them. `stats()` asks the store. */
  get size(): number {
    return this.#batcher.size();
  }

  /**
   * Milliseconds until something is to be sent, as this batcher last saw the store: 0 = now or already under way;
   * undefined when nothing waits, or before `start`.
   */
  get dueInMs(): number | undefined {
    return this.#batcher.dueInMs();
  }

  /**
   * Takes up what the store holds and begins to deliver. Drops what is over the bounds or too old.
   * Resolves when the store was read; a failure of the store rejects, and `start` may be called again.
   */
  start(): Promise<void> {
    return this.#batcher.start();
  }

  /** Adds one event; see {@link EventBatcher.addMany}. */
  add(event: E, options?: AddOptions): Promise<AddResult> {
    return this.addMany([event], options);
  }

  /**
   * Adds events in one transaction. Resolves when they are stored; over the bounds, older ones were dropped for them.
   * Rejects when the store cannot take them: nothing is stored then.
   */
  addMany(events: readonly E[], options?: AddOptions): Promise<AddResult> {
    return this.#batcher.addMany(events, options);
  }

  /** Counts events that were numbered but dropped before they got here, so that the receiver can be told. */
  recordDrops(drops: readonly Tombstone[]): Promise<void> {
    return this.#batcher.recordDrops(drops);
  }

  /**
   * Sends everything that waits now. Resolves when it is settled, or when a pause stands in the way; never rejects for a failed delivery.
   * A backoff is cut short by it, every 5 s at the most; a receiver that asked for quiet gets it.
   */
  flush(reason?: 'manual' | 'exit'): Promise<FlushResult> {
    return this.#batcher.flush(reason);
  }

  /** Counters, read from the store. */
  stats(): Promise<Stats> {
    return this.#batcher.stats();
  }

  /** The refused events kept for inspection, oldest first; at most 100. */
  quarantined(): Promise<E[]> {
    return this.#batcher.quarantined();
  }

  /**
   * Ends a backoff early, every 5 s at the most: there is reason to believe that the receiver can be reached (the network is said to be
   * back, a page was opened). A receiver's own wish (Retry-After, 401) stands.
   */
  resume(): Promise<void> {
    return this.#batcher.resume();
  }

  /** Reads the store again: another owner may have added something, or the clock may have jumped. */
  refresh(): Promise<void> {
    return this.#batcher.refresh();
  }

  /** Drops everything that is kept, counted under `consent`. A batch that is on its way cannot be called back. */
  purge(): Promise<void> {
    return this.#batcher.purge();
  }

  /**
   * Resolves when nothing is being sent and nothing will be due within `horizonMs`: with the milliseconds until something is,
   * or undefined when nothing waits. A worker stays awake for this long, and no longer.
   */
  quiet(horizonMs: number): Promise<number | undefined> {
    return this.#batcher.quiet(horizonMs);
  }

  /** Stops. What is being sent is settled first; what is stored stays stored. `flush()` before it to send what waits. */
  close(): Promise<void> {
    return this.#batcher.close();
  }
}
