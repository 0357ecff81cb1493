import { chromiumOnly, settled, test, track, trackAndStore } from './support/test.js';

test('a database that is deleted in the middle of a visit costs what was in it, and no event after', async ({
  visitor,
  site,
  collector,
}) => {
  const tab = await visitor.open(site.url('/app'));
  const names = await trackAndStore(tab, 5);
  await collector.expectExactlyOnce(names, { by: 'name', withinMs: 10_000 });
  await settled(tab);

  await tab.evaluate(async () => {
    for (const { name } of await indexedDB.databases()) {
      await new Promise((done, failed) => {
        const request = indexedDB.deleteDatabase(name!);
        request.onsuccess = done;
        request.onerror = failed;
      });
    }
  });
  for (let i = 0; i < 3; i++) names.push(...(await trackAndStore(tab, 5)));

  await collector.expectExactlyOnce(names, { by: 'name', withinMs: 20_000 });
});

test.describe('storage that is cleared under a living page', () => {
  chromiumOnly('DevTools clears it there');

  test('costs no event that comes after', async ({ chromium, site, collector }) => {
    const tab = await chromium.open(site.url('/app'));
    const names = await trackAndStore(tab, 5);
    await collector.expectExactlyOnce(names, { by: 'name', withinMs: 10_000 });
    await settled(tab);

    const devtools = await chromium.devtools();
    await devtools.send('Storage.clearDataForOrigin', {
      origin: new URL(site.url('/')).origin,
      storageTypes: 'indexeddb',
    });
    for (let i = 0; i < 3; i++) names.push(...(await track(tab, 5)));

    await collector.expectExactlyOnce(names, { by: 'name', withinMs: 20_000 });
  });
});
