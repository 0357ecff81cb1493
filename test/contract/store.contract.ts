import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { createMemoryStore } from '../../src/core/memory-store.js';
import { emptyState, type QueueState } from '../../src/core/queue-state.js';
import type { Lane, Store, StoredRecord, StoreTransaction } from '../../src/core/store.js';

/** What the suite stores: the shape does not matter to a store, sharing an origin does. */
export interface Item {
  origin: { source: string };
  seq: number;
}

export interface StoreFixture {
  /** A fresh, empty log. */
  store: Store<Item>;
  /** Another handle on the same log, as another tab or the next worker has it. Left out where a log lives in one object. */
  again?: () => Store<Item>;
  /** A handle on another log in the same place. */
  other?: () => Store<Item>;
  dispose?: () => Promise<void> | void;
}

/** The promises of `Store`, checked on one implementation. */
export function storeContract(name: string, makeStore: () => Promise<StoreFixture> | StoreFixture): void {
  describe(`${name} keeps the store contract`, () => {
    const fixtures: StoreFixture[] = [];
    const make = async () => {
      const fixture = await makeStore();
      fixtures.push(fixture);
      return fixture;
    };
    afterEach(async () => {
      for (const fixture of fixtures.splice(0)) {
        fixture.store.close();
        await fixture.dispose?.();
      }
    });

    it('is empty at first', async () => {
      const { store } = await make();

      await store.transact(async (tx) => {
        expect(await tx.readState()).toBeUndefined();
        expect(await tx.readRecords('normal', 0, Number.MAX_SAFE_INTEGER, 10)).toEqual([]);
        expect(await tx.readSource('source-1')).toBeUndefined();
      });
    });

    it('shows a transaction its own writes', async () => {
      const { store } = await make();

      await store.transact(async (tx) => {
        await tx.writeState(stateWith(3));
        await tx.writeRecord(record('normal', 0, 3));
        await tx.writeSource('source-1', { stored: [[1, 3]], at: 5 });

        expect(await tx.readState()).toEqual(stateWith(3));
        expect(await tx.readRecords('normal', 0, 10, 10)).toEqual([record('normal', 0, 3)]);
        expect(await tx.readSource('source-1')).toEqual({ stored: [[1, 3]], at: 5 });

        await tx.removeRecords('normal', 0, 3);
        expect(await tx.readRecords('normal', 0, 10, 10)).toEqual([]);
      });
    });

    it('keeps what was committed, and answers with what the body returned', async () => {
      const { store } = await make();

      const answer = await store.transact(async (tx) => {
        await tx.writeState(stateWith(2));
        await tx.writeRecord(record('critical', 0, 2));
        return 'done';
      });

      expect(answer).toBe('done');
      expect(await dump(store)).toEqual({ ...EMPTY, state: stateWith(2), critical: [record('critical', 0, 2)] });
    });

    it('leaves no trace of a body that throws, and passes the error on as it is', async () => {
      const { store } = await make();
      await fill(store, [record('normal', 0, 2), record('normal', 2, 1)]);
      await store.transact((tx) => tx.writeSource('source-1', { stored: [[1, 3]], at: 5 }));
      const before = await dump(store);
      const bug = new Error('a bug');

      const failing = store.transact(async (tx) => {
        await tx.writeState(stateWith(99));
        await tx.removeRecords('normal', 0, 2);
        await tx.writeRecord(record('normal', 2, 7));
        await tx.writeRecord(record('low', 9, 1));
        await tx.writeSource('source-1', { stored: [[1, 9]], at: 9 });
        await tx.writeSource('source-2', { stored: [[1, 1]], at: 9 });
        await tx.removeSources(100);
        await tx.readState();
        throw bug;
      });

      await expect(failing).rejects.toBe(bug);
      expect(await dump(store)).toEqual(before);
    });

    it('leaves no trace of a body that throws before it reads anything', async () => {
      const { store } = await make();
      const bug = new Error('a bug');

      const failing = store.transact(async (tx) => {
        await tx.writeRecord(record('normal', 0, 1));
        throw bug;
      });

      await expect(failing).rejects.toBe(bug);
      expect(await dump(store)).toEqual(EMPTY);
    });

    it('goes on after a body that threw', async () => {
      const { store } = await make();

      const failing = store.transact(async () => {
        throw new Error('a bug');
      });
      const following = store.transact((tx) => tx.writeRecord(record('normal', 0, 1)));

      await expect(failing).rejects.toThrow('a bug');
      await following;
      expect((await dump(store)).normal).toHaveLength(1);
    });

    it('runs transactions one after another', async () => {
      const { store, again } = await make();
      const stores = [store, again?.() ?? store];

      await Promise.all(
        Array.from({ length: 40 }, (_, i) =>
          stores[i % 2]!.transact(async (tx) => {
            const state = (await tx.readState()) ?? emptyState();
            await tx.readRecords('normal', 0, 10, 10);
            await tx.writeState({ ...state, nextOffset: state.nextOffset + 1 });
          }),
        ),
      );

      expect((await dump(store)).state?.nextOffset).toBe(40);
    });

    it('reads a range of offsets, oldest first: from included, to excluded, at most limit', async () => {
      const { store } = await make();
      await fill(store, [
        record('normal', 20, 5),
        record('normal', 0, 10),
        record('normal', 10, 10),
        record('low', 3, 1),
      ]);
      const offsets = (from: number, to: number, limit: number) =>
        store.transact(async (tx) => (await tx.readRecords('normal', from, to, limit)).map((found) => found.offset));

      expect(await offsets(0, 21, 10)).toEqual([0, 10, 20]);
      expect(await offsets(0, 20, 10)).toEqual([0, 10]);
      expect(await offsets(1, 21, 10)).toEqual([10, 20]);
      expect(await offsets(0, 21, 2)).toEqual([0, 10]);
      expect(await offsets(0, Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY)).toEqual([0, 10, 20]);
    });

    it('finds nothing in an empty range', async () => {
      const { store } = await make();
      await fill(store, [record('normal', 5, 1)]);

      await store.transact(async (tx) => {
        expect(await tx.readRecords('normal', 5, 5, 10)).toEqual([]);
        expect(await tx.readRecords('normal', 9, 2, 10)).toEqual([]);
        expect(await tx.readRecords('normal', 0, 10, 0)).toEqual([]);
        await tx.removeRecords('normal', 5, 5);
        await tx.removeRecords('normal', 9, 2);
      });

      expect((await dump(store)).normal).toHaveLength(1);
    });

    it('replaces the record at the same place', async () => {
      const { store } = await make();
      await fill(store, [record('normal', 0, 3), record('normal', 3, 1)]);

      await fill(store, [record('normal', 0, 1)]);

      expect((await dump(store)).normal).toEqual([record('normal', 0, 1), record('normal', 3, 1)]);
    });

    it('removes only the range, only in the lane', async () => {
      const { store } = await make();
      const all = [0, 10, 20, 30].flatMap((offset) => [record('normal', offset, 1), record('low', offset, 1)]);
      await fill(store, all);

      await store.transact((tx) => tx.removeRecords('normal', 10, 30));

      const after = await dump(store);
      expect(after.normal.map((found) => found.offset)).toEqual([0, 30]);
      expect(after.low).toHaveLength(4);
    });

    it('keeps the origin of a record shared', async () => {
      const { store } = await make();
      await fill(store, [record('normal', 0, 3)]);

      const [found] = (await dump(store)).normal;

      expect(found!.events[1]!.origin).toBe(found!.events[0]!.origin);
    });

    it('does not change what it holds when the state it gave out is changed', async () => {
      const { store } = await make();
      await store.transact((tx) => tx.writeState(stateWith(1)));

      await store.transact(async (tx) => {
        const state = (await tx.readState())!;
        state.nextOffset = 50;
        state.waiting.normal.events = 50;
        state.counters.dropped.expired = 50;
      });

      expect((await dump(store)).state).toEqual(stateWith(1));
    });

    it('forgets the sources not touched since', async () => {
      const { store } = await make();
      await store.transact(async (tx) => {
        for (const at of [1, 2, 3]) await tx.writeSource(`source-${at}`, { stored: [[at, at]], at });
      });

      await store.transact((tx) => tx.removeSources(2));

      await store.transact(async (tx) => {
        expect(await tx.readSource('source-1')).toBeUndefined();
        expect(await tx.readSource('source-2')).toEqual({ stored: [[2, 2]], at: 2 });
        expect(await tx.readSource('source-3')).toEqual({ stored: [[3, 3]], at: 3 });
      });
    });

    it('refuses work after close', async () => {
      const { store } = await make();
      await fill(store, [record('normal', 0, 1)]);

      store.close();

      await expect(store.transact(async () => {})).rejects.toMatchObject({ code: 'store-unavailable' });
    });

    it('shows another handle what was committed, also after close', async (context) => {
      const { store, again } = await make();
      if (!again) return context.skip();
      await fill(store, [record('normal', 0, 2)]);
      const seenWhileOpen = await dump(again());

      store.close();

      expect(seenWhileOpen.normal).toEqual([record('normal', 0, 2)]);
      expect(await dump(again())).toEqual(seenWhileOpen);
    });

    it('does not see another queue of the same place', async (context) => {
      const { store, other } = await make();
      if (!other) return context.skip();
      const neighbour = other();
      await fill(store, [record('normal', 0, 2)]);
      await store.transact((tx) => tx.writeSource('source-1', { stored: [[1, 2]], at: 1 }));

      expect(await dump(neighbour)).toEqual(EMPTY);
      await neighbour.transact(async (tx) => {
        await tx.removeRecords('normal', 0, Number.MAX_SAFE_INTEGER);
        await tx.removeSources(100);
      });

      expect((await dump(store)).normal).toHaveLength(1);
      await store.transact(async (tx) => expect(await tx.readSource('source-1')).toBeDefined());
    });

    it('does what the memory store does, whatever the order of calls', async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(transactionArbitrary, { maxLength: 12 }), async (transactions) => {
          const { store } = await make();
          const reference = createMemoryStore<Item>();

          for (const { steps, fails } of transactions) {
            const outcome = (target: Store<Item>) =>
              target
                .transact(async (tx) => {
                  const seen: unknown[] = [];
                  for (const step of steps) seen.push(await step.run(tx));
                  if (fails) throw new Error('on purpose');
                  return seen;
                })
                .catch((error: Error) => error.message);

            expect(await outcome(store)).toEqual(await outcome(reference));
          }
          expect(await dump(store)).toEqual(await dump(reference));
        }),
        { numRuns: 30 },
      );
    });
  });
}

