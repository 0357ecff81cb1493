import { launchBrowser } from './browser.mjs';
import { launchFirefox } from './firefox.mjs';

/** Below this much CPU time of the whole browser in {@link LOOK_MS} nothing is going on, in ms; the kernel counts in tens. */
const QUIET_MS = 20;
const LOOK_MS = 400;

/**
 * What a scenario works with: a browser with a fresh profile, its page, and an SDK that has started on it and come to rest.
 *
 * @typedef {object} Visit
 * @property {import('./sdks.mjs').Sdk} sdk
 * @property {import('./browser.mjs').Browser} browser
 * @property {import('./browser.mjs').Page} page
 * @property {import('./collector.mjs').Collector} collector
 * @property {'chromium' | 'firefox'} engine
 * @property {boolean} quick
 * @property {number} rate How much the main thread is to be slowed down.
 * @property {string} url The site's page.
 * @property {() => Promise<Spent>} spent
 * @property {() => Promise<void>} start Loads and starts the SDK, and waits until it rests; then throttles.
 * @property {(mostMs?: number) => Promise<void>} rest Waits until the browser does nothing any more.
 */

/**
 * CPU time so far, in ms.
 * @typedef {object} Spent
 * @property {number} taskMs @property {number} scriptMs @property {number | undefined} threadMs Of the page's main thread, see `MainThread`.
 * @property {number} treeMs Of the whole browser.
 */

/**
 * @template T
 * @param {Pick<Visit, 'sdk' | 'collector' | 'engine' | 'quick' | 'rate' | 'url'>} given
 * @param {(visit: Visit) => Promise<T>} scenario
 * @returns {Promise<T & { version: string }>}
 */
export async function visit(given, scenario) {
  const { sdk, collector, engine, rate, url } = given;
  await collector.up();
  collector.forget(sdk.answer);
  const browser = engine === 'firefox' ? await launchFirefox() : await launchBrowser();
  try {
    const page = await browser.openPage();
    await page.goto(url);
    const rest = (mostMs = 5_000) => untilQuiet(browser, mostMs);
    await rest();
    const result = await scenario({
      ...given,
      browser,
      page,
      rest,
      async start() {
        await page.evaluate(load(sdk.id, collector.origin));
        await page.evaluate('bench.ready()');
        await rest();
        if (rate !== 1) await page.throttle(rate);
      },
      spent: async () => ({ ...(await page.mainThread()), treeMs: await browser.cpuMs() }),
    });
    return { ...result, version: browser.version };
  } finally {
    await browser.close();
  }
}

/** @param {string} id @param {string} collector */
export const load = (id, collector) => `bench.load(${JSON.stringify(id)}, ${JSON.stringify({ collector })})`;

/** @param {number} ms */
export const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

/** @param {import('./browser.mjs').Browser} browser @param {number} mostMs */
async function untilQuiet(browser, mostMs) {
  const until = performance.now() + mostMs;
  for (let before = await browser.cpuMs(); performance.now() < until; ) {
    await sleep(LOOK_MS);
    const now = await browser.cpuMs();
    if (now - before < QUIET_MS) return;
    before = now;
  }
}

/**
 * @param {Spent} from
 * @param {Spent} to
 * @returns {Spent}
 */
export function between(from, to) {
  return {
    taskMs: to.taskMs - from.taskMs,
    scriptMs: to.scriptMs - from.scriptMs,
    threadMs: to.threadMs === undefined || from.threadMs === undefined ? undefined : to.threadMs - from.threadMs,
    treeMs: to.treeMs - from.treeMs,
  };
}
