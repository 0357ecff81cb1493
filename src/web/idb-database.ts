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
import { openDB, unwrap } from 'idb';
import type { Clock } from '../core/clock.js';
import { PetrelError } from '../core/errors.js';

/** Never upgraded: records carry their own versions, so that an older worker can always open what a newer one wrote. */
const DATABASE_VERSION = 1;

/** A healthy operation takes milliseconds; a page gives up on its host after 2 s without an answer. */
const TIMEOUT_MS = 5_000;

/**
 * - `records`: events by [queue, lane, offset]
 * - `state`: the state of each queue, by queue
 * - `sources`: what was stored of each source, by [queue, source]; the index `age` by [queue, at]
 * - `meta`: configuration, identity, and when something was last done
 */
const STORE_NAMES = ['records', 'state', 'sources', 'meta'] as const;

/** Waits for a request, and restarts the watchdog. */
export type Ask = <T>(request: IDBRequest<T>) => Promise<T>;

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
   * `body` awaits nothing but requests of the transaction, by `ask`, and may be run a second time on a new connection. What need not be
   * waited for it need not ask for: requests run in order, so later reads see it, and when it fails the transaction does.
   *
   * @throws {@link PetrelError} `store-full`, `store-timeout`, `store-unavailable`; what `body` throws itself as it is.
   */
  transact<T>(body: Body<T>): Promise<T>;
  /** Lets go of the connection; later calls fail with `store-unavailable`. */
  close(): void;
}

export function createIdbDatabase({ name = 'petrel', clock, timeoutMs = TIMEOUT_MS }: IdbDatabaseOptions): IdbDatabase {
  let connection: Promise<IDBDatabase> | undefined;
  let closed = false;
  let tail: Promise<unknown> = Promise.resolve();
  let hangs = 0;

  function connect(): Promise<IDBDatabase> {
    if (connection) return connection;
    const open = async (version?: number): Promise<IDBDatabase> =>
      // The promises of idb and its proxies are for comfort; for each request of each event they would cost more than all else here.
      unwrap(
        await openDB(name, version, {
          upgrade(db) {
            for (const store of STORE_NAMES) {
              const made = db.createObjectStore(store);
              if (store === 'sources') made.createIndex('age', ['queue', 'at']);
            }
          },
          // Somebody deletes or upgrades the database: being in the way would block them, so let go; the next call opens it again.
          blocking: () => drop(opening),
          terminated: () => drop(opening),
        }),
      );
    const opening = open(DATABASE_VERSION)
      // A newer release left a newer database: it is additive, so open it as it is.
      .catch((error) => (nameOf(error) === 'VersionError' ? open() : Promise.reject(error)));
    connection = opening;
    return opening;
  }

  function drop(which = connection): void {
    if (connection === which) connection = undefined;
    which?.then((db) => db.close()).catch(() => {});
  }

  /** Runs `body` once. `opened` is called when the failure, if one follows, is the transaction's and not the connection's. */
  async function attempt<T>(body: Body<T>, opened: () => void): Promise<T> {
    if (closed) throw new PetrelError('store-unavailable', 'the store is closed');
    const { watch, beat, stop } = createWatchdog(clock, timeoutMs);
    let tx: IDBTransaction | undefined;
    try {
      const db = await watch(connect());
      tx = db.transaction(STORE_NAMES, 'readwrite', { durability: 'relaxed' });
      opened();
      const ended = settled(tx);
      let result: T;
      try {
        result = await watch(
          body(tx, (request) => {
            beat();
            return resultOf(request);
          }),
        );
      } catch (error) {
        if (isTimeout(error)) throw error;
        abort(tx);
        // A request of an aborted transaction knows nothing but that; the transaction knows why.
        const reason = await watch(ended).catch((why) => why);
        throw nameOf(error) === 'AbortError' || isTimeout(reason) ? reason : error;
      }
      try {
        // Without this the browser first waits until the event loop shows that nothing more is asked.
        tx.commit();
      } catch {
        // Aborted already: `ended` tells why.
      }
      await watch(ended);
      return result;
    } catch (error) {
      if (isTimeout(error)) abort(tx);
      throw error;
    } finally {
      stop();
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

type Body<T> = (tx: IDBTransaction, ask: Ask) => Promise<T>;

/**
 * Rejects what it watches when `timeoutMs` pass without a beat. One timer for a transaction, which looks again when there was a beat:
 * a timer for each step costs as much as the step.
 */
function createWatchdog(clock: Clock, timeoutMs: number) {
  let beatAt = clock.now();
  let timer: unknown;
  let stop = () => {};
  const expired = new Promise<never>((_, reject) => {
    const look = () => {
      const left = beatAt + timeoutMs - clock.now();
      // Less than that left: the clock was set back, and nothing can be said but that this has taken long.
      if (left > 0 && left < timeoutMs) timer = clock.setTimeout(look, left);
      else reject(new PetrelError('store-timeout', `IndexedDB did not answer within ${timeoutMs} ms`));
    };
    timer = clock.setTimeout(look, timeoutMs);
    stop = () => clock.clearTimeout(timer);
  });
  expired.catch(() => {});
  const beat = () => {
    beatAt = clock.now();
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

/** Settles when the transaction has: after this nothing of it changes. Not at `error`: Firefox knows the reason (quota) only at `abort`. */
function settled(tx: IDBTransaction): Promise<void> {
  const ended = new Promise<void>((resolve, reject) => {
    tx.oncomplete = () => resolve();
    tx.onabort = () => reject(tx.error ?? new DOMException('the transaction was aborted', 'AbortError'));
  });
  ended.catch(() => {});
  return ended;
}

const resultOf = <T>(request: IDBRequest<T>): Promise<T> =>
  new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });

function abort(tx: IDBTransaction | undefined): void {
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
