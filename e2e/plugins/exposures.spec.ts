import { readFileSync } from 'node:fs';
import type * as OpenFeatureSdk from '@openfeature/web-sdk';
import type { ExposuresPlugin } from '../../src/plugins/exposures.js';
import type { Site } from '../support/site.js';
import { expect, type Tab, test } from '../support/test.js';
import { collected, leave, openWith, ready, rowsOf } from './plugin-rows.js';

declare global {
  /** What OpenFeature's build for script tags leaves in the page. */
  var OpenFeature: typeof OpenFeatureSdk;
}

const SDK = readFileSync(
  new URL('../../node_modules/@openfeature/web-sdk/dist/global/index.min.js', import.meta.url),
  'utf8',
);

/** Loads the real SDK with flags in memory, and gives it the hook. */
async function startFlags(tab: Tab, site: Site): Promise<void> {
  site.answer('/openfeature.js', { body: SDK });
  await tab.evaluate(async () => {
    await new Promise((done) => {
      document.body.append(Object.assign(document.createElement('script'), { src: '/openfeature.js', onload: done }));
    });
    const { OpenFeature: api, InMemoryProvider } = OpenFeature;
    await api.setProviderAndWait(
      new InMemoryProvider({
        'new-cart': { variants: { on: true, off: false }, defaultVariant: 'on', disabled: false },
        colour: { variants: { red: '#f00', blue: '#00f' }, defaultVariant: 'blue', disabled: false },
        layout: { variants: { wide: { columns: 3 } }, defaultVariant: 'wide', disabled: false },
      }),
    );
    api.addHooks(harness.plugins.exposures as ExposuresPlugin);
  });
}

/** Evaluates every flag; runs in the page. */
const evaluate = (times: number) => {
  const client = OpenFeature.OpenFeature.getClient();
  for (let i = 0; i < times; i++) {
    client.getBooleanValue('new-cart', false);
    client.getStringValue('colour', '');
  }
  client.getObjectValue('layout', {});
  client.getBooleanValue('no-such-flag', false);
};

test('ten thousand evaluations are one exposure per variant, and their counts', async ({
  visitor,
  site,
  collector,
}) => {
  const tab = await openWith({ visitor, site }, { exposures: {} });
  await startFlags(tab, site);

  await tab.evaluate(evaluate, 5_000);
  const exposed = await collected(collector, 'Flag Exposed', 3);
  await leave({ visitor, site }, tab);

  expect(exposed.map(({ category }) => category)).toEqual(['exposure', 'exposure', 'exposure']);
  expect(exposed.map(({ properties }) => properties)).toEqual([
    { flag: 'new-cart', variant: 'on', reason: 'STATIC' },
    { flag: 'colour', variant: 'blue', reason: 'STATIC' },
    { flag: 'layout', variant: 'wide', reason: 'STATIC' },
  ]);
  const [summary] = await collected(collector, 'Flags Evaluated', 1);
  expect(summary?.properties).toEqual({
    flags: { 'new-cart': { on: 5_000 }, colour: { blue: 5_000 }, layout: { wide: 1 } },
    errors: 1,
  });
  expect(JSON.stringify(await rowsOf(collector))).not.toContain('#00f');
});

test('the next page of the tab does not tell again what this one has, and a new variant is told', async ({
  visitor,
  site,
  collector,
}) => {
  const tab = await openWith({ visitor, site }, { exposures: {} });
  await startFlags(tab, site);
  await tab.evaluate(evaluate, 1);
  await collected(collector, 'Flag Exposed', 3);
  // Written when the tracker has heard that they are stored.
  await expect.poll(() => tab.evaluate(() => sessionStorage.length)).toBe(1);

  await tab.goto(site.url('/plugins?again'));
  await ready(tab);
  await startFlags(tab, site);
  await tab.evaluate(evaluate, 1);
  await tab.evaluate(() => {
    const { OpenFeature: api, InMemoryProvider } = OpenFeature;
    const flags = { colour: { variants: { red: '#f00' }, defaultVariant: 'red', disabled: false } };
    return api.setProviderAndWait(new InMemoryProvider(flags)).then(() => {
      api.getClient().getStringValue('colour', '');
    });
  });

  const rows = await collected(collector, 'Flag Exposed', 4);
  expect(rows.filter(({ properties }) => properties.variant === 'red')).toHaveLength(1);
});

test('without consent nothing is written and nothing is told; with it, all is', async ({
  visitor,
  site,
  collector,
}) => {
  site.options = { ...site.options, consent: 'denied' };
  const tab = await openWith({ visitor, site }, { exposures: {} });
  await startFlags(tab, site);

  await tab.evaluate(evaluate, 10);
  const written = await tab.evaluate(() => sessionStorage.length + localStorage.length);
  await tab.evaluate(() => {
    harness.tracker.setConsent('granted');
    harness.tracker.track('Consent Given');
  });
  await tab.evaluate(evaluate, 1);

  await collected(collector, 'Flag Exposed', 3);
  expect(written).toBe(0);
});
