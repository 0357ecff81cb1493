import { arrived, expect, nextVisitWhereNeeded, test } from '../support/test.js';
import { collected, openWith, ready } from './plugin-rows.js';

test('a page view is recorded for the load, for each route with its title, and for the return', async ({
  visitor,
  site,
  collector,
}) => {
  const tab = await openWith({ visitor, site }, { 'page-views': {} });
  await tab.evaluate(async () => {
    const turn = () => new Promise((done) => setTimeout(done, 20));
    history.pushState(null, '', '/plugins?tab=2');
    document.title = 'two';
    await turn();
    history.replaceState(null, '', '/plugins?tab=2&sort=up');
    location.hash = 'reviews';
    await turn();
    location.hash = '#/cart';
    await turn();
  });
  await tab.evaluate(async () => {
    history.back();
    await new Promise((done) => addEventListener('popstate', done, { once: true }));
  });

  const rows = await collected(collector, 'page', 4);

  expect(rows.map(({ category }) => category)).toEqual(Array(4).fill('page'));
  expect(rows.map(({ properties }) => properties)).toEqual([
    { path: '/plugins', navigation: 'navigate' },
    { path: '/plugins?tab=2', from: '/plugins', navigation: 'push' },
    // What replaceState did is part of the page, but was no page of its own.
    { path: '/plugins?tab=2&sort=up#/cart', from: '/plugins?tab=2&sort=up', navigation: 'push' },
    { path: '/plugins?tab=2&sort=up', from: '/plugins?tab=2&sort=up#/cart', navigation: 'traverse' },
  ]);
});

test('a page view says no secret of its address, and two pages that differ by one are two', async ({
  visitor,
  site,
  collector,
}) => {
  const tab = await openWith({ visitor, site }, { 'page-views': {} });
  await tab.evaluate(async () => {
    for (const page of ['/plugins?token=s3cret&lang=en', '/plugins/ann@shop.example', '/plugins/bob@shop.example']) {
      history.pushState(null, '', page);
      document.title = `${history.length}`;
      await new Promise((done) => setTimeout(done, 20));
    }
  });

  const rows = await collected(collector, 'page', 4);

  expect(rows.slice(1).map(({ properties }) => properties)).toEqual([
    { path: '/plugins?token=*&lang=en', from: '/plugins', navigation: 'push' },
    { path: '/plugins/*', from: '/plugins?token=*&lang=en', navigation: 'push' },
    { path: '/plugins/*', from: '/plugins/*', navigation: 'push' },
  ]);
  expect(JSON.stringify(rows)).not.toContain('s3cret');
});

test('a page that comes back from the back/forward cache is a page view', async ({ visitor, site, collector }) => {
  const tab = await openWith({ visitor, site }, { 'page-views': {} });
  await collected(collector, 'page', 1);
  await tab.click('#leave');
  await expect.poll(() => tab.evaluate(() => location.pathname).catch(() => '')).toBe('/elsewhere');
  await tab.back();
  await ready(tab);

  const rows = await collected(collector, 'page', 2);

  expect(rows.map(({ properties }) => properties.navigation)).toEqual(['navigate', 'restore']);
});

test('a view that still waits for its title is recorded when the page is left', async ({
  visitor,
  site,
  collector,
}) => {
  const elsewhere = site.url('/elsewhere', '127.0.0.1');
  const tab = await openWith({ visitor, site }, { 'page-views': { titleWaitMs: 5_000 } });
  await tab.evaluate((url) => {
    history.pushState(null, '', '/plugins/next');
    location.href = url;
  }, elsewhere);
  await arrived(tab, elsewhere);
  await nextVisitWhereNeeded(visitor, tab, site);

  const rows = await collected(collector, 'page', 2);

  expect(rows[1]?.properties).toEqual({ path: '/plugins/next', from: '/plugins', navigation: 'push' });
});
