// Offline, with a queue that grows: what the next events cost the page.

import { mean } from '../lib/stats.mjs';
import { between, sleep } from '../lib/visit.mjs';

/** Events waiting when it is measured. */
const WAITING = [10, 1_000, 10_000];
const MEASURED = 100;

/** Longest that filling the queue up may take; an SDK that is slower has given up, in effect. */
const FILL_MS = 90_000;

/** @param {import('../lib/visit.mjs').Visit} visit */
export async function growth(visit) {
  const { page, browser, collector, quick } = visit;
  await visit.start();
  await browser.offline(true);
  await collector.down();
  const levels = [];
  let tracked = 0;
  for (const waiting of quick ? WAITING.slice(0, 2) : WAITING) {
    const filled = await within(FILL_MS, async () => {
      for (; tracked < waiting; tracked += Math.min(500, waiting - tracked)) {
        const count = Math.min(500, waiting - tracked);
        await page.evaluate(`bench.prepare({ first: ${tracked}, count: ${count} })`);
        await page.evaluate('bench.stream({ size: 50, everyMs: 50 })');
      }
      await visit.rest(10_000);
    });
    if (!filled) break;
    await page.evaluate(`bench.prepare({ first: ${tracked}, count: ${MEASURED} })`);
    await sleep(300);
    const start = await visit.spent();
    const done = await within(FILL_MS, () => page.evaluate('bench.stream({ size: 10, everyMs: 100 })'));
    if (!done) break;
    await sleep(500);
    const spent = between(start, await visit.spent());
    levels.push({ waiting, spent, callUs: mean(await page.evaluate('bench.callTimes()')) });
    tracked += MEASURED;
  }
  return { measured: MEASURED, levels };
}

/**
 * @param {number} ms
 * @param {() => Promise<unknown>} work
 * @returns {Promise<boolean>} Whether it was done by then.
 */
async function within(ms, work) {
  /** @type {NodeJS.Timeout | undefined} */
  let timer;
  const late = new Promise((resolve) => {
    timer = setTimeout(() => resolve(false), ms);
  });
  try {
    return (await Promise.race([work().then(() => true), late])) === true;
  } catch {
    // The page has died.
    return false;
  } finally {
    clearTimeout(timer);
  }
}
