import { beforeEach, describe, expect, it, vi } from 'vitest';
import { AnalyticsBrowser } from '../../src/compat/segment.js';

// The facade over a tracker that writes down what it is told. The shapes are those of Segment's own documentation and typings.

const { created, calls } = vi.hoisted(() => ({ created: [] as object[], calls: [] as unknown[][] }));

vi.mock('../../src/index.js', () => ({
  createTracker: (options: object) => {
    created.push(options);
    return new Proxy(
      {},
      {
        get:
          (_, verb) =>
          (...call: unknown[]) =>
            void calls.push([verb, ...call]),
      },
    );
  },
}));

beforeEach(() => {
  created.length = calls.length = 0;
  vi.useFakeTimers({ toFake: ['Date'], now: 1_000 });
  return () => void vi.useRealTimers();
});

const load = () => AnalyticsBrowser.load({ writeKey: 'shop' });
const callback = () => undefined;
const AT = { timestamp: 1_000 };
const sku = { sku: 'SW-04' };
const options = { integrations: { All: false } };

describe('AnalyticsBrowser.load', () => {
  it('makes a tracker with the write key, and takes no notice of what only Segment has', () => {
    AnalyticsBrowser.load(
      {
        writeKey: 'shop',
        endpoint: 'https://collect.example/',
        cdnURL: 'https://cdn.example',
        petrel: { debug: true },
      },
      { integrations: { 'Segment.io': {} }, retryQueue: true },
    );
    load();

    expect(created).toEqual([
      { key: 'shop', endpoint: 'https://collect.example/', debug: true },
      { key: 'shop', endpoint: '/events' },
    ]);
    expect(calls).toEqual([]);
  });

  it('records the first page view when asked to', () => {
    AnalyticsBrowser.load({ writeKey: 'shop' }, { initialPageview: true });

    expect(calls).toEqual([['page', {}, AT]]);
  });

  it.each([true, () => true])('makes no tracker when disabled (%s), and calls still resolve', async (disable) => {
    const analytics = AnalyticsBrowser.load({ writeKey: 'shop' }, { disable });

    await analytics.track('Opened');
    await analytics.ready();
    analytics.reset();

    expect([created, calls, analytics.tracker]).toEqual([[], [], undefined]);
  });

  it('keeps the calls that came before it, in their order and with their times', async () => {
    const analytics = new AnalyticsBrowser();
    const first = analytics.track('First');
    vi.setSystemTime(2_000);
    void analytics.page();
    analytics.reset();
    expect(calls).toEqual([]);
    vi.setSystemTime(9_000);

    analytics.load({ writeKey: 'shop' });
    analytics.load({ writeKey: 'again' });

    expect(calls).toEqual([['track', 'First', {}, AT], ['page', {}, { timestamp: 2_000 }], ['reset']]);
    expect(created).toHaveLength(1);
    await expect(first).resolves.toMatchObject({ event: { event: 'First' } });
  });

  it('can be awaited for the same methods, which an async function can hand on', async () => {
    const [analytics, context] = await load();

    const handedOn = await (async () => analytics)();
    await handedOn.track('Opened');

    expect(context.event.type).toBe('load');
    expect(calls).toEqual([['track', 'Opened', {}, AT]]);
  });
});

describe('track', () => {
  it.each<[string, Parameters<AnalyticsBrowser['track']>, object, number?]>([
    ['event', ['Added'], {}],
    ['event, properties', ['Added', sku], sku],
    ['event, callback', ['Added', callback], {}],
    ['event, properties, callback', ['Added', sku, callback], sku],
    ['event, properties, options, callback', ['Added', sku, options, callback], sku],
    ['event, null, options', ['Added', null, { timestamp: 5_000 }], {}, 5_000],
    ['event, undefined, options', ['Added', undefined, { timestamp: new Date(5_000) }], {}, 5_000],
    ['event object', [{ event: 'Added', properties: sku }], sku],
    ['event object, options, callback', [{ event: 'Added', properties: sku }, options, callback], sku],
    ['event object, callback', [{ event: 'Added' }, callback], {}],
    ['a time in ISO 8601', ['Added', sku, { timestamp: '1970-01-01T00:00:05Z' }], sku, 5_000],
    ['a time that is none', ['Added', sku, { timestamp: 'yesterday' }], sku],
    ['a context', ['Added', sku, { context: { ip: '0.0.0.0' } }], { ...sku, context: { ip: '0.0.0.0' } }],
  ])('takes %s', async (_, args, properties, timestamp = 1_000) => {
    const context = await load().track(...args);

    expect(calls).toEqual([['track', 'Added', properties, { timestamp }]]);
    expect(context.event).toEqual({ type: 'track', event: 'Added', properties });
  });

  it.each([[[]], [[undefined, sku]], [[7]], [[{}]], [[null, callback]]])(
    'hands what is no event (%j) to the tracker, which drops and counts it',
    async (args) => {
      await load().track(...(args as unknown as [string]));

      expect(calls).toHaveLength(1);
      expect(calls[0]![1]).not.toBe('Added');
    },
  );

  it('does not keep the object of the caller', async () => {
    const properties = { ...sku };
    const { event } = await load().track('Added', properties);
    properties.sku = 'changed';

    expect(calls[0]![2]).toEqual(sku);
    expect(event.properties).toEqual(sku);
  });
});

