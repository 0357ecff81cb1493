import type { CDPSession } from '@playwright/test';
import type { ChromiumTab } from './support/chromium.js';
import { chromiumOnly, expect, settled, test, trackAndStore } from './support/test.js';

chromiumOnly('only DevTools count what is alive in a page');
// A recorded trace is kept in the page's memory.
test.use({ trace: 'off' });

/** Nine parts of 6 000: what is kept of each event shows in the second half of them. */
const PARTS = 9;
const EVENTS_IN_PART = 6_000;

/** What one part would take if it were kept, in bytes: an event is an object with properties, a text, a name and an origin. */
const PART_BYTES = EVENTS_IN_PART * 200;

/** How many are made and closed, one after another. */
const TRACKERS = 10;

const devtoolsOf = (tab: ChromiumTab) => tab.page.context().newCDPSession(tab.page);

async function heapUsed(session: CDPSession): Promise<number> {
  await session.send('HeapProfiler.collectGarbage');
  return (await session.send('Runtime.getHeapUsage')).usedSize;
}

/** How many objects of a class there are, after the dead ones have been collected. */
async function alive(session: CDPSession, className: string): Promise<number> {
  await session.send('HeapProfiler.collectGarbage');
  const { result: prototype } = await session.send('Runtime.evaluate', { expression: `${className}.prototype` });
  const { objects } = await session.send('Runtime.queryObjects', { prototypeObjectId: prototype.objectId! });
  const { result } = await session.send('Runtime.callFunctionOn', {
    objectId: objects.objectId!,
    functionDeclaration: 'function () { return this.length; }',
    returnByValue: true,
  });
  await session.send('Runtime.releaseObject', { objectId: objects.objectId! });
  await session.send('Runtime.releaseObject', { objectId: prototype.objectId! });
  return result.value as number;
}

/** The listeners of what a tracker listens to, as `type at target`. */
async function listeners(session: CDPSession): Promise<string[]> {
  const found: string[] = [];
  for (const target of ['window', 'document', 'navigation', 'navigator.serviceWorker', 'navigator.connection']) {
    const { result } = await session.send('Runtime.evaluate', { expression: target });
    const answer = await session.send('DOMDebugger.getEventListeners', { objectId: result.objectId! });
    found.push(...answer.listeners.map(({ type }) => `${type} at ${target}`));
  }
  return found.sort();
}

test('a page that tracks 54 000 events keeps none of them in its memory', async ({ chromium, site, collector }) => {
  site.options.maxEvents = 100_000;
  const tab = await chromium.open(site.url('/app'));
  const session = await devtoolsOf(tab);
  const heap: number[] = [];
  const ports: number[] = [];

  for (let part = 0; part < PARTS; part++) {
    await tab.evaluate(async (count) => {
      for (let i = 0; i < count; i++) {
        harness.tracker.track(`event ${i % 7}`, { n: i, text: `${'x'.repeat(40)}${i}` });
        if (i % 50 === 49) await new Promise((done) => setTimeout(done, 5));
      }
    }, EVENTS_IN_PART);
    await settled(tab, 30_000);
    heap.push(await heapUsed(session));
    ports.push(await alive(session, 'MessagePort'));
  }

  expect(await collector.rows()).toHaveLength(PARTS * EVENTS_IN_PART);
  const middle = PARTS >> 1;
  const grown = Math.min(...heap.slice(middle)) - Math.min(...heap.slice(0, middle));
  expect(grown, `bytes, of ${heap.join()}`).toBeLessThan(PART_BYTES);
  // Each message has one, which goes with the next collection in the worker.
  expect(Math.max(...ports)).toBeLessThan(EVENTS_IN_PART / 50);
});

for (const host of ['worker', 'page'] as const) {
  test(`a tracker with its queue in the ${host} leaves no listener, timer, lock, port or connection when it is closed`, async ({
    chromium,
    site,
    collector,
  }) => {
    // Only the first visit: to register the worker, which leaves the two listeners by which Workbox follows it.
    const first = await chromium.open(site.url('/app'));
    await trackAndStore(first, 1);
    await first.close();
    const tab = await chromium.open(site.url('/elsewhere'));
    const session = await devtoolsOf(tab);
    const before = await listeners(session);

    const left = await tab.evaluate(
      async ({ options, count }) => {
        const timers = new Set<unknown>();
        const { setTimeout: set, clearTimeout: clear } = globalThis;
        Object.assign(globalThis, {
          setTimeout: (run: () => void, ...rest: []) => {
            const timer: unknown = set(
              () => {
                timers.delete(timer);
                run();
              },
              ...rest,
            );
            timers.add(timer);
            return timer;
          },
          clearTimeout: (timer: number) => {
            timers.delete(timer);
            clear(timer);
          },
        });
        const index = '/petrel/index.js';
        const { createTracker } = (await import(index)) as typeof import('../src/index.js');
        for (let i = 0; i < count; i++) {
          const tracker = createTracker(options as never);
          tracker.on('delivered', () => {});
          tracker.track('first');
          await tracker.flush();
          tracker.track('last');
          tracker.close();
        }
        // What a closed tracker had begun comes to its end.
        await new Promise((done) => set(done, 3_000));
        const { held = [], pending = [] } = await navigator.locks.query();
        return { timers: timers.size, locks: [...held, ...pending].map(({ name }) => name) };
      },
      { options: { ...site.options, serviceWorker: host === 'worker' ? {} : false }, count: TRACKERS },
    );

    expect(left).toEqual({ timers: 0, locks: [] });
    expect(await listeners(session)).toEqual(before);
    expect(await alive(session, 'IDBDatabase')).toBe(0);
    // A port lives as long as the worker has its other end: until it collects its garbage, or is stopped.
    await chromium.stopWorkers();
    await expect.poll(() => alive(session, 'MessagePort')).toBe(0);
    await expect.poll(async () => (await collector.rows()).length).toBe(1 + 2 * TRACKERS);
  });
}
