import {
  chromiumOnly,
  expect,
  networkIsBack,
  newNames,
  settled,
  stored,
  test,
  track,
  trackAndStore,
} from './support/test.js';

// The test knows what it tracked and what became of it; the ledger must say the same, and go on saying it when nothing else comes.

chromiumOnly('only Chromium can be cut from the network, workers and all');

test('the ledger has every event of a visit of several pages, and the end of each page that is gone', async ({
  chromium,
  site,
  collector,
}) => {
  const tab = await chromium.open(site.url('/app?1'));
  const names = await trackAndStore(tab, 3);
  await settled(tab);
  for (const page of [2, 3]) {
    await tab.goto(site.url(`/app?${page}`));
    names.push(...(await trackAndStore(tab, page)));
    await settled(tab);
  }

  await collector.expectExactlyOnce(names, { by: 'name' });
  await expect
    .poll(async () => (await collector.ledger()).total)
    .toMatchObject({
      sources: 3,
      accepted: 8,
      delivered: 8,
      dropped: {},
      possible: 0,
      missing: 0,
      tails: { ended: 2, open: 1 },
    });
  expect((await collector.ledger(30)).total).toMatchObject({ missing: 0, unknown: 0 });
  expect(await collector.audit()).toMatchObject({ checked: 8, gone: 0, stray: 0 });
});

test('the ledger says how many events went over the bound of a queue that was offline', async ({
  chromium,
  site,
  collector,
}) => {
  Object.assign(site.options, { maxEvents: 100 });
  const tab = await chromium.open(site.url('/app'));
  await trackAndStore(tab, 1);
  await settled(tab);
  await chromium.offline(true);

  for (let i = 0; i < 10; i++) await trackAndStore(tab, 30);
  await chromium.offline(false);
  await networkIsBack(tab);
  await settled(tab, 30_000);

  expect((await collector.ledger(30)).total).toMatchObject({
    accepted: 301,
    delivered: 101,
    dropped: { 'queue-full': 200 },
    unknown: 0,
    missing: 0,
  });
});

test('the ledger says that an event was refused', async ({ chromium, site, collector }) => {
  collector.misbehave({ kind: 'poison', name: 'poison', answer: 'event', reason: 'schema' });
  const tab = await chromium.open(site.url('/app'));
  const names = newNames(9);

  await tab.evaluate((names) => harness.track([...names.slice(0, 4), 'poison', ...names.slice(4)]), names);
  await collector.expectExactlyOnce(names, { by: 'name', withinMs: 20_000 });
  // What was dropped is told with the next batch.
  names.push(...(await trackAndStore(tab, 1)));
  await collector.expectExactlyOnce(names, { by: 'name', withinMs: 20_000 });

  expect((await collector.ledger(30)).total).toMatchObject({
    accepted: 11,
    delivered: 10,
    dropped: { refused: 1 },
    missing: 0,
  });
});

test('the ledger calls what a visitor withdrew withdrawn, not missing', async ({ chromium, site, collector }) => {
  const tab = await chromium.open(site.url('/app'));
  const names = await trackAndStore(tab, 5);
  await settled(tab);
  await chromium.offline(true);
  await trackAndStore(tab, 20);

  await tab.evaluate(() => harness.tracker.setConsent('denied'));
  await settled(tab);
  await chromium.offline(false);
  await networkIsBack(tab);
  // Nothing of the queue is sent but for somebody who agreed: the next visit.
  expect((await collector.ledger(30)).total).toMatchObject({ accepted: 5, delivered: 5, missing: 0, unknown: 0 });
  const later = await chromium.open(site.url('/app?later'));
  names.push(...(await trackAndStore(later, 2)));

  await collector.expectExactlyOnce(names, { by: 'name', withinMs: 20_000 });
  expect((await collector.ledger(30)).total).toMatchObject({
    accepted: 27,
    delivered: 7,
    dropped: { consent: 20 },
    missing: 0,
  });
});

test('the ledger has everything of a browser that was killed offline, once it is back', async ({
  chromium,
  site,
  collector,
}) => {
  const tab = await chromium.open(site.url('/app'));
  const names = await trackAndStore(tab, 5);
  await settled(tab);
  await chromium.offline(true);
  names.push(...(await trackAndStore(tab, 40)));

  await chromium.crash();
  expect((await collector.ledger()).total).toMatchObject({ accepted: 5, delivered: 5, tails: { open: 1 } });
  await chromium.comeBack();
  const later = await chromium.open(site.url('/app?later'));
  names.push(...(await trackAndStore(later, 1)));
  await collector.expectExactlyOnce(names, { by: 'name', withinMs: 45_000 });
  await settled(later);

  expect((await collector.ledger(30)).total).toMatchObject({
    sources: 2,
    accepted: 46,
    delivered: 46,
    missing: 0,
    tails: { ended: 1 },
  });
});

test('the ledger knows of events that waited in a browser which never came back', async ({
  chromium,
  site,
  collector,
}) => {
  Object.assign(site.options, { maxBatchSize: 10 });
  const tab = await chromium.open(site.url('/app'));
  await trackAndStore(tab, 1);
  await settled(tab);
  await chromium.offline(true);
  for (let i = 0; i < 5; i++) await track(tab, 10);
  await stored(tab);

  // One batch gets through, and says how many wait behind it.
  collector.misbehave({ kind: 'status', status: 503 }, { skip: 1 });
  await chromium.offline(false);
  await networkIsBack(tab);
  await collector.end(({ status }) => status === 503);
  await chromium.crash();

  expect((await collector.ledger()).total).toMatchObject({ accepted: 51, delivered: 11, possible: 40 });
  expect((await collector.ledger(30)).total).toMatchObject({ delivered: 11, possible: 0, unknown: 40, missing: 0 });
});
