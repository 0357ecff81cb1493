// A backlog of ten thousand events when the server is back.

import { quantile } from '../lib/stats.mjs';
import { sleep } from '../lib/visit.mjs';

const FILL_MS = 60_000;
const DRAIN_MS = 60_000;
const NEARLY_ALL = 0.98;
const FIRST_MS = 6_500;

/** @param {import('../lib/visit.mjs').Visit} visit */
export async function drain(visit) {
  const { page, browser, collector, quick } = visit;
  const count = quick ? 2_000 : 10_000;
  await visit.start();
  // The first page view must be away: with it the queue would be one over its bound.
  await sleep(FIRST_MS);
  const worker = await browser.attach('service_worker');
  await worker?.send('Runtime.enable');
  const idle = await heapOf(worker);

  await browser.offline(true);
  await collector.down();
  for (let first = 0; first < count; first += 500) {
    await page.evaluate(`bench.prepare({ first: ${first}, count: 500 })`);
    await page.evaluate('bench.stream({ size: 50, everyMs: 50 })');
  }
  await visit.rest(FILL_MS);

  await collector.up();
  const before = { ...collector.traffic() };
  let peak = await heapOf(worker);
  let sampling = true;
  const sampler = (async () => {
    while (sampling) {
      peak = Math.max(peak, await heapOf(worker));
      await sleep(50);
    }
  })();
  const cpu = await browser.cpuMs();
  const backAt = performance.now();
  await browser.offline(false);
  const arrived = await collector.arrival(0, count, DRAIN_MS);
  const treeMs = (await browser.cpuMs()) - cpu;
  sampling = false;
  await sampler;

  const traffic = collector.traffic();
  const times = [...traffic.events].filter(([ref]) => ref < count).map(([, { at }]) => at - backAt);
  // The last batch is not full and waits for company, so it is not counted.
  const nearlyAllMs = quantile(times, NEARLY_ALL);
  return {
    count,
    arrived,
    firstMs: Math.min(...times),
    nearlyAllMs,
    perSecond: (1_000 * NEARLY_ALL * arrived) / nearlyAllMs,
    requests: traffic.requests - before.requests,
    treeMs,
    ...(worker && { idleHeap: idle, peakHeap: peak }),
  };
}

/** Bytes of a worker's JavaScript heap, with what it holds outside of it. @param {import('../lib/browser.mjs').Session | undefined} worker */
async function heapOf(worker) {
  if (!worker) return 0;
  const { usedSize, backingStorageSize = 0 } = await worker.send('Runtime.getHeapUsage');
  return usedSize + backingStorageSize;
}
