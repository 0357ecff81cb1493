/**
 * The engine against a model, under random schedules: adding, flushing, waiting, bad answers, clock jumps, and a process that is
 * killed before or after any transaction and any delivery. The truth is what the receiver has; the law and the order must hold.
 *
 * `PETREL_RUNS` sets the number of schedules, `PETREL_SEED` repeats them.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type EventBatch, EventBatcher } from '../../src/core/event-batcher.js';
import { createMemoryStore } from '../../src/core/memory-store.js';
import type { EngineOptions } from '../../src/core/options.js';
import type { Outcome } from '../../src/core/outcome.js';
import { emptyState, type QueueState } from '../../src/core/queue-state.js';
import { addRange, contains, type Ranges } from '../../src/core/ranges.js';
import { type Stats, statsOf } from '../../src/core/stats.js';
import type { Lane, Store, StoreTransaction } from '../../src/core/store.js';
import { createFakeClock } from '../support/fake-clock.js';

const RUNS = Number(process.env.PETREL_RUNS ?? 400);
const SEED = Number(process.env.PETREL_SEED ?? Date.now() % 2 ** 31);

interface Event {
  source: string;
  seq: number;
  lane: 'low' | 'normal' | 'critical' | 'carried';
}

type Answer = 'ok' | 'ok-lost' | 'network' | 'server' | '429' | 'held' | 'partial' | 'refused' | 'too-large' | 'hang';

type Step =
  | { do: 'add'; count: number; lane: Event['lane'] }
  | { do: 'again'; back: number }
  | { do: 'drop'; count: number }
  | { do: 'flush' }
  | { do: 'advance'; ms: number }
  | { do: 'jump'; ms: number }
  | { do: 'answers'; answers: Answer[] }
  | { do: 'kill'; at: number; after: boolean }
  | { do: 'restart' };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constant('add' as const),
      count: fc.integer({ min: 1, max: 25 }),
      lane: fc.constantFrom('low', 'normal', 'normal', 'normal', 'critical', 'carried'),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('again' as const), back: fc.integer({ min: 1, max: 30 }) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('drop' as const), count: fc.integer({ min: 1, max: 5 }) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('flush' as const) }) },
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant('advance' as const),
      ms: fc.constantFrom(1, 90, 1_000, 6_000, 40_000, 400_000),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('jump' as const),
      ms: fc.constantFrom(-86_400_000, -5_000, 5_000, 86_400_000),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('answers' as const),
      answers: fc.array(
        fc.constantFrom<Answer[]>(
          'ok',
          'ok-lost',
          'network',
          'server',
          '429',
          'held',
          'partial',
          'refused',
          'too-large',
          'hang',
        ),
        { minLength: 1, maxLength: 6 },
      ),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constant('kill' as const), at: fc.integer({ min: 0, max: 6 }), after: fc.boolean() }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('restart' as const) }) },
);

const options: fc.Arbitrary<EngineOptions> = fc.record({
  maxBatchSize: fc.constantFrom(1, 3, 10, 100),
  maxBatchBytes: fc.constantFrom(1_024, 1_048_576),
  maxBatchAgeMs: fc.constantFrom(0, 5_000),
  flushConcurrency: fc.constantFrom(1, 1, 4),
  maxEvents: fc.constantFrom(20, 10_000),
  maxBytes: fc.constantFrom(3_000, 10_485_760),
});

/** A process that can be killed: from then on nothing it began ever ends. */
function makeLife(shared: Store<Event>) {
  let fuse: { left: number; after: boolean } | undefined;
  let dead = false;
  const never = new Promise<never>(() => {});

  /** Runs `work` unless the process died before, or dies now: before it, or after it with nobody left to see the result. */
  async function mortal<T>(work: () => Promise<T>): Promise<T> {
    if (dead) return never;
    const now = fuse && fuse.left-- === 0;
    if (now && !fuse!.after) {
      dead = true;
      return never;
    }
    const result = await work();
    if (now) dead = true;
    return dead ? never : result;
  }

  return {
    mortal,
    arm(left: number, after: boolean) {
      fuse = { left, after };
    },
    kill() {
      dead = true;
    },
    get dead() {
      return dead;
    },
    store: {
      transact: (body) => mortal(() => shared.transact(body)),
      close() {},
    } satisfies Store<Event>,
  };
}

/** Who goes first when there is no room. */
const EVICTED_FIRST: readonly Lane[] = ['low', 'carried', 'normal', 'critical'];

