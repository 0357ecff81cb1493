import { afterEach, describe, expect, it, vi } from 'vitest';
import { emptyState, type QueueState } from '../../src/core/queue-state.js';
import type { Store } from '../../src/core/store.js';
import { createIdbDatabase, type IdbDatabase } from '../../src/web/idb-database.js';
import { createIdbStore } from '../../src/web/idb-store.js';
import { createSystemClock } from '../../src/web/system-clock.js';
import { type Item, record, stateWith, storeContract } from '../contract/store.contract.js';
import { freshName, idbStoreFixture, openDatabase } from './idb-store.fixture.js';

storeContract('the IndexedDB store (Chromium)', idbStoreFixture);

describe('the IndexedDB store in a browser', () => {
  const cleanups: (() => void)[] = [];
  afterEach(() => {
    for (const cleanup of cleanups.splice(0).reverse()) cleanup();
  });

  function open(name = freshName(), options: Partial<Parameters<typeof createIdbStore>[0]> = {}) {
    const database = openDatabase(name);
    cleanups.push(() => {
      database.close();
      indexedDB.deleteDatabase(name);
    });
    return { name, database, store: createIdbStore<Item>({ database, queue: 'a', ...options }) };
  }

  it('shares one log between two connections that write at the same time', async () => {
    const { name, store } = open();
    const { store: tab } = open(name);

    await Promise.all(Array.from({ length: 60 }, (_, i) => append(i % 2 ? store : tab)));

    expect(await offsets(store)).toEqual(Array.from({ length: 60 }, (_, i) => i));
  });

  it('lets another connection delete the database, and goes on in a new one', async () => {
    const { name, store } = open();
    await append(store);

    await deleteDatabase(name);

    expect(await offsets(store)).toEqual([]);
    await append(store);
    expect(await offsets(store)).toEqual([0]);
  });

  it('opens the database again when the browser has closed it', async () => {
    const opened = vi.spyOn(indexedDB, 'open');
    cleanups.push(() => opened.mockRestore());
    const { store } = open();
    await append(store);

    opened.mock.results[0]!.value.result.dispatchEvent(new Event('close'));

    expect(await offsets(store)).toEqual([0]);
    expect(opened).toHaveBeenCalledTimes(2);
  });

  it('lets a newer release upgrade the database, and goes on in it', async () => {
    const { name, store } = open();
    await append(store);

    const newer = await request(indexedDB.open(name, 7));
    newer.close();

    await append(store);
    expect(await offsets(store)).toEqual([0, 1]);
  });

  it('opens a database of a newer release', async () => {
    const { name, store, database } = open();
    await append(store);
    database.close();
    (await request(indexedDB.open(name, 7))).close();

    const { store: older } = open(name);

    expect(await offsets(older)).toEqual([0]);
  });

  it('finishes the transaction in which the database was asked to go', async () => {
    const { name, store } = open();
    await append(store);

    const deleted = store.transact(async (tx) => {
      await tx.readState();
      const gone = deleteDatabase(name);
      for (let i = 0; i < 20; i++) await tx.readState();
      await tx.writeRecord(record('normal', 1, 1));
      return { gone };
    });

    await (await deleted).gone;
    expect(await offsets(store)).toEqual([]);
  });

  it('drops a damaged record, keeps its neighbours, and says so', async () => {
    const onCorrupt = vi.fn();
    const { name, store } = open(undefined, { onCorrupt });
    for (let i = 0; i < 5; i++) await append(store);
    const damage: [number, unknown][] = [
      [0, 'text'],
      [1, { ...record('normal', 1, 1), sizes: [] }],
      [3, { ...record('normal', 3, 1), at: 'noon' }],
    ];
    for (const [offset, value] of damage) await put(name, 'records', value, ['a', 1, offset]);

    const first = await offsets(store, 1);

    expect(first).toEqual([2]);
    expect(await offsets(store)).toEqual([2, 4]);
    expect(onCorrupt.mock.calls.flat().reduce((sum, n) => sum + n, 0)).toBe(3);
    expect(await count(name, 'records')).toBe(2);
  });

  it('drops a record that holds something which is no event', async () => {
    const onCorrupt = vi.fn();
    const { name, store } = open(undefined, { onCorrupt, isEvent: (value) => (value as Item).seq >= 0 });
    await append(store);
    await put(name, 'records', { ...record('normal', 5, 1), events: [{ seq: 'five' }] }, ['a', 1, 5]);

    expect(await offsets(store)).toEqual([0]);
    expect(onCorrupt).toHaveBeenCalledWith(1);
  });

  it('makes a damaged state anew from the records', async () => {
    const { name, store } = open();
    await store.transact(async (tx) => {
      await tx.writeRecord(record('normal', 0, 3));
      await tx.writeRecord(record('critical', 3, 2));
      await tx.writeRecord(record('quarantine', 5, 1));
    });

    for (const damaged of [
      'text',
      null,
      {},
      { ...stateWith(6), waiting: {} },
      { ...stateWith(6), nextOffset: 'six' },
    ]) {
      await put(name, 'state', damaged, 'a');
      const state = await store.transact((tx) => tx.readState());

      expect(state).toMatchObject({
        nextOffset: 6,
        head: { normal: 0, critical: 3 },
        waiting: {
          normal: { events: 3, records: 1, bytes: 303, oldestAt: 1000 },
          critical: { events: 2, records: 1, bytes: 201, oldestAt: 1003 },
        },
        counters: { accepted: 6, delivered: 0, dropped: { refused: 1 } },
        batches: [],
      });
    }
  });

  it('hands a state of a newer release on as it is', async () => {
    const { name, store } = open();
    const newer = { version: 2, shape: 'unknown' };
    await append(store);
    await put(name, 'state', newer, 'a');

    expect(await store.transact((tx) => tx.readState())).toEqual(newer);
  });

  it('forgets a damaged source', async () => {
    const { name, store } = open();
    await append(store);
    await put(name, 'sources', { queue: 'a', stored: 'all', at: 1 }, ['a', 'source-1']);

    expect(await store.transact((tx) => tx.readSource('source-1'))).toBeUndefined();
  });

  it('says so when the database is not ours', async () => {
    const name = freshName();
    const theirs = await request(indexedDB.open(name, 3));
    theirs.close();

    const { store } = open(name);

    await expect(append(store)).rejects.toMatchObject({ code: 'store-unavailable' });
  });

  it('passes on that an event cannot be stored, keeps nothing of it, and goes on', async () => {
    const { store } = open();
    const uncloneable = { ...record('normal', 9, 1), events: [{ origin: { source: 'x' }, seq: () => 1 } as never] };

    const failing = store.transact(async (tx) => {
      await tx.writeState(stateWith(9));
      await tx.writeRecord(uncloneable);
    });

    await expect(failing).rejects.toMatchObject({ name: 'DataCloneError' });
    expect(await store.transact((tx) => tx.readState())).toBeUndefined();
    await append(store);
  });

  it('gives up on a transaction that another connection holds up, and on those behind it, then starts afresh', async () => {
    const { name, store } = open();
    await append(store);
    const impatient: IdbDatabase = createIdbDatabase({ name, clock: createSystemClock(), timeoutMs: 100 });
    cleanups.push(() => impatient.close());
    const waiting = createIdbStore<Item>({ database: impatient, queue: 'a' });
    await append(waiting);
    const release = await occupy(name);

    const outcomes = await Promise.allSettled([append(waiting), append(waiting)]);
    await release();

    expect(outcomes.map((outcome) => (outcome as PromiseRejectedResult).reason.code)).toEqual([
      'store-timeout',
      'store-timeout',
    ]);
    await append(waiting);
    expect(await offsets(store)).toEqual([0, 1, 2]);
  });

  it('holds 10 000 events and gives up a thousand at once', async () => {
    const { store } = open();
    const big = Array.from({ length: 100 }, (_, i) => record('normal', i * 100, 100));
    await store.transact(async (tx) => {
      for (const each of big) await tx.writeRecord(each);
    });

    await store.transact((tx) => tx.removeRecords('normal', 0, 1_000));

    const left = await offsets(store);
    expect(left).toHaveLength(90);
    expect(left[0]).toBe(1_000);
  });
});