const SENDING_LANES: Lane[] = ['low', 'normal', 'critical', 'carried', 'quarantine'];

export function record(lane: Lane, offset: number, events: number): StoredRecord<Item> {
  const origin = { source: 'source-1' };
  return {
    lane,
    offset,
    events: Array.from({ length: events }, (_, i) => ({ origin, seq: offset + i })),
    sizes: Array.from({ length: events }, (_, i) => 100 + i),
    at: 1_000 + offset,
  };
}

export function stateWith(nextOffset: number): QueueState {
  return { ...emptyState(), nextOffset };
}

async function fill(store: Store<Item>, records: StoredRecord<Item>[]): Promise<void> {
  await store.transact(async (tx) => {
    for (const each of records) await tx.writeRecord(each);
  });
}

type Dump = Record<Lane, StoredRecord<Item>[]> & { state: QueueState | undefined };

const EMPTY: Dump = { state: undefined, low: [], normal: [], critical: [], carried: [], quarantine: [] };

async function dump(store: Store<Item>): Promise<Dump> {
  return store.transact(async (tx) => {
    const all = { ...EMPTY, state: await tx.readState() };
    for (const lane of SENDING_LANES) all[lane] = await tx.readRecords(lane, 0, Number.MAX_SAFE_INTEGER, 1_000);
    return all;
  });
}

