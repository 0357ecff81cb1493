import { chromiumOnly, expect, settled, test, track, trackAndStore } from './support/test.js';

chromiumOnly('a tab is really hidden and shown again there');

for (const [title, delayMs] of [
  ['', 0],
  [' and the server is slow', 800],
] as const) {
  test(`a tab that is hidden and shown again five times puts no event on the wire twice${title}`, async ({
    chromium,
    site,
    collector,
  }) => {
    if (delayMs > 0) collector.misbehave({ kind: 'delay', ms: delayMs });
    const tab = await chromium.open(site.url('/app'));
    // A page that is hidden before it has a worker sends by itself; that is another story.
    const names = await trackAndStore(tab, 1);
    const other = await chromium.open(site.url('/elsewhere'));

    for (let i = 0; i < 5; i++) {
      await tab.show();
      await tab.page.waitForFunction(() => document.visibilityState === 'visible');
      names.push(...(await track(tab, 10)));
      await other.show();
      await tab.page.waitForFunction(() => document.visibilityState === 'hidden');
      names.push(...(await track(tab, 2)));
    }
    await tab.show();
    names.push(...(await trackAndStore(tab, 1)));

    await collector.expectExactlyOnce(names, { by: 'name', withinMs: 20_000 });
    await settled(tab);
    expect(names.filter((name) => collector.timesOnWire(name) !== 1)).toEqual([]);
  });
}