/** One more event, as the engine adds it: state and record in one transaction. */
function append(store: Store<Item>): Promise<void> {
  return store.transact(async (tx) => {
    const state: QueueState = (await tx.readState()) ?? emptyState();
    await tx.writeRecord(record('normal', state.nextOffset, 1));
    await tx.writeState({ ...state, nextOffset: state.nextOffset + 1 });
  });
}

function offsets(store: Store<Item>, limit = 1_000): Promise<number[]> {
  return store.transact(async (tx) =>
    (await tx.readRecords('normal', 0, Number.MAX_SAFE_INTEGER, limit)).map((found) => found.offset),
  );
}

function request<T>(from: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    from.onsuccess = () => resolve(from.result);
    from.onerror = () => reject(from.error);
  });
}

async function deleteDatabase(name: string): Promise<void> {
  await request(indexedDB.deleteDatabase(name) as IDBRequest<unknown>);
}

/** Writes past the store, as a bug or another script would. */
async function put(name: string, into: string, value: unknown, key: IDBValidKey): Promise<void> {
  const db = await request(indexedDB.open(name));
  await request(db.transaction(into, 'readwrite').objectStore(into).put(value, key));
  db.close();
}

async function count(name: string, of: string): Promise<number> {
  const db = await request(indexedDB.open(name));
  const found = await request(db.transaction(of).objectStore(of).count());
  db.close();
  return found;
}

/** Keeps a transaction over the records open until released. */
async function occupy(name: string): Promise<() => Promise<void>> {
  const db = await request(indexedDB.open(name));
  const tx = db.transaction('records', 'readwrite');
  let released = false;
  const ended = new Promise<void>((resolve) => {
    tx.oncomplete = () => resolve();
  });
  const spin = (): void => {
    if (!released) tx.objectStore('records').count().onsuccess = spin;
  };
  spin();
  return async () => {
    released = true;
    await ended;
    db.close();
  };
}
