import { expect, settled, test, trackAndStore } from './support/test.js';

test('no wrong call throws, and each event that cannot be taken is told with its reason', async ({
  visitor,
  site,
  collector,
}) => {
  const tab = await visitor.open(site.url('/app'));
  await tab.evaluate(() => harness.watch());
  const names = await trackAndStore(tab, 1);

  const thrown = await tab.evaluate(() => {
    const { tracker } = harness;
    const cyclic: { self?: unknown } = {};
    cyclic.self = cyclic;
    const deep: { in?: unknown } = {};
    let inner = deep;
    for (let i = 0; i < 5_000; i++) inner = inner.in = {};
    const bad: [unknown, unknown][] = [
      ['', {}],
      ['n'.repeat(201), {}],
      [undefined, {}],
      [null, {}],
      [{}, {}],
      [Symbol('s'), {}],
      ['cyclic', cyclic],
      ['deep', deep],
      ['bigint', { n: 1n }],
      ['function', { run: () => 1 }],
      ['element', { element: document.body }],
      ['window', window],
      [
        'getter that throws',
        {
          get boom() {
            throw new Error('boom');
          },
        },
      ],
      ['toJSON that throws', { at: { toJSON: () => JSON.parse('{') } }],
      ['proxy', new Proxy({}, { ownKeys: () => JSON.parse('{') })],
      ['text for properties', 'text'],
      ['array for properties', [1, 2]],
      ['large', { text: 'x'.repeat(40_000) }],
      ['proto', JSON.parse('{"__proto__": {"polluted": true}, "constructor": 1}')],
      ['lone surrogate', { text: '\ud800' }],
      ['symbol value', { s: Symbol('s') }],
      ['NaN', { n: Number.NaN, i: Infinity }],
      ['date', { d: new Date(Number.NaN) }],
    ];
    const thrown: string[] = [];
    for (const [name, properties] of bad) {
      try {
        tracker.track(name as string, properties as object);
        tracker.track('fine', { after: String(name).slice(0, 30) });
      } catch (error) {
        thrown.push(`${String(name)}: ${error}`);
      }
    }
    for (const call of [
      () => tracker.identify(undefined as never),
      () => tracker.identify({} as never, 'x' as never),
      () => tracker.group(7 as never),
      () => tracker.page('x' as never),
      () => tracker.track('options', {}, 'x' as never),
      () => tracker.track('priority', {}, { priority: 'urgent' as never, timestamp: Number.NaN }),
      () => tracker.use(undefined as never),
      () => tracker.on('nothing' as never, undefined as never),
    ]) {
      try {
        call();
      } catch (error) {
        thrown.push(`${call}: ${error}`);
      }
    }
    return thrown;
  });

  expect(thrown).toEqual([]);
  await settled(tab);
  const rows = await collector.rows();
  expect(rows.filter(({ name }) => name === 'fine')).toHaveLength(23);
  expect(rows.map(({ name }) => name)).toContain('proto');
  expect(await tab.evaluate(() => ({}) as { polluted?: true })).toEqual({});
  // What has a number tells it: the page of what it refused, the host of what only it can judge.
  const dropped = await tab.evaluate(() =>
    harness.dropped.map(({ reason, name, seq }) => ({ reason, name: String(name), seq })),
  );
  expect(dropped).toEqual(
    expect.arrayContaining([
      expect.objectContaining({ reason: 'invalid', name: '' }),
      expect.objectContaining({ reason: 'invalid', name: 'getter that throws' }),
      expect.objectContaining({ reason: 'too-large', seq: expect.any(Number) }),
    ]),
  );
  // Every number the tracker gave is in the table or was told as dropped: none is missing.
  const { page } = await settled(tab);
  const accounted = new Set([...rows.map(({ seq }) => seq), ...dropped.map(({ seq }) => seq)]);
  const missing = Array.from({ length: page.seq }, (_, i) => i + 1).filter((seq) => !accounted.has(seq));
  expect(missing).toEqual([]);
  await collector.expectExactlyOnce(names, { by: 'name' });
});

test.describe('createTracker says at once what cannot work', () => {
  for (const [option, value, message] of [
    ['endpoint', undefined, 'endpoint'],
    ['endpoint', '', 'endpoint'],
    ['endpoint', 'ftp://files.example/', 'endpoint'],
    ['endpoint', 7, 'endpoint'],
    ['consent', 'perhaps', 'consent'],
    ['gpc', 'perhaps', 'gpc'],
    ['serviceWorker', 'yes', 'serviceWorker'],
  ] as const) {
    test(`${option}: ${JSON.stringify(value)}`, async ({ visitor, site }) => {
      const tab = await visitor.open(site.url('/app'));

      const error = await tab.evaluate(
        async ({ option, value }) => {
          const { createTracker } = await import('/petrel/index.development.js' as string);
          try {
            createTracker({ endpoint: '/events', [option]: value });
          } catch (error) {
            return String(error);
          }
          return 'nothing was thrown';
        },
        { option, value },
      );

      expect(error).toContain(`\`${message}\``);
      expect(error).toContain(`not ${typeof value === 'string' ? JSON.stringify(value) : value}`);
    });
  }
});
