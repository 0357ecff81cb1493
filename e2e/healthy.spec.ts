import { expect, settled, test, track } from './support/test.js';

test('every event is in the database once when all is well', async ({ visitor, site, collector }) => {
  const tab = await visitor.open(site.url('/app'));

  const names = [...(await track(tab, 1)), ...(await track(tab, 250)), ...(await track(tab, 20, { colour: 'red' }))];

  await collector.expectExactlyOnce(names, { by: 'name', withinMs: 15_000 });
  const { accepted, delivered, dropped } = await settled(tab);
  expect({ accepted, delivered, dropped }).toEqual({ accepted: 271, delivered: 271, dropped: 0 });
  expect(names.filter((name) => collector.timesOnWire(name) !== 1)).toEqual([]);
});

test('a returning visit goes on where the last one ended', async ({ visitor, site, collector }) => {
  const names: string[] = [];
  for (let visit = 0; visit < 3; visit++) {
    const tab = await visitor.open(site.url('/app'));
    names.push(...(await track(tab, 5)));
    await tab.close();
  }
  await visitor.open(site.url('/app'));

  await collector.expectExactlyOnce(names, { by: 'name', withinMs: 15_000 });
});
