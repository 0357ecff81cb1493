import { describe, expect, it } from 'vitest';
import { createMemoryStore } from '../../src/core/memory-store.js';
import { type Item, record, storeContract } from '../contract/store.contract.js';
import { createFaultyStore } from './faulty-store.js';

storeContract('the faulty store without faults', () => ({ store: createFaultyStore(createMemoryStore<Item>()) }));

describe('the faulty store', () => {
  const make = () => {
    const store = createFaultyStore(createMemoryStore<Item>());
    const add = (offset: number) =>
      store.transact(async (tx) => {
        await tx.writeRecord(record('normal', offset, 1));
        await tx.readState();
        return offset;
      });
    return { store, add };
  };
  const kept = (store: ReturnType<typeof make>['store']) =>
    store.transact(async (tx) => (await tx.readRecords('normal', 0, 100, 100)).map(({ offset }) => offset));

  /** `hangs`: still pending after everything that could settle has. */
  const outcomeOf = async (promise: Promise<unknown>) =>
    Promise.race([
      promise.then(
        (value) => value,
        (error) => error.code,
      ),
      new Promise((resolve) => setImmediate(() => resolve('hangs'))),
    ]);

  it('refuses, once or until told otherwise', async () => {
    const { store, add } = make();

    store.next({ kind: 'fail', code: 'store-full' });
    expect(await outcomeOf(add(0))).toBe('store-full');
    expect(await outcomeOf(add(1))).toBe(1);
    store.always({ kind: 'fail', code: 'store-timeout' });
    expect(await outcomeOf(add(2))).toBe('store-timeout');
    store.always(undefined);

    expect(await kept(store)).toEqual([1]);
  });

  it('commits and says that it failed', async () => {
    const { store, add } = make();
    store.at(1, { kind: 'fail-after-commit', code: 'store-timeout' });

    expect(await outcomeOf(add(0))).toBe(0);
    expect(await outcomeOf(add(1))).toBe('store-timeout');

    expect(await kept(store)).toEqual([0, 1]);
  });

  it('hangs', async () => {
    const { store, add } = make();
    store.next({ kind: 'hang' });

    expect(await outcomeOf(add(0))).toBe('hangs');
    expect(await kept(store)).toEqual([]);
  });

  it('dies before an operation, before the commit, and after it; the next process finds what was committed', async () => {
    const expected: [Parameters<ReturnType<typeof make>['store']['next']>[0], number[]][] = [
      [{ kind: 'crash', at: 0 }, [0]],
      [{ kind: 'crash', at: 1 }, [0]],
      [{ kind: 'crash' }, [0]],
      [{ kind: 'crash-after-commit' }, [0, 1]],
    ];
    for (const [fault, left] of expected) {
      const { store, add } = make();
      await add(0);
      store.next(fault);

      expect(await outcomeOf(add(1))).toBe('hangs');
      expect(store.dead).toBe(true);
      expect(await outcomeOf(add(2))).toBe('hangs');
      expect(await kept(store.restart())).toEqual(left);
    }
  });

  it('names the points at which it can be killed', async () => {
    const { store, add } = make();
    await add(0);

    expect(store.transactions).toBe(1);
    expect(store.log).toEqual([['writeRecord', 'readState']]);
  });
});
