import { expect, networkIsBack, settled, stats, test, track, trackAndStore } from './support/test.js';

test('two tabs of one origin send one request at a time, and every event once', async ({
  visitor,
  site,
  collector,
}) => {
  Object.assign(site.options, { maxBatchSize: 20 });
  collector.misbehave({ kind: 'delay', ms: 60 });
  const [first, second] = [await visitor.open(site.url('/app')), await visitor.open(site.url('/app'))];

  const names = (await Promise.all(Array.from({ length: 10 }, (_, i) => track(i % 2 ? first : second, 25)))).flat();

  await collector.expectExactlyOnce(names, { by: 'name', withinMs: 20_000 });
  await settled(second);
  expect(collector.mostAtOnce).toBe(1);
  expect(new Set((await collector.rows()).map(({ source }) => source)).size).toBe(2);
});

test('two tabs without a worker share one queue and one sender', async ({ visitor, site, collector }) => {
  Object.assign(site.options, { serviceWorker: false, maxBatchSize: 20 });
  collector.misbehave({ kind: 'delay', ms: 60 });
  const [first, second] = [await visitor.open(site.url('/app')), await visitor.open(site.url('/app'))];

  const names = (await Promise.all(Array.from({ length: 10 }, (_, i) => track(i % 2 ? first : second, 25)))).flat();

  // The tab behind gets no answers, stores what it is given, and sends nothing: that goes with the next thing the tab in front does.
  await expect.poll(async () => (await stats(second)).accepted, { timeout: 20_000 }).toBe(250);
  names.push(...(await trackAndStore(second, 1)));

  await collector.expectExactlyOnce(names, { by: 'name', withinMs: 20_000 });
});

test('ten tabs, an outage, all of them closed: the one that is opened next delivers everything', async ({
  visitor,
  site,
  collector,
}) => {
  // A page that is left in an outage before there is a worker has nowhere to put its events: see docs/survival.md.
  const first = await visitor.open(site.url('/app'));
  const names = await trackAndStore(first, 1);
  const tabs = [first];
  while (tabs.length < 10) tabs.push(await visitor.open(site.url('/app')));
  await collector.expectExactlyOnce(names, { by: 'name', withinMs: 10_000 });
  await collector.down();

  for (const tab of tabs) names.push(...(await track(tab, 10)));
  for (const tab of tabs) await tab.close();
  await collector.up();
  const next = await visitor.open(site.url('/app'));
  names.push(...(await trackAndStore(next, 1)));
  await networkIsBack(next);

  await collector.expectExactlyOnce(names, { by: 'name', withinMs: 30_000 });
});

test('two trackers with different endpoints on one page do not mix', async ({ visitor, site, collector }) => {
  const tab = await visitor.open(site.url('/two-trackers'));

  await tab.evaluate(() => {
    for (let i = 0; i < 10; i++) {
      harness.tracker.track(`one-${i}`);
      harness.second!.track(`two-${i}`);
    }
  });

  const expected = Array.from({ length: 10 }, (_, i) => [`one-${i}`, `two-${i}`]).flat();
  await collector.expectExactlyOnce(expected, { by: 'name', withinMs: 10_000 });
  for (const { path, names } of collector.requests) {
    const own = path.includes('second') ? 'two-' : 'one-';
    expect(names.filter((name) => !name.startsWith(own))).toEqual([]);
  }
});
