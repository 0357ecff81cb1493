// A page on which nothing is tracked any more: does it, or a worker, ever wake up?

import { sleep } from '../lib/visit.mjs';

/** Until the last event of the start is delivered and the browser has stopped an idle worker (Chromium: 30 s). */
const BEFORE_MS = 45_000;
const WATCHED_MS = 30_000;

const WAKE_UPS = new Set(['TimerFire', 'FireIdleCallback', 'FireAnimationFrame', 'FunctionCall', 'EvaluateScript']);

/** @param {import('../lib/visit.mjs').Visit} visit */
export async function idle(visit) {
  const { browser, quick } = visit;
  await visit.start();
  await sleep(quick ? 8_000 : BEFORE_MS);

  /** @type {any[]} */
  const events = [];
  browser.session.on('Tracing.dataCollected', ({ value }) => events.push(...value));
  const complete = new Promise((done) => browser.session.on('Tracing.tracingComplete', done));
  await browser.session.send('Tracing.start', {
    transferMode: 'ReportEvents',
    traceConfig: { includedCategories: ['devtools.timeline'], excludedCategories: ['*'] },
  });
  const start = await visit.spent();
  await sleep(quick ? 8_000 : WATCHED_MS);
  const end = await visit.spent();
  await browser.session.send('Tracing.end');
  await complete;

  /** @type {Record<string, number>} */
  const counts = {};
  for (const { name } of events) if (WAKE_UPS.has(name)) counts[name] = (counts[name] ?? 0) + 1;
  const worker = await browser.attach('service_worker');
  return {
    watchedMs: quick ? 8_000 : WATCHED_MS,
    wakeUps: counts.TimerFire ?? 0,
    counts,
    taskMs: end.taskMs - start.taskMs,
    workerRuns: worker !== undefined,
  };
}
