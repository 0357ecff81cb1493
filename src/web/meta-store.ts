import type { IdbDatabase } from './idb-database.js';

/** A few small values beside the queues: configurations, identity, when something was last done. */
export interface MetaStore {
  /** All of them. */
  read(): Promise<Map<string, unknown>>;
  /** Replaces one by what `change` makes of it, in one transaction; undefined removes it. `change` may be called twice. */
  update<T>(key: string, change: (before: unknown) => T): Promise<T>;
}

/** In the database of the queues, so that they live and die together. */
export function createIdbMetaStore(database: IdbDatabase): MetaStore {
  return {
    read: () =>
      database.transact(async (tx, ask) => {
        const meta = tx.objectStore('meta');
        const [keys, values] = await Promise.all([ask(meta.getAllKeys()), ask(meta.getAll())]);
        return new Map(keys.map((key, i) => [key as string, values[i]]));
      }),
    update: (key, change) =>
      database.transact(async (tx, ask) => {
        const meta = tx.objectStore('meta');
        const value = change(await ask(meta.get(key)));
        if (value === undefined) meta.delete(key);
        else meta.put(value, key);
        return value;
      }),
  };
}

/** For a page without IndexedDB. */
export function createMemoryMetaStore(): MetaStore {
  const values = new Map<string, unknown>();
  return {
    read: async () => new Map(values),
    async update(key, change) {
      const value = change(values.get(key));
      if (value === undefined) values.delete(key);
      else values.set(key, value);
      return value;
    },
  };
}