describe('page', () => {
  it.each<[string, Parameters<AnalyticsBrowser['page']>, object]>([
    ['nothing', [], {}],
    ['name', ['Home'], { name: 'Home' }],
    ['category, name', ['Docs', 'Home'], { name: 'Home', category: 'Docs' }],
    ['undefined, name', [undefined, 'Home'], { name: 'Home' }],
    ['category, name, properties', ['Docs', 'Home', sku], { ...sku, name: 'Home', category: 'Docs' }],
    ['category, name, null, options', ['Docs', 'Home', null, options], { name: 'Home', category: 'Docs' }],
    ['category, name, callback', ['Docs', 'Home', callback], { name: 'Home', category: 'Docs' }],
    ['name, properties, options, callback', ['Home', sku, options, callback], { ...sku, name: 'Home' }],
    ['properties, options', [sku, options], sku],
    ['null, null, properties', [null, null, sku], sku],
    ['callback', [callback], {}],
  ])('takes %s', async (_, args, properties) => {
    const { event } = await load().page(...args);

    expect(calls).toEqual([['page', properties, AT]]);
    expect(event.properties).toEqual(properties);
  });

  it('has a sister for apps: screen', async () => {
    await load().screen('Docs', 'Home', sku);

    expect(calls).toEqual([['track', 'screen', { ...sku, name: 'Home', category: 'Docs' }, AT]]);
  });
});

describe('identify', () => {
  it.each<[string, Parameters<AnalyticsBrowser['identify']>, unknown[]]>([
    ['id', ['u1'], ['identify', 'u1', {}]],
    ['a number as id', [7], ['identify', '7', {}]],
    ['id, traits', ['u1', { plan: 'pro' }], ['identify', 'u1', { plan: 'pro' }]],
    ['id, traits, options, callback', ['u1', { plan: 'pro' }, options, callback], ['identify', 'u1', { plan: 'pro' }]],
    ['id, null, options', ['u1', null, options], ['identify', 'u1', {}]],
    ['id, callback', ['u1', callback], ['identify', 'u1', {}]],
    ['traits of nobody', [{ plan: 'pro' }], ['track', 'identify', { plan: 'pro' }, { ...AT, category: 'identify' }]],
    ['null, traits', [null, { plan: 'pro' }], ['track', 'identify', { plan: 'pro' }, { ...AT, category: 'identify' }]],
  ])('takes %s', async (_, args, call) => {
    await load().identify(...args);

    expect(calls).toEqual([call]);
  });

  it('adds traits to the user who is known, and forgets them with the user', async () => {
    const analytics = load();

    await analytics.identify({ theme: 'dark' });
    await analytics.identify('u1', { plan: 'free' });
    await analytics.identify({ plan: 'pro' });
    await analytics.identify('u2', { plan: 'free' });
    analytics.reset();
    await analytics.identify('u2');

    expect(calls.map((call) => call.slice(1, 3))).toEqual([
      ['identify', { theme: 'dark' }],
      ['u1', { theme: 'dark', plan: 'free' }],
      ['u1', { theme: 'dark', plan: 'pro' }],
      ['u2', { plan: 'free' }],
      [],
      ['u2', {}],
    ]);
  });

  it('tells who is known, at once or awaited, without the id that the worker keeps', async () => {
    const analytics = load();
    expect(analytics.user().id()).toBeNull();

    await analytics.identify('u1', { plan: 'free' });

    expect([analytics.user().id(), analytics.user().traits()]).toEqual(['u1', { plan: 'free' }]);
    expect((await analytics.user()).id()).toBe('u1');
    expect((await analytics.user()).anonymousId()).toBeNull();
  });
});

