import { expect, networkIsBack, settled, test, track, trackAndStore } from './support/test.js';

test('a new version of the worker takes over while the old one is sending, and nothing is lost or doubled', async ({
  visitor,
  site,
  collector,
}) => {
  Object.assign(site.options, { maxBatchSize: 5 });
  const slow = collector.misbehave({ kind: 'delay', ms: 150 });
  const tab = await visitor.open(site.url('/app'));
  const names = await trackAndStore(tab, 100);

  site.answer('/petrel-sw.js', { change: (script) => `${script}\n// the next release` });
  await tab.evaluate(async () => {
    for (const registration of await navigator.serviceWorker.getRegistrations()) await registration.update();
  });
  for (let i = 0; i < 10; i++) names.push(...(await track(tab, 10)));
  slow.end();

  await collector.expectExactlyOnce(names, { by: 'name', withinMs: 20_000 });
  await settled(tab);
  expect(site.asked.filter((path) => path === '/petrel-sw.js').length).toBeGreaterThanOrEqual(2);
});

test('a site that takes its worker file away keeps its events', async ({ visitor, site, collector }) => {
  const tab = await visitor.open(site.url('/app'));
  const names = await trackAndStore(tab, 5);
  await collector.down();
  names.push(...(await trackAndStore(tab, 5)));

  site.answer('/petrel-sw.js', { status: 404 });
  await tab.evaluate(async () => {
    for (const registration of await navigator.serviceWorker.getRegistrations()) await registration.unregister();
  });
  await collector.up();
  await tab.goto(site.url('/app?later'));
  names.push(...(await trackAndStore(tab, 5)));
  await networkIsBack(tab);

  await collector.expectExactlyOnce(names, { by: 'name', withinMs: 30_000 });
});

test('a worker that the site’s own code unregisters under a page costs no event', async ({
  visitor,
  site,
  collector,
}) => {
  const tab = await visitor.open(site.url('/app'));
  const names = await trackAndStore(tab, 5);

  await tab.evaluate(async () => {
    for (const registration of await navigator.serviceWorker.getRegistrations()) await registration.unregister();
  });
  names.push(...(await track(tab, 5)));
  await tab.goto(site.url('/app?later'));
  names.push(...(await trackAndStore(tab, 5)));

  await collector.expectExactlyOnce(names, { by: 'name', withinMs: 20_000 });
});
