import { describe, expect, it } from 'vitest';
import { PetrelError } from '../../src/core/errors.js';
import { type EventBatch, EventBatcher, type EventBatcherOptions } from '../../src/core/event-batcher.js';
import { createMemoryStore } from '../../src/core/memory-store.js';
import type { DropReason, FlushReason, Outcome } from '../../src/core/outcome.js';
import type { Store } from '../../src/core/store.js';
import { createFakeClock, type FakeClock } from '../support/fake-clock.js';

interface Event {
  source: string;
  seq: number;
  size?: number;
}

interface Sent {
  at: number;
  id: string;
  attempt: number;
  seqs: number[];
  reason: FlushReason;
  batch: EventBatch<Event>;
}

/** A batcher whose receiver answers from a list; past its end it answers `delivered`. */
async function makeBatcher({
  answers = [],
  clock = createFakeClock(),
  store = createMemoryStore<Event>(),
  start = true,
  ...options
}: Partial<EventBatcherOptions<Event>> & {
  answers?: (Outcome | 'hang' | ((batch: EventBatch<Event>) => Outcome))[];
  clock?: FakeClock;
  store?: Store<Event>;
  start?: boolean;
} = {}) {
  const sent: Sent[] = [];
  const delivered: number[] = [];
  const dropped: { seqs: number[]; reason: DropReason; detail?: string }[] = [];
  const states: string[] = [];
  const began = clock.now();
  const batcher = new EventBatcher<Event>({
    clock,
    store,
    identify: ({ source, seq }) => ({ source, seq }),
    sizeOf: (event) => event.size ?? 100,
    deliver: async (batch, reason) => {
      sent.push({
        at: clock.now() - began,
        id: batch.id,
        attempt: batch.attempt,
        seqs: batch.events.map(({ seq }) => seq),
        reason,
        batch,
      });
      const answer = answers.shift() ?? { kind: 'delivered' };
      if (answer === 'hang') return new Promise<Outcome>(() => {});
      return typeof answer === 'function' ? answer(batch) : answer;
    },
    onDelivered: (events) => delivered.push(...events.map(({ seq }) => seq)),
    onDropped: (events, reason, detail) =>
      dropped.push({ seqs: events.map(({ seq }) => seq), reason, ...(detail !== undefined && { detail }) }),
    onState: (state) => states.push(state),
    ...options,
  });
  if (start) await batcher.start();
  return { batcher, clock, store, sent, delivered, dropped, states };
}

const events = (first: number, last: number, source = 'source-a'): Event[] =>
  Array.from({ length: last - first + 1 }, (_, i) => ({ source, seq: first + i }));

const seqs = (first: number, last: number) => events(first, last).map(({ seq }) => seq);