interface Kept {
  lane: Lane;
  offset: number;
}

/**
 * Watches evictions from inside their transactions: what goes is older, or of a lower priority, than all that stays, whether it waits
 * or is in a batch between two attempts. Only what is being sent at that moment is spared.
 */
function watchEvictions(store: Store<Event>): Store<Event> {
  async function look(tx: StoreTransaction<Event>) {
    const state = (await tx.readState()) ?? emptyState();
    const kept = new Map<string, Kept>();
    for (const lane of EVICTED_FIRST) {
      for (const { offset, events } of await tx.readRecords(lane, 0, Number.MAX_SAFE_INTEGER, Infinity)) {
        for (const [i, { source, seq }] of events.entries()) kept.set(`${source}.${seq}`, { lane, offset: offset + i });
      }
    }
    const { 'queue-full': full = 0, ...others } = state.counters.dropped;
    return { state, kept, full, others: JSON.stringify(others) };
  }
  const isSent = ({ batches }: QueueState, { lane, offset }: Kept) =>
    batches.some((batch) => batch.sending && batch.lane === lane && batch.from <= offset && offset < batch.to);

  return {
    close: () => store.close(),
    transact: (body) =>
      store.transact(async (tx) => {
        const before = await look(tx);
        const result = await body(tx);
        const after = await look(tx);
        if (after.full === before.full || after.others !== before.others) return result;
        const gone = [...before.kept].filter(([id]) => !after.kept.has(id)).map(([, place]) => place);
        const stay = [...after.kept.values()].filter((place) => !isSent(after.state, place));
        for (const { lane, offset } of gone) {
          const wrong = stay.filter(
            (other) =>
              EVICTED_FIRST.indexOf(other.lane) < EVICTED_FIRST.indexOf(lane) ||
              (other.lane === lane && other.offset < offset),
          );
          expect(wrong, `kept, although ${lane} ${offset} had to go`).toEqual([]);
        }
        return result;
      }),
  };
}

function law(stats: Stats): void {
  expect(stats.accepted, `the law: ${JSON.stringify(stats)}`).toBe(
    stats.delivered + stats.dropped + stats.waiting + stats.inFlight,
  );
}

