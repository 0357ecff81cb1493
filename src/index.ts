import type { AnyEvents, EventMap, Tracker } from './page/api.js';
import type { TrackerOptions } from './page/options.js';
import { openTracker } from './page/tracker.js';

export type * from './page/api.js';
export type { ServiceWorkerOptions, TrackerOptions } from './page/options.js';

/**
 * Makes the tracker of a page. It looks for the worker, or for what stands in its place, by itself; calls made before that are kept.
 * On a server, where there is no `document`, it does nothing.
 *
 * @throws TypeError for an `endpoint` that is none. In development bundlers take another entry (export condition `development`), which
 * checks every option. In production the host checks those of the queue, uses the default for one that is wrong, and says so: `on('error')`.
 * @example
 * ```ts
 * const tracker = createTracker({ endpoint: '/v1/events' });
 * tracker.track('Signed Up', { plan: 'pro' });
 * ```
 */
export function createTracker<Events extends EventMap<Events> = AnyEvents>(options: TrackerOptions): Tracker<Events> {
  const { endpoint } = options;
  if (!/^(https?:|\W)/.test(endpoint)) throw new TypeError(`\`endpoint\` is ${endpoint}`);
  return openTracker(options, () => import('./page/register.js'));
}