describe('when a batch is due', () => {
  // The specification's own test: "flush on size".
  it('flushes when the batch size is reached', async () => {
    const { batcher, clock, sent } = await makeBatcher({ maxBatchSize: 5, maxBatchAgeMs: 60_000 });

    for (const event of events(1, 5)) await batcher.add(event);
    await clock.settle();

    expect(sent.map(({ seqs, reason }) => ({ seqs, reason }))).toEqual([{ seqs: seqs(1, 5), reason: 'size' }]);
    expect(batcher.size).toBe(0);
  });

  it('costs a batch two transactions of the store, the sending of it included', async () => {
    const store = createMemoryStore<Event>();
    let transactions = 0;
    const counted: Store<Event> = {
      transact: (body) => {
        transactions++;
        return store.transact(body);
      },
      close: () => store.close(),
    };
    const { batcher, clock, sent } = await makeBatcher({ store: counted, maxBatchSize: 5 });
    await batcher.addMany(events(1, 4));
    transactions = 0;

    await batcher.add({ source: 'source-a', seq: 5 });
    await clock.settle();

    expect(sent).toHaveLength(1);
    expect(transactions, 'one to add, one to take, one to settle').toBe(3);
  });

  it('flushes what waits when the oldest event is old enough, however steady the trickle', async () => {
    const { batcher, clock, sent } = await makeBatcher({ maxBatchAgeMs: 5_000 });

    for (let i = 1; i <= 12; i++) {
      await batcher.add({ source: 'source-a', seq: i });
      await clock.advance(1_000);
    }

    expect(sent.map(({ at, seqs }) => [at, seqs.length])).toEqual([
      [5_000, 5],
      [10_000, 5],
    ]);
    expect(sent[0]!.reason).toBe('age');
  });

  it('flushes when the bytes are reached, and cuts by bytes', async () => {
    const { batcher, clock, sent } = await makeBatcher({ maxBatchBytes: 1_024, maxBatchAgeMs: 60_000 });

    await batcher.addMany(events(1, 10));
    await clock.settle();
    expect(sent).toEqual([]);
    await batcher.addMany(events(11, 25));
    await clock.settle();

    expect(sent.map(({ seqs }) => seqs.length)).toEqual([10, 10]);
    expect(sent[0]!.reason).toBe('bytes');
    expect(batcher.size).toBe(5);
  });

  it('sends a single event that is over the byte limit alone', async () => {
    const { batcher, clock, sent } = await makeBatcher({ maxBatchBytes: 1_024 });

    await batcher.addMany([
      { source: 'source-a', seq: 1 },
      { source: 'source-a', seq: 2, size: 5_000 },
      { source: 'source-a', seq: 3 },
    ]);
    await batcher.flush();
    await clock.settle();

    expect(sent.map(({ seqs }) => seqs)).toEqual([[1], [2], [3]]);
  });

  it('sends critical events at once and leaves the others waiting', async () => {
    const { batcher, clock, sent } = await makeBatcher();

    await batcher.addMany(events(1, 3));
    await batcher.add({ source: 'source-a', seq: 4 }, { priority: 'critical' });
    await clock.settle();

    expect(sent.map(({ seqs, reason }) => ({ seqs, reason }))).toEqual([{ seqs: [4], reason: 'priority' }]);
  });

  it('flush sends everything and says so', async () => {
    const { batcher, sent } = await makeBatcher({ maxBatchSize: 100, flushConcurrency: 1 });

    await batcher.addMany(events(1, 50));
    const result = await batcher.flush();

    expect(result).toEqual({ delivered: 50, dropped: 0, remaining: 0 });
    expect(sent.map(({ reason }) => reason)).toEqual(['manual']);
  });

  it('sends nothing before it is started', async () => {
    const { batcher, clock, sent } = await makeBatcher({ start: false, maxBatchSize: 2 });

    await batcher.addMany(events(1, 5));
    await clock.advance(60_000);

    expect(sent).toEqual([]);
    expect(batcher.size).toBe(5);
  });

  it('sends a backlog in full batches, in order, whatever size it was added in', async () => {
    const { batcher, sent } = await makeBatcher({ start: false, maxBatchSize: 100, flushConcurrency: 1 });

    let next = 1;
    for (const size of [1, 7, 250, 3, 60, 60, 60, 59]) {
      await batcher.addMany(events(next, next + size - 1));
      next += size;
    }
    await batcher.start();
    await batcher.flush();

    expect(sent.map(({ seqs }) => seqs.length)).toEqual([100, 100, 100, 100, 100]);
    expect(sent.flatMap(({ seqs }) => seqs)).toEqual(seqs(1, 500));
  });

  it('keeps as many batches under way as the concurrency says', async () => {
    const { batcher, clock, sent } = await makeBatcher({
      maxBatchSize: 10,
      flushConcurrency: 3,
      answers: ['hang', 'hang', 'hang', 'hang'],
    });

    await batcher.addMany(events(1, 100));
    await clock.settle();

    expect(sent).toHaveLength(3);
    expect((await batcher.stats()).inFlight).toBe(30);
  });
});

