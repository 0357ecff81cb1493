import type { DestinationConfig } from '../protocol.js';
import { halve, type PageEvent, pack, SENT } from './unacked.js';

/** The package's version, put in place by the build. */
declare const __VERSION__: string;

/**
 * Most bytes of bodies that may be under way with `keepalive`. Browsers allow 64 KiB, beacons and other people's requests included,
 * and give it back late.
 */
const KEEPALIVE_BYTES = 60_000;

/** With less room than this, a body is not cut to fit: it goes as a beacon, which Firefox takes at any size. */
const SCRAP_BYTES = 2_000;

/** How long a message posted by a hidden page needs at most to be out of danger, in ms (`window.close()` takes less than 30). */
const SETTLED_MS = 1_000;

/** Bytes under way now, for all trackers of the page: the browser counts them together. */
let underWay = 0;

/**
 * Sends what is unacknowledged from the page itself, now, and posts copies to the host.
 *
 * A message to the worker is silently dropped by Chromium on cross-site leaves, history.back and window.close(); `fetch` with
 * `keepalive` and beacons arrive always. The copy makes an event durable where the collector is down: `carried`, it is sent from
 * there only if the collector says it lacks it.
 *
 * An event is marked after the calls that handled it, never before: Firefox may cut the `pagehide` handler short on tab close,
 * and the next handler walks over what is not marked. So calling this twice sends nothing twice.
 *
 * @param post posts the copies
 * @param delivered called when the collector confirmed what the page sent
 */
export function exitFlush(
  events: PageEvent[],
  { endpoint, key, format }: DestinationConfig,
  post: (message: { type: 'events'; carried: boolean }, events: PageEvent[]) => void,
  delivered: (events: PageEvent[]) => void,
): void {
  const now = Date.now();

  const send = (events: PageEvent[]) => {
    const room = KEEPALIVE_BYTES - underWay;
    let body = '';
    try {
      body = JSON.stringify({
        petrel: 1,
        form: 'rows',
        key,
        sentAt: now,
        sdk: __VERSION__,
        ...pack(events),
      });
    } catch {
      // Something in it is no JSON.
    }
    const size = new Blob([body]).size;
    // Halve until it fits, or until what is no JSON is alone: that goes to the host, which counts it.
    if ((!body || (size > room && room > SCRAP_BYTES)) && halve(events, send)) return;

    const mark = (handled?: number) => {
      for (const event of events) event.handled = handled;
    };
    let carried = !!body && format === 'petrel';
    if (carried && size > room) carried = navigator.sendBeacon(endpoint, body);
    else if (carried) {
      underWay += size;
      // A string goes as text/plain;charset=UTF-8: no preflight, which a leaving page could not wait for.
      fetch(endpoint, { method: 'POST', body, keepalive: true })
        // An answer that is not read stays on the browser's account.
        .then((answer) => answer.text().then(() => answer.ok && delivered(events)))
        .catch(() => {})
        .then(() => {
          underWay -= size;
          mark();
        });
    }
    post({ type: 'events', carried }, events);
    mark(SENT);
  };

  // What a hidden page posted longer ago counts as stored, since hidden pages get no answers.
  const due = events.filter((event) => !(event.handled! < now - SETTLED_MS));
  if (due.length) send(due);
}
