// A stream of events, in bursts or steady: what it costs the main thread and the whole browser, what goes over the wire,
// what arrives.

import { between, sleep } from '../lib/visit.mjs';

/** Longest that is waited for the last event after the stream has ended. Datadog's timer has 30 s. */
const ARRIVAL_MS = 35_000;

/** The empty page is watched for this long afterwards, for what it costs to do nothing. */
const IDLE_MS = 6_000;

/**
 * @param {import('../lib/visit.mjs').Visit} visit
 * @param {{ count: number, size: number, everyMs: number }} stream
 */
async function stream(visit, { count, size, everyMs }) {
  const { sdk, page, collector } = visit;
  await visit.start();
  await page.evaluate(`bench.prepare({ count: ${count} })`);
  await visit.rest();
  const before = { ...collector.traffic() };

  const start = await visit.spent();
  await page.evaluate(`bench.stream(${JSON.stringify({ size, everyMs })})`);
  const end = await visit.spent();
  const endedAt = performance.now();
  const arrived = sdk.id === 'empty' ? 0 : await collector.arrival(0, count, ARRIVAL_MS);
  await sleep(sdk.id === 'empty' ? IDLE_MS : 500);
  const settled = await visit.spent();
  const settleMs = performance.now() - endedAt;

  const times = await page.evaluate('bench.callTimes()');

  const traffic = collector.traffic();
  const inRequests = [...traffic.events.values()].reduce((sum, event) => sum + event.times, 0);
  return {
    count,
    times,
    stream: between(start, end),
    settle: between(end, settled),
    settleMs,
    arrived,
    doubled: inRequests - traffic.events.size,
    bytes: traffic.bytes - before.bytes,
    requests: traffic.requests - before.requests,
    preflights: traffic.preflights - before.preflights,
  };
}

/** Bursts of ten. @param {import('../lib/visit.mjs').Visit} visit */
export const bursts = (visit) => stream(visit, { count: visit.quick ? 300 : 1_000, size: 10, everyMs: 100 });

/** Twenty events a second, one at a time. @param {import('../lib/visit.mjs').Visit} visit */
export const steady = (visit) => stream(visit, { count: visit.quick ? 200 : 1_000, size: 1, everyMs: 50 });
