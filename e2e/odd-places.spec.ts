import type { ChromiumTab } from './support/chromium.js';
import { chromiumOnly, expect, newNames, settled, test, track, trackAndStore } from './support/test.js';

chromiumOnly('DevTools and flags make these places');

test('a page leaves nothing in cookies, localStorage or sessionStorage, and no unload listener', async ({
  chromium,
  site,
  collector,
}) => {
  const tab = await chromium.open(site.url('/app'));
  const names = await trackAndStore(tab, 5);
  await collector.expectExactlyOnce(names, { by: 'name', withinMs: 10_000 });

  expect(await tab.evaluate(() => [document.cookie, localStorage.length, sessionStorage.length])).toEqual(['', 0, 0]);
  const session = await tab.page.context().newCDPSession(tab.page);
  const { result } = await session.send('Runtime.evaluate', { expression: 'window' });
  const { listeners } = await session.send('DOMDebugger.getEventListeners', { objectId: result.objectId! });
  expect(listeners.map(({ type }) => type).filter((type) => /unload/.test(type))).toEqual([]);
});

test('a tab whose renderer crashes loses nothing that was acknowledged', async ({ chromium, site, collector }) => {
  Object.assign(site.options, { maxBatchAgeMs: 2_000 });
  const tab = await chromium.open(site.url('/app'));
  const names = await trackAndStore(tab, 20);

  const crashed = tab.page.waitForEvent('crash');
  await tab.page.goto('chrome://crash').catch(() => undefined);
  await crashed;
  await chromium.open(site.url('/app'));

  await collector.expectExactlyOnce(names, { by: 'name', withinMs: 20_000 });
});

test.describe('an insecure origin, where there is no service worker', () => {
  test.use({ chromiumOptions: { args: ['--host-resolver-rules=MAP shop.test 127.0.0.1'] } });

  test('queues in the page, and delivers', async ({ chromium, site, collector }) => {
    const url = site.url('/app').replace('localhost', 'shop.test');
    const tab = await chromium.open(url);
    expect(await tab.evaluate(() => [isSecureContext, 'serviceWorker' in navigator])).toEqual([false, false]);

    const names = await trackAndStore(tab, 20);
    await collector.expectExactlyOnce(names, { by: 'name', withinMs: 10_000 });
    names.push(...(await track(tab, 5)));
    await tab.goto(site.url('/elsewhere'));
    await tab.goto(url);

    await collector.expectExactlyOnce(names, { by: 'name', withinMs: 10_000 });
  });
});

test('without IndexedDB events wait in memory, and leave with the page', async ({ chromium, site, collector }) => {
  Object.assign(site.options, { serviceWorker: false });
  site.answer('/app', {
    change: (page) =>
      page.replace(
        '<script',
        "<script>Object.defineProperty(window, 'indexedDB', { value: undefined });</script><script",
      ),
  });
  const tab = await chromium.open(site.url('/app'));
  expect(await tab.evaluate(() => typeof window.indexedDB)).toBe('undefined');

  const names = await trackAndStore(tab, 20);
  await collector.expectExactlyOnce(names, { by: 'name', withinMs: 10_000 });
  names.push(...(await track(tab, 5)));
  await tab.goto(site.url('/elsewhere', '127.0.0.1'));

  await collector.expectExactlyOnce(names, { by: 'name', withinMs: 10_000 });
});

test('an origin without room to store anything delivers all the same', async ({ chromium, site, collector }) => {
  const plain = await chromium.open(site.url('/elsewhere'));
  const session = await plain.page.context().newCDPSession(plain.page);
  await session.send('Storage.overrideQuotaForOrigin', { origin: new URL(site.url('/')).origin, quotaSize: 1 });
  const tab = await chromium.open(site.url('/app'));

  const names = await track(tab, 20);
  await tab.goto(site.url('/app?again'));
  names.push(...(await track(tab, 20)));

  await collector.expectExactlyOnce(names, { by: 'name', withinMs: 20_000 });
});

for (const { title, html, host } of [
  {
    title: 'a sandboxed frame, without storage or worker',
    html: (src: string) => `<iframe sandbox="allow-scripts" src="${src}"></iframe>`,
    host: 'localhost',
  },
  { title: 'a frame of another site', html: (src: string) => `<iframe src="${src}"></iframe>`, host: '127.0.0.1' },
] as const) {
  test(`${title} delivers`, async ({ chromium, site, collector }) => {
    site.answer('/petrel/*', { headers: { 'access-control-allow-origin': '*' } });
    site.answer('/around', { body: html(site.url('/app')), headers: { 'content-type': 'text/html' } });
    const tab = await chromium.open(site.url('/around', host));

    const names = [...(await trackInFrame(tab, 10)), ...(await trackInFrame(tab, 10))];

    await collector.expectExactlyOnce(names, { by: 'name', withinMs: 15_000 });
  });
}

async function trackInFrame(tab: ChromiumTab, count: number): Promise<string[]> {
  const names = newNames(count);
  const frame = tab.page.frames().find((each) => each.url().endsWith('/app'))!;
  await frame.waitForFunction(() => typeof harness === 'object' && harness.tracker);
  await frame.evaluate((names) => harness.track(names), names);
  return names;
}

test('a policy that lets the page send nowhere costs no event: the worker sends', async ({
  chromium,
  site,
  collector,
}) => {
  site.answer('/app', { headers: { 'content-security-policy': "connect-src 'self'" } });
  const tab = await chromium.open(site.url('/app'));

  const names = await trackAndStore(tab, 10);
  await collector.expectExactlyOnce(names, { by: 'name', withinMs: 10_000 });
  names.push(...(await track(tab, 5)));
  await tab.goto(site.url('/app?again'));

  await collector.expectExactlyOnce(names, { by: 'name', withinMs: 20_000 });
  await settled(tab);
});
