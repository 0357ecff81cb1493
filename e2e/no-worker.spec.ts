import type { Site } from './support/site.js';
import { expect, networkIsBack, settled, test, track, trackAndStore } from './support/test.js';

test.describe('a page that can have no worker queues by itself', () => {
  for (const { title, prepare } of [
    {
      title: 'the worker’s file is missing',
      prepare: ({ site }) => site.answer('/petrel-sw.js', { status: 404 }),
    },
    {
      title: 'the worker’s file is a web page',
      prepare: ({ site }) =>
        site.answer('/petrel-sw.js', { body: '<!doctype html>', headers: { 'content-type': 'text/html' } }),
    },
    {
      title: 'the policy allows no worker',
      prepare: ({ site }) => site.answer('/app', { headers: { 'content-security-policy': "worker-src 'none'" } }),
    },
    {
      title: 'it wants none',
      prepare: ({ site }) => void Object.assign(site.options, { serviceWorker: false }),
    },
  ] satisfies { title: string; prepare: (given: { site: Site }) => void }[]) {
    test(`because ${title}`, async ({ visitor, site, collector }) => {
      prepare({ site });
      collector.misbehave({ kind: 'status', status: 503 }, { times: 1 });
      const tab = await visitor.open(site.url('/app'));

      const names = await trackAndStore(tab, 20);

      await collector.expectExactlyOnce(names, { by: 'name', withinMs: 20_000 });
      expect(await settled(tab)).toMatchObject({ delivered: 20, dropped: 0 });
      expect(await tab.evaluate(async () => (await navigator.serviceWorker.getRegistrations()).length)).toBe(0);
    });
  }

  test('and loses nothing when it is left, and left again while the collector is down', async ({
    visitor,
    site,
    collector,
  }) => {
    site.answer('/petrel-sw.js', { status: 404 });
    const tab = await visitor.open(site.url('/app'));
    const names = await trackAndStore(tab, 5);
    names.push(...(await track(tab, 5)));
    await tab.goto(site.url('/app?second'));
    await collector.expectExactlyOnce(names, { by: 'name', withinMs: 10_000 });

    await collector.down();
    names.push(...(await trackAndStore(tab, 5)));
    await tab.goto(site.url('/app?third'));
    await collector.up();
    await networkIsBack(tab);

    await collector.expectExactlyOnce(names, { by: 'name', withinMs: 20_000 });
  });
});

test('a site with a worker never downloads the in-page engine', async ({ visitor, site, collector }) => {
  const tab = await visitor.open(site.url('/app'));

  const names = await trackAndStore(tab, 1);
  await collector.expectExactlyOnce(names, { by: 'name', withinMs: 10_000 });
  await tab.goto(site.url('/app?again'));
  await trackAndStore(tab, 1);

  const scripts = site.asked.filter((path) => path.startsWith('/petrel/'));
  expect(scripts.filter((path) => /in-page/.test(path))).toEqual([]);
});
