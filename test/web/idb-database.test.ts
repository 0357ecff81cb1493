import 'fake-indexeddb/auto';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { createIdbDatabase } from '../../src/web/idb-database.js';
import { createFakeClock } from '../support/fake-clock.js';
import { freshName } from './idb-store.fixture.js';

describe('the IndexedDB connection', () => {
  afterEach(() => {
    vi.restoreAllMocks();
    vi.unstubAllGlobals();
  });

  function open(name = freshName()) {
    const clock = createFakeClock();
    const database = createIdbDatabase({ name, clock });
    return {
      clock,
      database,
      write: (value: string) =>
        database.transact(async (tx) => {
          tx.objectStore('meta').put(value, 'key');
          return value;
        }),
      read: () => database.transact((tx, ask) => ask(tx.objectStore('meta').get('key'))),
    };
  }

  /** Makes the next call of a method fail or misbehave, then lets it work again. */
  function once<K extends string>(of: { [method in K]: unknown }, method: K, instead: () => unknown) {
    const methods = of as { [method: string]: () => unknown };
    return vi.spyOn(methods, method).mockImplementationOnce(instead);
  }

  const domError = (name: string) => new DOMException(`${name}, as a browser says it`, name);

  it('opens the database once', async () => {
    const opened = vi.spyOn(indexedDB, 'open');
    const { write, read } = open();

    await write('a');
    await write('b');

    expect(await read()).toBe('b');
    expect(opened).toHaveBeenCalledTimes(1);
  });

  it.each(['InvalidStateError', 'UnknownError', 'AbortError'])(
    'opens it again once, and runs the transaction once more, after %s',
    async (name) => {
      const { write, read } = open();
      await write('before');
      const opened = vi.spyOn(indexedDB, 'open');
      once(IDBDatabase.prototype, 'transaction', () => {
        throw domError(name);
      });

      await write('after');

      expect(await read()).toBe('after');
      expect(opened).toHaveBeenCalledTimes(1);
    },
  );

  it('runs it once more when the connection is lost in the middle', async () => {
    const { database, read } = open();
    let runs = 0;

    await database.transact(async (tx, ask) => {
      runs++;
      await ask(tx.objectStore('meta').put(`run ${runs}`, 'key'));
      if (runs === 1) tx.abort();
      await ask(tx.objectStore('meta').get('key'));
    });

    expect(runs).toBe(2);
    expect(await read()).toBe('run 2');
  });

  it('does not try a third time', async () => {
    const { write } = open();
    await write('before');
    const opened = vi.spyOn(indexedDB, 'open');
    const refused = vi.spyOn(IDBDatabase.prototype, 'transaction').mockImplementation(() => {
      throw domError('UnknownError');
    });

    await expect(write('after')).rejects.toMatchObject({ code: 'store-unavailable', cause: { name: 'UnknownError' } });

    expect(refused).toHaveBeenCalledTimes(2);
    expect(opened).toHaveBeenCalledTimes(1);
  });

  it('tries again on the next call after it failed', async () => {
    const { write, read } = open();
    vi.spyOn(indexedDB, 'open').mockImplementation(() => {
      throw domError('UnknownError');
    });
    await expect(write('a')).rejects.toMatchObject({ code: 'store-unavailable' });
    vi.restoreAllMocks();

    await write('b');

    expect(await read()).toBe('b');
  });

  it('says that storage is forbidden here', async () => {
    const { write } = open();
    const opened = vi.spyOn(indexedDB, 'open').mockImplementation(() => {
      throw domError('SecurityError');
    });

    await expect(write('a')).rejects.toMatchObject({ code: 'store-unavailable' });

    expect(opened).toHaveBeenCalledTimes(1);
  });

  it('says that there is no IndexedDB here', async () => {
    vi.stubGlobal('indexedDB', undefined);
    const { write } = open();

    await expect(write('a')).rejects.toMatchObject({ code: 'store-unavailable' });
  });

  it('says that the store is full when a write was refused for want of room, and starts on a new connection', async () => {
    const { database, write } = open();
    await write('before');
    const opened = vi.spyOn(indexedDB, 'open');

    const full = database.transact(async () => {
      throw domError('QuotaExceededError');
    });

    await expect(full).rejects.toMatchObject({ code: 'store-full', cause: { name: 'QuotaExceededError' } });
    await write('after');
    expect(opened).toHaveBeenCalledTimes(1);
  });

  it('passes a bug in the body on as it is, and keeps the connection', async () => {
    const { database, write, read } = open();
    await write('before');
    const opened = vi.spyOn(indexedDB, 'open');
    const bug = new TypeError('a bug');

    const failing = database.transact(async (tx) => {
      tx.objectStore('meta').put('during', 'key');
      throw bug;
    });

    await expect(failing).rejects.toBe(bug);
    expect(await read()).toBe('before');
    expect(opened).not.toHaveBeenCalled();
  });

  it('gives up on an open that never calls back, and on what waited for it, then starts afresh', async () => {
    const { clock, write, read } = open();
    once(indexedDB, 'open', () => new IDBOpenDBRequest());

    const hanging = write('a').catch((error) => error);
    await clock.advance(4_999);
    const behind = write('b').catch((error) => error);
    await clock.advance(1);

    expect(await hanging).toMatchObject({ code: 'store-timeout' });
    expect(await behind).toMatchObject({ code: 'store-timeout' });
    await write('c');
    expect(await read()).toBe('c');
  });

  it('gives up on a transaction that never answers', async () => {
    const { clock, database, write } = open();
    await write('before');

    const hanging = database
      .transact(async (tx, ask) => {
        await ask(tx.objectStore('meta').put('during', 'key'));
        await new Promise(() => {});
      })
      .catch((error) => error);
    await clock.advance(5_000);

    expect(await hanging).toMatchObject({ code: 'store-timeout' });
    expect(clock.pending).toBe(0);
  });

  it('waits as long as it takes while every step answers in time', async () => {
    const { clock, database } = open();
    const answer = database.transact(async (tx, ask) => {
      for (let i = 0; i < 4; i++) {
        let waiting = true;
        void clock.advance(4_000).then(() => {
          waiting = false;
        });
        const spin = () => new Promise((done) => (tx.objectStore('meta').get('key').onsuccess = done));
        while (waiting) await spin(); // or the transaction would end by itself
        await ask(tx.objectStore('meta').get('key'));
      }
      return 'done';
    });

    expect(await answer).toBe('done');
  });

  it('leaves no timer behind', async () => {
    const { clock, database, write } = open();
    await write('a');
    await database.transact(() => Promise.reject(new Error('a bug'))).catch(() => {});

    expect(clock.pending).toBe(0);
  });

  it('refuses work after close', async () => {
    const { database, write } = open();
    await write('a');

    database.close();

    await expect(write('b')).rejects.toMatchObject({ code: 'store-unavailable' });
  });
});