describe('when a delivery fails', () => {
  const network: Outcome = { kind: 'retry', cause: 'network' };

  it('retries the same batch, with growing full-jitter waits, then long ones, and never gives up', async () => {
    const { batcher, clock, sent } = await makeBatcher({ answers: Array(12).fill(network), flushConcurrency: 1 });

    await batcher.addMany(events(1, 3));
    await clock.advance(3_600_000);

    expect(sent).toHaveLength(13);
    expect(new Set(sent.map(({ id }) => id)).size).toBe(1);
    expect(sent.map(({ attempt }) => attempt)).toEqual(Array.from({ length: 13 }, (_, i) => i + 1));
    const waits = sent.slice(1).map(({ at }, i) => at - sent[i]!.at);
    [100, 200, 400, 30_000, 60_000, 120_000, 240_000, 300_000, 300_000].forEach((most, i) => {
      expect(waits[i]).toBeLessThanOrEqual(most);
      if (most >= 30_000) expect(waits[i]).toBeGreaterThanOrEqual(1_000);
    });
    expect(batcher.size).toBe(0);
  });

  it('does not make new attempts because new events come in', async () => {
    const { batcher, clock, sent } = await makeBatcher({ answers: Array(4).fill(network), maxBatchSize: 5 });

    await batcher.addMany(events(1, 5));
    await clock.advance(800);
    const attempts = sent.length;
    for (let i = 0; i < 50; i++) await batcher.addMany(events(10 + i * 5, 14 + i * 5));
    await clock.settle();

    expect(attempts).toBe(4);
    expect(sent).toHaveLength(4);
    expect((await batcher.stats()).pausedBy).toBe('backoff');
  });

  it('sends nothing before a Retry-After ends, flush and resume or not', async () => {
    const { batcher, clock, sent } = await makeBatcher({ answers: [{ kind: 'rate-limited', retryAfterMs: 60_000 }] });

    await batcher.addMany(events(1, 3));
    await batcher.flush();
    const result = await batcher.flush();
    await batcher.resume();
    await clock.advance(59_000);
    expect(sent).toHaveLength(1);
    expect(result).toMatchObject({ remaining: 3, pausedBy: 'rate-limited' });
    await clock.advance(8_000);

    expect(sent).toHaveLength(2);
    expect(batcher.size).toBe(0);
  });

  it('waits at least the longest backoff when rate-limited without a time', async () => {
    const { batcher, clock, sent } = await makeBatcher({ answers: [{ kind: 'rate-limited' }], maxDelayMs: 30_000 });

    await batcher.addMany(events(1, 3));
    await batcher.flush();
    await clock.advance(29_999);
    expect(sent).toHaveLength(1);
    await clock.advance(30_001);

    expect(sent).toHaveLength(2);
  });

  it('holds back and probes slowly when key or address is refused, and tells so once', async () => {
    const held: Outcome = { kind: 'held', detail: 'HTTP 401' };
    const { batcher, clock, sent, states } = await makeBatcher({ answers: Array(4).fill(held) });

    await batcher.addMany(events(1, 3));
    await clock.advance(3_600_000);

    expect(sent.length).toBeGreaterThanOrEqual(3);
    expect(sent.length).toBeLessThanOrEqual(8);
    expect(states.filter((state) => state === 'held')).toHaveLength(1);
    await clock.advance(3 * 3_600_000);
    expect(batcher.size).toBe(0);
  });

  it('resumes a backoff soon after the network is back', async () => {
    const { batcher, clock, sent } = await makeBatcher({ answers: Array(30).fill(network) });
    await batcher.addMany(events(1, 3));
    await clock.advance(200_000);
    const before = sent.length;

    await batcher.resume();
    await clock.advance(1_001);

    expect(sent.length).toBe(before + 1);
  });

  it('flush cuts a backoff short, but not again and again', async () => {
    const { batcher, clock, sent } = await makeBatcher({ answers: Array(30).fill(network) });
    await batcher.addMany(events(1, 3));
    await clock.advance(200_000);
    const before = sent.length;

    for (let i = 0; i < 10; i++) await batcher.flush();

    expect(sent.length).toBe(before + 1);
    await clock.advance(5_000);
    const later = sent.length;
    await batcher.flush();
    expect(sent.length).toBe(later + 1);
  });

  it('survives a deliver that throws', async () => {
    const { batcher, clock, sent } = await makeBatcher({
      answers: [
        () => {
          throw new Error('bug');
        },
      ],
    });

    await batcher.addMany(events(1, 3));
    await batcher.flush();
    await clock.advance(1_000);

    expect(sent).toHaveLength(2);
    expect(batcher.size).toBe(0);
  });

  it('probes with one batch at a time while the receiver is ill', async () => {
    const { batcher, clock, sent } = await makeBatcher({
      answers: Array(30).fill(network),
      maxBatchSize: 10,
      flushConcurrency: 4,
    });

    await batcher.addMany(events(1, 100));
    await clock.advance(40_000);

    // The first four go out side by side; after that, single probes.
    expect(sent.length).toBeLessThanOrEqual(10);
  });

  it('a wait survives a restart', async () => {
    const clock = createFakeClock();
    const first = await makeBatcher({
      clock,
      store: outliving(createMemoryStore<Event>()),
      answers: [{ kind: 'rate-limited', retryAfterMs: 60_000 }],
    });
    await first.batcher.addMany(events(1, 3));
    await first.batcher.flush();
    await first.batcher.close();

    const again = await reopen(first.store, clock);
    await clock.advance(59_000);
    expect(again.sent).toEqual([]);
    await clock.advance(8_000);

    expect(again.sent).toHaveLength(1);
  });

  it('is not stuck in a backoff when the clock is set back a day', async () => {
    const { batcher, clock, sent } = await makeBatcher({ answers: [{ kind: 'rate-limited', retryAfterMs: 60_000 }] });
    await batcher.addMany(events(1, 3));
    await batcher.flush();

    clock.jump(-86_400_000);
    await batcher.refresh();
    await clock.advance(67_000);

    expect(sent).toHaveLength(2);
  });

  it('is not stuck waiting for age when the clock is set back a day', async () => {
    const { batcher, clock, sent } = await makeBatcher();
    await batcher.addMany(events(1, 3));

    clock.jump(-86_400_000);
    await clock.advance(5_000);

    expect(sent).toHaveLength(1);
  });
});

