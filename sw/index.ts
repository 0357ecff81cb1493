/**
 * `petrel/sw`: the queue for a service worker of your own. Without one, serve the ready-made `petrel-sw.js`.
 * @packageDocumentation
 */
import type { Format } from '../src/formats/lib/format.js';
import { couriersOf } from '../src/web/format-courier.js';
import { startWorker } from './start.js';

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
