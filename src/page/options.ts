import type { EngineOptions } from '../core/options.js';
import type { Consent } from './api.js';

/** Where the worker is. */
export interface ServiceWorkerOptions {
  /**
   * Address of the ready-made worker, `petrel-sw.js`, on the page's own origin. A `TrustedScriptURL` where the page enforces Trusted
   * Types and does not allow a policy named `petrel`.
   * @defaultValue '/petrel-sw.js'
   */
  url?:
    | string
    | {
        /** The address. */
        toString(): string;
      };
  /**
   * The paths it may control. It needs none, so this is a path without pages, at the side of the worker's file: a worker of the
   * site's own, at any other scope, is neither replaced nor slowed. Not used with `registration`.
   * @defaultValue the url without its extension: `/petrel-sw/`
   */
  scope?: string;
  /** The registration of your own worker, if Petrel runs inside it (`import { startPetrel } from 'petrel/sw'`). */
  registration?: ServiceWorkerRegistration;
}

/**
 * Options of `createTracker`. Those of the queue stand beside them, see {@link EngineOptions}: they are checked by the host, which
 * uses the default for one that is out of range and says so (`on('error')`).
 */
export interface TrackerOptions extends EngineOptions {
  /** Where events are POSTed: an address with http or https, or one relative to the page that begins with `/`, `.` or `?`. */
  endpoint: string;
  /** Write key, where the collector wants one. Every visitor can see it. */
  key?: string;
  /**
   * Where the worker is. `false`: queue in the page, for a site that cannot serve a worker.
   * @defaultValue `{ url: '/petrel-sw.js' }`
   */
  serviceWorker?: false | ServiceWorkerOptions;
  /**
   * Name of the wire format: `petrel`, or one that the host knows, such as `segment` with `petrel-sw-formats.js` (docs/formats.md). In
   * another format than `petrel`, events of a page that is being left go by the host only.
   * @defaultValue 'petrel'
   */
  format?: string;
  /**
   * Whether events may be stored and sent from the start; see {@link Tracker.setConsent}.
   * @defaultValue 'granted'
   */
  consent?: Consent;
  /**
   * What a browser with Global Privacy Control gets. `anonymous`: events without user id and without stored ids. `off`: none, as with
   * denied consent, whatever {@link Tracker.setConsent} says. `ignore`: no difference.
   * @defaultValue 'anonymous'
   * @see https://www.w3.org/TR/gpc/
   */
  gpc?: 'anonymous' | 'off' | 'ignore';
  /**
   * Whether to do without an id of the browser: events carry neither `anonymousId` nor `sessionId`, and none is made or kept. Checked by
   * the host. What waits to be delivered is kept on the device all the same.
   * @defaultValue false
   */
  cookieless?: boolean;
  /**
   * Version of these options, a number you raise when you change them. Pages of two releases share one queue for a while;
   * the options with the higher version win, whichever page comes last.
   * @defaultValue 0
   */
  configVersion?: number;
  /**
   * Writes everything that listeners are told, and what they throw, to the console (`console.debug`). In development builds also the way of each
   * event, for people to read: see `petrel/plugins/event-log`.
   * @defaultValue false
   */
  debug?: boolean;
}