describe('group and alias', () => {
  it('group takes id and traits, and tells of itself without arguments', async () => {
    const analytics = load();

    await analytics.group('g1', { seats: 3 }, options, callback);
    await analytics.group({ seats: 4 });

    expect(calls).toEqual([
      ['group', 'g1', { seats: 3 }],
      ['group', 'g1', { seats: 4 }],
    ]);
    expect([analytics.group().id(), (await analytics.group()).traits()]).toEqual(['g1', { seats: 4 }]);
    expect(analytics.user().id()).toBeNull();
  });

  it.each<[string, Parameters<AnalyticsBrowser['alias']>, object]>([
    ['to, from', ['new', 'old'], { userId: 'new', previousId: 'old' }],
    ['to, from, options, callback', ['new', 'old', options, callback], { userId: 'new', previousId: 'old' }],
    ['to: from is who is known', ['new'], { userId: 'new', previousId: 'u1' }],
    ['to, callback', ['new', callback], { userId: 'new', previousId: 'u1' }],
    ['numbers', [2, 1], { userId: '2', previousId: '1' }],
  ])('alias takes %s', async (_, args, properties) => {
    const analytics = load();
    await analytics.identify('u1');

    await analytics.alias(...args);

    expect(calls[1]).toEqual(['track', 'alias', properties, { ...AT, category: 'identify' }]);
  });
});

describe('callbacks, promises and listeners', () => {
  it.each(['track', 'page', 'screen', 'identify', 'group', 'alias'] as const)(
    '%s calls back once, later, with what its promise resolves with',
    async (verb) => {
      const analytics = load();
      const called: unknown[] = [];

      const promise = analytics[verb]('x', (context: object) => called.push(context));
      expect(called).toEqual([]);

      expect(called).toEqual([await promise]);
    },
  );

  it('tell listeners what the verbs were called with', async () => {
    const analytics = load();
    const told: unknown[][] = [];
    for (const verb of ['initialize', 'track', 'page', 'identify', 'group', 'alias', 'reset'])
      analytics.on(verb, (...args) => told.push([verb, ...args]));

    await analytics.track('Added', sku, options);
    await analytics.page('Docs', 'Home', sku);
    await analytics.identify('u1', { plan: 'pro' });
    await analytics.group('g1');
    await analytics.alias('u2');
    analytics.reset();
    await new Promise(setImmediate);

    expect(told).toEqual([
      ['initialize', { writeKey: 'shop' }],
      ['track', 'Added', sku, options],
      ['page', 'Docs', 'Home', { ...sku, name: 'Home', category: 'Docs' }, {}],
      ['identify', 'u1', { plan: 'pro' }, {}],
      ['group', 'g1', {}, {}],
      ['alias', 'u2', null, {}],
      ['reset'],
    ]);
  });

  it('tell a listener once, or no more, when that is what was asked', async () => {
    const analytics = load();
    const told: unknown[] = [];
    const off = (event: string) => told.push(`off ${event}`);
    analytics.once('track', (event) => told.push(event)).on('track', off);

    analytics.off('track', off);
    void analytics.track('a');
    void analytics.track('b');
    await new Promise(setImmediate);

    expect(told).toEqual(['a']);
  });

  it('ready calls back once the tracker is there', async () => {
    const analytics = new AnalyticsBrowser();
    const ready = vi.fn();
    const promise = analytics.ready(ready);
    await new Promise(setImmediate);
    expect(ready).not.toHaveBeenCalled();

    analytics.load({ writeKey: 'shop' });
    await promise;

    await vi.waitFor(() => expect(ready).toHaveBeenCalledOnce());
  });

  it('have methods that work on their own', async () => {
    const { track, group } = load();

    await track('Added');

    expect(calls).toHaveLength(1);
    expect(group().id()).toBeNull();
  });
});

describe('trackLink and trackForm', () => {
  it.each([
    ['one element', (element: EventTarget) => element],
    ['a list', (element: EventTarget) => [element]],
    ['what jQuery gives', (element: EventTarget) => ({ 0: element, length: 1 })],
  ])('record the click on %s, with words of its own for each', async (_, wrap) => {
    const analytics = load();
    const link = Object.assign(new EventTarget(), { id: 'more' });

    analytics.trackLink(wrap(link) as never, 'Link Clicked', ({ id }) => ({ id }));
    analytics.trackForm(wrap(link) as never, ({ id }) => `${id} Sent`);
    link.dispatchEvent(new Event('click'));
    link.dispatchEvent(new Event('submit'));

    expect(calls).toEqual([
      ['track', 'Link Clicked', { id: 'more' }, AT],
      ['track', 'more Sent', {}, AT],
    ]);
  });

  it('take it that there is no such element', () => {
    expect(() => load().trackLink(null, 'Link Clicked')).not.toThrow();
  });
});

it('debug tells the console of each call, when it is on', async () => {
  const told = vi.spyOn(console, 'debug').mockImplementation(() => {});
  const analytics = load();

  await analytics.track('silent');
  await analytics.debug().track('told');
  await analytics.debug(false).track('silent');

  expect(told.mock.calls).toEqual([['analytics', { type: 'track', event: 'told', properties: {} }]]);
  told.mockRestore();
});
