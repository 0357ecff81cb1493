/** The engine itself: queue, trigger and processor wired together. Closures, because this is most of what the worker's file consists of. */
import { PetrelError } from './errors.js';
import type { AddOptions, AddResult, BatcherState, EventBatcherOptions, FlushResult } from './event-batcher.js';
import { ageDueAt, due, type Forced, pausedForMs } from './flush-trigger.js';
import { createProcessor } from './processor.js';
import { type Changed, createQueue, type QueueOptions } from './queue.js';
import type { QueueState, Tombstone } from './queue-state.js';
import { type Stats, statsOf } from './stats.js';

/** Options that are checked already. */
export interface BatcherOptions<E>
  extends QueueOptions<E>,
    Pick<EventBatcherOptions<E>, 'deliver' | 'alive' | 'onDelivered' | 'onDropped' | 'onState'> {
  lead: NonNullable<EventBatcherOptions<E>['lead']>;
}

/** See the methods of {@link EventBatcher}. */
export type Batcher<E> = ReturnType<typeof createBatcher<E>>;

/** First and longest wait after the store itself failed while sending. */
const STORE_RETRY_MIN_MS = 1_000;
const STORE_RETRY_MAX_MS = 60_000;

/** How soon after `resume` the attempt is made: not in the same instant as everybody else whose network came back. */
const RESUME_SPREAD_MS = 1_000;

/** Least time between two attempts that are made in spite of a backoff, however many pages ask for them. */
const PROBE_EVERY_MS = 5_000;

