// Where the time goes: `node e2e/bench/profile.mjs [sdk] [bursts|steady]`, on the page, in the worker and thread by thread.
// Sampled times are wall-clock times of what ran, so on a busy machine they are longer than the bench's; compare them with each other.

import { readFileSync } from 'node:fs';
import { SourceMap } from 'node:module';
import { pathToFileURL } from 'node:url';
import { threadTimes } from './lib/browser.mjs';
import { bundle } from './lib/bundle.mjs';
import { createCollector } from './lib/collector.mjs';
import { sdkOf } from './lib/sdks.mjs';
import { createSite } from './lib/site.mjs';
import { sleep, visit } from './lib/visit.mjs';

const STREAMS = { bursts: { count: 1_000, size: 10, everyMs: 100 }, steady: { count: 400, size: 1, everyMs: 50 } };
const SAMPLE_US = 100;
const SHOWN = 28;

const [id = 'petrel', stream = 'bursts'] = process.argv.slice(2);
const { count, ...pace } = /** @type {Record<string, typeof STREAMS.bursts>} */ (STREAMS)[stream] ?? STREAMS.bursts;
const dist = process.env.PETREL_DIST
  ? pathToFileURL(`${process.env.PETREL_DIST}/`)
  : new URL('../../dist/', import.meta.url);

/** @type {Map<string, SourceMap | undefined>} */
const maps = new Map();
/** @param {string} url */
function mapOf(url) {
  const name = url.split('/').at(-1) ?? '';
  if (!maps.has(name)) {
    let map;
    try {
      if (id === 'petrel') map = new SourceMap(JSON.parse(readFileSync(new URL(`${name}.map`, dist), 'utf8')));
    } catch {
      // A file without a map.
    }
    maps.set(name, map);
  }
  return maps.get(name);
}

/** @param {{ functionName: string, url: string, lineNumber: number, columnNumber: number }} frame */
function nameOf({ functionName, url, lineNumber, columnNumber }) {
  const entry = /** @type {any} */ (url ? mapOf(url)?.findEntry(lineNumber, columnNumber) : undefined);
  if (entry?.originalSource) {
    return `${entry.name || functionName || '(anonymous)'} ${entry.originalSource.replace(/^(\.\.\/)+/, '')}:${entry.originalLine + 1}`;
  }
  return `${functionName || '(anonymous)'} ${url ? `${url.split('/').at(-1)}:${lineNumber + 1}` : 'native'}`;
}

/** @param {any} profile @param {string} title */
function show({ nodes, samples, timeDeltas }, title) {
  const byId = new Map(nodes.map((/** @type {any} */ node) => [node.id, node]));
  for (const node of nodes) for (const child of node.children ?? []) byId.get(child).parent = node;
  /** @type {Map<string, { self: number, total: number }>} */
  const times = new Map();
  /** @type {Map<string, Map<string, number>>} */
  const callers = new Map();
  /** Native calls count for the file that makes them. @type {Map<string, number>} */
  const files = new Map();
  let sum = 0;
  samples.forEach((/** @type {number} */ sample, /** @type {number} */ i) => {
    const ms = (timeDeltas[i + 1] ?? 0) / 1_000;
    const leaf = byId.get(sample);
    if (leaf.callFrame.functionName === '(idle)') return;
    sum += ms;
    const seen = new Set();
    for (let node = leaf; node?.parent; node = node.parent) {
      const name = nameOf(node.callFrame);
      const time = times.get(name) ?? { self: 0, total: 0 };
      if (node === leaf) time.self += ms;
      if (!seen.has(name)) time.total += ms;
      seen.add(name);
      times.set(name, time);
    }
    let owner = leaf;
    while (owner.parent && !owner.callFrame.url) owner = owner.parent;
    const file = owner.callFrame.url
      ? (nameOf(owner.callFrame).split(' ').at(-1) ?? '').replace(/:\d+$/, '')
      : leaf.callFrame.functionName;
    files.set(file, (files.get(file) ?? 0) + ms);
    const name = nameOf(leaf.callFrame);
    const by = leaf.parent?.parent ? nameOf(leaf.parent.callFrame) : '(root)';
    const list = callers.get(name) ?? new Map();
    list.set(by, (list.get(by) ?? 0) + ms);
    callers.set(name, list);
  });
  console.log(`\n${title}: ${sum.toFixed(1)} ms of samples, per 1,000 events ${((sum * 1_000) / count).toFixed(1)}`);
  const scale = 1_000 / count;
  console.log('by file, native calls included, ms per 1,000 events');
  for (const [file, ms] of [...files].sort((a, b) => b[1] - a[1]).slice(0, 16))
    console.log(`${(ms * scale).toFixed(1).padStart(7)}  ${file}`);
  console.log('self ms  total ms  per 1,000 events');
  for (const [name, { self, total }] of [...times].sort((a, b) => b[1].self - a[1].self).slice(0, SHOWN)) {
    const by = [...(callers.get(name) ?? [])].sort((a, b) => b[1] - a[1]).slice(0, 3);
    const from = name.endsWith('native')
      ? `   ← ${by.map(([caller, ms]) => `${caller} ${(ms * scale).toFixed(1)}`).join(', ')}`
      : '';
    console.log(`${(self * scale).toFixed(1).padStart(7)} ${(total * scale).toFixed(1).padStart(9)}  ${name}${from}`);
  }
}

const sdk = sdkOf(id);
const site = await createSite(new Map([[id, await bundle(sdk)]]));
const collector = await createCollector();
try {
  await visit({ sdk, collector, engine: 'chromium', quick: false, rate: 1, url: site.url }, async (given) => {
    const { page, browser } = given;
    await given.start();
    await page.evaluate(`bench.prepare({ count: ${count} })`);
    await given.rest();
    // Thread by thread first, because a profiler costs time too.
    const before = await threadTimes(browser);
    await page.evaluate(`bench.stream(${JSON.stringify(pace)})`);
    await collector.arrival(0, count, 15_000);
    await sleep(1_000);
    const after = await threadTimes(browser);
    console.log(`CPU of threads, ms per 1,000 events (driver included)`);
    const grown = [...after].map(
      ([name, ms]) => /** @type {[string, number]} */ ([name, ((ms - (before.get(name) ?? 0)) * 1_000) / count]),
    );
    for (const [name, ms] of grown.sort((a, b) => b[1] - a[1]).slice(0, 16))
      if (ms >= 1) console.log(`${ms.toFixed(0).padStart(7)}  ${name}`);

    const worker = await browser.attach('service_worker');
    const sessions = /** @type {[string, import('./lib/browser.mjs').Session][]} */ (
      worker
        ? [
            ['page', page.session],
            ['worker', worker],
          ]
        : [['page', page.session]]
    );
    await page.evaluate(`bench.prepare({ first: ${count}, count: ${count} })`);
    for (const [, session] of sessions) {
      await session.send('Profiler.enable');
      await session.send('Profiler.setSamplingInterval', { interval: SAMPLE_US });
      await session.send('Profiler.start');
    }
    await page.evaluate(`bench.stream(${JSON.stringify(pace)})`);
    await collector.arrival(count, count, 15_000);
    for (const [title, session] of sessions) show((await session.send('Profiler.stop')).profile, title);
    return {};
  });
} finally {
  await site.close();
  await collector.close();
}
