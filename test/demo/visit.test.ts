import Database from 'libsql';
import { type BrowserContext, chromium, type Page } from 'playwright';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { chromiumLaunchOptions } from '../../scripts/find-chromium.mjs';
import { createDemoProcesses, type DemoProcesses } from './demo-process.js';

let demo: DemoProcesses;
let visitor: BrowserContext;
/** What a page complained of. Refused connections are the browser's own words for an outage. */
let complaints: string[];

beforeEach(async () => {
  demo = await createDemoProcesses();
  const browser = await chromium.launch(chromiumLaunchOptions());
  visitor = await browser.newContext();
  complaints = [];
  visitor.on('weberror', (error) => complaints.push(String(error.error())));
  visitor.on('console', (message) => {
    if (message.type() === 'error' && !message.text().includes('ERR_CONNECTION_')) complaints.push(message.text());
  });
});

afterEach(async () => {
  await visitor.browser()!.close();
  await demo.clear();
});

/** Ids in the table, read as another program would. */
function stored(): string[] {
  const db = new Database(demo.db, { readonly: true });
  const ids = db.prepare('SELECT id FROM events ORDER BY position').all() as { id: string }[];
  db.close();
  return ids.map(({ id }) => id);
}

/** Ids of everything this page has tracked. */
async function tracked(page: Page, more = 0): Promise<string[]> {
  const { source, seq } = await page.evaluate(async () => {
    const { petrel } = window as unknown as { petrel: { stats(): Promise<{ page: { source: string; seq: number } }> } };
    return (await petrel.stats()).page;
  });
  return Array.from({ length: seq + more }, (_, i) => `${source}.${i + 1}`);
}

/** Opens a page, and waits until the script tag has taken the place of its stub. */
async function open(url: string): Promise<Page> {
  const page = await visitor.newPage();
  await page.goto(url);
  await loaded(page);
  return page;
}

const loaded = (page: Page) =>
  page.waitForFunction(() => {
    const { petrel } = window as { petrel?: object };
    return petrel && !Array.isArray(petrel);
  });

/** Presses the badge's button, which ends a backoff. */
async function sendNow(page: Page): Promise<void> {
  await page.click('petrel-badge #pill');
  await page.click('petrel-badge #flush');
}

const sorted = (ids: string[]) => [...ids].sort();

test('every click of a visit through an outage, a closed tab and a restart is in the table, once', async () => {
  const first = await demo.start();
  const live = await visitor.newPage();
  await live.goto(`${first.site}live`);
  const expected: string[] = [];

  // 1 click around
  let shop = await open(first.site);
  await shop.click('[data-add="SW-01"]');
  expected.push(...(await tracked(shop, 1)));
  // Tracked in the task that leaves the page.
  await shop.click('text=Browse the instruments');
  await shop.waitForURL('**/shop');
  await loaded(shop);
  await shop.click('[data-kind-filter="light"]');
  await shop.fill('#q', 'night');
  await shop.press('#q', 'Enter');
  expected.push(...(await tracked(shop)));
  await expect.poll(() => sorted(stored()), { timeout: 15_000 }).toEqual(sorted(expected));

  // 2 cut the network
  await live.click('text=Refuse connections for 30 s');
  await shop.goto(`${first.site}basket`);
  await loaded(shop);
  await shop.click('[data-step="1"]');
  await shop.click('text=Place the order');
  await shop.waitForSelector('text=The lamp is lit');
  expected.push(...(await tracked(shop)));

  // 3 close the tab, and stop the demo as well: the shop's own worker keeps it open
  await first.interrupt();
  await shop.goto(`${first.site}about`);
  await loaded(shop);
  expected.push(...(await tracked(shop)));
  await shop.close();
  await expect.poll(() => live.textContent('#link-words')).toContain('not running');
  expect(stored().length).toBeLessThan(expected.length);

  // 4 come back
  const second = await demo.start(
    '--port',
    new URL(first.site).port,
    '--collector-port',
    new URL(first.collector).port,
  );
  shop = await open(second.site);
  expected.push(...(await tracked(shop)));
  await sendNow(shop);

  await expect.poll(() => sorted(stored()), { timeout: 30_000 }).toEqual(sorted(expected));
  await expect.poll(() => live.textContent('#c-unique')).toBe(String(expected.length));
  expect(await live.locator('#rows .row').count()).toBe(expected.length);
  expect(await live.locator('.source.incomplete').count()).toBe(0);
  expect(complaints).toEqual([]);
});

test('an app that imports Petrel, and one that runs it in its own worker, deliver beside the shop', async () => {
  const { site } = await demo.start();
  const expected: string[] = [];

  const shop = await open(site);
  const app = await open(`${site}app`);
  await app.fill('#mm', '3.2');
  await app.click('text=Write it down');
  await app.click('text=The year');
  const tides = await open(`${site}tides`);
  await tides.click('text=I walked down to the shore');
  for (const page of [shop, app, tides]) expected.push(...(await tracked(page)));

  await expect.poll(() => sorted(stored()), { timeout: 20_000 }).toEqual(sorted(expected));
  const scopes = await tides.evaluate(async () =>
    (await navigator.serviceWorker.getRegistrations()).map(({ scope }) => new URL(scope).pathname).sort(),
  );
  expect(scopes).toEqual(['/', '/petrel-sw/', '/tides']);
  expect(complaints).toEqual([]);
});
