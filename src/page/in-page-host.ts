import type { QueuedEvent } from '../core/event.js';
import { createMemoryStore } from '../core/memory-store.js';
import type { Store } from '../core/store.js';
import { PROTOCOL_VERSION } from '../protocol.js';
import { isQueuedEvent } from '../web/check-event.js';
import { createHostEngine, type Formats, type HostEngineOptions } from '../web/engine.js';
import { createGzipEncoder } from '../web/gzip-encoder.js';
import { createIdbDatabase } from '../web/idb-database.js';
import { createIdbStore } from '../web/idb-store.js';
import { createYieldingLeader } from '../web/leader.js';
import { createIdbMetaStore, createMemoryMetaStore } from '../web/meta-store.js';
import { createPetrelEncoder } from '../web/petrel-encoder.js';
import { createSystemClock } from '../web/system-clock.js';
import type { EngineHost } from './host.js';

/**
 * The engine in the page, for where there is no worker: with IndexedDB, and from the moment that fails, in memory.
 * A chunk of its own; a site with a worker never loads it.
 */
export async function openInPageHost(): Promise<EngineHost> {
  const clock = createSystemClock();
  const abort = new AbortController();
  const database = createIdbDatabase({ clock });
  const { lead, yield: giveUp, resume } = createYieldingLeader(navigator.locks);
  const common = {
    clock,
    fetch: fetch.bind(globalThis),
    onLine: () => navigator.onLine,
    gpc: () => (navigator as { globalPrivacyControl?: boolean }).globalPrivacyControl === true,
  } satisfies Partial<HostEngineOptions>;
  const meta = createIdbMetaStore(database);
  let formats: Formats = {};
  let engine = createHostEngine({
    ...common,
    kind: 'page',
    formats,
    openStore: (queue) => createIdbStore({ database, queue, isEvent: isQueuedEvent }),
    meta,
    lead,
  });

  /** What waits in memory, by queue. */
  const stores = new Map<string, Store<QueuedEvent>>();
  let leaving = false;

  const useMemory = () => {
    void engine.close();
    database.close();
    formats = {
      ...formats,
      petrel({ key }, clock) {
        const plain = createPetrelEncoder({ clock, key });
        const gzip = createGzipEncoder(plain);
        return { encode: (batch) => (leaving ? plain : gzip).encode(batch) };
      },
    };
    engine = createHostEngine({
      ...common,
      kind: 'memory',
      // Of a page that is leaving, only what has `keepalive` arrives, and what is begun before it is gone: compression takes longer.
      fetch: (url, init) => fetch(url, { ...init, keepalive: leaving }),
      formats,
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
  };

  // Refused, as in a sandboxed frame, or hanging: better known now than with the first event.
  await meta.read().catch(useMemory);

  // A hidden page sends nothing: it may be frozen with the lock in its hand, and Firefox keeps no page with a lock in its cache.
  // But what is only in memory goes now or never: the page was told that it is stored, and does not send it by itself.
  const leave = () => {
    giveUp();
    leaving = true;
    for (const to of stores.keys()) void engine.receive({ petrel: PROTOCOL_VERSION, type: 'flush', to }, () => {});
  };
  const look = () => {
    if (document.hidden) return leave();
    leaving = false;
    resume();
  };
  document.addEventListener('visibilitychange', look, { signal: abort.signal });
  addEventListener('pagehide', leave, { signal: abort.signal });
  look();

  /** Other people's formats are one more chunk. Without it the engine says that it does not know them. */
  let loading: Promise<unknown> | undefined;
  const loadFormats = () => {
    loading ??= import('./in-page-formats.js')
      .then((chunk) => Object.assign(formats, chunk.formats))
      .catch(() => {
        loading = undefined;
      });
    return loading;
  };

  return {
    post(message, reply) {
      // The same limits as in front of a worker, and the page may change its objects. (Safari has it since 15.4.)
      const copy = typeof structuredClone === 'function' ? structuredClone(message) : message;
      const hand = () => {
        const asked = engine;
        void asked.receive(copy, (answer) => {
          if (answer.type !== 'error' || !answer.code.startsWith('store-')) return reply(answer);
          if (engine === asked) useMemory();
          void engine.receive(copy, reply);
        });
      };
      const format = 'config' in copy ? copy.config?.format : undefined;
      if (format === undefined || Object.hasOwn(formats, format)) hand();
      else void loadFormats().then(hand);
    },
    close() {
      abort.abort();
      giveUp();
      void engine.close();
      database.close();
    },
  };
}