export function createBatcher<E>(options: BatcherOptions<E>) {
  const { clock, store, limits } = options;
  const queue = createQueue(options);
  /** As of the last transaction of this batcher; other owners of the store may have changed it since. */
  let state: QueueState | undefined;
  let started = false;
  let closed = false;
  let told: BatcherState = 'idle';
  let running: Promise<void> | undefined;
  let forced: Forced | undefined;
  let timer: { handle: unknown; at: number } | undefined;
  let storeFailures = 0;
  let storeRetryAt = 0;
  let probedAt = Number.NEGATIVE_INFINITY;
  let delivered = 0;
  let dropped = 0;
  /** Called, once each, when something may have changed for `quiet`. */
  let waiters: (() => void)[] = [];

  const processor = createProcessor<E>({ ...options, queue, observe });

  function observe(changed: Changed<E>, gone: readonly E[] = []): void {
    state = changed.state;
    delivered += gone.length;
    if (gone.length > 0) options.onDelivered?.(gone);
    for (const { events, reason, detail } of changed.dropped) {
      dropped += events.length;
      options.onDropped?.(events, reason, detail);
    }
    tell();
    signal(); // what `quiet` waits for may have been purged, or sent by another owner
  }

  function tell(): void {
    const { pause, failures = 0 } = state ?? {};
    // A probe is not news: what was told last stands until something gets through.
    if (!pause && failures > 0) return;
    const now: BatcherState = pause ? pause.reason : running ? 'sending' : 'idle';
    if (now === told) return;
    told = now;
    options.onState?.(now, pause?.detail);
  }

  function signal(): void {
    const waiting = waiters;
    waiters = [];
    for (const wake of waiting) wake();
  }

  /** Milliseconds until something is to be done: 0 = now, undefined = nothing waits. */
  function dueInMs(): number | undefined {
    if (!state || !started) return undefined;
    const now = clock.now();
    const at = due(state, 0, forced, limits) ? now : ageDueAt(state, now, limits);
    if (at === undefined) return undefined;
    return Math.max(0, at - now, pausedForMs(state, now), Math.min(storeRetryAt - now, STORE_RETRY_MAX_MS));
  }

  /** Runs now what is due now; else sets the timer for when it is. */
  function schedule(): void {
    if (closed || !started || running) return;
    const dueIn = dueInMs();
    const at = clock.now() + dueIn!;
    if (dueIn && timer?.at === at) return;
    disarm();
    if (dueIn === 0) void run();
    else if (dueIn !== undefined) {
      const ring = () => {
        timer = undefined;
        void run();
      };
      timer = { at, handle: clock.setTimeout(ring, dueIn) };
    }
  }

  function disarm(): void {
    if (timer) clock.clearTimeout(timer.handle);
    timer = undefined;
  }

  /** One run at a time; a call during a run waits for it and runs again. Never rejects. */
  async function run(): Promise<void> {
    while (running) await running;
    if (closed || !started) return;
    disarm();
    let done = () => {};
    running = new Promise((resolve) => {
      done = resolve;
    });
    try {
      await processor.run(force);
      storeFailures = 0;
      storeRetryAt = 0;
    } catch {
      // The store failed while a batch was taken or settled. Nothing is lost by it: what is stored is stored, and what was sent is
      // sent again under the same id. Wait, or a broken store would be hammered.
      storeRetryAt = clock.now() + Math.min(STORE_RETRY_MIN_MS * 2 ** storeFailures++, STORE_RETRY_MAX_MS);
    } finally {
      if (state && forced && !due(state, 0, forced, limits)) forced = undefined;
      running = undefined;
      done();
      tell();
      schedule();
      signal();
    }
  }

  /** What goes out without further conditions: what `flush` asked for, or everything as soon as the oldest event is old enough. */
  function force(state: QueueState): Forced | undefined {
    const now = clock.now();
    const at = ageDueAt(state, now, limits);
    if (at !== undefined && at <= now && (!forced || forced.reason === 'age')) {
      forced = { until: state.nextOffset, reason: 'age' };
    }
    return forced;
  }

  /** Cuts a backoff to `waitMs`, unless that was done just now. */
  async function probe(waitMs: number): Promise<void> {
    const now = clock.now();
    if (Math.abs(now - probedAt) < PROBE_EVERY_MS) return;
    if (state?.pause) probedAt = now;
    observe(await queue.checkPause(waitMs));
  }

  async function refresh(): Promise<void> {
    observe(await queue.checkPause());
    schedule();
  }

  return {
    size: (): number => (state ? waitingIn(statsOf(state)) : 0),

    dueInMs: (): number | undefined => (running ? 0 : dueInMs()),

    async start(): Promise<void> {
      if (started) return;
      observe(await queue.tidy());
      started = true;
      schedule();
    },

    async addMany(events: readonly E[], how: AddOptions = {}): Promise<AddResult> {
      if (closed) throw new PetrelError('closed', 'the batcher is closed');
      const add = () => queue.add(events, how);
      const result = await add().catch(async (error: unknown) => {
        if (!(error instanceof PetrelError) || error.code !== 'store-full') throw error;
        observe(await queue.makeRoom());
        return add();
      });
      observe(result);
      schedule();
      return { stored: result.stored, duplicates: result.duplicates };
    },

    async recordDrops(drops: readonly Tombstone[]): Promise<void> {
      observe(await queue.recordDrops(drops));
    },

    async flush(reason: 'manual' | 'exit' = 'manual'): Promise<FlushResult> {
      const before = { delivered, dropped };
      state = await queue.state();
      forced = { until: state.nextOffset, reason };
      await probe(0);
      await run();
      const stats = statsOf(await queue.state());
      return {
        delivered: delivered - before.delivered,
        dropped: dropped - before.dropped,
        remaining: waitingIn(stats),
        ...(stats.pausedBy && { pausedBy: stats.pausedBy, nextAttemptAt: stats.nextAttemptAt! }),
      };
    },

    stats: async (): Promise<Stats> => statsOf(await queue.state()),

    quarantined: queue.quarantined,

    async resume(): Promise<void> {
      storeRetryAt = 0;
      await probe(Math.round(clock.random() * RESUME_SPREAD_MS));
      await refresh();
    },

    refresh,

    async purge(): Promise<void> {
      observe(await queue.purge('consent'));
      schedule();
    },

    async quiet(horizonMs: number): Promise<number | undefined> {
      for (;;) {
        const dueIn = dueInMs();
        if (!running && (closed || dueIn === undefined || dueIn > horizonMs)) return dueIn;
        await new Promise<void>((wake) => waiters.push(wake));
      }
    },

    async close(): Promise<void> {
      if (closed) return;
      closed = true;
      processor.stop();
      disarm();
      signal();
      await running;
      store.close();
    },
  };
}

const waitingIn = ({ waiting, inFlight }: Stats): number => waiting + inFlight;
