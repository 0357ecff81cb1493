import type { AnyEvents, EventMap, Tracker } from './page/api.js';
import { checkOptions } from './page/check-options.js';
import type { TrackerOptions } from './page/options.js';
import { openTracker } from './page/tracker.js';

export type * from './page/api.js';
export type { ServiceWorkerOptions, TrackerOptions } from './page/options.js';

/**
 * Makes the tracker of a page. It looks for the worker, or for what stands in its place, by itself; calls made before that are kept.
 * On a server, where there is no `document`, it does nothing.
 *
 * @throws TypeError for an option that cannot work: `endpoint`, `serviceWorker`, `consent`, `gpc`. The options of the queue are checked
 * by the host, which uses the default for one that is wrong and says so: `on('error')`.
 * @example
 * ```ts
 * const tracker = createTracker({ endpoint: '/v1/events' });
 * tracker.track('Signed Up', { plan: 'pro' });
 * ```
 */
export function createTracker<Events extends EventMap<Events> = AnyEvents>(options: TrackerOptions): Tracker<Events> {
  checkOptions(options);
  return openTracker(options, () => import('./page/register.js'));
}
