import { arrived, expect, test } from '../support/test.js';
import { openWith, type PluginRow, ready, rowsOf } from './plugin-rows.js';

const ALL = {
  'page-views': {},
  links: {},
  clicks: { selector: 'button' },
  forms: {},
  engagement: { thresholds: [50, 100] },
  'web-vitals': {},
  errors: {},
  exposures: {},
};

/** By definition a task is long from 50 ms on; here other things run on the machine as well. */
const LONG_TASK_MS = 250;

const PAGE = `
  <button id="button">button</button>
  <form id="form" onsubmit="event.preventDefault()"><input id="field" name="field" /></form>
  <a id="file" href="/price-list.pdf" onclick="event.preventDefault()">file</a>
  <div style="height: 500vh">long</div>`;

/** What a visitor does; runs in the page. */
const behave = async () => {
  const turn = () => new Promise((done) => setTimeout(done, 50));
  document.querySelector('#field')!.dispatchEvent(new InputEvent('input', { bubbles: true, composed: true }));
  document.querySelector<HTMLElement>('#button')!.click();
  document.querySelector<HTMLElement>('#file')!.click();
  (harness.plugins.exposures as unknown as { after(context: object, details: object): void }).after(
    {},
    { flagKey: 'flag', variant: 'on', value: true },
  );
  scrollTo(0, 1e6);
  await turn();
  history.pushState(null, '', '/plugins/next');
  await turn();
};

const names = (rows: PluginRow[]) => [...new Set(rows.map(({ name }) => name))].sort();

test('all plugins together record everything, without a long task, and leave the page its place in the back/forward cache', async ({
  visitor,
  site,
  collector,
}) => {
  const tab = await openWith({ visitor, site }, ALL, PAGE);
  await tab.evaluate(() => {
    const longTasks: number[] = [];
    if (PerformanceObserver.supportedEntryTypes.includes('longtask')) {
      new PerformanceObserver((list) => {
        for (const { duration } of list.getEntries()) longTasks.push(duration);
      }).observe({ type: 'longtask' });
    }
    Object.assign(window, { longTasks, restored: 0 });
    addEventListener('pageshow', ({ persisted }) => {
      if (persisted) Object.assign(window, { restored: 1 });
    });
  });
  await tab.evaluate(behave);
  const longTasks = await tab.evaluate(() => (window as unknown as { longTasks: number[] }).longTasks);

  await tab.evaluate((url) => location.assign(url), site.url('/elsewhere'));
  await arrived(tab, site.url('/elsewhere'));
  await tab.back();
  await ready(tab);

  await expect
    .poll(async () => names(await rowsOf(collector)), { timeout: 20_000 })
    .toEqual(
      expect.arrayContaining([
        'Element Clicked',
        'File Downloaded',
        'Flag Exposed',
        'Flags Evaluated',
        'Form Abandoned',
        'Form Started',
        'Page Engagement',
        'Scroll Depth Reached',
        'Web Vital',
        'page',
      ]),
    );
  await expect
    .poll(async () => (await rowsOf(collector, 'page')).map(({ properties }) => properties.navigation))
    .toEqual(['navigate', 'push', 'restore']);
  expect(await tab.evaluate(() => (window as unknown as { restored: number }).restored)).toBe(1);
  expect(longTasks.filter((ms) => ms > LONG_TASK_MS)).toEqual([]);
  const sources = new Set((await rowsOf(collector)).map(({ source }) => source));
  expect(sources.size).toBe(1);
});

test('after close() nothing of the plugins is left in the page', async ({ visitor, site, collector }) => {
  const tab = await openWith({ visitor, site }, ALL, PAGE);
  await tab.evaluate(behave);
  await expect.poll(async () => (await rowsOf(collector, 'page')).length).toBe(2);

  const left = await tab.evaluate(async () => {
    let calls = 0;
    const { track } = harness.tracker;
    harness.tracker.track = (...call) => {
      calls++;
      track(...call);
    };
    harness.tracker.page = () => void calls++;
    harness.tracker.close();
    const atClose = calls;
    const turn = () => new Promise((done) => setTimeout(done, 150));
    document.querySelector('#field')!.dispatchEvent(new InputEvent('input', { bubbles: true, composed: true }));
    document.querySelector<HTMLElement>('#button')!.click();
    document.querySelector<HTMLElement>('#file')!.click();
    scrollTo(0, 0);
    history.pushState(null, '', '/plugins/closed');
    dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true }));
    dispatchEvent(new PageTransitionEvent('pagehide', { persisted: true }));
    dispatchEvent(new ErrorEvent('error', { message: 'planned' }));
    await turn();
    return { late: calls - atClose, isHistoryOurs: Object.hasOwn(history, 'pushState') };
  });

  expect(left).toEqual({ late: 0, isHistoryOurs: false });
});

test('a plugin that throws, at once or in a listener, keeps no other from its work and costs no event', async ({
  visitor,
  site,
  collector,
}) => {
  const tab = await openWith({ visitor, site }, { clicks: {} }, '<button data-petrel-event="Still Here">x</button>');

  await tab.evaluate(() => {
    harness.tracker.use(() => {
      throw new Error('planned');
    });
    harness.tracker.use((tracker) => {
      tracker.on('event', () => {
        throw new Error('planned');
      });
    });
    harness.tracker.use(undefined as never);
    harness.tracker.use((tracker) => {
      tracker.on('event', (event) => {
        event.properties = { ...event.properties, last: true };
      });
    });
  });
  await tab.click('[data-petrel-event]');

  await expect
    .poll(async () => (await rowsOf(collector)).map(({ name, properties }) => ({ name, properties })))
    .toEqual([{ name: 'Still Here', properties: { last: true } }]);
});
