import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import * as development from '../../src/index.development.js';
import { createTracker } from '../../src/index.js';
import type { Tracker } from '../../src/page/api.js';
import { createFakePage, pass, tasks } from './fake-page.js';

/** Values that fight back, by a name that fast-check can print. */
const hostile: { [name: string]: unknown } = {
  symbol: Symbol('symbol'),
  'a function': () => false,
  'a throwing function': () => thrown(),
  'a promise': Promise.resolve(),
  'a throwing proxy': new Proxy({}, { get: thrown, ownKeys: thrown, getOwnPropertyDescriptor: thrown }),
  'a throwing getter': {
    get category() {
      return thrown();
    },
  },
  'a throwing toString': { toString: thrown },
  'a throwing toJSON': { toJSON: thrown },
  cyclic: cyclic(),
};

const words = ['granted', 'denied', 'event', 'delivered', '__proto__', 'constructor', 'x'.repeat(201)];

const argument = fc.oneof(
  fc.record({
    value: fc.oneof(
      fc.anything({ withBigInt: true, withDate: true, withMap: true, withSet: true, withNullPrototype: true }),
      fc.constantFrom(...words),
    ),
  }),
  fc.record({ hostile: fc.constantFrom(...Object.keys(hostile)) }),
);

const verbs = [
  'track',
  'page',
  'identify',
  'group',
  'reset',
  'setContext',
  'setConsent',
  'purge',
  'use',
  'on',
] as const;

describe('no call', () => {
  it('throws, rejects or stops the tracker, whatever it is given', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.constantFrom(...verbs), fc.array(argument, { maxLength: 3 })), { maxLength: 12 }),
        async (calls) => {
          const page = createFakePage();
          const tracker = page.create();
          await tasks();
          const good: string[] = [];
          tracker.on('event', ({ name }) => void good.push(name));

          for (const [verb, given] of calls) {
            const args = given.map((argument) => ('value' in argument ? argument.value : hostile[argument.hostile]));
            (tracker[verb] as (...args: unknown[]) => unknown)(...args);
          }
          page.fire('click');
          page.leave();
          page.show();
          await pass(1_000);
          tracker.setConsent('granted');
          tracker.track('still here');

          expect(good.at(-1)).toBe('still here');
          tracker.close();
          await tracker.stats();
        },
      ),
      { numRuns: 300 },
    );
  });

  it.each([
    ['an empty name', ''],
    ['a blank name', '  '],
    ['a name of 201 characters', 'x'.repeat(201)],
    ['a number', 7],
    ['nothing', undefined],
    ['a symbol', Symbol('s')],
  ])('takes %s for a name: the event is counted as invalid, and costs no number', async (_, name) => {
    const page = createFakePage();
    const tracker = page.create();

    tracker.track(name as never);
    tracker.track('good');
    await tasks();

    expect(page.messages('events')[0]!.events.map(([, seq, , name]) => [seq, name])).toEqual([[1, 'good']]);
    tracker.close();
    expect((await tracker.stats()).page.dropped).toEqual({ invalid: 1 });
  });

  it('takes a listener that is none for one', async () => {
    const page = createFakePage();
    const tracker = page.create();

    tracker.on('event', 'text' as never)();
    tracker.on('event', null as never);
    tracker.on('__proto__' as never, () => {});
    tracker.on(Symbol('s') as never, () => {});
    tracker.track('a');
    await tasks();

    expect(page.names()).toEqual([['a']]);
  });
});

describe('createTracker', () => {
  it.each([undefined, '', 'events', 'ftp://shop.example', 7])('refuses the endpoint %s, and names it', (endpoint) => {
    createFakePage();

    for (const create of [createTracker, development.createTracker])
      expect(() => create({ endpoint: endpoint as never })).toThrow(/`endpoint`/);
  });

  it.each([
    ['consent', 'yes', 'granted or pending or denied, not "yes"'],
    ['gpc', 'no', 'anonymous or off or ignore, not "no"'],
    ['serviceWorker', '/sw.js', 'not "/sw.js"'],
    ['serviceWorker', true, 'not true'],
    ['key', 7, 'a text, not 7'],
    ['debug', 'yes', 'true or false, not "yes"'],
    ['cookieless', 1, 'true or false, not 1'],
    ['configVersion', '2', 'a number, not "2"'],
    ['maxBatchSize', 0, 'a whole number from 1 to 10000, not 0'],
    ['maxBatchSizes', 5, 'is not an option'],
  ])('refuses %s: %s in development', (option, value, message) => {
    createFakePage();

    expect(() => development.createTracker({ endpoint: '/e', [option]: value })).toThrow(
      new RegExp(`\`${option}\` .*${message}`),
    );
  });

  it('takes every option in development as in production', async () => {
    const page = createFakePage();
    const options = {
      endpoint: '/e',
      key: 'k',
      consent: 'pending',
      gpc: 'ignore',
      serviceWorker: {},
      maxEvents: 5,
    } as const;

    development.createTracker({ ...options, format: undefined as never, cookieless: true, debug: false }).close();
    expect(() => development.createTracker(7 as never)).toThrow('must be an object, not 7');
    await tasks();

    expect(page.logged).toEqual([]);
  });

  it('does nothing on a server, and its verbs neither', async () => {
    expect(typeof document).toBe('undefined');
    const tracker: Tracker = createTracker({ endpoint: '/events' });

    tracker.track('a');
    tracker.page();
    tracker.identify('u1');
    tracker.group('g1');
    tracker.use((own) => void own.on('event', () => false));
    tracker.on('delivered', () => {});
    tracker.setConsent('denied');
    tracker.setConsent('granted');
    tracker.reset();

    expect(await tracker.flush()).toMatchObject({ page: { seq: 0, unacknowledged: 0 } });
    expect(await tracker.stats()).toMatchObject({ page: { dropped: { closed: 4 } } });
    tracker.close();
  });
});

function thrown(): never {
  throw new Error('thrown');
}

function cyclic(): object {
  const value: { self?: object } = {};
  value.self = value;
  return value;
}