describe('when the receiver does not take everything', () => {
  it('keeps only what a partial answer left open, as a new batch', async () => {
    const { batcher, sent, dropped, delivered } = await makeBatcher({
      answers: [{ kind: 'partial', delivered: [0, 1, 4], refused: [{ index: 2, reason: 'bad' }] }],
    });

    await batcher.addMany(events(1, 6));
    await batcher.flush();
    await batcher.flush();

    expect(sent.map(({ seqs }) => seqs)).toEqual([seqs(1, 6), [4, 6]]);
    expect(sent[1]!.id).not.toBe(sent[0]!.id);
    expect(dropped).toEqual([{ seqs: [3], reason: 'refused', detail: 'bad' }]);
    expect(delivered.sort()).toEqual([1, 2, 4, 5, 6]);
    expect(await batcher.quarantined()).toEqual([{ source: 'source-a', seq: 3 }]);
  });

  it('finds the one bad event in a batch that is refused without a reason', async () => {
    const poison = (batch: EventBatch<Event>): Outcome =>
      batch.events.some(({ seq }) => seq === 37) ? { kind: 'refused', detail: 'HTTP 400' } : { kind: 'delivered' };
    const { batcher, sent, dropped, delivered } = await makeBatcher({
      answers: Array(50).fill(poison),
      flushConcurrency: 1,
    });

    await batcher.addMany(events(1, 100));
    await batcher.flush();

    expect(dropped).toEqual([{ seqs: [37], reason: 'refused', detail: 'HTTP 400' }]);
    expect(delivered.sort((a, b) => a - b)).toEqual(seqs(1, 100).filter((seq) => seq !== 37));
    expect(sent.length).toBeLessThanOrEqual(16);
  });

  it('loses at most a handful to a receiver that refuses everything, and holds the rest', async () => {
    const refused: Outcome = { kind: 'refused', detail: 'HTTP 400' };
    const { batcher, clock, sent } = await makeBatcher({ answers: Array(30).fill(refused) });

    await batcher.addMany(events(1, 1_000));
    await batcher.flush();
    const stats = await batcher.stats();

    expect(stats).toMatchObject({ dropped: 5, pausedBy: 'held', waiting: expect.any(Number) });
    expect(stats.waiting + stats.inFlight).toBe(995);
    expect(sent.length).toBeLessThan(30);
    await clock.advance(48 * 3_600_000);
    expect((await batcher.stats()).delivered).toBe(995);
  });

  it('halves a batch that is too large, keeps batches small, and grows them again', async () => {
    const limit = (batch: EventBatch<Event>): Outcome =>
      batch.approximateBytes > 3_000 ? { kind: 'too-large' } : { kind: 'delivered' };
    const { batcher, sent } = await makeBatcher({ answers: Array(12).fill(limit), flushConcurrency: 1 });

    await batcher.addMany(events(1, 800));
    await batcher.flush();

    expect(batcher.size).toBe(0);
    expect(
      [...new Set(sent.filter(({ batch }) => batch.approximateBytes <= 3_000).flatMap(({ seqs }) => seqs))].length,
    ).toBeGreaterThan(0);
    expect(sent.at(-1)!.seqs.length + sent.at(-2)!.seqs.length).toBeGreaterThan(100);
    expect((await batcher.stats()).delivered).toBe(800);
  });

  it('drops a single event that is too large, and goes on', async () => {
    const limit = (batch: EventBatch<Event>): Outcome =>
      batch.approximateBytes > 500 ? { kind: 'too-large' } : { kind: 'delivered' };
    const { batcher, dropped } = await makeBatcher({ answers: Array(50).fill(limit) });

    await batcher.addMany([...events(1, 3), { source: 'source-a', seq: 4, size: 900 }, ...events(5, 8)]);
    for (let i = 0; i < 3; i++) await batcher.flush();

    expect(dropped).toEqual([{ seqs: [4], reason: 'too-large' }]);
    expect((await batcher.stats()).delivered).toBe(7);
  });
});

