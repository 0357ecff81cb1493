// From the script tag to the first page view, on a first visit and on the next.

import { between, load, sleep } from '../lib/visit.mjs';

/** Everything the SDK does in this time is its start. Registering a worker waits for an idle page, at most 2 s. */
const WINDOW_MS = 3_000;

/** @param {import('../lib/visit.mjs').Visit} visit */
export async function startup(visit) {
  const first = await once(visit);
  // Whatever it does late on a first visit, and the page's own way out, is over before the next.
  await visit.page.throttle(1);
  await visit.page.evaluate('bench.ready()');
  await visit.rest();
  await visit.page.goto(visit.url);
  await visit.rest();
  return { first, returning: await once(visit) };
}

/** @param {import('../lib/visit.mjs').Visit} visit */
async function once(visit) {
  const { sdk, page, collector, rate } = visit;
  if (rate !== 1) await page.throttle(rate);
  const start = await visit.spent();
  await page.evaluate(load(sdk.id, collector.origin));
  await sleep(WINDOW_MS);
  return between(start, await visit.spent());
}
