/**
 * One IndexedDB database for everything the host keeps, and one door to it: a transaction at a time, none that hangs for ever,
 * a connection that heals itself once and then says so.
 *
 * - *One at a time.* WebKit wedges a database for good when a worker ends with a readwrite and a readonly transaction in flight
 *   (https://bugs.webkit.org/show_bug.cgi?id=324094): so every transaction here is readwrite, and they queue.
 * - *A watchdog* on every step, because in that state `open()` succeeds and everything after it never calls back.
 * - *Reconnect.* Browsers close connections under us: clear-site-data, low memory on iOS, a lost storage process. Trying again on the
 *   same handle fails for the rest of its life, so it is dropped, opened again, and the transaction run once more from its beginning.
 */
import { type DBSchema, type IDBPDatabase, type IDBPTransaction, openDB } from 'idb';
import type { Clock } from '../core/clock.js';
import { PetrelError } from '../core/errors.js';
import type { SourceRecord } from '../core/store.js';

/** Never upgraded: records carry their own versions, so that an older worker can always open what a newer one wrote. */
const DATABASE_VERSION = 1;

/** A healthy operation takes milliseconds; a page gives up on its host after 2 s without an answer. */
const TIMEOUT_MS = 5_000;

interface Schema extends DBSchema {
  /** Records by [queue, lane, offset]. */
  records: { key: [queue: string, lane: number, offset: number]; value: unknown };
  /** The state of each queue, by queue. */
  state: { key: string; value: unknown };
  /** What was stored of each source, by [queue, source]. */
  sources: {
    key: [queue: string, source: string];
    value: SourceRecord & { queue: string };
    indexes: { age: [queue: string, at: number] };
  };
  /** Configuration, identity, and when something was last done. */
  meta: { key: string; value: unknown };
}

type StoreName = 'records' | 'state' | 'sources' | 'meta';
const STORE_NAMES: StoreName[] = ['records', 'state', 'sources', 'meta'];

/** A transaction over the whole database. */
export type IdbTransaction = IDBPTransaction<Schema, StoreName[], 'readwrite'>;

export interface IdbDatabaseOptions {
  /** Name of the database. @defaultValue 'petrel' */
  name?: string;
  clock: Clock;
  /** Longest one step may take, in milliseconds. @defaultValue 5000 */
  timeoutMs?: number;
}

/** A connection to the database. Opened by its first transaction. */
export interface IdbDatabase {
  /**
   * Runs `body` in one readwrite transaction over all object stores; resolves after `complete`.
   * `body` awaits nothing but requests of the transaction, and may be run a second time on a new connection.
   * `beat` restarts the watchdog.
   *
   * @throws {@link PetrelError} `store-full`, `store-timeout`, `store-unavailable`; what `body` throws itself as it is.
   */
  transact<T>(body: (tx: IdbTransaction, beat: () => void) => Promise<T>): Promise<T>;
  /** Lets go of the connection; later calls fail with `store-unavailable`. */
  close(): void;
}

