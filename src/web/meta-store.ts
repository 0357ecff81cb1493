import type { IdbDatabase } from './idb-database.js';

/** A few small values beside the queues: configurations, identity, when something was last done. */
export interface MetaStore {
  /** All of them. */
  read(): Promise<Map<string, unknown>>;
  write(key: string, value: unknown): Promise<void>;
}

/** In the database of the queues, so that they live and die together. */
export function createIdbMetaStore(database: IdbDatabase): MetaStore {
  return {
    read: () =>
      database.transact(async (tx) => {
        const meta = tx.objectStore('meta');
        const [keys, values] = await Promise.all([meta.getAllKeys(), meta.getAll()]);
        return new Map(keys.map((key, i) => [key, values[i]]));
      }),
    write: (key, value) =>
      database.transact(async (tx) => {
        await tx.objectStore('meta').put(value, key);
      }),
  };
}

/** For a page without IndexedDB. */
export function createMemoryMetaStore(): MetaStore {
  const values = new Map<string, unknown>();
  return {
    read: async () => new Map(values),
    async write(key, value) {
      values.set(key, value);
    },
  };
}
