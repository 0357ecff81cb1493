import { chromiumOnly, expect, test } from '../support/test.js';
import { leave, openWith, type PluginRow, rowsOf } from './plugin-rows.js';

/** Content that appears late and moves what is below; a button that keeps the page busy. */
const UNSTABLE = `
  <p id="late"></p><h1 style="font-size: 80px">The largest contentful paint of all</h1>
  <button id="busy" onclick="for (const end = performance.now() + 120; performance.now() < end;) {}">busy</button>`;

for (const file of ['web-vitals', 'web-vitals-attribution']) {
  test.describe(file, () => {
    chromiumOnly('the others do not measure them all');

    test('the final values are recorded, those too that are known only when the page is left', async ({
      visitor,
      site,
      collector,
    }) => {
      const away = site.url('/elsewhere', '127.0.0.1');
      const tab = await openWith({ visitor, site }, { [file]: {} }, UNSTABLE);
      await tab.evaluate(async () => {
        await new Promise((done) => requestAnimationFrame(() => setTimeout(done, 100)));
        document.querySelector<HTMLElement>('#late')!.style.height = '200px';
        await new Promise((done) => setTimeout(done, 100));
      });
      await tab.click('#busy');
      await tab.evaluate(() => new Promise((done) => setTimeout(done, 200)));
      await tab.evaluate((url) => location.assign(url), away);

      const metrics = async () => new Set((await rowsOf(collector, 'Web Vital')).map((row) => row.properties.metric));
      await expect.poll(async () => [...(await metrics())].sort()).toEqual(['CLS', 'FCP', 'INP', 'LCP', 'TTFB']);
      const rows = await rowsOf(collector, 'Web Vital');
      const last = (metric: string) =>
        rows.filter(({ properties }) => properties.metric === metric).at(-1) as PluginRow;
      expect(rows.every(({ category }) => category === 'performance')).toBe(true);
      expect(last('CLS').properties.value).toBeGreaterThan(0);
      expect(last('INP').properties).toMatchObject({ rating: expect.any(String), navigationType: 'navigate' });
      expect(last('INP').properties.value).toBeGreaterThan(100);
      expect(last('LCP').properties.value).toBeGreaterThan(0);
      for (const { properties } of rows) {
        expect(properties.attribution === undefined).toBe(file === 'web-vitals');
        expect(Object.values(properties.attribution ?? {}).filter((value) => typeof value === 'object')).toEqual([]);
      }
      if (file !== 'web-vitals') expect(last('INP').properties.attribution.interactionTarget).toContain('busy');
    });
  });
}

test('only the chosen metrics are recorded, and none after the tracker is closed', async ({
  visitor,
  site,
  collector,
}) => {
  const tab = await openWith({ visitor, site }, { 'web-vitals': { metrics: ['TTFB'] } }, UNSTABLE);
  await expect.poll(async () => (await rowsOf(collector, 'Web Vital')).length).toBe(1);

  const [row] = await rowsOf(collector, 'Web Vital');
  await leave({ visitor, site }, tab);

  expect(row?.properties).toMatchObject({ metric: 'TTFB', delta: row?.properties.value });
  expect(row?.properties.value).toBeGreaterThanOrEqual(0);
});
