import type { ChromiumTab } from '../support/chromium.js';
import { chromiumOnly, expect, test } from '../support/test.js';
import { collected, leave, openWith } from './plugin-rows.js';

/** Ten screens. */
const LONG = '<div style="height: 1000vh">long</div>';

/** Scrolls, and waits until it was seen; runs in the page. */
const scrollDown = async (share: number) => {
  const scrolled = new Promise((done) => addEventListener('scroll', done, { once: true }));
  scrollTo(0, share * document.documentElement.scrollHeight - innerHeight);
  await scrolled;
  for (let i = 0; i < 2; i++) await new Promise((done) => requestAnimationFrame(done));
};

test('how far down and how long a page was read is recorded when it is left', async ({ visitor, site, collector }) => {
  const tab = await openWith({ visitor, site }, { engagement: { thresholds: [25, 50, 75] } }, LONG);

  await tab.evaluate(scrollDown, 0.6);
  await tab.evaluate(scrollDown, 0.3);
  await tab.evaluate(() => new Promise((done) => setTimeout(done, 150)));
  await leave({ visitor, site }, tab);

  const [row] = await collected(collector, 'Page Engagement', 1);
  expect(row).toMatchObject({ category: 'interaction', properties: { path: '/plugins', report: 1 } });
  expect(row?.properties.scrollPercent).toBeGreaterThanOrEqual(55);
  expect(row?.properties.scrollPercent).toBeLessThanOrEqual(65);
  expect(row?.properties.visibleMs).toBeGreaterThan(100);
  expect(row?.properties.engagedMs).toBeLessThanOrEqual(row?.properties.visibleMs);
  const depths = await collected(collector, 'Scroll Depth Reached', 2);
  expect(depths.map(({ properties }) => properties)).toEqual([
    { path: '/plugins', percent: 25 },
    { path: '/plugins', percent: 50 },
  ]);
});

test('engagement says no secret of the page’s address', async ({ visitor, site, collector }) => {
  const tab = await openWith({ visitor, site }, { engagement: { thresholds: [100] } });
  await tab.evaluate(async () => {
    history.pushState(null, '', '/plugins?token=s3cret');
    await new Promise((done) => setTimeout(done, 50));
    history.pushState(null, '', '/plugins?left');
  });

  const depths = await collected(collector, 'Scroll Depth Reached', 2);
  const reports = await collected(collector, 'Page Engagement', 2);

  for (const rows of [depths, reports]) {
    expect(rows.map(({ properties }) => properties.path)).toEqual(['/plugins', '/plugins?token=*']);
  }
});

test('a page that fits the screen was seen whole', async ({ visitor, site, collector }) => {
  const tab = await openWith({ visitor, site }, { engagement: {} });

  await leave({ visitor, site }, tab);

  const [row] = await collected(collector, 'Page Engagement', 1);
  expect(row?.properties.scrollPercent).toBe(100);
});

test('each route has its own engagement, under its own path', async ({ visitor, site, collector }) => {
  const tab = await openWith({ visitor, site }, { engagement: {} }, LONG);

  await tab.evaluate(scrollDown, 1);
  await tab.evaluate(async () => {
    history.replaceState(null, '', '/plugins?sort=up');
    history.pushState(null, '', '/plugins/next');
    scrollTo(0, 0);
    await new Promise((done) => setTimeout(done, 100));
  });
  await leave({ visitor, site }, tab);

  const rows = await collected(collector, 'Page Engagement', 2);
  expect(rows.map(({ properties: { path, report } }) => [path, report])).toEqual([
    ['/plugins', 1],
    ['/plugins/next', 1],
  ]);
  expect(rows[0]?.properties.scrollPercent).toBe(100);
  expect(rows[1]?.properties.scrollPercent).toBeLessThan(20);
});

test.describe('behind another tab', () => {
  chromiumOnly('the drivers of the others do not bring a tab to the front');

  test('time is not counted, and a glance at the page is not reported again', async ({ chromium, site, collector }) => {
    const tab = (await openWith({ visitor: chromium, site }, { engagement: {} }, LONG)) as ChromiumTab;
    await tab.show();
    const other = await chromium.open(site.url('/elsewhere'));
    await other.show();
    const [first] = await collected(collector, 'Page Engagement', 1);
    await new Promise((done) => setTimeout(done, 700));
    await tab.show();
    await other.show();
    await tab.show();
    await tab.evaluate(scrollDown, 1);
    await other.show();

    const rows = await collected(collector, 'Page Engagement', 2);
    expect(first?.properties.report).toBe(1);
    expect(rows[1]?.properties).toMatchObject({ path: '/plugins', report: 2, scrollPercent: 100 });
    expect(rows[1]?.properties.visibleMs).toBeLessThan(700);
  });
});