async function play(steps: Step[], engine: EngineOptions): Promise<void> {
  const clock = createFakeClock();
  const shared = watchEvictions(createMemoryStore<Event>());
  const received = new Map<string, number>();
  const arrivals: Event[] = [];
  const told: Map<string, Ranges> = new Map();
  let answers: Answer[] = [];
  let suspect = false;
  /** A receiver that takes the third event and leaves the second for later breaks the order itself. */
  let inOrder = engine.flushConcurrency === 1;

  /** What is in the store, whether or not a process lives. */
  const peek = async () => statsOf((await shared.transact((tx) => tx.readState())) ?? emptyState());

  const key = ({ source, seq }: { source: string; seq: number }) => `${source}.${seq}`;
  const receive = (events: readonly Event[]) => {
    for (const event of events) {
      if (!received.has(key(event))) arrivals.push(event);
      received.set(key(event), (received.get(key(event)) ?? 0) + 1);
    }
  };

  async function answer(batch: EventBatch<Event>): Promise<Outcome> {
    const has = batch.carried.flatMap(([source, first, last]) => {
      const found: [string, number, number][] = [];
      for (let seq = first; seq <= last; seq++) if (received.has(`${source}.${seq}`)) found.push([source, seq, seq]);
      return found;
    });
    const accept = (events = batch.events) => {
      receive(events);
      for (const { source, first, last } of batch.drops)
        told.set(source, addRange(told.get(source) ?? [], first, last));
    };
    switch (answers.shift() ?? 'ok') {
      case 'ok':
        accept();
        return { kind: 'delivered', has };
      case 'ok-lost':
        accept();
        suspect = true;
        return { kind: 'retry', cause: 'network' };
      case 'network':
        return { kind: 'retry', cause: 'network', unanswered: true };
      case 'server':
        return { kind: 'retry', cause: 'server' };
      case '429':
        return { kind: 'rate-limited', retryAfterMs: 20_000 };
      case 'held':
        return { kind: 'held' };
      case 'refused':
        return { kind: 'refused', detail: 'HTTP 400' };
      case 'too-large':
        return { kind: 'too-large' };
      case 'hang':
        return new Promise(() => {});
      case 'partial': {
        inOrder = false;
        const delivered = batch.events.flatMap((_, i) => (i % 3 === 0 ? [i] : []));
        const refused = batch.events.flatMap((_, index) => (index % 3 === 1 ? [{ index, reason: 'bad' }] : []));
        accept(delivered.map((i) => batch.events[i]!));
        return { kind: 'partial', delivered, refused, has };
      }
    }
  }

  const events = new Map<string, Event>();
  let nextSeq = 1;
  let life = makeLife(shared);
  let batcher = begin();

  function begin(): EventBatcher<Event> {
    const { mortal, store } = life;
    const made = new EventBatcher<Event>({
      ...engine,
      clock,
      store,
      identify: ({ source, seq }) => ({ source, seq }),
      sizeOf: () => 100,
      deliver: (batch) => mortal(() => answer(batch)),
    });
    void made.start();
    return made;
  }

  async function restart() {
    life.kill();
    suspect = true;
    life = makeLife(shared);
    batcher = begin();
    await clock.settle();
  }

  /** Hands events over until the store has them: as the page does, which keeps them until it is told. */
  async function handOver(batch: Event[], lane: Event['lane']) {
    for (let tries = 0; tries < 10; tries++) {
      let stored = false;
      void batcher.addMany(batch, lane === 'carried' ? { carried: true } : { priority: lane }).then(() => {
        stored = true;
      });
      await clock.settle();
      if (stored) return;
      await restart();
    }
    throw new Error('never stored');
  }

  for (const now of steps) {
    switch (now.do) {
      case 'add': {
        const batch = Array.from({ length: now.count }, () => ({ source: 'source-a', seq: nextSeq++, lane: now.lane }));
        for (const event of batch) events.set(key(event), event);
        // What a leaving page sent itself: some of it arrived.
        if (now.lane === 'carried') receive(batch.filter((_, i) => i % 2 === 0));
        await handOver(batch, now.lane);
        break;
      }
      case 'again': {
        const known = [...events.values()].slice(-now.back);
        for (const lane of ['normal', 'carried'] as const) await handOver(known, lane);
        break;
      }
      case 'drop': {
        const first = nextSeq;
        nextSeq += now.count;
        // Told again until it is known, as the page does.
        for (let done = false; !done; ) {
          void batcher.recordDrops([{ source: 'source-a', first, last: nextSeq - 1, reason: 'invalid' }]).then(() => {
            done = true;
          });
          await clock.settle();
          if (!done) await restart();
        }
        break;
      }
      case 'flush':
        void batcher.flush();
        await clock.settle();
        break;
      case 'advance':
        await clock.advance(now.ms);
        break;
      case 'jump':
        clock.jump(now.ms);
        break;
      case 'answers':
        answers.push(...now.answers);
        break;
      case 'kill':
        life.arm(now.at, now.after);
        break;
      case 'restart':
        await restart();
        break;
    }
    law(await peek());
  }

  // In the end the receiver is well again and the process lives.
  answers = [];
  await restart();
  for (let hour = 0; hour < 8; hour++) {
    await clock.advance(3_600_000);
    void batcher.flush();
    await clock.settle();
  }

  const stats = await peek();
  law(stats);
  expect(stats.waiting + stats.inFlight, 'everything has an end').toBe(0);
  const missing = [...events.keys()].filter((id) => {
    const { source, seq } = events.get(id)!;
    return !received.has(id) && !contains(told.get(source) ?? [], seq);
  });
  expect(missing, 'neither received nor told as dropped').toEqual([]);
  if (!suspect) {
    const carried = new Set([...events.values()].filter(({ lane }) => lane === 'carried').map(key));
    const twice = [...received].filter(([id, times]) => times > 1 && !carried.has(id)).map(([id]) => id);
    expect(twice, 'sent twice though nothing failed').toEqual([]);
  }
  if (inOrder) {
    for (const lane of ['low', 'critical'] as const) {
      const order = arrivals.filter((event) => event.lane === lane).map(({ seq }) => seq);
      const handedOver = [...events.values()].filter((event) => event.lane === lane).map(({ seq }) => seq);
      expect(order, `order within ${lane}`).toEqual(handedOver.filter((seq) => order.includes(seq)));
    }
  }
}

describe('the engine under random schedules', () => {
  it(`loses nothing, doubles nothing in health, keeps the law and the order (seed ${SEED})`, async () => {
    await fc.assert(fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 25 }), options, play), {
      numRuns: RUNS,
      seed: SEED,
      endOnFailure: false,
    });
  }, 600_000);
});
