import type { QueuedEvent } from '../core/event.js';
import { createMemoryStore } from '../core/memory-store.js';
import type { Store } from '../core/store.js';
import type { HostMessage, PageMessage } from '../protocol.js';
import { isQueuedEvent } from '../web/check-event.js';
import { createHostEngine, type HostEngine } from '../web/engine.js';
import { createIdbDatabase } from '../web/idb-database.js';
import { createIdbStore } from '../web/idb-store.js';
import { createLeader } from '../web/leader.js';
import { createIdbMetaStore, createMemoryMetaStore } from '../web/meta-store.js';
import { createSystemClock } from '../web/system-clock.js';

/** The engine beside the tracker, in one thread: what it is handed it has, or it answers with an error. */
export interface WorkerHost {
  /** Throws when the message cannot be cloned. */
  post(message: PageMessage, reply: (answer: HostMessage) => void): void;
  close(): Promise<void>;
}

/**
 * The queue of the origin, opened from a worker: the same database and the same locks as Petrel's service worker has, so whoever lives
 * longer delivers what is left. From the moment the database fails, in memory.
 */
export function openWorkerHost(): WorkerHost {
  const clock = createSystemClock();
  const database = createIdbDatabase({ clock });
  const common = {
    clock,
    fetch: fetch.bind(globalThis),
    onLine: () => navigator.onLine,
    gpc: () => (navigator as { globalPrivacyControl?: boolean }).globalPrivacyControl === true,
  };
  let engine: HostEngine = createHostEngine({
    ...common,
    kind: 'page',
    openStore: (queue) => createIdbStore({ database, queue, isEvent: isQueuedEvent }),
    meta: createIdbMetaStore(database),
    lead: createLeader(navigator.locks),
  });

  function useMemory(): void {
    const stores = new Map<string, Store<QueuedEvent>>();
    void engine.close();
    database.close();
    engine = createHostEngine({
      ...common,
      kind: 'memory',
      openStore: (queue) => {
        const store = stores.get(queue) ?? createMemoryStore<QueuedEvent>();
        stores.set(queue, store);
        // The engine opens and closes handles; what waits outlives them.
        return { transact: store.transact, close() {} };
      },
      meta: createMemoryMetaStore(),
      // Nobody else has this queue, so nobody else could send it.
      lead: (_name, send) => send(),
    });
  }

  return {
    post(message, reply) {
      // The caller may change its objects.
      const copy = structuredClone(message);
      const asked = engine;
      void asked.receive(copy, (answer) => {
        if (answer.type !== 'error' || !answer.code.startsWith('store-')) return reply(answer);
        if (engine === asked) useMemory();
        void engine.receive(copy, reply);
      });
    },
    async close() {
      await engine.close();
      database.close();
    },
  };
}
