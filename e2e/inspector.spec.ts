import type { Page } from '@playwright/test';
import type { Inspector } from '../src/inspector/index.js';
import type { ChromiumTab } from './support/chromium.js';
import { chromiumOnly, expect, networkIsBack, stored, test, track, trackAndStore } from './support/test.js';

chromiumOnly('looks into the panel through its shadow tree, which the drivers of the others do not');

/** What pages/inspector.html puts beside the tracker. */
interface WithInspector {
  inspector: Inspector;
}

const PHONE = { width: 360, height: 740 };

const section = (page: Page, title: string) => page.locator('petrel-inspector details').filter({ hasText: title });
const state = (page: Page) => page.locator('petrel-inspector .state');
const counter = (page: Page, name: string) => page.locator(`petrel-inspector [data-counter=${name}] dd`);
const pageOf = (tab: object) => (tab as ChromiumTab).page;

test('an outage is seen: why nothing is sent, the countdown to the next attempt, and the batch that waits', async ({
  visitor,
  site,
  collector,
}) => {
  collector.misbehave({ kind: 'status', status: 503, retryAfter: 40, body: { error: 'busy' } });
  const tab = await visitor.open(site.url('/inspector'));
  const page = pageOf(tab);
  await track(tab, 3);

  await expect(state(page)).toHaveText('Collector asked for a pause', { timeout: 15_000 });

  const pause = page.locator('petrel-inspector .pause');
  await expect(pause).toContainText('HTTP 503: busy');
  const secondsLeft = async () => Number(/^0:(\d\d)$/.exec((await pause.locator('time').textContent()) ?? '')?.[1]);
  const first = await secondsLeft();
  expect(first).toBeGreaterThan(20);
  // Trackers come back spread over a tenth of what they were asked to wait.
  expect(first).toBeLessThanOrEqual(44);
  await expect.poll(secondsLeft).toBeLessThan(first);
  await expect(section(page, 'Batches').locator('li')).toContainText(['3 events']);
  await expect(section(page, 'Batches')).toContainText('failed 1×');
  await expect(section(page, 'Last answers')).toContainText('rate-limited');
  await expect(section(page, 'Last events')).toContainText('sent');
  await expect(counter(page, 'inFlight')).toHaveText('3');
});

test('the way of an event is seen from track() to the acknowledgement', async ({ visitor, site, collector }) => {
  const tab = await visitor.open(site.url('/inspector'));
  const page = pageOf(tab);

  const [name] = await track(tab, 1);

  const event = section(page, 'Last events').locator('li').filter({ hasText: name! });
  await expect(event).toContainText('acknowledged after', { timeout: 15_000 });
  await expect(event).toContainText('#1');
  await expect(event.locator('.way .done')).toHaveCount(4);
  await expect(counter(page, 'delivered')).toHaveText('1');
  await expect(state(page)).toHaveText('Nothing to send');
  const report = await tab.evaluate(() => (harness as unknown as WithInspector).inspector.report());
  expect(report).toMatchObject({
    state: 'idle',
    stats: { host: { kind: 'worker', attempts: [{ outcome: 'delivered' }] } },
  });
  expect(report.version).toBe(report.stats.host?.version);
  expect(report.events).toMatchObject([{ name, seq: 1, attempts: 1 }]);
  await collector.expectExactlyOnce([name!], { by: 'name', withinMs: 5_000 });
});

test('drops are seen by reason: those of the queue, and those of the page', async ({ visitor, site, collector }) => {
  await collector.down();
  Object.assign(site.options, { maxEvents: 5 });
  const tab = await visitor.open(site.url('/inspector'));
  const page = pageOf(tab);

  await trackAndStore(tab, 12);
  await tab.evaluate(() => {
    harness.tracker.track('');
    harness.tracker.on('event', ({ name }) => name !== 'unwanted' && undefined);
    harness.tracker.on('event', ({ name }) => (name === 'unwanted' ? false : undefined));
    harness.tracker.track('unwanted');
  });

  const drops = section(page, 'Dropped, and why');
  await expect(drops.locator('[data-reason=queue-full]')).toContainText('7', { timeout: 15_000 });
  await expect(drops.locator('[data-reason=queue-full]')).toContainText('pushed out of a full queue');
  await expect(drops.locator('[data-reason=invalid]')).toContainText('in this page');
  await expect(drops.locator('[data-reason=plugin]')).toContainText('a plugin said so');
  const unwanted = section(page, 'Last events').locator('li').filter({ hasText: 'unwanted' });
  await expect(unwanted).toContainText('dropped: plugin');
  await collector.up();
  await networkIsBack(tab);
});

test('on a phone nothing is wider than the screen, and nothing to touch is smaller than a finger', async ({
  visitor,
  site,
  collector,
}) => {
  collector.misbehave({ kind: 'status', status: 429, retryAfter: 3_000 });
  const tab = await visitor.open(site.url('/inspector'));
  const page = pageOf(tab);
  await page.setViewportSize(PHONE);
  await tab.evaluate(() => harness.track(['a-very-long-name-of-an-event-without-any-space-in-it'.repeat(3), 'short']));
  await expect(state(page)).toHaveText('Collector asked for a pause', { timeout: 15_000 });

  const wide = await page.evaluate(() => {
    const root = document.querySelector('petrel-inspector')!.shadowRoot!;
    const isWide = (element: Element) => {
      const { left, right, width } = element.getBoundingClientRect();
      return width > 0 && (left < 0 || right > innerWidth);
    };
    return {
      page: document.documentElement.scrollWidth - innerWidth,
      list: root.querySelector('.scroll')!.scrollWidth - root.querySelector('.scroll')!.clientWidth,
      elements: [...root.querySelectorAll('*')].filter(isWide).map((element) => element.outerHTML.slice(0, 80)),
      small: [...root.querySelectorAll('button:not([hidden]), summary')]
        .map((element) => element.getBoundingClientRect())
        .filter(({ width, height }) => width > 0 && (height < 40 || width < 40)).length,
    };
  });

  expect(wide).toEqual({ page: 0, list: 0, elements: [], small: 0 });
});

