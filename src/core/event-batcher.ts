import type { Clock } from './clock.js';
import { PetrelError } from './errors.js';
import { type Priority, utf8Length } from './event.js';
import { ageDueAt, due, type Forced, pausedForMs } from './flush-trigger.js';
import { checkEngineOptions, ENGINE_OPTIONS, type EngineOptions } from './options.js';
import type { DropReason, FlushReason, Outcome } from './outcome.js';
import { createProcessor, type Processor } from './processor.js';
import { type Changed, createQueue, type Queue } from './queue.js';
import type { PauseReason, QueueState, Tombstone } from './queue-state.js';
import { type Stats, statsOf } from './stats.js';
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
  onDropped?: (events: readonly E[], reason: DropReason, detail?: string) => void;
  /** Told when sending starts, ends, or is paused. */
  onState?: (state: BatcherState, detail?: string) => void;
}

/** What a batcher does: sends, has nothing to send at the moment, or why it waits. */
export type BatcherState = 'sending' | 'idle' | PauseReason;

export interface AddOptions {
  /** @defaultValue 'normal' */
  priority?: Priority;
  /** Put them in the `carried` lane. */
  carried?: boolean;
  /** Who adds them: see {@link EventBatcherOptions.alive}. */
  from?: string | undefined;
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
  pausedBy?: PauseReason;
  /** When the next attempt is due, in ms since the epoch. */
  nextAttemptAt?: number;
}

/** First and longest wait after the store itself failed while sending. */
const STORE_RETRY_MIN_MS = 1_000;
const STORE_RETRY_MAX_MS = 60_000;

/** How soon after `resume` the attempt is made: not in the same instant as everybody else whose network came back. */
const RESUME_SPREAD_MS = 1_000;

