import { chromiumOnly, expect, settled, stored, test, track, trackAndStore } from './support/test.js';

chromiumOnly('only Chromium can be cut from the network, workers and all');

test('what was tracked offline is delivered by the next visit, although the browser was killed', async ({
  chromium,
  site,
  collector,
}) => {
  const tab = await chromium.open(site.url('/app'));
  const names = await trackAndStore(tab, 5);
  await collector.expectExactlyOnce(names, { by: 'name', withinMs: 10_000 });

  await chromium.offline(true);
  for (let i = 0; i < 5; i++) names.push(...(await trackAndStore(tab, 10)));
  await chromium.crash();
  await chromium.comeBack();
  const later = await chromium.open(site.url('/app'));

  await collector.expectExactlyOnce(names, { by: 'name', withinMs: 45_000 });
  expect((await settled(later)).delivered).toBe(55);
});

test('a browser that is killed 100 ms after events were acknowledged loses none of them', async ({
  chromium,
  site,
  collector,
}) => {
  Object.assign(site.options, { maxBatchAgeMs: 3_000 });
  const names: string[] = [];

  for (let i = 0; i < 3; i++) {
    const tab = await chromium.open(site.url('/app'));
    names.push(...(await trackAndStore(tab, 20)));
    await new Promise((done) => setTimeout(done, 100));
    await chromium.crash();
    await chromium.comeBack();
  }
  await chromium.open(site.url('/app'));

  await collector.expectExactlyOnce(names, { by: 'name', withinMs: 20_000 });
});

test('a browser that is killed while a batch is on its way delivers it once', async ({ chromium, site, collector }) => {
  collector.misbehave({ kind: 'silence', stored: true }, { times: 1 });
  const tab = await chromium.open(site.url('/app'));

  const names = await track(tab, 20);
  await collector.arrival();
  await chromium.crash();
  await chromium.comeBack();
  await chromium.open(site.url('/app'));

  await expect
    .poll(() => collector.requests.filter(({ status }) => status === 200).map(({ duplicates }) => duplicates), {
      timeout: 20_000,
    })
    .toEqual([20]);
  await collector.expectExactlyOnce(names, { by: 'name' });
});

test('back online, a page that stayed open delivers by itself', async ({ chromium, site, collector }) => {
  const tab = await chromium.open(site.url('/app'));
  const names = await trackAndStore(tab, 1);

  await chromium.offline(true);
  names.push(...(await track(tab, 50)));
  await stored(tab);
  await chromium.offline(false);

  await collector.expectExactlyOnce(names, { by: 'name', withinMs: 10_000 });
});

test('a browser that is killed right after events were tracked loses at most what the queue had not acknowledged', async ({
  chromium,
  site,
  collector,
}) => {
  const acknowledged: string[] = [];
  const tracked: string[] = [];

  for (let i = 0; i < 3; i++) {
    const tab = await chromium.open(site.url('/app'));
    acknowledged.push(...(await trackAndStore(tab, 10)));
    tracked.push(...(await track(tab, 10)));
    await chromium.crash();
    await chromium.comeBack();
  }
  const later = await chromium.open(site.url('/app'));

  await collector.expectExactlyOnce(acknowledged, { by: 'name', withinMs: 20_000 });
  await settled(later);
  // Each of the others is there once, or it never left the page: none is there twice.
  const { doubled, lost } = await collector.diff(tracked, { by: 'name' });
  expect(doubled).toEqual([]);
  expect(lost.filter((name) => collector.timesOnWire(name) > 0)).toEqual([]);
});
