import { createIdbDatabase, type IdbDatabase } from '../../src/web/idb-database.js';
import { createIdbStore } from '../../src/web/idb-store.js';
import { createSystemClock } from '../../src/web/system-clock.js';
import type { Item, StoreFixture } from '../contract/store.contract.js';

let made = 0;

/** A name no other test uses. */
export const freshName = (): string => `petrel-test-${++made}`;

export function openDatabase(name: string): IdbDatabase {
  return createIdbDatabase({ name, clock: createSystemClock() });
}

/** The IndexedDB store as the contract suite wants it, on whatever IndexedDB is there. */
export function idbStoreFixture(): StoreFixture {
  const name = freshName();
  const databases: IdbDatabase[] = [];
  const open = (queue: string) => {
    const database = openDatabase(name);
    databases.push(database);
    return createIdbStore<Item>({ database, queue });
  };
  return {
    store: open('a'),
    again: () => open('a'),
    other: () => open('b'),
    dispose() {
      for (const database of databases) database.close();
      indexedDB.deleteDatabase(name);
    },
  };
}