/** Least time between two attempts that are made in spite of a backoff, however many pages ask for them. */
const PROBE_EVERY_MS = 5_000;

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
  readonly #clock: Clock;
  readonly #store: Store<E>;
  readonly #queue: Queue<E>;
  readonly #processor: Processor;
  readonly #options: Required<EngineOptions>;
  readonly #listeners: Pick<EventBatcherOptions<E>, 'onDelivered' | 'onDropped' | 'onState'>;
  /** As of the last transaction of this batcher; other owners of the store may have changed it since. */
  #state: QueueState | undefined;
  #started = false;
  #closed = false;
  #told: BatcherState = 'idle';
  #running: Promise<void> | undefined;
  #forced: Forced | undefined;
  #timer: { handle: unknown; at: number } | undefined;
  #storeFailures = 0;
  #storeRetryAt = 0;
  #probedAt = Number.NEGATIVE_INFINITY;
  #settled = { delivered: 0, dropped: 0 };
  /** Resolved and replaced whenever something may have changed for {@link EventBatcher.quiet}. */
  #changed = signal();

  /** @throws {@link PetrelError} `invalid-option`, naming option, range and value. */
  constructor(options: EventBatcherOptions<E>) {
    const engine = Object.fromEntries(
      Object.keys(ENGINE_OPTIONS).map((key) => [key, options[key as keyof EngineOptions]]),
    );
    this.#options = checkEngineOptions(engine);
    if (typeof options.deliver !== 'function') throw new PetrelError('invalid-option', '`deliver` must be a function');
    this.#clock = options.clock;
    this.#store = options.store;
    this.#listeners = options;
    this.#queue = createQueue<E>({
      store: this.#store,
      clock: options.clock,
      limits: this.#options,
      sizeOf: options.sizeOf ?? ((event) => utf8Length(JSON.stringify(event) ?? '')),
      identify: options.identify ?? (() => undefined),
    });
    this.#processor = createProcessor<E>({
      queue: this.#queue,
      clock: options.clock,
      options: this.#options,
      deliver: options.deliver,
      lead: options.lead ?? ((send) => send()),
      alive: options.alive,
      observe: (changed, delivered) => this.#observe(changed, delivered),
    });
  }

  /** Events waiting and in flight, as this batcher last saw them. `stats()` asks the store. */
  get size(): number {
    if (!this.#state) return 0;
    const { waiting, inFlight } = statsOf(this.#state);
    return waiting + inFlight;
  }

  /**
   * Milliseconds until something is to be sent, as this batcher last saw the store: 0 = now or already under way;
   * undefined when nothing waits, or before `start`.
   */
  get dueInMs(): number | undefined {
    return this.#running ? 0 : this.#dueInMs();
  }

  /**
   * Takes up what the store holds and begins to deliver. Drops what is over the bounds or too old.
   * Resolves when the store was read; a failure of the store rejects, and `start` may be called again.
   */
  async start(): Promise<void> {
    if (this.#started) return;
    this.#observe(await this.#queue.tidy());
    this.#started = true;
    this.#schedule();
  }

  /** Adds one event; see {@link EventBatcher.addMany}. */
  add(event: E, options?: AddOptions): Promise<AddResult> {
    return this.addMany([event], options);
  }

  /**
   * Adds events in one transaction. Resolves when they are stored; over the bounds, older ones were dropped for them.
   * Rejects when the store cannot take them: nothing is stored then.
   */
  async addMany(events: readonly E[], options: AddOptions = {}): Promise<AddResult> {
    if (this.#closed) throw new PetrelError('closed', 'the batcher is closed');
    let result: AddResult & Changed<E>;
    try {
      result = await this.#queue.add(events, options);
    } catch (error) {
      if (!(error instanceof PetrelError) || error.code !== 'store-full') throw error;
      this.#observe(await this.#queue.makeRoom());
      result = await this.#queue.add(events, options);
    }
    this.#observe(result);
    this.#schedule();
    return { stored: result.stored, duplicates: result.duplicates };
  }

  /** Counts events that were numbered but dropped before they got here, so that the receiver can be told. */
  async recordDrops(drops: readonly Tombstone[]): Promise<void> {
    this.#observe(await this.#queue.recordDrops(drops));
  }

  /**
   * Sends everything that waits now. Resolves when it is settled, or when a pause stands in the way; never rejects for a failed delivery.
   * A backoff is cut short by it, every 5 s at the most; a receiver that asked for quiet gets it.
   */
  async flush(reason: 'manual' | 'exit' = 'manual'): Promise<FlushResult> {
    const before = { ...this.#settled };
    const state = await this.#queue.state();
    this.#state = state;
    this.#forced = { until: state.nextOffset, reason };
    await this.#probe(0);
    await this.#run();
    const after = await this.#queue.state();
    const stats = statsOf(after);
    return {
      delivered: this.#settled.delivered - before.delivered,
      dropped: this.#settled.dropped - before.dropped,
      remaining: stats.waiting + stats.inFlight,
      ...(stats.pausedBy && { pausedBy: stats.pausedBy, nextAttemptAt: stats.nextAttemptAt! }),
    };
  }

  /** Counters, read from the store. */
  async stats(): Promise<Stats> {
    return statsOf(await this.#queue.state());
  }

  /** The refused events kept for inspection, oldest first; at most 100. */
  quarantined(): Promise<E[]> {
    return this.#queue.quarantined();
  }

  /**
   * Ends a backoff early, every 5 s at the most: there is reason to believe that the receiver can be reached (the network is said to be
   * back, a page was opened). A receiver's own wish (Retry-After, 401) stands.
   */
  async resume(): Promise<void> {
    this.#storeRetryAt = 0;
    await this.#probe(Math.round(this.#clock.random() * RESUME_SPREAD_MS));
    this.#observe(await this.#queue.checkPause());
    this.#schedule();
  }

  /** Cuts a backoff to `waitMs`, unless that was done just now. */
  async #probe(waitMs: number): Promise<void> {
    const now = this.#clock.now();
    if (Math.abs(now - this.#probedAt) < PROBE_EVERY_MS) return;
    if (this.#state?.pause) this.#probedAt = now;
    this.#observe(await this.#queue.checkPause(waitMs));
  }

  /** Reads the store again: another owner may have added something, or the clock may have jumped. */
  async refresh(): Promise<void> {
    this.#observe(await this.#queue.checkPause());
    this.#schedule();
  }

  /** Drops everything that is kept, counted under `consent`. A batch that is on its way cannot be called back. */
  async purge(): Promise<void> {
    this.#observe(await this.#queue.purge('consent'));
    this.#schedule();
  }

  /**
   * Resolves when nothing is being sent and nothing will be due within `horizonMs`: with the milliseconds until something is,
   * or undefined when nothing waits. A worker stays awake for this long, and no longer.
   */
  async quiet(horizonMs: number): Promise<number | undefined> {
    for (;;) {
      const changed = this.#changed.promise;
      if (!this.#running) {
        const dueIn = this.#dueInMs();
        if (this.#closed || dueIn === undefined || dueIn > horizonMs) return dueIn;
      }
      await changed;
    }
  }

  /** Stops. What is being sent is settled first; what is stored stays stored. `flush()` before it to send what waits. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#processor.stop();
    this.#disarm();
    this.#signal();
    await this.#running;
    this.#store.close();
  }

  #observe(changed: Changed<E>, delivered: readonly E[] = []): void {
    this.#state = changed.state;
    this.#settled.delivered += delivered.length;
    if (delivered.length > 0) this.#listeners.onDelivered?.(delivered);
    for (const { events, reason, detail } of changed.dropped) {
      this.#settled.dropped += events.length;
      this.#listeners.onDropped?.(events, reason, detail);
    }
    this.#tell();
    this.#signal(); // what `quiet` waits for may have been purged, or sent by another owner
  }

  #tell(): void {
    const { pause, failures = 0 } = this.#state ?? {};
    // A probe is not news: what was told last stands until something gets through.
    if (!pause && failures > 0) return;
    const now: BatcherState = pause ? pause.reason : this.#running ? 'sending' : 'idle';
    if (now === this.#told) return;
    this.#told = now;
    this.#listeners.onState?.(now, pause?.detail);
  }

  /** Milliseconds until something is to be done: 0 = now, undefined = nothing waits. */
  #dueInMs(): number | undefined {
    const state = this.#state;
    if (!state || !this.#started) return undefined;
    const now = this.#clock.now();
    let at: number | undefined;
    if (due(state, 0, this.#forced, this.#options)) at = now;
    else at = ageDueAt(state, now, this.#options);
    if (at === undefined) return undefined;
    const storeWait = Math.min(this.#storeRetryAt - now, STORE_RETRY_MAX_MS);
    return Math.max(0, at - now, pausedForMs(state, now), storeWait);
  }

  /** Runs now what is due now; else sets the timer for when it is. */
  #schedule(): void {
    if (this.#closed || !this.#started || this.#running) return;
    const dueIn = this.#dueInMs();
    if (dueIn === 0) {
      void this.#run();
      return;
    }
    if (dueIn === undefined) {
      this.#disarm();
      return;
    }
    const at = this.#clock.now() + dueIn;
    if (this.#timer?.at === at) return;
    this.#disarm();
    this.#timer = {
      at,
      handle: this.#clock.setTimeout(() => {
        this.#timer = undefined;
        void this.#run();
      }, dueIn),
    };
  }

  #disarm(): void {
    if (this.#timer) this.#clock.clearTimeout(this.#timer.handle);
    this.#timer = undefined;
  }

  /** One run at a time; a call during a run waits for it and runs again. Never rejects. */
  async #run(): Promise<void> {
    while (this.#running) await this.#running;
    if (this.#closed || !this.#started) return;
    this.#disarm();
    let done = () => {};
    this.#running = new Promise((resolve) => {
      done = resolve;
    });
    try {
      await this.#processor.run((state) => this.#force(state));
      this.#storeFailures = 0;
      this.#storeRetryAt = 0;
    } catch {
      // The store failed while a batch was taken or settled. Nothing is lost by it: what is stored is stored, and what was sent is
      // sent again under the same id. Wait, or a broken store would be hammered.
      this.#storeFailures++;
      const wait = Math.min(STORE_RETRY_MIN_MS * 2 ** (this.#storeFailures - 1), STORE_RETRY_MAX_MS);
      this.#storeRetryAt = this.#clock.now() + wait;
    } finally {
      if (this.#state && this.#forced && !due(this.#state, 0, this.#forced, this.#options)) this.#forced = undefined;
      this.#running = undefined;
      done();
      this.#tell();
      this.#schedule();
      this.#signal();
    }
  }

  /** What goes out without further conditions: what `flush` asked for, or everything as soon as the oldest event is old enough. */
  #force(state: QueueState): Forced | undefined {
    const now = this.#clock.now();
    const at = ageDueAt(state, now, this.#options);
    if (at !== undefined && at <= now && (!this.#forced || this.#forced.reason === 'age')) {
      this.#forced = { until: state.nextOffset, reason: 'age' };
    }
    return this.#forced;
  }

  #signal(): void {
    this.#changed.resolve();
    this.#changed = signal();
  }
}

function signal(): { promise: Promise<void>; resolve: () => void } {
  let resolve = () => {};
  const promise = new Promise<void>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}
