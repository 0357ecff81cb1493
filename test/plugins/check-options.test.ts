import { describe, expect, it } from 'vitest';
import { clicks } from '../../src/plugins/clicks.js';
import { engagement } from '../../src/plugins/engagement.js';
import { errors } from '../../src/plugins/errors.js';
import { exposures } from '../../src/plugins/exposures.js';
import { forms } from '../../src/plugins/forms.js';
import { links } from '../../src/plugins/links.js';
import { pageViews } from '../../src/plugins/page-views.js';
import { sampling } from '../../src/plugins/sampling.js';
import { webVitals } from '../../src/plugins/web-vitals.js';
import { webVitals as webVitalsWithAttribution } from '../../src/plugins/web-vitals-attribution.js';
import { createRecordingTracker } from './recording-tracker.js';

const plugins = {
  'page-views': pageViews,
  links,
  clicks,
  forms,
  engagement,
  'web-vitals': webVitals,
  'web-vitals-attribution': webVitalsWithAttribution,
  errors,
  exposures,
};

describe('a plugin', () => {
  it.each(Object.entries(plugins))('%s does nothing on a server, and does not throw there', (_, create) => {
    const { tracker, events } = createRecordingTracker();

    tracker.use(create());
    tracker.use(create({}));
    tracker.close();

    expect(events).toEqual([]);
  });

  it.each(Object.entries(plugins))('%s refuses what are no options, and an option that is none', (name, create) => {
    const make = create as (options: unknown) => unknown;
    const cyclic: { self?: unknown } = {};
    cyclic.self = cyclic;

    for (const options of [null, 1, 'text', [], () => 1]) expect(() => make(options)).toThrow(TypeError);
    expect(() => make(null)).toThrow(`petrel/plugins/${name}: the options must be an object, not null`);
    expect(() => make({ nosuch: 1 })).toThrow(`petrel/plugins/${name}: there is no option \`nosuch\`, only `);
    expect(() => make({ toString: 1 })).toThrow('there is no option `toString`');
    expect(() => make({ constructor: cyclic })).toThrow('there is no option `constructor`');
  });

  it.each([
    [() => pageViews({ hash: 'yes' as never }), 'page-views: `hash` must be path or all or none, not yes'],
    [() => pageViews({ query: ['q', ''] }), 'page-views: `query` must be all, none or an array of names, not ["q",""]'],
    [() => pageViews({ titleWaitMs: -1 }), 'page-views: `titleWaitMs` must be a number from 0 to 5000, not -1'],
    [() => pageViews({ titleWaitMs: Number.NaN }), '`titleWaitMs` must be a number from 0 to 5000, not NaN'],
    [() => pageViews({ replace: 1 as never }), '`replace` must be true or false, not 1'],
    [() => pageViews({ properties: {} as never }), '`properties` must be a function, not {}'],
    [() => links({ extensions: 'pdf' as never }), 'links: `extensions` must be an array of texts, not pdf'],
    [() => links({ ownHosts: [1 as never] }), 'links: `ownHosts` must be an array of texts, not [1]'],
    [() => clicks({ selector: '' }), 'clicks: `selector` must be a CSS selector, not '],
    [() => forms({ selector: Symbol('s') as never }), 'forms: `selector` must be a CSS selector, not Symbol(s)'],
    [() => engagement({ idleMs: 999 }), 'engagement: `idleMs` must be a number from 1000 to 600000, not 999'],
    [
      () => engagement({ thresholds: [50, 101] }),
      '`thresholds` must be an array of numbers from 1 to 100, not [50,101]',
    ],
    [
      () => webVitals({ metrics: ['FID' as never] }),
      '`metrics` must be an array of CLS, FCP, INP, LCP, TTFB, not ["FID"]',
    ],
    [() => errors({ ignore: [''] }), 'errors: `ignore` must be an array of texts and patterns, not [""]'],
    [() => errors({ maxPerMinute: 0 }), '`maxPerMinute` must be a number from 1 to 1000, not 0'],
    [
      () => exposures({ storage: 'cookie' as never }),
      '`storage` must be sessionStorage or localStorage or none, not cookie',
    ],
    [() => sampling({ rate: 1.1 }), 'sampling: `rate` must be a number from 0 to 1, not 1.1'],
    [() => sampling({ rate: '10%' as never }), 'sampling: `rate` must be a number from 0 to 1, not 10%'],
    [() => exposures({ summaryMs: 1n as never }), '`summaryMs` must be a number from 1000 to 3600000, not 1'],
  ])('names the option, what it must be and what it is: %#', (create, message) => {
    expect(create).toThrow(message);
  });

  it('takes undefined for the default', () => {
    expect(() => pageViews({ hash: undefined, titleWaitMs: undefined })).not.toThrow();
  });
});
