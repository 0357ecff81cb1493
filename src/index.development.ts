/**
 * The page entry as bundlers take it in development (the export condition `development`): the same tracker, every option checked when
 * it is created, and with `debug` a log for people to read. In production only the endpoint is checked; the host checks the queue's options,
 * and tells of those that it cannot use.
 */

import * as production from './index.js';
import type { AnyEvents, EventMap, Tracker } from './page/api.js';
import { checkOptions } from './page/check-options.js';
import type { TrackerOptions } from './page/options.js';
import { eventLog } from './plugins/event-log.js';

export type * from './index.js';

export function createTracker<Events extends EventMap<Events> = AnyEvents>(options: TrackerOptions): Tracker<Events> {
  checkOptions(options);
  const tracker = production.createTracker<Events>(options);
  if (options.debug) tracker.use(eventLog());
  return tracker;
}
