import { chromiumOnly, expect, settled, test, track, trackAndStore } from './support/test.js';

chromiumOnly('only DevTools can stop a worker on demand');

test('a worker that is stopped between two events goes on with both', async ({ chromium, site, collector }) => {
  Object.assign(site.options, { maxBatchAgeMs: 1_500 });
  const tab = await chromium.open(site.url('/app'));

  const names = await trackAndStore(tab, 5);
  await chromium.stopWorkers();
  names.push(...(await trackAndStore(tab, 5)));

  await collector.expectExactlyOnce(names, { by: 'name', withinMs: 15_000 });
  await settled(tab);
});

test('a worker that is stopped after its last event is woken by the page when the batch is due', async ({
  chromium,
  site,
  collector,
}) => {
  Object.assign(site.options, { maxBatchAgeMs: 1_000 });
  const tab = await chromium.open(site.url('/app'));

  const names = await trackAndStore(tab, 5);
  await chromium.stopWorkers();

  // The page looks 15 s after the worker should have sent it.
  await collector.expectExactlyOnce(names, { by: 'name', withinMs: 25_000 });
});

test('a worker that is stopped in the middle of a request sends the same batch again', async ({
  chromium,
  site,
  collector,
}) => {
  const slow = collector.misbehave({ kind: 'delay', ms: 1_000, stored: true });
  const tab = await chromium.open(site.url('/app'));

  const names = await track(tab, 5);
  const first = await collector.arrival();
  await chromium.stopWorkers();
  slow.end();
  names.push(...(await track(tab, 5)));

  await collector.expectExactlyOnce(names, { by: 'name', withinMs: 30_000 });
  await settled(tab);
  const again = collector.requests.filter(({ batchId }) => batchId === first.batchId);
  expect(again.length).toBeGreaterThanOrEqual(2);
  expect(new Set(again.map(({ ids }) => ids.join())).size).toBe(1);
});

test('a worker that is stopped as soon as it is given an event stores it in its next life', async ({
  chromium,
  site,
  collector,
}) => {
  const tab = await chromium.open(site.url('/app'));
  const names = await trackAndStore(tab, 1);

  for (let i = 0; i < 10; i++) {
    const given = track(tab, 3);
    await chromium.stopWorkers();
    names.push(...(await given));
  }

  await collector.expectExactlyOnce(names, { by: 'name', withinMs: 20_000 });
});

test('a worker that is killed every second for a quarter of a minute loses and doubles nothing', async ({
  chromium,
  site,
  collector,
}) => {
  Object.assign(site.options, { maxBatchAgeMs: 400 });
  const tab = await chromium.open(site.url('/app'));
  const names: string[] = [];

  for (let i = 0; i < 12; i++) {
    for (let j = 0; j < 4; j++) {
      names.push(...(await track(tab, 5)));
      await new Promise((done) => setTimeout(done, 250));
    }
    await chromium.stopWorkers();
  }

  await collector.expectExactlyOnce(names, { by: 'name', withinMs: 20_000 });
  await settled(tab);
});
