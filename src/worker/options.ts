import { PetrelError } from '../core/errors.js';
import { checkEngineOptions, type EngineOptions, show } from '../core/options.js';
import type { Consent } from '../page/api.js';
import type { DestinationConfig } from '../protocol.js';

/**
 * Options of `createTracker` of `petrel/worker`. Those of the queue stand beside them. All are checked at once: what cannot be used throws.
 * With the same endpoint, key, format and options as the page, both feed one queue.
 */
export interface WorkerTrackerOptions extends EngineOptions {
  /** Where events are POSTed: an absolute address, or one relative to the worker's script. */
  endpoint: string;
  /** Write key, where the collector wants one. */
  key?: string;
  /**
   * Name of the wire format.
   * @defaultValue 'petrel'
   */
  format?: string;
  /**
   * Whether events may be stored and sent from the start; see {@link Tracker.setConsent}.
   * @defaultValue 'granted'
   */
  consent?: Consent;
  /**
   * What a browser with Global Privacy Control gets. `anonymous`: events without user id. `off`: none, as with denied consent, whatever
   * {@link Tracker.setConsent} says. `ignore`: no difference.
   * @defaultValue 'anonymous'
   */
  gpc?: 'anonymous' | 'off' | 'ignore';
  /**
   * Whether to do without an id of the browser: events carry neither `anonymousId` nor `sessionId`, and none is made or kept.
   * @defaultValue false
   */
  cookieless?: boolean;
  /**
   * Version of these options, a number you raise when you change them: of two trackers with other options the higher one wins.
   * @defaultValue 0
   */
  configVersion?: number;
  /**
   * Writes everything that listeners are told, and what they throw, to the console (`console.debug`).
   * @defaultValue false
   */
  debug?: boolean;
  /**
   * What goes with every event in place of a page's address, title and referrer, which a worker does not know: texts by name.
   * @defaultValue `{ url: location.href }`, the worker's script
   */
  context?: { [name: string]: string };
}

/** What each option must be, in words. */
const RULES: { [option: string]: [test: (value: unknown) => boolean, wanted: string] } = {
  key: [(value) => typeof value === 'string', 'a text'],
  format: [(value) => typeof value === 'string' && value !== '', 'a text that is not empty'],
  consent: [(value) => ['granted', 'pending', 'denied'].includes(value as string), 'granted, pending or denied'],
  gpc: [(value) => ['anonymous', 'off', 'ignore'].includes(value as string), 'anonymous, off or ignore'],
  cookieless: [(value) => typeof value === 'boolean', 'true or false'],
  configVersion: [(value) => Number.isFinite(value), 'a number'],
  debug: [(value) => typeof value === 'boolean', 'true or false'],
  context: [
    (value) =>
      typeof value === 'object' && value !== null && Object.values(value).every((text) => typeof text === 'string'),
    'an object of texts',
  ],
};

/**
 * The options sorted: what the host is told, and the rest.
 * @throws {@link PetrelError} `invalid-option`, naming option, what it must be, and what it is
 */
export function readOptions(options: WorkerTrackerOptions, base: string) {
  const {
    endpoint,
    key,
    format = 'petrel',
    consent = 'granted',
    gpc,
    configVersion: version = 0,
    debug,
    context,
    cookieless,
    ...engine
  } = options;
  for (const [option, [test, wanted]] of Object.entries(RULES)) {
    const value = options[option as keyof WorkerTrackerOptions];
    if (value !== undefined && !test(value)) {
      throw new PetrelError('invalid-option', `\`${option}\` must be ${wanted}, not ${show(value)}`);
    }
  }
  checkEngineOptions(engine);
  const config: DestinationConfig = {
    endpoint: addressOf(endpoint, base),
    ...(key !== undefined && { key }),
    format,
    // As a page's: what is undefined is not there, or two alike would differ.
    options: JSON.parse(JSON.stringify({ ...engine, cookieless })),
    version,
  };
  return { config, consent, gpc, debug, context: context ?? { url: base } };
}

function addressOf(endpoint: unknown, base: string): string {
  const url = typeof endpoint === 'string' && endpoint && URL.canParse(endpoint, base) && new URL(endpoint, base);
  if (!url || !/^https?:$/.test(url.protocol)) {
    throw new PetrelError(
      'invalid-option',
      `\`endpoint\` must be an address with http or https, not ${show(endpoint)}`,
    );
  }
  return url.href;
}