describe('what is kept', () => {
  // The specification's own test: enqueue 10, dequeue 5, requeue.
  it('enqueues 10, dequeues 5, requeues them to the front, and has 10', async () => {
    const { batcher, clock, sent } = await makeBatcher({
      maxBatchSize: 5,
      start: false,
      flushConcurrency: 1,
      answers: [{ kind: 'rate-limited', retryAfterMs: 1_000 }],
    });
    await batcher.addMany(events(1, 10));
    expect(batcher.size).toBe(10);

    await batcher.start();
    await clock.settle();
    expect(sent.map(({ seqs }) => seqs)).toEqual([seqs(1, 5)]);
    expect(batcher.size).toBe(10);
    await clock.advance(2_000);

    expect(sent.map(({ seqs }) => seqs)).toEqual([seqs(1, 5), seqs(1, 5), seqs(6, 10)]);
  });

  it('drops exactly the excess over the bound, oldest first, and tells the receiver', async () => {
    const { batcher, dropped, sent } = await makeBatcher({ maxEvents: 10_000, start: false });

    for (let i = 0; i < 20_000; i += 40) await batcher.addMany(events(i + 1, i + 40));
    await batcher.start();
    await batcher.flush();

    expect(dropped.flatMap(({ seqs }) => seqs)).toEqual(seqs(1, 10_000));
    expect(sent.flatMap(({ seqs }) => seqs).sort((a, b) => a - b)).toEqual(seqs(10_001, 20_000));
    expect(sent[0]!.batch.drops).toEqual([{ source: 'source-a', first: 1, last: 10_000, reason: 'queue-full' }]);
    expect(sent.at(-1)!.batch.drops).toEqual([]);
  });

  it('drops low priority before normal before critical', async () => {
    const { batcher, dropped } = await makeBatcher({ maxEvents: 10, start: false });

    await batcher.addMany(events(1, 5), { priority: 'critical' });
    await batcher.addMany(events(6, 9), { priority: 'low' });
    await batcher.addMany(events(10, 18));

    expect(dropped.flatMap(({ seqs }) => seqs)).toEqual([6, 7, 8, 9, 10, 11, 12, 13]);
  });

  it('drops the oldest although they are in a batch that waits for its next attempt; the rest of it goes under a new id', async () => {
    const { batcher, clock, dropped, sent } = await makeBatcher({
      maxEvents: 10,
      maxBatchSize: 5,
      answers: [{ kind: 'rate-limited', retryAfterMs: 20_000 }],
    });
    await batcher.addMany(events(1, 5));
    await clock.settle();

    await batcher.addMany(events(6, 13));
    await clock.advance(60_000);

    expect(dropped).toEqual([{ seqs: [1, 2, 3], reason: 'queue-full' }]);
    expect(sent.map(({ seqs }) => seqs)).toEqual([seqs(1, 5), [4, 5], seqs(6, 10), seqs(11, 13)]);
    expect(sent[1]!.id).not.toBe(sent[0]!.id);
    expect(sent[1]!.batch.drops).toEqual([{ source: 'source-a', first: 1, last: 3, reason: 'queue-full' }]);
  });

  it('spares the batch that is being sent', async () => {
    const { batcher, clock, dropped } = await makeBatcher({ maxEvents: 10, maxBatchSize: 5, answers: ['hang'] });
    await batcher.addMany(events(1, 5));
    await clock.settle();

    await batcher.addMany(events(6, 13));

    expect(dropped).toEqual([{ seqs: [6, 7, 8], reason: 'queue-full' }]);
  });

  it('keeps to the bound in bytes', async () => {
    const { batcher, dropped } = await makeBatcher({ maxBytes: 1_024, start: false });

    await batcher.addMany(events(1, 12));

    expect(dropped.flatMap(({ seqs }) => seqs)).toEqual([1, 2]);
  });

  it('keeps the newest when it is opened with a smaller bound', async () => {
    const clock = createFakeClock();
    const first = await makeBatcher({ clock, start: false });
    await first.batcher.addMany(events(1, 100));

    const again = await reopen(first.store, clock, { maxEvents: 30 });
    await again.batcher.flush();

    expect(again.sent.flatMap(({ seqs }) => seqs)).toEqual(seqs(71, 100));
  });

  it('drops what is older than the age limit, also from a batch in retry', async () => {
    const { batcher, clock, dropped, sent } = await makeBatcher({
      maxAgeMs: 600_000,
      answers: Array(50).fill({ kind: 'retry', cause: 'network' }),
      flushConcurrency: 1,
    });
    await batcher.addMany(events(1, 3));
    await clock.advance(300_000);
    await batcher.addMany(events(4, 5));

    await clock.advance(500_000);
    expect(dropped).toEqual([{ seqs: [1, 2, 3], reason: 'expired' }]);
    expect(batcher.size).toBe(2);
    await clock.advance(800_000);

    expect(batcher.size).toBe(0);
    expect(sent.length).toBeGreaterThan(5);
  });

  it('does not store the same event twice, in whatever order it is handed over again', async () => {
    const { batcher } = await makeBatcher({ start: false });

    await batcher.addMany(events(4, 6));
    await batcher.addMany(events(1, 3));
    const result = await batcher.addMany(events(1, 8));

    expect(result).toEqual({ stored: 2, duplicates: 6 });
    expect(batcher.size).toBe(8);
  });

  it('counts drops it is told of once, and never calls a stored event dropped', async () => {
    const { batcher } = await makeBatcher({ start: false });
    await batcher.addMany(events(3, 4));

    for (let i = 0; i < 2; i++)
      await batcher.recordDrops([{ source: 'source-a', first: 1, last: 6, reason: 'invalid' }]);

    expect(await batcher.stats()).toMatchObject({
      accepted: 6,
      dropped: 4,
      waiting: 2,
      droppedByReason: { invalid: 4 },
    });
  });

  describe('how far a source has come', () => {
    it('is told while more waits than the batch holds, once', async () => {
      const { batcher, clock, sent } = await makeBatcher({ maxBatchSize: 10, flushConcurrency: 1, start: false });
      await batcher.addMany(events(1, 30));

      await batcher.start();
      await clock.settle();

      expect(sent.map(({ batch }) => batch.tails)).toEqual([[['source-a', 30, 0]], [], []]);
    });

    it('is told again, and marked as its end, when who added it is gone', async () => {
      const alive = ['page-a'];
      const { batcher, sent } = await makeBatcher({ alive: async () => alive });
      await batcher.addMany(events(1, 3), { from: 'page-a' });
      await batcher.flush();
      alive.length = 0;
      await batcher.addMany(events(1, 1, 'source-b'), { from: 'page-b' });
      alive.push('page-b');
      await batcher.flush();
      await batcher.addMany(events(2, 2, 'source-b'), { from: 'page-b' });
      await batcher.flush();

      expect(sent.map(({ batch }) => batch.tails)).toEqual([[], [['source-a', 3, 1]], []]);
    });

    it('is told with the next attempt when the first one failed, and after a restart', async () => {
      const store: Store<Event> = { ...createMemoryStore<Event>(), close() {} };
      const first = await makeBatcher({ store, alive: async () => [], answers: [{ kind: 'retry', cause: 'network' }] });
      await first.batcher.addMany(events(1, 3), { from: 'page-a' });
      void first.batcher.flush();
      await first.clock.settle();
      void first.batcher.close();

      const second = await makeBatcher({ store, alive: async () => [], clock: first.clock });
      await second.clock.advance(60_000);

      expect([...first.sent, ...second.sent].map(({ batch }) => batch.tails)).toEqual([
        [['source-a', 3, 1]],
        [['source-a', 3, 1]],
      ]);
    });

    it('is not called its end where nobody knows who is there', async () => {
      const { batcher, sent } = await makeBatcher({ alive: () => Promise.reject(new Error('no clients')) });
      await batcher.addMany(events(1, 3), { from: 'page-a' });

      await batcher.flush();

      expect(sent.map(({ batch }) => batch.tails)).toEqual([[]]);
    });

    it('is forgotten with what is purged', async () => {
      const { batcher, sent } = await makeBatcher({ alive: async () => [] });
      await batcher.addMany(events(1, 3), { from: 'page-a' });

      await batcher.purge();
      await batcher.addMany(events(1, 1, 'source-b'));
      await batcher.flush();

      expect(sent.map(({ batch }) => batch.tails)).toEqual([[]]);
    });

    it('is kept of the newest 50 sources', async () => {
      const { batcher, sent } = await makeBatcher({ alive: async () => [] });
      for (let i = 1; i <= 60; i++) await batcher.add({ source: `source-${i}`, seq: 1 }, { from: 'page' });

      await batcher.flush();

      expect(sent[0]!.batch.tails.map(([source]) => source)).toEqual(
        Array.from({ length: 50 }, (_, i) => `source-${i + 11}`),
      );
    });
  });

  it('purges everything and counts it', async () => {
    const { batcher } = await makeBatcher({
      answers: [{ kind: 'rate-limited', retryAfterMs: 9_000 }],
      maxBatchSize: 10,
      flushConcurrency: 1,
    });
    await batcher.addMany(events(1, 25));
    await batcher.flush();

    await batcher.purge();

    expect(await batcher.stats()).toMatchObject({
      waiting: 0,
      inFlight: 0,
      bytes: 0,
      droppedByReason: { consent: 25 },
    });
  });

  it('frees a tenth and tries again when the store is full', async () => {
    const store = createMemoryStore<Event>();
    let full = false;
    const limited: Store<Event> = {
      close: () => store.close(),
      transact: (body) =>
        store.transact((tx) =>
          body({
            ...tx,
            writeRecord: async (record) => {
              const waiting = (await tx.readState())?.waiting.normal.events ?? 0;
              if (full && waiting >= 100) throw new PetrelError('store-full', 'full');
              await tx.writeRecord(record);
            },
          }),
        ),
    };
    const { batcher, dropped } = await makeBatcher({ store: limited, start: false });
    for (let i = 0; i < 10; i++) await batcher.addMany(events(i * 10 + 1, i * 10 + 10));
    full = true;

    const result = await batcher.addMany(events(101, 101));

    expect(result.stored).toBe(1);
    expect(dropped).toEqual([{ seqs: seqs(1, 10), reason: 'storage' }]);
  });
});

