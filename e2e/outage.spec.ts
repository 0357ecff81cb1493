import { expect, networkIsBack, settled, stored, test, track, trackAndStore } from './support/test.js';

/** Quick attempts with short waits, so that a story need not sit through the half minute between runs. */
const EAGER = { maxRetries: 20, initialDelayMs: 50, maxDelayMs: 400 };

test('a collector that refuses connections for a while gets every event once it is back', async ({
  visitor,
  site,
  collector,
}) => {
  Object.assign(site.options, EAGER);
  const tab = await visitor.open(site.url('/app'));
  const names = await track(tab, 3);
  await collector.expectExactlyOnce(names, { by: 'name', withinMs: 10_000 });

  await collector.down();
  for (let i = 0; i < 5; i++) names.push(...(await trackAndStore(tab, 20)));
  await collector.up();

  await collector.expectExactlyOnce(names, { by: 'name', withinMs: 20_000 });
  await settled(tab);
});

test('the same batch comes again, whole and under the same id, until the collector takes it', async ({
  visitor,
  site,
  collector,
}) => {
  Object.assign(site.options, EAGER);
  collector.misbehave({ kind: 'status', status: 503 }, { times: 4 });
  const tab = await visitor.open(site.url('/app'));

  const names = await track(tab, 10);

  await collector.expectExactlyOnce(names, { by: 'name', withinMs: 20_000 });
  const attempts = collector.requests.filter((request) => request.names.includes(names[0]!));
  expect(attempts.map(({ status }) => status)).toEqual([503, 503, 503, 503, 200]);
  expect(attempts.map(({ attempt }) => attempt)).toEqual([1, 2, 3, 4, 5]);
  expect(new Set(attempts.map(({ batchId }) => batchId)).size).toBe(1);
  expect(new Set(attempts.map((request) => request.ids.join())).size).toBe(1);
});

test('with 30 % random failures every event arrives once', async ({ visitor, site, collector }) => {
  Object.assign(site.options, EAGER, { maxBatchSize: 10 });
  collector.misbehave({ kind: 'status', status: 500 }, { probability: 0.3, seed: 11 });
  const tab = await visitor.open(site.url('/app'));

  const names = await track(tab, 300);

  await collector.expectExactlyOnce(names, { by: 'name', withinMs: 30_000 });
  await settled(tab);
});

test('with the default options a collector that is down is asked a few times only', async ({
  visitor,
  site,
  collector,
}) => {
  collector.misbehave({ kind: 'status', status: 503 });
  const tab = await visitor.open(site.url('/app'));
  const names: string[] = [];
  const until = Date.now() + 8_000;

  while (Date.now() < until) {
    names.push(...(await trackAndStore(tab, 5)));
    await new Promise((done) => setTimeout(done, 250));
  }

  // One attempt, three quick retries, then the long wait: the number of events changes nothing.
  expect(collector.requests.length).toBeLessThanOrEqual(6);
  collector.behave();
  await networkIsBack(tab);
  await collector.expectExactlyOnce(names, { by: 'name', withinMs: 20_000 });
});

test('a collector that answers after seconds gets nothing twice', async ({ visitor, site, collector }) => {
  collector.misbehave({ kind: 'delay', ms: 3_000 });
  const tab = await visitor.open(site.url('/app'));

  const names = await track(tab, 10);
  await stored(tab);
  names.push(...(await track(tab, 10)));

  await collector.expectExactlyOnce(names, { by: 'name', withinMs: 20_000 });
  await settled(tab);
  expect(collector.mostAtOnce).toBe(1);
  expect(names.filter((name) => collector.timesOnWire(name) !== 1)).toEqual([]);
});
