// Fifty events in a click handler, and one event until it is durable: what a visitor's click waits for.

import { sleep } from '../lib/visit.mjs';

const EVENTS_PER_CLICK = 50;

/** Between two clicks, so that each meets a page at rest. */
const PAUSE_MS = 400;

/** @param {import('../lib/browser.mjs').Page} page */
async function click(page) {
  const at = { x: 100, y: 50, button: 'left', clickCount: 1 };
  await page.session.send('Input.dispatchMouseEvent', { type: 'mousePressed', ...at });
  await page.session.send('Input.dispatchMouseEvent', { type: 'mouseReleased', ...at });
}

/** @param {import('../lib/browser.mjs').Page} page */
const moveToButton = (page) => page.session.send('Input.dispatchMouseEvent', { type: 'mouseMoved', x: 100, y: 50 });

/**
 * Fifty `track()` calls in a click handler: the time in the handler, and from its start until the next task.
 *
 * @param {import('../lib/visit.mjs').Visit} visit
 */
export async function clicks(visit) {
  const { page, quick } = visit;
  const count = quick ? 10 : 20;
  await visit.start();
  await page.evaluate(`bench.onClick({ count: ${EVENTS_PER_CLICK} })`);
  await moveToButton(page);
  for (let i = 0; i < count; i++) {
    await sleep(PAUSE_MS);
    await click(page);
  }
  await sleep(PAUSE_MS);
  /** @type {[number, number][]} */
  const found = await page.evaluate('bench.clicks');
  if (found.length !== count) throw new Error(`${found.length} of ${count} clicks were handled`);
  return { handlerMs: found.map(([handler]) => handler), nextTaskMs: found.map(([, next]) => next) };
}

/**
 * Time from `track()` until the event is durable: as it comes, with high priority, in a click, and when the worker is stopped.
 *
 * @param {import('../lib/visit.mjs').Visit} visit
 */
export async function durable(visit) {
  const { page, browser, quick } = visit;
  await visit.start();
  const normal = await page.evaluate(`bench.durable({ count: ${quick ? 30 : 100} })`);
  const critical = await page.evaluate(
    `bench.durable({ first: 1000, count: ${quick ? 15 : 50}, priority: 'critical' })`,
  );

  await page.evaluate('bench.onClickDurable({ first: 2000 })');
  await moveToButton(page);
  for (let i = 0; i < (quick ? 10 : 30); i++) {
    await sleep(PAUSE_MS);
    await click(page);
  }
  await sleep(1_000);
  const clicked = await page.evaluate('bench.clicks');

  const cold = [];
  await page.session.send('ServiceWorker.enable');
  for (let i = 0; i < (quick ? 5 : 15); i++) {
    await page.session.send('ServiceWorker.stopAllWorkers');
    while (await browser.attach('service_worker')) await sleep(50);
    await sleep(300);
    cold.push(...(await page.evaluate(`bench.durable({ first: ${3_000 + i}, count: 1, priority: 'critical' })`)));
  }
  return { normal, critical, clicked, cold };
}
