import { arrived, chromiumOnly, expect, newNames, settled, stored, test, trackAndStore } from './support/test.js';

test.describe('20 000 events into a bound of 10 000', () => {
  chromiumOnly('only Chromium can be cut from the network, workers and all');

  test('lose exactly the oldest 10 000, each counted and told to the collector', async ({
    chromium,
    site,
    collector,
  }) => {
    const tab = await chromium.open(site.url('/app'));
    await trackAndStore(tab, 1);
    await settled(tab);
    await tab.evaluate(() => harness.watch());
    await chromium.offline(true);
    const names = newNames(20_000);

    for (let i = 0; i < names.length; i += 500) {
      await tab.evaluate((names) => harness.track(names), names.slice(i, i + 500));
      await stored(tab);
    }
    const full = await tab.evaluate(() => harness.tracker.stats());
    await chromium.offline(false);

    expect(full).toMatchObject({ accepted: 20_001, droppedByReason: { 'queue-full': 10_000 } });
    expect(full.waiting! + full.inFlight!).toBe(10_000);
    const after = await settled(tab, 60_000);
    expect(after).toMatchObject({ accepted: 20_001, delivered: 10_001, dropped: 10_000 });
    // A batch that was on its way is left alone: it may be stored already. Of the rest, the oldest went, one after another.
    const told = collector.drops();
    const first = told[0]!.first;
    expect(told).toMatchObject(told.map(() => ({ reason: 'queue-full' })));
    expect(told.reduce((sum, drop) => sum + drop.last - drop.first + 1, 0)).toBe(10_000);
    expect(told.at(-1)!.last - first + 1).toBe(10_000);
    expect(first).toBeLessThanOrEqual(102);
    const kept = names.filter((_, i) => i + 2 < first || i + 2 >= first + 10_000);
    await collector.expectExactlyOnce(kept, { by: 'name' });
    expect(await collector.rows()).toHaveLength(10_001);
  });
});

test('a burst of 5 000 events and then the page is left: every event is in the database once', async ({
  visitor,
  site,
  collector,
}) => {
  const tab = await visitor.open(site.url('/app'));
  const names = [...(await trackAndStore(tab, 1)), ...newNames(5_000)];

  await tab.evaluate(
    ({ names, url }) => {
      harness.track(names, { n: 1, colour: 'red' });
      location.href = url;
    },
    { names: names.slice(1), url: site.url('/elsewhere', '127.0.0.1') },
  );
  await arrived(tab, site.url('/elsewhere', '127.0.0.1'));
  await tab.goto(site.url('/app'));

  await collector.expectExactlyOnce(names, { by: 'name', withinMs: 30_000 });
});
