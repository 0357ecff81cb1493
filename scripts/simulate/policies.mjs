// How trackers try again: Petrel's own code, and what other SDKs do by their source (July to November 2026), reduced to when the
// next attempt is made and when events are given up.

import { BROWSER_PRESET, checkEngineOptions, outcomeOfStatus, pauseAfter } from '../../dist/core/index.js';

/**
 * What became of an attempt that failed.
 * @typedef {object} Failure
 * @property {number} failures Failed attempts in a row, this one included.
 * @property {number} status 503 or 429; 0: no answer.
 * @property {number | undefined} retryAfterMs What the server asked for.
 * @property {() => number} random
 *
 * @typedef {object} Policy
 * @property {string} id
 * @property {string} name
 * @property {string} about One line for the table's legend.
 * @property {number} batch Most events in a request.
 * @property {number} ageMs How long an event waits for others before a request is due.
 * @property {number} keeps Most events a browser keeps.
 * @property {boolean} [perEvent] Every event is a request of its own, with attempts of its own, all at the same time.
 * @property {boolean} [probesOnLoad] A page that is opened makes an attempt of its own, unless the server asked for quiet.
 * @property {boolean} [onNextEvent] After a failure nothing happens until the next event.
 * @property {boolean} [advised] Its server names a time when it is too busy (429 with Retry-After), as Petrel's collector does.
 * @property {(failure: Failure) => number | undefined} waitMs Until the next attempt; undefined: given up.
 */

/**
 * Petrel with the browser's preset, by the code that ships.
 * @param {Record<string, unknown>} given Options in place of the preset's.
 * @returns {Omit<Policy, 'id' | 'name' | 'about'>}
 */
function petrel(given) {
  const options = checkEngineOptions(given, BROWSER_PRESET);
  return {
    batch: options.maxBatchSize,
    ageMs: options.maxBatchAgeMs,
    keeps: options.maxEvents,
    probesOnLoad: true,
    waitMs({ failures, status, retryAfterMs, random }) {
      /** @type {import('../../dist/core/index.js').Outcome} */
      const outcome = status
        ? outcomeOfStatus(status, retryAfterMs)
        : { kind: 'retry', cause: 'network', unanswered: true };
      if (outcome.kind !== 'retry' && outcome.kind !== 'rate-limited') throw new Error(`${status} is ${outcome.kind}`);
      return pauseAfter(outcome, { failures }, options, random()).waitMs;
    },
  };
}

/**
 * Doubling waits.
 * @param {number} firstMs
 * @param {number} mostMs
 * @param {number} jitter Part of the wait by which it may be longer or shorter.
 * @param {number} tries
 * @returns {Policy['waitMs']}
 */
const doubling =
  (firstMs, mostMs, jitter, tries) =>
  ({ failures, random }) =>
    failures >= tries
      ? undefined
      : Math.min(firstMs * 2 ** Math.min(failures - 1, 30), mostMs) * (1 + jitter * (2 * random() - 1));

/**
 * Without an answer, although the browser is online, the events are given up.
 * @param {Policy['waitMs']} waitMs
 * @returns {Policy['waitMs']}
 */
const whenAnswered = (waitMs) => (failure) => (failure.status ? waitMs(failure) : undefined);

/** @param {Record<string, unknown>} [given] Options of Petrel @returns {Policy[]} */
export const policies = (given = {}) => [
  {
    ...petrel(given),
    id: 'petrel',
    name: 'Petrel',
    about: 'its collector answers 429 with Retry-After when it is too busy',
    advised: true,
  },
  { ...petrel(given), id: 'petrel-503', name: 'Petrel, other server', about: 'which only says 503' },
  {
    id: 'datadog',
    name: 'Datadog',
    about: '1 s doubling to 60 s, no jitter, for ever; requests of 50',
    batch: 50,
    ageMs: 30_000,
    keeps: 10_000,
    waitMs: whenAnswered(doubling(1_000, 60_000, 0, Infinity)),
  },
  {
    id: 'mixpanel',
    name: 'Mixpanel',
    about: '5 s doubling to 10 min, no jitter, for ever; requests of 50',
    batch: 50,
    ageMs: 5_000,
    keeps: 100_000,
    waitMs: whenAnswered(doubling(10_000, 600_000, 0, Infinity)),
  },
  {
    id: 'posthog',
    name: 'PostHog',
    about: '3 s doubling to 30 min, half of it jitter, 10 tries (3 without an answer)',
    batch: 1_000,
    ageMs: 3_000,
    keeps: 100_000,
    waitMs: (failure) => doubling(3_000, 1_800_000, 0.5, failure.status ? 10 : 3)(failure),
  },
  {
    id: 'amplitude',
    name: 'Amplitude',
    about: 'one second more each time, 5 tries; requests of 30',
    batch: 30,
    ageMs: 1_000,
    keeps: 1_000,
    waitMs: ({ failures }) => (failures >= 5 ? undefined : failures * 1_000),
  },
  {
    id: 'segment',
    name: 'Segment',
    about: 'each event by itself: 0.5 s doubling to 60 s, 10 % jitter, 10 tries',
    batch: 1,
    ageMs: 0,
    keeps: 100_000,
    perEvent: true,
    waitMs: doubling(500, 60_000, 0.1, 10),
  },
  {
    id: 'rudderstack',
    name: 'RudderStack',
    about: 'each event by itself: 1 s doubling to 6 min, no jitter, 10 tries, 100 kept',
    batch: 1,
    ageMs: 0,
    keeps: 100,
    perEvent: true,
    waitMs: doubling(1_000, 360_000, 0, 10),
  },
  {
    id: 'snowplow',
    name: 'Snowplow',
    about: 'one event a request; after a failure it waits for the next event',
    batch: 1,
    ageMs: 0,
    keeps: 1_000,
    onNextEvent: true,
    waitMs: () => 0,
  },
  {
    id: 'fixed',
    name: 'Every 3 s',
    about: 'what is written by hand: the same request every 3 s',
    batch: 100,
    ageMs: 5_000,
    keeps: 10_000,
    waitMs: () => 3_000,
  },
];
