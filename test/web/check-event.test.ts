import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { QueuedEvent } from '../../src/core/event.js';
import { encodeColumns } from '../../src/core/wire-encode.js';
import { expandBody } from '../../src/core/wire-expand.js';
import { checkDrops, checkEvents, isQueuedEvent, sizeOfEvent } from '../../src/web/check-event.js';

const ORIGIN = { source: 'source-1' };
const good = (seq = 1) => [0, seq, 1_700_000_000_000, 'name'];
const one = (row: unknown, origins: unknown[] = [ORIGIN]) => checkEvents(origins, [row]);
const takenOf = ({ taken }: ReturnType<typeof checkEvents>): QueuedEvent[] => taken.flatMap(([, events]) => events);

/** `n` objects inside each other. */
const nested = (n: number): object => (n === 1 ? {} : { in: nested(n - 1) });

describe('the check at the door', () => {
  it('makes a row an event, with its properties as JSON', () => {
    const checked = checkEvents(
      [{ ...ORIGIN, userId: 'u1', groupId: 'g1', context: { url: 'https://x.example/' } }],
      [[0, 7, 1_700_000_000_000.5, 'Signed Up', { plan: 'pro', at: new Date(0), not: undefined }, 'page', null]],
    );

    expect(checked).toEqual({
      taken: [
        [
          'normal',
          [
            {
              origin: { source: 'source-1', userId: 'u1', groupId: 'g1', context: { url: 'https://x.example/' } },
              seq: 7,
              timestamp: 1_700_000_000_000.5,
              name: 'Signed Up',
              category: 'page',
              properties: '{"plan":"pro","at":"1970-01-01T00:00:00.000Z"}',
            },
          ],
        ],
      ],
      drops: [],
    });
  });

  it('leaves out what is not there', () => {
    expect(takenOf(one([0, 1, 0, 'a', {}, 'custom', null]))).toEqual([
      { origin: ORIGIN, seq: 1, timestamp: 0, name: 'a' },
    ]);
  });

  it('groups by priority, critical first, and keeps the order within', () => {
    const rows = [1, 2, 3, 4, 5].map((seq) => [
      ...good(seq),
      null,
      null,
      ['low', null, 'critical', 'urgent', 'low'][seq - 1],
    ]);

    const { taken } = checkEvents([ORIGIN], rows);

    expect(taken.map(([priority, events]) => [priority, events.map(({ seq }) => seq)])).toEqual([
      ['critical', [3]],
      ['normal', [2, 4]],
      ['low', [1, 5]],
    ]);
  });

  it('keeps the origin shared by the events of a message', () => {
    const [first, second] = takenOf(checkEvents([ORIGIN], [good(1), good(2)]));

    expect(first!.origin).toBe(second!.origin);
  });

  it.each([
    ['an empty name', [0, 1, 0, '']],
    ['a long name', [0, 1, 0, 'x'.repeat(201)]],
    ['a name that is none', [0, 1, 0, 7]],
    ['no time', [0, 1, null, 'a']],
    ['a time that is none', [0, 1, Number.NaN, 'a']],
    ['a time no Date can hold', [0, 1, 8.65e15, 'a']],
    ['an odd category', [0, 1, 0, 'a', null, 'Page View']],
    ['properties that are a list', [0, 1, 0, 'a', [1]]],
    ['properties that are text', [0, 1, 0, 'a', 'text']],
    ['properties that become nothing', [0, 1, 0, 'a', { toJSON: () => undefined }]],
    [
      'cyclic properties',
      [
        0,
        1,
        0,
        'a',
        (() => {
          const o: { o?: unknown } = {};
          o.o = o;
          return o;
        })(),
      ],
    ],
    ['a BigInt', [0, 1, 0, 'a', { n: 1n }]],
    [
      'a getter that throws',
      [
        0,
        1,
        0,
        'a',
        {
          get n() {
            throw new Error('no');
          },
        },
      ],
    ],
    ['deep properties', [0, 1, 0, 'a', nested(17)]],
    ['bottomless properties', [0, 1, 0, 'a', nested(5_000)]],
  ])('drops %s as invalid', (_, row) => {
    const { taken, drops } = one(row);

    expect(taken).toEqual([]);
    expect(drops).toEqual([{ source: 'source-1', seq: 1, reason: 'invalid', detail: expect.any(String) }]);
  });

  it('measures an event in UTF-8, as the collector does', () => {
    const euros = (n: number) => one([0, 1, 0, 'n', { t: '€'.repeat(n) }]);
    const most = Math.floor((32_768 - '{"t":""}'.length - 1) / 3);

    expect(euros(most).drops).toEqual([]);
    expect(euros(most + 1).drops).toMatchObject([{ reason: 'too-large', detail: '32769 bytes' }]);
  });

  it('counts brackets, not brackets in text', () => {
    expect(one([0, 1, 0, 'a', nested(16)]).drops).toEqual([]);
    expect(one([0, 1, 0, 'a', { ['{"\\['.repeat(50)]: '}]"\\{['.repeat(50) }]).drops).toEqual([]);
  });

  it('says nothing of what has no number, and no source of what has none', () => {
    expect(one([0, 0, 0, 'a'])).toEqual({ taken: [], drops: [] });
    expect(one([0, 1.5, 0, 'a'])).toEqual({ taken: [], drops: [] });
    expect(one('row')).toEqual({ taken: [], drops: [] });
    for (const position of [1, -1, 'length', '__proto__', null, 0.5]) {
      expect(one([position, 1, 0, 'a'])).toEqual({
        taken: [],
        drops: [{ source: undefined, seq: 1, reason: 'invalid', detail: 'no source' }],
      });
    }
    for (const origin of [null, 'x', {}, { source: 'short' }, { source: 'has.a.dot' }, { source: 7 }]) {
      expect(one(good(), [origin]).drops).toMatchObject([{ source: undefined, seq: 1 }]);
    }
  });

  it('leaves a bad part of an origin out, and keeps the events', () => {
    const cyclic: { self?: unknown } = {};
    cyclic.self = cyclic;
    const bad = [
      { userId: 7 },
      { userId: 'x'.repeat(513) },
      { groupId: null },
      { context: cyclic },
      { context: 'text' },
      { context: { n: 1n } },
      { context: nested(17) },
      { context: { text: 'x'.repeat(40_000) } },
      { anonymousId: 'forged' },
      { unknown: 'member' },
    ];
    for (const part of bad) {
      expect(takenOf(one(good(), [{ ...ORIGIN, ...part }]))).toMatchObject([{ seq: 1, origin: ORIGIN }]);
      expect(takenOf(one(good(), [{ ...ORIGIN, ...part }]))[0]!.origin).toEqual(ORIGIN);
    }
  });

  it('keeps a __proto__ key a key', () => {
    const [event] = takenOf(one([0, 1, 0, 'a', JSON.parse('{"__proto__":{"x":1},"y":2}')]));

    expect(event!.properties).toBe('{"__proto__":{"x":1},"y":2}');
  });

  it('takes nothing that the collector would refuse, whatever is posted', () => {
    const anything = fc.anything({ withBigInt: true, withDate: true, withNullPrototype: true, withSparseArray: true });
    const rowArbitrary = fc.oneof(
      anything,
      fc.tuple(
        fc.constantFrom<unknown>(0, 0, 0, 1, '0'),
        fc.oneof(fc.integer({ min: 0, max: 9 }), anything),
        fc.oneof(fc.double(), anything),
        fc.oneof(fc.string(), anything),
        fc.oneof(fc.dictionary(fc.string(), anything), anything),
        fc.oneof(fc.constantFrom('page', 'custom', null), anything),
        fc.oneof(fc.constantFrom('low', 'critical', null), anything),
      ),
    );
    const originArbitrary = fc.oneof(
      fc.record({ source: fc.constant('source-1'), userId: anything, context: anything }, { requiredKeys: ['source'] }),
      anything,
    );
    fc.assert(
      fc.property(
        fc.array(originArbitrary, { maxLength: 2 }),
        fc.array(rowArbitrary, { maxLength: 8 }),
        (origins, rows) => {
          const checked = checkEvents(origins, rows);
          const taken = takenOf(checked);

          expect(taken.every(isQueuedEvent)).toBe(true);
          const body = JSON.parse(JSON.stringify(encodeColumns({ sentAt: 1 }, taken)));
          expect(expandBody(body)).toMatchObject({ rejected: [], events: { length: taken.length } });
          expect(taken.length + checked.drops.length).toBeLessThanOrEqual(rows.length);
        },
      ),
      { numRuns: 500 },
    );
  });
});

describe("the check of a page's drops", () => {
  it('takes what names numbers of a source', () => {
    expect(
      checkDrops([
        ['source-1', 1, 3, 'sampled'],
        ['source-1', 3, 1, 'sampled'],
        ['no', 1, 1, 'sampled'],
        ['source-1', 0, 1, 'sampled'],
        ['source-1', 1, 2, 'Not A Word'],
        ['source-1', 1, Number.MAX_SAFE_INTEGER, 'sampled'],
        null,
        'text',
      ]),
    ).toEqual([{ source: 'source-1', first: 1, last: 3, reason: 'sampled' }]);
  });
});

describe('the size of an event', () => {
  it('is its name and properties in UTF-8, and a little', () => {
    expect(sizeOfEvent({ origin: ORIGIN, seq: 1, timestamp: 0, name: 'é', properties: '{"a":1}' })).toBe(16 + 2 + 7);
  });
});
