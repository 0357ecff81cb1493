import { join } from 'node:path';
import { chromiumOnly, expect, expectEvents, test } from './test.js';

chromiumOnly('only Chromium can be cut from the network, workers and all');

test('pwa: what is noted offline, over a reload from the precache, arrives once when the network is back', async ({
  chromium,
  examples,
  serve,
  collector,
}) => {
  const site = await serve({ folder: join(await examples.build('pwa'), 'dist') });
  const tab = await chromium.open(site.url('/'));
  // Installed: from here on the app works without a network.
  await tab.evaluate(async () => void (await navigator.serviceWorker.ready));

  await chromium.offline(true);
  for (let walk = 0; walk < 3; walk++) await tab.click('#walk');
  await tab.goto(site.url('/'));
  await expect.poll(() => tab.evaluate(() => navigator.serviceWorker.controller !== null)).toBe(true);
  for (let walk = 0; walk < 2; walk++) await tab.click('#walk');
  await tab.goto(site.url('/?once=more'));
  await tab.click('#walk');
  expect((await collector.rows()).filter(({ name }) => name !== 'page')).toEqual([]);
  await chromium.offline(false);

  const rows = await expectEvents(collector, [...Array(3).fill('page'), ...Array(6).fill('Walk Noted')]);
  const walks = rows.filter(({ name }) => name === 'Walk Noted').map(({ properties }) => JSON.parse(properties));
  expect(walks).toEqual(Array(6).fill({ online: false }));
  expect(
    await tab.evaluate(async () =>
      (await navigator.serviceWorker.getRegistrations()).map(({ scope, active }) => [
        new URL(scope).pathname,
        new URL(active!.scriptURL).pathname,
      ]),
    ),
    'one worker, the app’s own',
  ).toEqual([['/', '/sw.js']]);
});

test('pwa: a new version of the app’s worker waits for the app’s word, with Petrel in it', async ({
  chromium,
  examples,
  serve,
  collector,
}) => {
  const site = await serve({ folder: join(await examples.build('pwa'), 'dist') });
  const tab = await chromium.open(site.url('/'));
  await tab.evaluate(async () => void (await navigator.serviceWorker.ready));
  await tab.goto(site.url('/'));

  site.change('/sw.js', (code) => `${code}\n// the next release`);
  const waiting = await tab.evaluate(async () => {
    const registration = (await navigator.serviceWorker.getRegistration())!;
    const before = registration.active;
    await registration.update();
    const next = registration.installing ?? registration.waiting;
    await new Promise<void>((done) => {
      const look = () => next!.state !== 'installing' && done();
      next!.addEventListener('statechange', look);
      look();
    });
    // Time to take over, for one that would.
    await new Promise((done) => setTimeout(done, 500));
    return [registration.waiting === next, next!.state, registration.active === before];
  });
  await tab.click('#walk');

  expect(waiting).toEqual([true, 'installed', true]);
  await expectEvents(collector, ['page', 'page', 'Walk Noted']);
});
