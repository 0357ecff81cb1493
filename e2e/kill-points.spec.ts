import { breakWorker, serveFaultyWorker } from './support/faulty-worker.js';
import { chromiumOnly, expect, settled, test, track, trackAndStore } from './support/test.js';

chromiumOnly('only DevTools can stop a worker on demand');

test.beforeEach(({ site }) => serveFaultyWorker(site));

test('a worker that is killed between the collector’s 200 and its own delete sends the batch again, stored once', async ({
  chromium,
  site,
  collector,
}) => {
  const tab = await chromium.open(site.url('/app'));
  const names = await trackAndStore(tab, 1);
  await collector.expectExactlyOnce(names, { by: 'name', withinMs: 10_000 });
  await settled(tab);

  await breakWorker(tab, { stopAfterAnswer: true });
  names.push(...(await track(tab, 10)));
  await collector.end(({ status, ids }) => status === 200 && ids.length === 10);
  await chromium.stopWorkers();
  names.push(...(await track(tab, 1)));

  await collector.expectExactlyOnce(names, { by: 'name', withinMs: 20_000 });
  await settled(tab);
  const sent = collector.requests.filter(({ ids }) => ids.length === 10);
  expect(sent.length).toBe(2);
  expect(new Set(sent.map(({ batchId, ids }) => `${batchId} ${ids}`)).size, 'the same batch, under its id').toBe(1);
});

test('a worker that is killed between its commit and the acknowledgement stores the events once', async ({
  chromium,
  site,
  collector,
}) => {
  Object.assign(site.options, { maxBatchAgeMs: 1_500 });
  const tab = await chromium.open(site.url('/app'));
  const names = await trackAndStore(tab, 1);

  await breakWorker(tab, { mute: true });
  names.push(...(await track(tab, 10)));
  await new Promise((done) => setTimeout(done, 500));
  await chromium.stopWorkers();

  // The page hands them over again after 2 s of silence; the database knows their numbers.
  await collector.expectExactlyOnce(names, { by: 'name', withinMs: 20_000 });
  expect(await settled(tab)).toMatchObject({ accepted: 11, delivered: 11 });
  expect(names.filter((name) => collector.timesOnWire(name) !== 1)).toEqual([]);
});
