/** A database as JSON: what a release left behind, for the next one to find. */
export interface DatabaseDump {
  version: number;
  stores: {
    [store: string]: {
      indexes: { [index: string]: string | string[] };
      entries: [key: IDBValidKey, value: unknown][];
    };
  };
}

function result<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

/** Reads the whole database, past every check. */
export async function dumpDatabase(name: string): Promise<DatabaseDump> {
  const db = await result(indexedDB.open(name));
  const dump: DatabaseDump = { version: db.version, stores: {} };
  for (const storeName of db.objectStoreNames) {
    const store = db.transaction(storeName).objectStore(storeName);
    const indexes = Object.fromEntries([...store.indexNames].map((index) => [index, store.index(index).keyPath]));
    const [keys, values] = await Promise.all([result(store.getAllKeys()), result(store.getAll())]);
    dump.stores[storeName] = { indexes, entries: keys.map((key, i) => [key, values[i]]) };
  }
  db.close();
  return dump;
}

/** Makes the database that was dumped, in whatever IndexedDB is there. */
export async function loadDatabase(name: string, { version, stores }: DatabaseDump): Promise<void> {
  const opening = indexedDB.open(name, version);
  opening.onupgradeneeded = () => {
    for (const [storeName, { indexes, entries }] of Object.entries(stores)) {
      const store = opening.result.createObjectStore(storeName);
      for (const [index, keyPath] of Object.entries(indexes)) store.createIndex(index, keyPath);
      for (const [key, value] of entries) store.put(value, key);
    }
  };
  (await result(opening)).close();
}
