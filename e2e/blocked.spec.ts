import { expect, networkIsBack, newNames, settled, stats, test, track, trackAndStore } from './support/test.js';

/** The waits between attempts are short, so that the tenth comes within seconds. */
const EAGER = { maxRetries: 20, initialDelayMs: 20, maxDelayMs: 200 };

/** As an ad blocker or a gateway does it: the browser is online, and the request has no answer that a script may see. */
const BLOCKED = { kind: 'status', status: 403, cors: false } as const;

test('a blocked endpoint is probed seldom, once for each page that is opened, and gets everything when it is free', async ({
  visitor,
  site,
  collector,
}) => {
  Object.assign(site.options, EAGER);
  const blocker = collector.misbehave(BLOCKED);
  const tab = await visitor.open(site.url('/app'));
  const states = tab.evaluate(() => {
    const told: string[] = [];
    harness.tracker.on('state', ({ state }) => void told.push(state));
    Object.assign(globalThis, { told });
  });
  await states;
  const names = await trackAndStore(tab, 5);
  await expect.poll(async () => (await stats(tab)).pausedBy, { timeout: 20_000 }).toBe('blocked');
  const asked = collector.requests.length;

  for (let i = 0; i < 5; i++) names.push(...(await trackAndStore(tab, 20)));
  await new Promise((done) => setTimeout(done, 1_500));
  expect(collector.requests.length, 'no event makes a request').toBe(asked);
  expect(
    await tab.evaluate(() => (globalThis as unknown as { told: string[] }).told.filter((s) => s === 'blocked')),
  ).toHaveLength(1);

  await tab.goto(site.url('/app?again'));
  names.push(...(await trackAndStore(tab, 20)));
  await new Promise((done) => setTimeout(done, 2_500));
  expect(collector.requests.length - asked, 'a page that is opened may try once').toBeLessThanOrEqual(1);
  expect(await stats(tab)).toMatchObject({ pausedBy: 'blocked', dropped: 0 });

  blocker.end();
  await new Promise((done) => setTimeout(done, 3_000));
  await networkIsBack(tab);
  await collector.expectExactlyOnce(names, { by: 'name', withinMs: 20_000 });
  await settled(tab);
});

test('what grows too old while the endpoint is blocked is counted as blocked, and the collector is told', async ({
  visitor,
  site,
  collector,
}) => {
  Object.assign(site.options, EAGER, { maxAgeMs: 6_000 });
  const blocker = collector.misbehave(BLOCKED);
  const tab = await visitor.open(site.url('/app'));
  await tab.evaluate(() => harness.watch());
  const old = await trackAndStore(tab, 7);
  await expect.poll(async () => (await stats(tab)).pausedBy, { timeout: 5_000 }).toBe('blocked');

  await new Promise((done) => setTimeout(done, 6_500));
  const names = await trackAndStore(tab, 3);
  blocker.end();
  await networkIsBack(tab);

  await collector.expectExactlyOnce(names, { by: 'name', withinMs: 20_000 });
  expect((await collector.rows()).filter(({ name }) => old.includes(name))).toEqual([]);
  expect(await settled(tab)).toMatchObject({ accepted: 10, delivered: 3, dropped: 7, droppedByReason: { blocked: 7 } });
  expect(await tab.evaluate(() => harness.dropped.map(({ reason }) => reason))).toEqual(Array(7).fill('blocked'));
  await expect
    .poll(() =>
      collector
        .drops()
        .filter(({ reason }) => reason === 'blocked')
        .reduce((n, { first, last }) => n + last - first + 1, 0),
    )
    .toBe(7);
});

test('a policy on the worker’s own file that forbids the collector holds the events until it is mended', async ({
  visitor,
  site,
  collector,
}) => {
  Object.assign(site.options, EAGER);
  site.answer('/petrel-sw.js', { headers: { 'content-security-policy': "connect-src 'self'" } });
  const tab = await visitor.open(site.url('/app'));
  const names = newNames(5);
  await tab.evaluate((names) => harness.track(names), names);
  await expect.poll(async () => (await stats(tab)).pausedBy, { timeout: 20_000 }).toBe('blocked');
  expect(collector.requests).toEqual([]);

  site.answer('/petrel-sw.js', {});
  await tab.evaluate(async () => {
    for (const registration of await navigator.serviceWorker.getRegistrations()) await registration.unregister();
  });
  await tab.goto(site.url('/app?mended'));
  names.push(...(await track(tab, 5)));

  await collector.expectExactlyOnce(names, { by: 'name', withinMs: 30_000 });
});

test('forty seconds without an answer cost the collector’s door ten requests at the most, with three tabs and 360 events', async ({
  visitor,
  site,
  collector,
}) => {
  test.setTimeout(120_000);
  const outage = collector.misbehave({ ...BLOCKED, status: 502 });
  const tabs = [
    await visitor.open(site.url('/app')),
    await visitor.open(site.url('/app')),
    await visitor.open(site.url('/app')),
  ];
  const names: string[] = [];
  const begun = Date.now();

  while (Date.now() - begun < 40_000) {
    for (const tab of tabs) names.push(...(await track(tab, 6)));
    await new Promise((done) => setTimeout(done, 1_900));
  }
  const asked = collector.requests.length;
  outage.end();

  expect(asked, collector.requests.map(({ at }) => at - begun).join()).toBeLessThanOrEqual(10);
  await networkIsBack(tabs[0]!);
  await collector.expectExactlyOnce(names, { by: 'name', withinMs: 30_000 });
  expect(collector.mostAtOnce).toBe(1);
});