describe('what a leaving page sent itself', () => {
  it('is asked about before it is sent, and only the rest is sent', async () => {
    const { batcher, clock, sent } = await makeBatcher({
      answers: [(batch) => ({ kind: 'delivered', has: [[batch.carried[0]![0], 1, 2]] })],
    });

    await batcher.addMany(events(1, 4), { carried: true });
    await batcher.addMany(events(5, 6));
    await batcher.flush();
    await clock.advance(5_000);

    expect(sent.map(({ seqs, batch }) => [seqs, batch.carried])).toEqual([
      [[5, 6], [['source-a', 1, 4]]],
      [[3, 4], []],
    ]);
    expect(await batcher.stats()).toMatchObject({ accepted: 6, delivered: 6, waiting: 0 });
  });

  it('is asked about in a request of its own when nothing else is sent', async () => {
    const { batcher, clock, sent } = await makeBatcher({
      answers: [{ kind: 'delivered', has: [['source-a', 1, 4]] }],
    });

    await batcher.addMany(events(1, 4), { carried: true });
    await clock.advance(5_000);

    expect(sent.map(({ seqs, batch }) => [seqs, batch.carried])).toEqual([[[], [['source-a', 1, 4]]]]);
    expect(await batcher.stats()).toMatchObject({ delivered: 4, waiting: 0 });
  });

  it('is sent when the receiver does not say what it has', async () => {
    const { batcher, sent } = await makeBatcher();

    await batcher.addMany(events(1, 4), { carried: true });
    await batcher.flush();
    await batcher.flush();

    expect(sent.map(({ seqs }) => seqs)).toEqual([[], seqs(1, 4)]);
  });
});

