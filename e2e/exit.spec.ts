import { breakWorker, serveFaultyWorker } from './support/faulty-worker.js';
import type { Tab } from './support/test.js';
import {
  arrived,
  expect,
  networkIsBack,
  newNames,
  nextVisitWhereNeeded,
  test,
  track,
  trackAndStore,
} from './support/test.js';

/** Tracks in the click itself, 0 ms before the page is left for `url`. */
async function clickAway(tab: Tab, url: string, count = 1): Promise<string[]> {
  const names = newNames(count);
  await tab.evaluate(
    ({ names, url }) => {
      harness.trackOnClick = names;
      (document.querySelector('#leave') as HTMLAnchorElement).href = url;
    },
    { names, url },
  );
  await tab.click('#leave');
  await arrived(tab, url);
  return names;
}

for (const bfcache of [true, false]) {
  test.describe(`with the back/forward cache ${bfcache ? 'on' : 'off'}`, () => {
    test.use({ chromiumOptions: { bfcache } });
    test.skip(({ engine }) => !bfcache && engine !== 'chromium', 'it is always on there');

    for (const [where, host] of [
      ['the same site', 'localhost'],
      ['another site', '127.0.0.1'],
    ] as const) {
      test(`an event created 0 ms before the click on a link to ${where} is in the database once`, async ({
        visitor,
        site,
        collector,
      }) => {
        const tab = await visitor.open(site.url('/app'));
        const names = await trackAndStore(tab, 1);
        for (let i = 0; i < 3; i++) {
          names.push(...(await clickAway(tab, site.url('/elsewhere', host))));
          await nextVisitWhereNeeded(visitor, tab, site);
          await collector.expectExactlyOnce(names, { by: 'name', withinMs: 10_000 });
          await tab.goto(site.url('/app'));
        }
      });

      test(`events of the task that goes to ${where} by location.href are in the database once`, async ({
        visitor,
        site,
        collector,
      }) => {
        const tab = await visitor.open(site.url('/app'));
        const names = newNames(20);

        await tab.evaluate(
          ({ names, url }) => {
            harness.track(names);
            location.href = url;
          },
          { names, url: site.url('/elsewhere', host) },
        );
        await arrived(tab, site.url('/elsewhere', host));

        await nextVisitWhereNeeded(visitor, tab, site);
        await collector.expectExactlyOnce(names, { by: 'name', withinMs: 10_000 });
      });
    }
  });
}

test('an event of the very first page is in the database although the visitor left before there was a worker', async ({
  visitor,
  site,
  collector,
}) => {
  site.answer('/petrel-sw.js', { delayMs: 3_000 });
  const tab = await visitor.open(site.url('/app'));

  const names = await clickAway(tab, site.url('/elsewhere', '127.0.0.1'), 3);

  await nextVisitWhereNeeded(visitor, tab, site);
  await collector.expectExactlyOnce(names, { by: 'name', withinMs: 10_000 });
});

test('events of the task that closes a popup are in the database once', async ({ visitor, site, collector }) => {
  test.skip(visitor.engine === 'webkitgtk', 'it opens no popup without a gesture');
  const opener = await visitor.open(site.url('/app'));
  const names = [...(await trackAndStore(opener, 1)), ...newNames(5)];

  await opener.evaluate(
    ({ names, url }) =>
      new Promise<void>((done) => {
        const popup = window.open(url) as Window & typeof globalThis;
        popup.onload = () => {
          popup.harness.track(names);
          popup.close();
          done();
        };
      }),
    { names: names.slice(1), url: site.url('/app') },
  );

  await collector.expectExactlyOnce(names, { by: 'name', withinMs: 10_000 });
});

test('a tab closed right after its last event loses none', async ({ visitor, site, collector }) => {
  const names: string[] = [];
  for (let i = 0; i < 5; i++) {
    const tab = await visitor.open(site.url('/app'));
    names.push(...(await track(tab, 4)));
    await tab.close();
  }

  await collector.expectExactlyOnce(names, { by: 'name', withinMs: 10_000 });
});

