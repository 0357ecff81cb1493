import type { AnyEvents, EventMap, Tracker } from './page/api.js';
import { checkOptions } from './page/check-options.js';
import type { TrackerOptions } from './page/options.js';
import { openTracker } from './page/tracker.js';

export type * from './page/api.js';
export type { ServiceWorkerOptions, TrackerOptions } from './page/options.js';

export function createTracker<Events extends EventMap<Events> = AnyEvents>(options: TrackerOptions): Tracker<Events> {
  checkOptions(options);
  return openTracker(options, () => import('./page/register.js'));
}
