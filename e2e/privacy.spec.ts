import type { CollectedRow, TestCollector } from './support/collector.js';
import { expect, networkIsBack, settled, stats, type Tab, test, track, trackAndStore } from './support/test.js';

/** The rows of these events, in the order of the names. */
async function rowsOf(collector: TestCollector, names: string[]): Promise<CollectedRow[]> {
  await collector.expectExactlyOnce(names, { by: 'name', withinMs: 20_000 });
  const rows = await collector.rows();
  return names.map((name) => rows.find((row) => row.name === name)!);
}

/** What the origin's databases have in all their stores, as text. */
function onTheDevice(tab: Tab): Promise<string> {
  return tab.evaluate(async () => {
    const done = <T>(request: IDBRequest<T>) =>
      new Promise<T>((resolve, reject) => {
        request.onsuccess = () => resolve(request.result);
        request.onerror = () => reject(request.error);
      });
    const database = await done(indexedDB.open('petrel'));
    const all: unknown[] = [];
    for (const name of database.objectStoreNames) {
      const store = database.transaction(name).objectStore(name);
      all.push(name, await done(store.getAllKeys()), await done(store.getAll()));
    }
    database.close();
    return JSON.stringify(all);
  });
}

test('what setContext says goes with every event from then on, and what is taken away does not', async ({
  visitor,
  site,
  collector,
}) => {
  const tab = await visitor.open(site.url('/app'));
  const names = await track(tab, 1);
  await tab.evaluate(() => harness.tracker.setContext({ release: '2026.11', plan: { seats: 3 } }));
  names.push(...(await track(tab, 1)));
  await tab.evaluate(() => harness.tracker.setContext({ plan: undefined, url: 'https://elsewhere.example/' }));
  names.push(...(await track(tab, 1)));

  const rows = await rowsOf(collector, names);

  const contexts = rows.map(({ context }) => JSON.parse(context!));
  expect(contexts.map(({ release, plan }) => ({ release, plan }))).toEqual([
    { release: undefined, plan: undefined },
    { release: '2026.11', plan: { seats: 3 } },
    { release: '2026.11', plan: undefined },
  ]);
  // The page's own fields are the page's.
  expect(contexts.map(({ url }) => url)).toEqual(Array(3).fill(site.url('/app')));
});

test('after purge() nothing that waited is delivered, and what follows is somebody else’s', async ({
  visitor,
  site,
  collector,
}) => {
  const tab = await visitor.open(site.url('/app'));
  const [first = ''] = await track(tab, 1);
  const [before] = await rowsOf(collector, [first]);
  await settled(tab);
  await collector.down();
  await trackAndStore(tab, 20, { what: 'only-the-visitor-knows' });
  const deviceBefore = await onTheDevice(tab);

  await tab.evaluate(async () => {
    harness.track(['not-posted-yet']);
    await harness.tracker.purge();
  });
  const device = await onTheDevice(tab);
  await collector.up();
  const [last = ''] = await track(tab, 1);
  // The wait after the failed attempts may be long.
  await networkIsBack(tab);

  const [, after] = await rowsOf(collector, [first, last]);
  for (const what of ['only-the-visitor-knows', before!.anonymous_id!, before!.session_id!]) {
    expect(deviceBefore).toContain(what);
    expect(device).not.toContain(what);
  }
  expect(after).toMatchObject({ seq: 1 });
  for (const field of ['source', 'anonymous_id', 'session_id'] as const) {
    expect(after![field]).toMatch(/./);
    expect(after![field]).not.toBe(before![field]);
  }
  expect(await stats(tab)).toMatchObject({ droppedByReason: { consent: 20 }, page: { dropped: { consent: 1 } } });
});

test('a cookieless tracker sends events without ids and keeps none, over several pages', async ({
  visitor,
  site,
  collector,
}) => {
  Object.assign(site.options, { cookieless: true });
  const tab = await visitor.open(site.url('/app'));
  const names = await trackAndStore(tab, 3);
  await tab.evaluate(() => harness.tracker.identify('user-1'));
  await tab.goto(site.url('/app?next'));
  names.push(...(await track(tab, 3)));
  const [identified, ...rows] = await rowsOf(collector, ['identify', ...names]);

  expect(identified).toMatchObject({ user_id: 'user-1' });
  expect([...new Set(rows.map(({ anonymous_id, session_id }) => `${anonymous_id} ${session_id}`))]).toEqual([
    'null null',
  ]);
  expect(new Set(rows.map(({ source }) => source)).size).toBe(2);
  expect(await onTheDevice(tab)).not.toMatch(/anonymousId|sessionId/);
});

test('without `cookieless` a visitor is known again on the next page', async ({ visitor, site, collector }) => {
  const tab = await visitor.open(site.url('/app'));
  const names = await trackAndStore(tab, 1);
  await tab.goto(site.url('/app?next'));
  names.push(...(await track(tab, 1)));

  const rows = await rowsOf(collector, names);

  expect(rows[0]!.anonymous_id).toMatch(/./);
  expect(rows[1]).toMatchObject({ anonymous_id: rows[0]!.anonymous_id, session_id: rows[0]!.session_id });
  expect(await onTheDevice(tab)).toMatch(/anonymousId/);
});
