import type { Site } from './support/site.js';
import { arrived, expect, newNames, nextVisitWhereNeeded, settled, test, track } from './support/test.js';

/** The tag has no attribute for the engine's options: events are due after the default 5 s. */
const WITHIN_MS = 15_000;

test('a script tag records the page view, the calls made before it loaded, and those after', async ({
  visitor,
  site,
  collector,
}) => {
  const tab = await visitor.open(site.url('/tag'));

  const names = await track(tab, 5);

  await collector.expectExactlyOnce(['page', 'early', ...names], { by: 'name', withinMs: WITHIN_MS });
  const rows = await collector.rows();
  expect(rows.filter(({ category }) => category === 'page')).toHaveLength(1);
  expect(JSON.parse(rows.find(({ name }) => name === 'early')!.properties)).toEqual({ before: 'the script' });
  await settled(tab);
});

test('a script tag that loads late loses no call made before it', async ({ visitor, site, collector }) => {
  site.answer('/petrel/petrel.js', { delayMs: 1_500 });
  const tab = await visitor.open(site.url('/tag'));

  await collector.expectExactlyOnce(['page', 'early'], { by: 'name', withinMs: WITHIN_MS });
  await settled(tab);
});

test('a page of a script tag that is left in the same task as its last event loses none', async ({
  visitor,
  site,
  collector,
}) => {
  const tab = await visitor.open(site.url('/tag'));
  const names = newNames(5);

  await tab.evaluate(
    ({ names, url }) => {
      harness.track(names);
      location.href = url;
    },
    { names, url: site.url('/elsewhere', '127.0.0.1') },
  );
  await arrived(tab, site.url('/elsewhere', '127.0.0.1'));
  await nextVisitWhereNeeded(visitor, tab, site);

  await collector.expectExactlyOnce(['page', 'early', ...names], { by: 'name', withinMs: WITHIN_MS });
});

for (const { title, prepare } of [
  {
    title: 'a policy with a nonce and nothing else',
    prepare: (site: Site) =>
      site.answer('/tag', {
        headers: { 'content-security-policy': "script-src 'nonce-n0'" },
        change: (page) => page.replaceAll('<script', '<script nonce="n0"').replace(/ onload="[^"]*"/, ''),
      }),
  },
  {
    title: 'a stub with a queue in place of the proxy',
    prepare: (site: Site) =>
      site.answer('/tag', {
        change: (page) =>
          page.replace(
            /window\.petrel \?\?=.*/,
            "window.petrel = { q: [], track: (...call) => petrel.q.push(['track', ...call]) };",
          ),
      }),
  },
  {
    title: 'no worker file',
    prepare: (site: Site) => site.answer('/petrel-sw.js', { status: 404 }),
  },
]) {
  test(`a script tag delivers with ${title}`, async ({ visitor, site, collector }) => {
    prepare(site);
    await visitor.open(site.url('/tag'));

    await collector.expectExactlyOnce(['page', 'early'], { by: 'name', withinMs: WITHIN_MS });
  });
}

test.describe('with data-debug', () => {
  test.skip(({ engine }) => engine === 'webkitgtk', 'its driver does not tell what is in the console');

  test('a script tag says what is wrong with its attributes, and delivers as it can', async ({
    visitor,
    site,
    collector,
  }) => {
    site.answer('/tag', {
      change: (page) => page.replace('data-key', 'data-debug data-auto="no" data-writekey="shop" data-key'),
    });
    await visitor.open(site.url('/tag'));

    await collector.expectExactlyOnce(['page', 'early'], { by: 'name', withinMs: WITHIN_MS });
    await expect.poll(() => visitor.complaints.length).toBe(2);
    expect(visitor.complaints.splice(0).map((complaint) => complaint.replace(/^.*?petrel: /, ''))).toEqual([
      '`data-auto` must be off, or not there, not "no": page views are recorded',
      '`data-writekey` is none of its attributes: data-endpoint, data-key, data-sw, data-scope, data-consent, data-auto, data-debug',
    ]);
  });

  test('a script tag without an endpoint says so in words', async ({ visitor, site }) => {
    site.answer('/tag', {
      change: (page) => page.replace(/data-endpoint="[^"]*"/, 'data-debug').replace(/ onload="[^"]*"/, ''),
    });
    await visitor.open(site.url('/tag'));

    await expect
      .poll(() => visitor.complaints.join('\n'))
      .toContain('petrel: `data-endpoint` is missing: there is no tracker');
    visitor.complaints.splice(0);
  });
});
