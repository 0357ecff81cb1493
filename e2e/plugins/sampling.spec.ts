import { arrived, expect, test } from '../support/test.js';
import { collected, openWith, ready } from './plugin-rows.js';

for (const { title, lot, names } of [
  { title: 'in is in on every page', lot: '4999', names: ['one', 'two'] },
  { title: 'out is out on every page', lot: '5000', names: [] },
]) {
  test(`a visitor who is ${title}`, async ({ visitor, site, collector }) => {
    const tab = await openWith({ visitor, site }, {});
    await tab.evaluate((lot) => localStorage.setItem('petrel.lot', lot), lot);

    for (const name of ['one', 'two']) {
      site.options = { ...site.options, plugins: { sampling: { rate: 0.5 } } };
      await tab.goto(site.url(`/plugins?${name}`));
      await arrived(tab, site.url(`/plugins?${name}`));
      await ready(tab);
      await tab.evaluate(async (name) => {
        harness.tracker.track(name);
        await harness.tracker.flush();
      }, name);
    }

    const dropped = await tab.evaluate(async () => (await harness.tracker.stats()).page.dropped);
    expect(dropped).toEqual(names.length ? {} : { sampled: 1 });
    expect((await collector.rows()).map(({ name }) => name)).toEqual(names);
    expect(await tab.evaluate(() => localStorage.getItem('petrel.lot'))).toBe(lot);
  });
}

test('the lot of a new visitor is drawn once and kept, in or out', async ({ visitor, site, collector }) => {
  const tab = await openWith({ visitor, site }, { sampling: { rate: 1 } });
  const lotOf = async () => {
    await tab.evaluate(() => harness.tracker.track('seen'));
    await expect.poll(() => tab.evaluate(() => localStorage.getItem('petrel.lot'))).toMatch(/^\d{1,4}$/);
    return tab.evaluate(() => localStorage.getItem('petrel.lot'));
  };
  const first = await lotOf();
  await tab.goto(site.url('/plugins?next'));
  await ready(tab);

  expect(await lotOf()).toBe(first);
  const rows = await collected(collector, 'seen', 2);
  expect(rows.map(({ context }) => JSON.parse(context!).sampleRate)).toEqual([1, 1]);
});
