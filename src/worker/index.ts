/**
 * `petrel/worker`: the tracker for where there is no page: a dedicated or shared worker, the background worker of a browser extension.
 * The queue runs in the same thread, on the origin's database.
 * @packageDocumentation
 */
import type { AnyEvents, EventMap, Tracker } from '../page/api.js';
import { openWorkerHost } from './host.js';
import type { WorkerTrackerOptions } from './options.js';
import { openWorkerTracker } from './tracker.js';

export type * from '../page/api.js';
export type { WorkerTrackerOptions } from './options.js';

/**
 * Makes a tracker in a worker. It has the same methods as a page's, and shares the queue of the origin with the pages and Petrel's own
 * service worker: whoever lives longest delivers. A worker is ended without notice, and what it tracked in its last milliseconds is lost then;
 * before you end it, wait for {@link Tracker.flush}, or for {@link Tracker.stats}, which has everything stored when it resolves.
 *
 * @throws PetrelError with code `invalid-option`, naming option, what it must be, and what it is
 * @example
 * ```ts
 * import { createTracker } from 'petrel/worker';
 *
 * const tracker = createTracker({ endpoint: 'https://collect.example/v1/events', context: { url: 'https://shop.example/' } });
 * tracker.track('Report Computed', { rows: 12_000 });
 * ```
 */
export function createTracker<Events extends EventMap<Events> = AnyEvents>(
  options: WorkerTrackerOptions,
): Tracker<Events> {
  return openWorkerTracker<Events>(options, {
    href: self.location.href,
    gpc: (navigator as { globalPrivacyControl?: boolean }).globalPrivacyControl === true,
    openHost: openWorkerHost,
    onOnline(listener) {
      self.addEventListener('online', listener);
      return () => self.removeEventListener('online', listener);
    },
  });
}
