import { PetrelError } from '../src/core/errors.js';
import { show } from '../src/core/options.js';
import { isQueuedEvent } from '../src/web/check-event.js';
import { createHostEngine, type Formats } from '../src/web/engine.js';
import { createIdbDatabase } from '../src/web/idb-database.js';
import { createIdbStore } from '../src/web/idb-store.js';
import { createLeader } from '../src/web/leader.js';
import { createIdbMetaStore } from '../src/web/meta-store.js';
import { createSystemClock } from '../src/web/system-clock.js';
import type { PetrelWorkerOptions } from './index.js';
import { listen } from './ingest.js';
import { AWAKE_MS, createLifetime } from './lifetime.js';

/**
 * Runs the queue in a service worker's scope. `own`: the worker is Petrel's alone, so it also installs and updates itself.
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
