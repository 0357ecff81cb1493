/**
 * `debug.js`: what the script tag loads with `data-debug`. It says what is wrong with the tag's attributes, and logs the way of each event.
 * Nobody imports it for its exports: being loaded is being asked.
 */
import type { Tracker } from './page/api.js';
import { problemsOfTag } from './page/check-tag.js';
import { eventLog } from './plugins/event-log.js';

for (const { dataset } of document.querySelectorAll<HTMLScriptElement>('script[src][data-debug]')) {
  for (const problem of problemsOfTag({ ...dataset })) console.error(`petrel: ${problem}`);
}
// Without an endpoint there is no tracker, but perhaps the page's stub, which would keep the call.
(window as { petrel?: Partial<Tracker> }).petrel?.use?.(eventLog());
