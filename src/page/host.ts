import type { HostMessage, PageMessage } from '../protocol.js';
import type { ServiceWorkerOptions } from './options.js';
import { createWorkerHost } from './worker-host.js';

/** Where the queue lives, as the page sees it: the service worker, or the engine in the page. */
export interface EngineHost {
  /**
   * Hands a message over; answers come to `reply`.
   * Throws when the message cannot be cloned. A host that is gone just stays silent.
   */
  post(message: PageMessage, reply: (answer: HostMessage) => void): void;
  close?(): void;
}

/** Loads the chunk that makes a host where there is none: most visits find one. The entries know where it lies. */
export type LoadRegister = () => Promise<typeof import('./register.js')>;

/**
 * Finds a host: the worker of an earlier visit, else a new one, else the engine in the page (which has a ladder of its own:
 * IndexedDB, else memory). Rejects when there is none, and then only the exit path is left.
 *
 * The registration is looked up by its scope, and the scope of what is found is compared: `getRegistration` answers with the
 * registration that would control the url, which may be the site's own. `navigator.serviceWorker.ready` never resolves for a
 * page outside the scope, and `controller` is always null there.
 *
 * @param options false: no worker
 * @param mayCreate whether a new host may be made. Without consent only a worker that is there already is used, to purge what it holds
 */
export async function findHost(
  options: false | ServiceWorkerOptions,
  mayCreate: () => boolean,
  load: LoadRegister,
): Promise<EngineHost> {
  const { url = '/petrel-sw.js', scope, registration } = options || {};
  const path = new URL(scope ?? `${url}`.replace(/\.\w+(\?.*)?$/, '/'), location.href).href;
  try {
    // No `serviceWorker` on http: and in in-app browsers. Firefox throws on the mere mention where storage is blocked.
    const found = (registration ?? (options && (await navigator.serviceWorker.getRegistration(path)))) || undefined;
    if (found?.active && (registration || found.scope === path)) return createWorkerHost(found);
  } catch {
    // Then there is none yet.
  }
  if (document.readyState !== 'complete') await new Promise((resolve) => addEventListener('load', resolve));
  if (!mayCreate()) throw 0;
  return (await load()).createHost(createWorkerHost, options && url, path, registration);
}