export function createIdbDatabase({ name = 'petrel', clock, timeoutMs = TIMEOUT_MS }: IdbDatabaseOptions): IdbDatabase {
  let connection: Promise<IDBPDatabase<Schema>> | undefined;
  let closed = false;
  let tail: Promise<unknown> = Promise.resolve();
  let hangs = 0;

  function connect(): Promise<IDBPDatabase<Schema>> {
    if (connection) return connection;
    const opening = open(DATABASE_VERSION)
      // A newer release left a newer database: it is additive, so open it as it is.
      .catch((error) => (nameOf(error) === 'VersionError' ? open(undefined) : Promise.reject(error)));
    connection = opening;
    return opening;

    function open(version: number | undefined): Promise<IDBPDatabase<Schema>> {
      return openDB<Schema>(name, version, {
        upgrade(db) {
          db.createObjectStore('records');
          db.createObjectStore('state');
          db.createObjectStore('sources').createIndex('age', ['queue', 'at']);
          db.createObjectStore('meta');
        },
        // Somebody deletes or upgrades the database: being in the way would block them, so let go; the next call opens it again.
        blocking: () => drop(opening),
        terminated: () => drop(opening),
      });
    }
  }

  function drop(which = connection): void {
    if (connection === which) connection = undefined;
    which?.then((db) => db.close()).catch(() => {});
  }

  /** Runs `body` once. `opened` is called when the failure, if one follows, is the transaction's and not the connection's. */
  async function attempt<T>(body: Body<T>, opened: () => void): Promise<T> {
    if (closed) throw new PetrelError('store-unavailable', 'the store is closed');
    const watchdog = createWatchdog(clock, timeoutMs);
    let tx: IdbTransaction | undefined;
    try {
      const db = await watchdog.watch(connect());
      tx = db.transaction(STORE_NAMES, 'readwrite', { durability: 'relaxed' });
      opened();
      tx.done.catch(() => {}); // rejects too early for us: Firefox knows the reason (quota) only at `abort`
      const ended = settled(tx);
      let result: T;
      try {
        result = await watchdog.watch(body(tx, watchdog.beat));
      } catch (error) {
        if (isTimeout(error)) throw error;
        abort(tx);
        // A request of an aborted transaction knows nothing but that; the transaction knows why.
        const reason = await watchdog.watch(ended).catch((why) => why);
        throw nameOf(error) === 'AbortError' || isTimeout(reason) ? reason : error;
      }
      try {
        // Without this the browser first waits until the event loop shows that nothing more is asked.
        tx.commit();
      } catch {
        // Aborted already: `ended` tells why.
      }
      await watchdog.watch(ended);
      return result;
    } catch (error) {
      if (isTimeout(error)) abort(tx);
      throw error;
    } finally {
      watchdog.stop();
    }
  }

  async function run<T>(body: Body<T>): Promise<T> {
    for (let retried = false; ; retried = true) {
      let opening = true;
      try {
        return await attempt(body, () => {
          opening = false;
        });
      } catch (error) {
        const kind = kindOf(error, opening);
        if (kind === 'foreign') throw error;
        // After a quota error, too: Firefox refuses further writes on the same connection.
        drop();
        if (kind === 'lost' && !retried) continue;
        if (kind === 'hung') {
          hangs++;
          throw error;
        }
        if (kind === 'full') {
          throw new PetrelError('store-full', 'the browser gives IndexedDB no more room', { cause: error });
        }
        throw new PetrelError('store-unavailable', `IndexedDB failed: ${String(error)}`, { cause: error });
      }
    }
  }

  return {
    transact(body) {
      const seen = hangs;
      const result = tail.then(() => {
        // What had to wait for a hanging transaction has waited long enough; whoever comes after it gets a fresh connection.
        if (hangs !== seen) throw new PetrelError('store-timeout', 'IndexedDB did not answer an earlier operation');
        return run(body);
      });
      tail = result.catch(() => {});
      return result;
    },
    close() {
      closed = true;
      drop();
    },
  };
}

type Body<T> = (tx: IdbTransaction, beat: () => void) => Promise<T>;

/** Rejects what it watches when `timeoutMs` pass without a beat. */
function createWatchdog(clock: Clock, timeoutMs: number) {
  let timer: unknown;
  let expire: () => void;
  const expired = new Promise<never>((_, reject) => {
    expire = () => reject(new PetrelError('store-timeout', `IndexedDB did not answer within ${timeoutMs} ms`));
  });
  expired.catch(() => {});
  const stop = () => clock.clearTimeout(timer);
  const beat = () => {
    stop();
    timer = clock.setTimeout(expire, timeoutMs);
  };
  return {
    beat,
    stop,
    watch<T>(work: Promise<T>): Promise<T> {
      beat();
      return Promise.race([work, expired]);
    },
  };
}

/** Settles when the transaction has: after this nothing of it changes. */
function settled(tx: IdbTransaction): Promise<void> {
  const ended = new Promise<void>((resolve, reject) => {
    tx.addEventListener('complete', () => resolve());
    tx.addEventListener('abort', () =>
      reject(tx.error ?? new DOMException('the transaction was aborted', 'AbortError')),
    );
  });
  ended.catch(() => {});
  return ended;
}

function abort(tx: IdbTransaction | undefined): void {
  try {
    tx?.abort();
  } catch {
    // It had ended already.
  }
}

const nameOf = (error: unknown): string => (error instanceof Error ? error.name : '');

const isTimeout = (error: unknown): boolean => error instanceof PetrelError && error.code === 'store-timeout';

/**
 * What an error means. `lost`: the connection is gone, worth one more try on a new one. `full`: no room.
 * `hung`: the watchdog's. `unusable`: no IndexedDB here, or not ours. `foreign`: the body's own, not ours to translate.
 */
function kindOf(error: unknown, opening: boolean): 'lost' | 'full' | 'hung' | 'unusable' | 'foreign' {
  if (error instanceof PetrelError) return error.code === 'store-timeout' ? 'hung' : 'foreign';
  switch (nameOf(error)) {
    case 'QuotaExceededError':
      return 'full';
    case 'AbortError': // closed while a transaction ran
    case 'InvalidStateError': // "The database connection is closing"
    case 'UnknownError': // WebKit: "Connection to Indexed Database server lost", and several more
      return 'lost';
    case 'NotFoundError': // a database of this name that is not ours
      return 'unusable';
    default:
      return opening ? 'unusable' : 'foreign';
  }
}
