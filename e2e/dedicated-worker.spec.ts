import type { TrackerStats } from '../src/page/api.js';
import { expect, newNames, settled, type Tab, test, track } from './support/test.js';

/** What pages/dedicated.html has. */
interface WithWorker {
  worker: Worker;
  start(): void;
  call(verb: string, ...args: unknown[]): Promise<unknown>;
}

const EAGER = { maxRetries: 20, initialDelayMs: 50, maxDelayMs: 400 };

const delivered = async (tab: Tab) => (await call<TrackerStats>(tab, 'stats')).delivered;

/** Calls a method of the tracker in the worker. */
function call<R = unknown>(tab: Tab, verb: string, ...args: unknown[]): Promise<R> {
  return tab.evaluate(({ verb, args }) => (harness as unknown as WithWorker).call(verb, ...args), {
    verb,
    args,
  }) as Promise<R>;
}

async function trackInWorker(tab: Tab, count: number): Promise<string[]> {
  const names = newNames(count);
  await call(tab, 'trackAll', names);
  return names;
}

test('a tracker in a dedicated worker delivers every event once', async ({ visitor, site, collector }) => {
  const tab = await visitor.open(site.url('/dedicated'));
  await call(tab, 'identify', 'user-1');

  const names = ['identify'];
  for (let i = 0; i < 5; i++) names.push(...(await trackInWorker(tab, 50)));

  await collector.expectExactlyOnce(names, { by: 'name', withinMs: 20_000 });
  const rows = await collector.rows();
  expect(new Set(rows.map(({ source }) => source)).size).toBe(1);
  expect(rows.map(({ seq }) => seq).sort((a, b) => a - b)).toEqual(names.map((_, i) => i + 1));
  // The database has the last batch before the tracker has the answer.
  await expect
    .poll(() => call<TrackerStats>(tab, 'stats'))
    .toMatchObject({ accepted: 251, delivered: 251, host: { kind: 'page' }, page: { unacknowledged: 0 } });
  expect(names.filter((name) => collector.timesOnWire(name) !== 1)).toEqual([]);
});

test('what is tracked in a worker while the collector is down arrives once when it is back', async ({
  visitor,
  site,
  collector,
}) => {
  Object.assign(site.options, EAGER);
  const tab = await visitor.open(site.url('/dedicated'));
  const names = await trackInWorker(tab, 3);
  await expect.poll(() => delivered(tab)).toBe(3);

  await collector.down();
  for (let i = 0; i < 5; i++) names.push(...(await trackInWorker(tab, 20)));
  expect(await call(tab, 'stats')).toMatchObject({ accepted: 103, delivered: 3 });
  await collector.up();
  await call(tab, 'online');

  await collector.expectExactlyOnce(names, { by: 'name', withinMs: 20_000 });
  await expect.poll(() => delivered(tab)).toBe(103);
});

test('what a worker had stored when it was ended is delivered by the next one', async ({
  visitor,
  site,
  collector,
}) => {
  Object.assign(site.options, EAGER);
  await collector.down();
  const tab = await visitor.open(site.url('/dedicated'));
  const names = await trackInWorker(tab, 30);
  // Everything is in the database when it has answered.
  expect(await call(tab, 'stats')).toMatchObject({ accepted: 30, page: { unacknowledged: 0 } });

  await tab.evaluate(() => (harness as unknown as WithWorker).worker.terminate());
  await collector.up();
  await tab.evaluate(() => (harness as unknown as WithWorker).start());
  names.push(...(await trackInWorker(tab, 5)));

  await collector.expectExactlyOnce(names, { by: 'name', withinMs: 20_000 });
});

test('what a worker left behind goes with the service worker of the site’s pages, from the queue they share', async ({
  visitor,
  site,
  collector,
}) => {
  Object.assign(site.options, EAGER);
  await collector.down();
  const tab = await visitor.open(site.url('/dedicated'));
  const names = await trackInWorker(tab, 30);
  await call(tab, 'stats');
  await tab.goto(site.url('/elsewhere'));
  await collector.up();

  await tab.goto(site.url('/app'));
  names.push(...(await track(tab, 5)));

  await collector.expectExactlyOnce(names, { by: 'name', withinMs: 20_000 });
  expect((await settled(tab)).delivered).toBe(35);
  expect(collector.mostAtOnce).toBe(1);
});

test('without consent nothing leaves a worker, and what waited is counted', async ({ visitor, site, collector }) => {
  Object.assign(site.options, { consent: 'pending' });
  const tab = await visitor.open(site.url('/dedicated'));

  await trackInWorker(tab, 120);
  const pending = await call<TrackerStats>(tab, 'stats');
  await call(tab, 'setConsent', 'denied');
  await trackInWorker(tab, 2);
  const denied = await call<TrackerStats>(tab, 'stats');

  expect(pending.accepted).toBeUndefined();
  expect(pending.page).toMatchObject({ unacknowledged: 100, dropped: { 'buffer-full': 20 }, consent: 'pending' });
  expect(denied.page).toMatchObject({ unacknowledged: 0, dropped: { 'buffer-full': 20, consent: 102 } });
  await call(tab, 'setConsent', 'granted');
  const names = await trackInWorker(tab, 2);
  await collector.expectExactlyOnce(names, { by: 'name', withinMs: 15_000 });
});