describe('staying awake', () => {
  it('is quiet at once when nothing waits', async () => {
    const { batcher } = await makeBatcher();

    expect(await batcher.quiet(15_000)).toBeUndefined();
  });

  it('stays awake through a short wait, and sleeps through a long one', async () => {
    const { batcher, clock, sent } = await makeBatcher({ answers: [{ kind: 'rate-limited', retryAfterMs: 60_000 }] });
    await batcher.addMany(events(1, 3));
    let quietAfter: number | undefined;
    const began = clock.now();
    const quiet = batcher.quiet(15_000).then((ms) => {
      quietAfter = clock.now() - began;
      return ms;
    });

    await clock.advance(6_000);

    expect(quietAfter).toBe(5_000);
    expect(sent).toHaveLength(1);
    expect(await quiet).toBeGreaterThanOrEqual(60_000);
  });

  it('leaves no timer behind when closed', async () => {
    const { batcher, clock } = await makeBatcher();
    await batcher.addMany(events(1, 3));

    await batcher.close();

    expect(clock.pending).toBe(0);
    await expect(batcher.add({ source: 'source-a', seq: 9 })).rejects.toThrow('closed');
  });
});

describe('options', () => {
  it.each([
    ['maxBatchSize', 0, '`maxBatchSize` must be a whole number from 1 to 10000, not 0'],
    ['maxBatchAgeMs', -1, '`maxBatchAgeMs` must be a whole number from 0 to 3600000, not -1'],
    ['maxBatchBytes', '1MB', '`maxBatchBytes` must be a whole number from 1024 to 16777216, not "1MB"'],
    ['flushConcurrency', 1.5, '`flushConcurrency` must be a whole number from 1 to 64, not 1.5'],
    ['backoffMultiplier', Number.NaN, '`backoffMultiplier` must be a number from 1 to 10, not NaN'],
    ['maxEvents', Number.POSITIVE_INFINITY, '`maxEvents` must be a whole number from 1 to 1000000, not Infinity'],
  ])('refuses %s = %s', async (name, value, message) => {
    await expect(makeBatcher({ [name]: value } as object)).rejects.toThrow(message);
  });
});

/** A view of a store that its owner may close: the store itself outlives it, as a database does. */
function outliving(store: Store<Event>): Store<Event> {
  return { transact: (body) => store.transact(body), close() {} };
}

/** A second batcher on the same store, as after a restart. */
async function reopen(
  store: Store<Event>,
  clock: FakeClock,
  options: Omit<Partial<EventBatcherOptions<Event>>, 'clock' | 'store'> = {},
) {
  return makeBatcher({ store: outliving(store), clock, ...options });
}
