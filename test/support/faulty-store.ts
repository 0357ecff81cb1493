import { PetrelError, type PetrelErrorCode } from '../../src/core/errors.js';
import type { Store, StoreTransaction } from '../../src/core/store.js';

/** What goes wrong with one transaction. */
export type Fault =
  /** It is refused, and nothing of it is kept. */
  | { kind: 'fail'; code: PetrelErrorCode }
  /** It is committed, but the caller is told that it failed: a timeout while the commit was under way. */
  | { kind: 'fail-after-commit'; code: PetrelErrorCode }
  /** It never answers and is never committed. The store goes on with the next one. */
  | { kind: 'hang' }
  /** The process dies before its first operation (0), before its n-th, or before the commit (without `at`). Nothing of it is kept. */
  | { kind: 'crash'; at?: number }
  /** The process dies when it is committed, before the caller learns of it. */
  | { kind: 'crash-after-commit' };

export interface FaultyStore<E> extends Store<E> {
  /** Transactions begun on this handle so far. The next one has this number in {@link FaultyStore.at}. */
  readonly transactions: number;
  /** The operations of each transaction that ran, by name: to find every point at which one can be killed. */
  readonly log: string[][];
  /** Whether a crash was hit: from then on nothing of this handle answers, as nothing of a dead process does. */
  readonly dead: boolean;
  /** Makes the transaction of this number fail. */
  at(transaction: number, fault: Fault): void;
  /** Makes the next transaction fail. */
  next(fault: Fault): void;
  /** Makes every transaction fail until told otherwise. */
  always(fault: Fault | undefined): void;
  /** The same log under a new process: no faults, not dead. */
  restart(): FaultyStore<E>;
}

/**
 * Any store, with faults by script: what a contract test cannot make a real store do on demand.
 *
 * @example Kill the process at every point of what a test does:
 * ```ts
 * for (let transaction = 0; ; transaction++) {
 *   const store = createFaultyStore(createMemoryStore<string>());
 *   store.at(transaction, { kind: 'crash-after-commit' });
 *   await scenario(store);
 *   if (!store.dead) break; // there is no such transaction: all points were tried
 *   await check(store.restart());
 * }
 * ```
 */
export function createFaultyStore<E>(inner: Store<E>): FaultyStore<E> {
  const faults = new Map<number, Fault>();
  const log: string[][] = [];
  let everyTime: Fault | undefined;
  let begun = 0;
  let dead = false;

  const never = <T>() => new Promise<T>(() => {});

  /** Ends the process: the transaction is undone inside, and outside nothing answers any more. */
  const die = (): Error => {
    dead = true;
    return new Error('the process is dead');
  };

  function observed(tx: StoreTransaction<E>, operations: string[], crashAt: number | undefined): StoreTransaction<E> {
    const wrapped = {} as { [name: string]: unknown };
    for (const name of Object.keys(tx) as (keyof StoreTransaction<E>)[]) {
      wrapped[name] = async (...args: never[]) => {
        if (operations.length === crashAt) throw die();
        operations.push(name);
        return (tx[name] as (...args: never[]) => Promise<unknown>)(...args);
      };
    }
    return wrapped as unknown as StoreTransaction<E>;
  }

  return {
    get transactions() {
      return begun;
    },
    get dead() {
      return dead;
    },
    log,
    at: (transaction, fault) => void faults.set(transaction, fault),
    next: (fault) => void faults.set(begun, fault),
    always: (fault) => {
      everyTime = fault;
    },
    restart: () => createFaultyStore(inner),
    close() {
      if (!dead) inner.close();
    },
    async transact<T>(body: (tx: StoreTransaction<E>) => Promise<T>): Promise<T> {
      if (dead) return never();
      const number = begun++;
      const fault = faults.get(number) ?? everyTime;
      if (fault?.kind === 'hang') return never();
      if (fault?.kind === 'fail') throw new PetrelError(fault.code, 'the store fails, as the test asked');
      const operations: string[] = [];
      log.push(operations);
      const crashAt = fault?.kind === 'crash' ? fault.at : undefined;
      try {
        const result = await inner.transact(async (tx) => {
          const answer = await body(observed(tx, operations, crashAt));
          if (fault?.kind === 'crash') throw die();
          return answer;
        });
        if (fault?.kind === 'crash-after-commit') die();
        if (dead) return never();
        if (fault?.kind === 'fail-after-commit') {
          throw new PetrelError(fault.code, 'the store fails after the commit, as the test asked');
        }
        return result;
      } catch (error) {
        if (dead) return never();
        throw error;
      }
    },
  };
}
