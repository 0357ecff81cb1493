/**
 * `petrel/sw`: the queue for a service worker of your own. Without one, serve the ready-made `petrel-sw.js`.
 * @packageDocumentation
 */
import { PetrelError } from '../src/core/errors.js';
import { show } from '../src/core/options.js';
import type { Format } from '../src/formats/lib/format.js';
import { isQueuedEvent } from '../src/web/check-event.js';
import { createHostEngine, type Formats } from '../src/web/engine.js';
import { couriersOf } from '../src/web/format-courier.js';
import { createIdbDatabase } from '../src/web/idb-database.js';
import { createIdbStore } from '../src/web/idb-store.js';
import { createLeader } from '../src/web/leader.js';
import { createIdbMetaStore } from '../src/web/meta-store.js';
import { createSystemClock } from '../src/web/system-clock.js';
import { listen } from './ingest.js';
import { AWAKE_MS, createLifetime } from './lifetime.js';

/** Options of {@link startPetrel}. Everything about events and delivery is an option of the page's `createTracker`. */
export interface PetrelWorkerOptions {
  /**
   * Name of the IndexedDB database. Change it only if your site has a database of this name.
   * @defaultValue 'petrel'
   */
  database?: string;
  /**
   * Asks the browser to wake the worker later when something waits and no page is open to do it (Background Sync, Chromium only).
   * @defaultValue true
   */
  backgroundSync?: boolean;
  /**
   * Formats besides Petrel's own that pages may name as `format`: those of `petrel/formats/…`.
   * @defaultValue []
   * @example
   * ```ts
   * import { segment } from 'petrel/formats/segment';
   *
   * startPetrel({ formats: [segment] });
   * ```
   */
  formats?: readonly Format[];
}

/**
 * Runs Petrel's queue inside your own service worker. Call it at the top of the worker's script, once.
 *
 * It listens to `message` and `sync`, and takes only what Petrel's pages post. It has no `fetch` handler and touches neither your caches
 * nor the worker's installation and updates. On the page, say which worker it is: `createTracker({ serviceWorker: { registration } })`.
 *
 * @throws PetrelError with code `invalid-option`
 * @example
 * ```ts
 * import { startPetrel } from 'petrel/sw';
 *
 * startPetrel();
 * ```
 */
export function startPetrel({ formats = [], ...options }: PetrelWorkerOptions = {}): void {
  startWorker(self as unknown as ServiceWorkerGlobalScope, options, false, couriersOf(formats));
}

/**
 * As {@link startPetrel}, in a scope that is passed. `own`: the worker is Petrel's alone, so it also installs and updates itself.
 * The formats come ready made, so that the plain worker has no code for them.
 */
export function startWorker(
  scope: ServiceWorkerGlobalScope,
  options: Omit<PetrelWorkerOptions, 'formats'>,
  own = false,
  formats: Formats = {},
): void {
  const { database: name = 'petrel', backgroundSync = true } = check(options);
  const clock = createSystemClock();
  const database = createIdbDatabase({ name, clock });
  const meta = createIdbMetaStore(database);
  const engine = createHostEngine({
    clock,
    kind: 'worker',
    openStore: (queue) => createIdbStore({ database, queue, isEvent: isQueuedEvent }),
    meta,
    fetch: scope.fetch.bind(scope),
    lead: createLeader(scope.navigator.locks),
    onLine: () => scope.navigator.onLine,
    clients: async () => (await scope.clients.matchAll({ includeUncontrolled: true })).map(({ id }) => id),
    gpc: () => (scope.navigator as { globalPrivacyControl?: boolean }).globalPrivacyControl === true,
    formats,
    awakeMs: AWAKE_MS,
  });
  listen(scope, engine, createLifetime({ scope, engine, meta, clock, backgroundSync, own }));
}

function check(options: Omit<PetrelWorkerOptions, 'formats'>): typeof options {
  const kinds: { [option: string]: string } = { database: 'string', backgroundSync: 'boolean' };
  for (const [option, value] of Object.entries(options)) {
    if (!Object.hasOwn(kinds, option)) throw new PetrelError('invalid-option', `\`${option}\` is not an option`);
    if (value !== undefined && (typeof value !== kinds[option] || value === '')) {
      throw new PetrelError('invalid-option', `\`${option}\` must be a ${kinds[option]}, not ${show(value)}`);
    }
  }
  return options;
}
