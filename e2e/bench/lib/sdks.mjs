// The SDKs of the comparison, and the two limits: the page without any, and the least that a queue in a worker can cost.

/**
 * @typedef {object} Sdk
 * @property {string} id Names it on the command line; its script is sdks/<id>.js.
 * @property {string} name
 * @property {string} [package] On npm; what `--peer` takes as well.
 * @property {string} queue Where events wait until they are delivered.
 * @property {boolean} [durable] Tells when an event is durable.
 * @property {(refs: number, body: any) => { status?: number, body?: unknown }} [answer] What its server would say. Default: 200 and `{}`.
 */

/** @type {Sdk[]} */
export const SDKS = [
  { id: 'empty', name: 'empty page', queue: '–' },
  { id: 'floor', name: 'bare floor', queue: 'worker + IndexedDB', durable: true },
  {
    id: 'petrel',
    name: 'Petrel',
    queue: 'worker + IndexedDB',
    durable: true,
    answer: (refs, body) => ({
      body: { batchId: body?.batchId, accepted: refs, duplicates: 0, rejected: [], serverTime: Date.now() },
    }),
  },
  {
    id: 'plausible',
    name: 'Plausible',
    package: '@plausible-analytics/tracker',
    queue: 'none',
    answer: () => ({ status: 202, body: 'ok' }),
  },
  { id: 'sentry', name: 'Sentry (logs)', package: '@sentry/browser', queue: 'memory' },
  { id: 'faro', name: 'Faro', package: '@grafana/faro-web-sdk', queue: 'memory', answer: () => ({ status: 202 }) },
  {
    id: 'datadog',
    name: 'Datadog logs',
    package: '@datadog/browser-logs',
    queue: 'memory',
    answer: () => ({ status: 202 }),
  },
  {
    id: 'snowplow',
    name: 'Snowplow',
    package: '@snowplow/browser-tracker',
    queue: 'localStorage, 1,000',
    answer: () => ({ body: 'ok' }),
  },
  { id: 'posthog', name: 'PostHog', package: 'posthog-js', queue: 'memory', answer: () => ({ body: { status: 1 } }) },
  {
    id: 'posthog-slim',
    name: 'PostHog slim',
    package: 'posthog-js',
    queue: 'memory',
    answer: () => ({ body: { status: 1 } }),
  },
  {
    id: 'amplitude',
    name: 'Amplitude',
    package: '@amplitude/analytics-browser',
    queue: 'localStorage, 1,000',
    answer: (refs) => ({
      body: { code: 200, events_ingested: refs, payload_size_bytes: 0, server_upload_time: Date.now() },
    }),
  },
  {
    id: 'segment',
    name: 'Segment',
    package: '@segment/analytics-next',
    queue: 'memory, saved at pagehide',
    answer: () => ({ body: { success: true } }),
  },
  {
    id: 'rudderstack',
    name: 'RudderStack',
    package: '@rudderstack/analytics-js',
    queue: 'localStorage, 100',
    answer: () => ({ body: 'OK' }),
  },
  {
    id: 'mixpanel',
    name: 'Mixpanel',
    package: 'mixpanel-browser',
    queue: 'localStorage',
    answer: () => ({ body: { status: 1, error: null } }),
  },
];

/** In every run, whatever `--peer` says. */
export const ALWAYS = ['empty', 'floor', 'petrel'];

/** @param {string} id */
export function sdkOf(id) {
  const sdk = SDKS.find((each) => each.id === id);
  if (!sdk) throw new Error(`no such SDK: ${id}`);
  return sdk;
}
