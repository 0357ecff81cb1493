import { quantile } from './bench/lib/stats.mjs';
import type { ChromiumVisitor } from './support/chromium.js';
import type { Site } from './support/site.js';
import { expect, stored, type Tab, test, type Visitor } from './support/test.js';

/** How often one event is timed, and how many events a stream has, each in parts that no driver takes too long for. */
const PARTS = 4;
const SINGLE_IN_PART = 50;
const STREAM_IN_PART = 125;

/** How often an event meets a worker that does not run, and what it takes to have it stopped, in ms. Only DevTools stop one when told. */
const COLD = {
  chromium: { times: 15, waitMs: 500 },
  // Idle for 30 s, and for 30 s more when it had asked for time.
  firefox: { times: 3, waitMs: 64_000 },
  // 10 s after the last page of its site is closed.
  webkitgtk: { times: 12, waitMs: 13_000 },
};

/** Runs in the worker, and tells how long it has been running. */
function tellAge(): void {
  addEventListener('message', ({ data, ports }: MessageEvent) => {
    if (data === 'age') ports[0]?.postMessage(performance.now());
  });
}

/**
 * Tracks events, one in `gapMs`, and measures for each the time until the page is told that it is stored, in milliseconds. That is all the
 * time in which it is only in the page's memory, and a little more: the way of the answer.
 *
 * @param tracked how many events were tracked in this page before
 */
function handOver(tab: Tab, tracked: number, count: number, gapMs: number): Promise<number[]> {
  return tab.evaluate(
    async ({ tracked, count, gapMs }) => {
      const { tracker } = harness;
      const trackedAt: number[] = [];
      const times: number[] = [];
      const all = new Promise<void>((done) => {
        const off = tracker.on('stored', ({ seqs }) => {
          const now = performance.now();
          for (const seq of seqs) times.push(now - trackedAt[seq - tracked - 1]!);
          if (times.length < count) return;
          off();
          done();
        });
      });
      for (let i = 0; i < count; i++) {
        await new Promise((done) => setTimeout(done, gapMs));
        trackedAt.push(performance.now());
        tracker.track('measured', { i, colour: 'red' });
      }
      await all;
      return times;
    },
    { tracked, count, gapMs },
  );
}

/** How long the worker has been running, in ms. */
function ageOfWorker(tab: Tab): Promise<number> {
  return tab.evaluate(async () => {
    const [registration] = await navigator.serviceWorker.getRegistrations();
    const { port1, port2 } = new MessageChannel();
    const answer = new Promise<number>((done) => {
      port1.onmessage = ({ data }) => done(data);
    });
    registration!.active!.postMessage('age', [port2]);
    return answer;
  });
}

/** Has the worker stopped, and measures the next event. In WebKit that is the first one of a page, since a page keeps it alive. */
async function afterStop(visitor: Visitor, tab: Tab, site: Site, tracked: number): Promise<number> {
  const { engine } = visitor;
  if (engine === 'chromium') await (visitor as ChromiumVisitor).stopWorkers();
  if (engine === 'webkitgtk') await tab.goto(site.url('/elsewhere', '127.0.0.1'));
  await new Promise((done) => setTimeout(done, COLD[engine].waitMs));
  if (engine !== 'webkitgtk') return (await handOver(tab, tracked, 1, 0))[0]!;
  await tab.goto(site.url('/app'));
  await expect.poll(() => tab.evaluate(() => Number((globalThis as { firstMs?: number }).firstMs))).toBeGreaterThan(0);
  return tab.evaluate(() => (globalThis as { firstMs?: number }).firstMs!);
}

/** Tracks in the page as soon as there is a tracker, and measures that event. */
const trackFirst = `const trackedAt = performance.now();
    harness.tracker.on('stored', () => { globalThis.firstMs ??= performance.now() - trackedAt; });
    harness.tracker.track('first');
  </script>`;

test('how long an event is only in the memory of its page', async ({ visitor, site }) => {
  const { engine } = visitor;
  const tell = (what: string, times: number[]) => {
    const [p50, p99, most] = [0.5, 0.99, 1].map((q) => quantile(times, q).toFixed(1));
    console.log(`| ${engine} | ${what} | ${times.length} | ${p50} | ${p99} | ${most} |`);
  };
  site.answer('/petrel-sw.js', { change: (script) => `(${tellAge})();\n${script}` });
  site.answer('/app', {
    change: (page) => {
      const end = page.lastIndexOf('</script>');
      return page.slice(0, end) + trackFirst + page.slice(end + '</script>'.length);
    },
  });
  const tab = await visitor.open(site.url('/app'));
  await stored(tab);
  let tracked = 1;
  const inParts = async (what: string, count: number, gapMs: number) => {
    const times: number[] = [];
    for (let part = 0; part < PARTS; part++, tracked += count)
      times.push(...(await handOver(tab, tracked, count, gapMs)));
    tell(what, times);
  };

  await inParts('now and then', SINGLE_IN_PART, 150);
  await inParts('one every 10 ms', STREAM_IN_PART, 10);

  const cold: number[] = [];
  for (let i = 0; i < COLD[engine].times; i++) {
    const time = await afterStop(visitor, tab, site, tracked++);
    if ((await ageOfWorker(tab)) < COLD[engine].waitMs) cold.push(time);
  }
  expect(cold.length, 'the worker was really stopped').toBeGreaterThan(COLD[engine].times / 2);
  tell('when the worker has to be started', cold);
});