test('it is used by keyboard: reached, scrolled, folded, opened again and closed', async ({ visitor, site }) => {
  const tab = await visitor.open(site.url('/inspector'));
  const page = pageOf(tab);
  const focused = () =>
    page.evaluate(() => {
      const active = document.querySelector('petrel-inspector')?.shadowRoot?.activeElement;
      return active?.getAttribute('aria-label') ?? active?.textContent;
    });
  await expect(state(page)).toBeVisible();

  await page.keyboard.press('Tab');
  expect(await focused()).toBe('Minimise');
  await page.keyboard.press('Escape');
  await expect(page.locator('petrel-inspector .panel')).toBeHidden();
  expect(await focused()).toContain('Petrel: ');
  await page.keyboard.press('Enter');
  await expect(page.locator('petrel-inspector .panel')).toBeVisible();
  await page.keyboard.press('Tab');
  expect(await focused()).toBe('Close');
  await page.keyboard.press('Tab');
  expect(await focused()).toBe('Queue, drops and events');
  const scrolled = () => page.locator('petrel-inspector .scroll').evaluate((element) => element.scrollTop);
  await page.keyboard.press('End');
  await expect.poll(scrolled).toBeGreaterThan(0);
  await page.keyboard.press('Shift+Tab');
  await page.keyboard.press('Enter');

  await expect(page.locator('petrel-inspector')).toHaveCount(0);
});

test('what it shows is copied as JSON; without a clipboard it is there to be copied by hand', async ({
  chromium,
  site,
}) => {
  const tab = await chromium.open(site.url('/inspector'));
  const { page } = tab;
  await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
  const [name] = await trackAndStore(tab, 1, { secret: 'not to be copied' });

  await page.getByRole('button', { name: 'Copy as JSON' }).click();
  await expect(page.locator('petrel-inspector .told')).toHaveText('Copied.');
  const copied = await page.evaluate(() => navigator.clipboard.readText());
  expect(JSON.parse(copied).events).toMatchObject([{ name }]);
  expect(copied).not.toContain('secret');

  await page.evaluate(() => Object.defineProperty(navigator, 'clipboard', { value: undefined }));
  await page.getByRole('button', { name: 'Copy as JSON' }).click();
  const byHand = page.getByLabel('Report as JSON');
  await expect(byHand).toBeVisible();
  expect(JSON.parse(await byHand.inputValue()).events).toMatchObject([{ name }]);
});

test('under a policy that allows one nonce, no inline style and only trusted types, it works and nothing is reported', async ({
  visitor,
  site,
}) => {
  site.answer('/inspector', {
    headers: {
      'content-security-policy':
        "default-src 'none'; script-src 'nonce-n0'; connect-src *; worker-src 'self'; require-trusted-types-for 'script'; trusted-types petrel",
    },
    change: (page) =>
      page.replace(
        '<script src="/harness.js"',
        `<script nonce="n0">window.reported = []; addEventListener('securitypolicyviolation', (e) => reported.push(e.violatedDirective + ' ' + e.sourceFile));</script>$&`,
      ),
  });
  const tab = await visitor.open(site.url('/inspector'));
  const page = pageOf(tab);

  await track(tab, 2);

  await expect(counter(page, 'delivered')).toHaveText('2', { timeout: 15_000 });
  await page.getByRole('button', { name: 'Minimise' }).click();
  await page.getByRole('button', { name: 'Petrel: ' }).click();
  // The stylesheet is in force.
  await expect(page.locator('petrel-inspector .panel')).toHaveCSS('display', 'flex');
  expect(await tab.evaluate(() => (window as unknown as { reported: string[] }).reported)).toEqual([]);
});

test('one line opens it for a script tag, also before the tag has loaded', async ({ visitor, site }) => {
  site.answer('/petrel/petrel.js', { delayMs: 500 });
  site.answer('/tag', {
    change: (page) =>
      page.replace(
        '<script async',
        `<script type="module">import { openInspector } from '/petrel/inspector.js'; petrel.use(openInspector);</script>\n$&`,
      ),
  });
  const tab = await visitor.open(site.url('/tag'));
  const page = pageOf(tab);

  await stored(tab);

  await expect(section(page, 'Last events')).toContainText('page');
  await tab.evaluate(() => harness.tracker.close());
  await expect(page.locator('petrel-inspector')).toHaveCount(0);
});

test('it leaves the page alone: no style of either reaches the other', async ({ visitor, site }) => {
  site.answer('/inspector', {
    change: (page) =>
      page.replace(
        '<script src="/harness.js"',
        `<style>* { position: static !important; display: block !important; color: red !important; font-size: 40px !important }</style><h2 class="panel">page</h2>$&`,
      ),
  });
  const tab = await visitor.open(site.url('/inspector'));
  const page = pageOf(tab);

  const own = page.locator('petrel-inspector h2');
  await expect(own).toHaveCSS('font-size', '14px');
  await expect(page.locator('petrel-inspector')).toHaveCSS('position', 'fixed');
  await expect(page.locator('body > h2')).toHaveCSS('font-size', '40px');
});
