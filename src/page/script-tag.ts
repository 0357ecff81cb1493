/**
 * `petrel.js`: the tracker as a script tag, under the name `petrel`.
 *
 * Attributes: `data-endpoint` (required), `data-key`, `data-sw` (address of the worker, or `off`), `data-scope`, `data-consent`,
 * `data-auto="off"` (no page views by themselves), `data-debug` (loads `debug.js`, which says what is wrong with them). The stub keeps calls made before the script is there; in its place
 * an object with such an array as `q` will do:
 *
 * ```html
 * <script>
 *   window.petrel ??= new Proxy([], { get: (calls, verb) => (verb in calls ? calls[verb] : (...call) => calls.push([verb, ...call])) });
 * </script>
 * <script async src="/petrel.js" data-endpoint="/events" data-key="shop"></script>
 * ```
 *
 * From another origin the tag needs `crossorigin`, and the other origin CORS: otherwise the browser does not load the chunks
 * that lie beside it, and says so in the console.
 */
import type { Consent, Tracker } from './api.js';
import { watchPageViews } from './page-views.js';
import { openTracker } from './tracker.js';

declare global {
  interface Window {
    /** The tracker of the script tag; until it is loaded, whatever the stub says. */
    petrel: Tracker;
  }
}

type Calls = [verb: keyof Tracker, ...call: unknown[]][];

/** What stands at `window.petrel` before the script: nothing, the stub with its calls, or the tracker of another copy. */
const page = window as { petrel?: { push?: unknown; q?: Calls } };

// Read now: in a callback there is no current script any more.
const { src, dataset } = document.currentScript as HTMLScriptElement;
const { petrel: stub = [] } = page;
const calls = (stub.push ? stub : stub.q) as Calls | undefined;

// A second copy of the tag leaves everything to the first.
if (calls) {
  // By its whole address: relative to a script of another origin there is nothing.
  const load = (file: string) => import(new URL(file, src).href);
  const { endpoint, key, sw, scope, consent, auto, debug } = dataset;
  // Says in words what is wrong with the attributes, and logs the way of each event.
  if (debug != null) load('debug.js');
  if (!endpoint) throw Error('endpoint');
  const tracker = openTracker(
    {
      endpoint,
      key: key!,
      serviceWorker: sw !== 'off' && { url: sw!, scope: scope! },
      consent: consent as Consent,
      debug: debug != null,
    },
    () => load('register.js'),
  );
  page.petrel = tracker as object;
  // Before the page view: it may say who it is, or that there is no consent yet.
  for (const [verb, ...call] of calls) (tracker[verb] as ((...call: unknown[]) => void) | undefined)?.(...call);
  if (auto !== 'off') watchPageViews(tracker.page);
}
