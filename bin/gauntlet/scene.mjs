// What a story is told with: tabs, events that must arrive, and promises that must hold.

import { acknowledgedOf } from './findings.mjs';

/** @typedef {import('./browser.mjs').Tab} Tab */

/**
 * @typedef {object} Scene what a story is told with
 * @property {import('./browser.mjs').Visitor} visitor
 * @property {import('./endpoint.mjs').Door} door
 * @property {import('./site.mjs').Site} site
 * @property {(options: object) => void} configure adds to the tracker's options
 * @property {(path?: string) => Promise<Tab>} open a tab with the tracker
 * @property {(count: number) => string[]} names of events that must arrive
 * @property {(tab: Tab, count: number, properties?: object) => Promise<string[]>} track events in one task
 * @property {(tab: Tab, count: number, properties?: object) => Promise<string[]>} trackAndStore and waits until they are acknowledged
 *   by the queue
 * @property {(tab: Tab) => Promise<void>} stored waits until all that was tracked in the tab is acknowledged by the queue
 * @property {(withinMs: number) => Promise<boolean>} arrived waits until the endpoint has acknowledged all that was tracked; whether it has
 * @property {(ms: number) => Promise<void>} pause
 * @property {(isSo: boolean, promise: string) => void} promise what must hold besides: a broken one fails the story
 */

/** Short waits between attempts: what is told is what survives, not how patient a queue is. */
const OPTIONS = { maxBatchAgeMs: 200, maxRetries: 20, initialDelayMs: 50, maxDelayMs: 500 };

/** @param {number} ms */
export const pause = (ms) => new Promise((done) => void setTimeout(done, ms));

/**
 * @param {object} given
 * @param {Scene['visitor']} given.visitor
 * @param {Scene['door']} given.door
 * @param {Scene['site']} given.site
 * @param {string} given.prefix of the events' names
 * @param {object} given.options of the tracker
 * @returns {{ scene: Scene, expected: string[], broken: string[] }}
 */
export function createScene({ visitor, door, site, prefix, options: given }) {
  /** @type {string[]} */
  const expected = [];
  /** @type {string[]} */
  const broken = [];
  let options = { ...OPTIONS, ...given };
  site.configure(options);

  /** @type {Scene} */
  const scene = {
    visitor,
    door,
    site,
    configure: (more) => {
      options = { ...options, ...more };
      site.configure(options);
    },
    open: (path = '/app') => visitor.open(site.url(path)),
    names: (count) => {
      const first = expected.length + 1;
      const names = Array.from({ length: count }, (_, i) => `${prefix}${first + i}`);
      expected.push(...names);
      return names;
    },
    track: async (tab, count, properties) => {
      const names = scene.names(count);
      await tab.call('track', names, properties);
      return names;
    },
    trackAndStore: async (tab, count, properties) => {
      const names = await scene.track(tab, count, properties);
      await scene.stored(tab);
      return names;
    },
    stored: async (tab) => {
      const { page } = await statsWhen(tab, ({ page }) => page.unacknowledged === 0, 20_000);
      scene.promise(page.unacknowledged === 0, 'the queue acknowledges within 20 s');
    },
    arrived: async (withinMs) => {
      for (const until = Date.now() + withinMs; ; await pause(50)) {
        const acknowledged = acknowledgedOf(door.requests);
        if (expected.every((name) => acknowledged.has(name))) return true;
        if (Date.now() > until) return false;
      }
    },
    pause,
    promise: (isSo, promise) => {
      if (!isSo) broken.push(promise);
    },
  };
  return { scene, expected, broken };
}

/**
 * @typedef {{ accepted?: number, delivered?: number, dropped?: number, waiting?: number, inFlight?: number,
 *   droppedByReason?: { [reason: string]: number }, page: { unacknowledged: number, dropped: { [reason: string]: number } } }} Stats
 */

/**
 * @param {Tab} tab
 * @param {(stats: Stats) => boolean} isSo
 * @param {number} withinMs
 * @returns {Promise<Stats>} when it is so, or when the time is over
 */
export async function statsWhen(tab, isSo, withinMs) {
  for (const until = Date.now() + withinMs; ; ) {
    const stats = await tab.call('stats');
    if (stats && isSo(stats)) return stats;
    if (Date.now() > until) return stats ?? { page: { unacknowledged: -1, dropped: {} } };
    await pause(50);
  }
}