interface Step {
  run: (tx: StoreTransaction<Item>) => Promise<unknown>;
  toString: () => string;
}

const offset = fc.integer({ min: 0, max: 12 });
const lane = fc.constantFrom<Lane>('low', 'normal', 'carried');
const step = (words: string, run: Step['run']): Step => ({ run, toString: () => words });

const stepArbitrary: fc.Arbitrary<Step> = fc.oneof(
  fc
    .tuple(lane, offset, fc.integer({ min: 1, max: 3 }))
    .map(([l, at, n]) => step(`write ${l} ${at} ${n}`, (tx) => tx.writeRecord(record(l, at, n)))),
  fc
    .tuple(lane, offset, offset)
    .map(([l, from, to]) => step(`remove ${l} ${from} ${to}`, (tx) => tx.removeRecords(l, from, to))),
  fc
    .tuple(lane, offset, offset, fc.integer({ min: 0, max: 4 }))
    .map(([l, from, to, limit]) =>
      step(`read ${l} ${from} ${to} ${limit}`, (tx) => tx.readRecords(l, from, to, limit)),
    ),
  offset.map((n) => step(`state ${n}`, (tx) => tx.writeState(stateWith(n)))),
  fc.constant(step('read state', (tx) => tx.readState())),
  fc
    .tuple(offset, offset)
    .map(([n, at]) =>
      step(`source ${n} ${at}`, (tx) => tx.writeSource(`source-${n % 3}`, { stored: [[1, n + 1]], at })),
    ),
  offset.map((n) => step(`read source ${n}`, (tx) => tx.readSource(`source-${n % 3}`))),
  offset.map((at) => step(`forget ${at}`, (tx) => tx.removeSources(at))),
);

const transactionArbitrary = fc.record({
  steps: fc.array(stepArbitrary, { maxLength: 6 }),
  fails: fc.boolean(),
});