test('ten navigations in a row with twenty events each lose and double nothing', async ({
  visitor,
  site,
  collector,
}) => {
  const tab = await visitor.open(site.url('/app'));
  const names: string[] = [];

  for (let i = 0; i < 10; i++) {
    names.push(...(await track(tab, 19)), ...(await clickAway(tab, site.url(`/app?page=${i}`))));
    await tab.goto(site.url(`/app?typed=${i}`));
  }

  await collector.expectExactlyOnce(names, { by: 'name', withinMs: 15_000 });
});

test('a page that comes back from the back/forward cache goes on under its own numbers', async ({
  visitor,
  site,
  collector,
}) => {
  const tab = await visitor.open(site.url('/app'));
  const names = await trackAndStore(tab, 2);
  let restored = 0;
  const times = 3;

  for (let i = 0; i < times; i++) {
    await tab.evaluate(() => {
      document.title = 'left';
    });
    names.push(...(await clickAway(tab, site.url('/elsewhere', '127.0.0.1'), 2)));
    await tab.back();
    // A browser that is short of memory or time may load it anew.
    if (await tab.evaluate(() => document.title === 'left')) restored++;
    names.push(...(await trackAndStore(tab, 2)));
  }

  await collector.expectExactlyOnce(names, { by: 'name', withinMs: 10_000 });
  const sources = new Set((await collector.rows()).map(({ source }) => source));
  expect(restored).toBeGreaterThan(0);
  expect(sources.size).toBe(1 + times - restored);
});

test('a page that comes back after an hour in the back/forward cache goes on under its own numbers', async ({
  visitor,
  site,
  collector,
}) => {
  // Nobody waits an hour: the clocks of page and worker jump by one while the page is away.
  const HOUR_MS = 3_600_000;
  serveFaultyWorker(site);
  site.answer('/harness.js', {
    change: (script) => `{
      const now = Date.now;
      let away = 0;
      Date.now = () => now() + away;
      addEventListener('pageshow', ({ persisted }) => { if (persisted) away = ${HOUR_MS}; }, true);
    }\n${script}`,
  });
  const tab = await visitor.open(site.url('/app'));
  const names = await trackAndStore(tab, 2);

  names.push(...(await clickAway(tab, site.url('/elsewhere', '127.0.0.1'), 2)));
  await tab.back();
  await breakWorker(tab, { clockMs: HOUR_MS });
  names.push(...(await trackAndStore(tab, 5)));

  await collector.expectExactlyOnce(names, { by: 'name', withinMs: 10_000 });
  expect(new Set((await collector.rows()).map(({ source }) => source)).size).toBe(1);
});

test('a page left with more than a keepalive request may carry is in the database once', async ({
  visitor,
  site,
  collector,
}) => {
  // More than 64 KiB have no way but the worker, and nothing but its answer proves that it got them.
  test.skip(
    visitor.engine === 'webkitgtk',
    'with a fresh profile its worker misses what is posted at one of the first two leaves',
  );
  const tab = await visitor.open(site.url('/app'));
  const names = [...(await trackAndStore(tab, 1)), ...newNames(100)];

  await tab.evaluate(
    ({ names, url }) => {
      harness.track(names, { text: 'x'.repeat(8_000) });
      location.href = url;
    },
    { names: names.slice(1), url: site.url('/elsewhere', '127.0.0.1') },
  );
  await arrived(tab, site.url('/elsewhere', '127.0.0.1'));
  // What no exit path could take is in the worker's queue, and goes with the next visit.
  await tab.goto(site.url('/app'));

  await collector.expectExactlyOnce(names, { by: 'name', withinMs: 20_000 });
});

test('leaving during an outage loses nothing: the next visit delivers', async ({ visitor, site, collector }) => {
  const tab = await visitor.open(site.url('/app'));
  const names = await trackAndStore(tab, 3);
  await collector.expectExactlyOnce(names, { by: 'name', withinMs: 10_000 });

  await collector.down();
  names.push(...(await clickAway(tab, site.url('/app?next'), 10)));
  await collector.up();
  await tab.goto(site.url('/app?again'));
  await networkIsBack(tab);

  // When the quick retries were used up in the outage, and the page in between has just had the attempt that a page is worth, the next
  // one is up to 30 s away.
  await collector.expectExactlyOnce(names, { by: 'name', withinMs: 40_000 });
});
