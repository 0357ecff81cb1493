import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { PetrelError } from '../../src/core/errors.js';
import { EVENT_CATEGORIES, type Json, MAX_EVENT_BYTES, type Origin, type QueuedEvent } from '../../src/core/event.js';
import { MAX_CARRIED } from '../../src/core/wire-checks.js';
import { encodeColumns, encodeRows } from '../../src/core/wire-encode.js';
import { expandBody } from '../../src/core/wire-expand.js';
import { sampleEvents, sampleOrigin } from '../support/sample-events.js';

const overTheWire = (body: unknown): unknown => JSON.parse(JSON.stringify(body));
const source = 'AAAAAAAAAAAAAAAAAAAAAA';
const head = { petrel: 1, sentAt: 1_795_449_600_000, origins: [{ source }] };
const rows = (...events: unknown[]) => ({ ...head, form: 'rows', events });

/** A body in columns with two events of one shape, to be broken. */
const columns = (change: object = {}) => ({
  ...head,
  form: 'columns',
  origin: [0, 2],
  seq: [1, 0],
  time: [1000, 5],
  shape: [0, 0],
  shapes: [{ name: 'click', keys: ['x', 'y'] }],
  values: [
    [
      [1, 2],
      [3, 4],
    ],
  ],
  ...change,
});

const refusal = (body: unknown, limits = {}): PetrelError => {
  try {
    expandBody(body, limits);
  } catch (error) {
    expect(error).toBeInstanceOf(PetrelError);
    return error as PetrelError;
  }
  throw new Error('the body was taken');
};

const keys = fc.oneof(fc.constantFrom('__proto__', 'constructor', 'toString', '0', 'a.b', '\ud800'), fc.string());
const wellFormed = (options: { minLength?: number; maxLength: number }) =>
  fc.string({ ...options, unit: 'binary' }).filter((text) => !text.includes('\0'));
const origins: fc.Arbitrary<Origin> = fc.record(
  {
    source: fc.stringMatching(/^[A-Za-z0-9_-]{22}$/),
    userId: wellFormed({ maxLength: 40 }),
    groupId: wellFormed({ maxLength: 40 }),
    anonymousId: wellFormed({ maxLength: 40 }),
    sessionId: wellFormed({ maxLength: 40 }),
    context: fc.dictionary(keys, fc.jsonValue({ maxDepth: 3 })) as fc.Arbitrary<{ [key: string]: Json }>,
  },
  { requiredKeys: ['source'] },
);
const events: fc.Arbitrary<QueuedEvent[]> = fc.array(origins, { minLength: 1, maxLength: 4 }).chain((from) =>
  fc.array(
    fc.record(
      {
        // A copy half of the time: equal, but not the same object, as after a restart.
        origin: fc
          .tuple(fc.constantFrom(...from), fc.boolean())
          .map(([origin, copy]) => (copy ? structuredClone(origin) : origin)),
        seq: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
        // Differences of times are exact up to 2^53: within 140 000 years of 1970.
        timestamp: fc.integer({ min: -(2 ** 52), max: 2 ** 52 }),
        name: wellFormed({ minLength: 1, maxLength: 20 }),
        category: fc.constantFrom(...EVENT_CATEGORIES),
        properties: fc
          .dictionary(keys, fc.jsonValue({ maxDepth: 4 }), { noNullPrototype: false })
          .map((value) => JSON.stringify(value)),
      },
      { requiredKeys: ['origin', 'seq', 'timestamp', 'name'] },
    ),
    { maxLength: 30 },
  ),
);

describe.each([
  ['rows', encodeRows],
  ['columns', encodeColumns],
] as const)('a body in %s', (_, encode) => {
  test('gives back every event, in order, whatever is in it', { timeout: 60_000 }, () => {
    fc.assert(
      fc.property(events, (queued) => {
        const { events: got, rejected, sizes } = expandBody(overTheWire(encode({ sentAt: 5 }, queued)));

        // As text: it shows the order of keys, and an own `__proto__` that a comparison of objects may overlook.
        expect(got.map((event) => JSON.stringify([event.id, event.seq, event.timestamp, event.name]))).toEqual(
          queued.map(({ origin, seq, timestamp, name }) =>
            JSON.stringify([`${origin.source}.${seq}`, seq, timestamp, name]),
          ),
        );
        expect(got.map((event) => JSON.stringify(event.properties))).toEqual(
          queued.map((event) => JSON.stringify(JSON.parse(event.properties ?? '{}'))),
        );
        expect(got.map((event) => event.category)).toEqual(queued.map((event) => event.category ?? 'custom'));
        expect(got.map(({ userId, context }) => JSON.stringify([userId, context]))).toEqual(
          queued.map(({ origin }) => JSON.stringify([origin.userId, origin.context])),
        );
        expect(rejected).toEqual([]);
        expect(sizes).toHaveLength(got.length);
      }),
      { numRuns: 200 },
    );
  });

  test('names each origin once, also when stored copies of it come back as different objects', () => {
    const queued = sampleEvents(9).map((event, i) => ({
      ...event,
      origin: i % 3 === 0 ? event.origin : structuredClone(event.origin),
    }));

    expect(encode({ sentAt: 5 }, queued).origins).toEqual([sampleOrigin]);
  });

  test('carries what the sender says about the batch', () => {
    const said = {
      key: 'pk_1',
      batchId: 'b1',
      attempt: 3,
      sentAt: 7,
      sdk: '1.2.3',
      drops: [{ source, first: 4, last: 9, reason: 'queue-full' as const }],
      carried: [[source, 1, 3] as [string, number, number]],
      tails: [[source, 12, 1] as [string, number, 0 | 1]],
    };

    const { head } = expandBody(overTheWire(encode(said, sampleEvents(1))));

    expect(head).toEqual({ ...said, petrel: 1, origins: [sampleOrigin] });
  });

  test('may be without events, to tell drops or to ask for carried ones', () => {
    expect(expandBody(overTheWire(encode({ sentAt: 7 }, []))).events).toEqual([]);
  });

  test('reports the size of each event, its origin included', () => {
    const {
      events: [event],
      sizes: [size],
    } = expandBody(overTheWire(encode({ sentAt: 7 }, sampleEvents(1))));

    const exact = Buffer.byteLength(JSON.stringify(event));
    expect(size).toBeGreaterThan(exact * 0.9);
    expect(size).toBeLessThan(exact * 1.3);
  });
});

describe('size on the wire', () => {
  const bytesPerEvent = (body: object, count: number) => gzipSync(JSON.stringify(body), { level: 6 }).length / count;
  const sent = { key: 'pk_live_abcdef', batchId: 'Jk3xQ9d2T0u8Yb1LmN4cVw', attempt: 1, sentAt: 1_795_449_700_000 };

  test('is at most 30 bytes an event for 100 varied events with 8 properties, gzip and everything included', () => {
    for (const seed of [1, 2, 3, 4, 5]) {
      expect(bytesPerEvent(encodeColumns(sent, sampleEvents(100, seed)), 100)).toBeLessThan(30);
    }
  });

  test('is a fifth less in columns than in rows', () => {
    const queued = sampleEvents(100);

    expect(bytesPerEvent(encodeColumns(sent, queued), 100)).toBeLessThan(
      0.8 * bytesPerEvent(encodeRows(sent, queued), 100),
    );
  });
});

describe('an untrusted body', () => {
  test('of any JSON value is taken or refused by a PetrelError, nothing else', { timeout: 60_000 }, () => {
    fc.assert(
      fc.property(fc.oneof(fc.jsonValue(), fc.anything({ withSparseArray: true, withBigInt: true })), (body) => {
        try {
          expandBody(body);
        } catch (error) {
          expect(error).toBeInstanceOf(PetrelError);
        }
      }),
      { numRuns: 1000 },
    );
  });

  test('with any one value in it replaced gives only good events, or a PetrelError', { timeout: 60_000 }, () => {
    const hostile = fc.oneof(
      fc.constantFrom<unknown>(-1, 0, 0.5, 1e308, 2 ** 53, 4_294_967_296, null, '', 'x.y', '__proto__', [], {}, [[]]),
      fc.constantFrom<unknown>({ length: 5 }, { __proto__: null }, 'length', 'constructor', true, [0, 1e9]),
      fc.jsonValue(),
    );
    fc.assert(
      fc.property(events, fc.boolean(), fc.nat(), hostile, (queued, asRows, at, value) => {
        const body = overTheWire(asRows ? encodeRows({ sentAt: 5 }, queued) : encodeColumns({ sentAt: 5 }, queued));
        const places = placesIn(body);
        const place = places[at % places.length]!;
        place.parent[place.key] = value;

        try {
          const expanded = expandBody(overTheWire(body));
          for (const event of expanded.events) {
            expect(event.id).toMatch(/^[A-Za-z0-9_-]{8,64}\.[1-9][0-9]*$/);
            expect(Number.isSafeInteger(event.seq)).toBe(true);
            expect(Number.isNaN(new Date(event.timestamp).getTime())).toBe(false);
            expect(event.name.length).toBeGreaterThan(0);
          }
        } catch (error) {
          expect(error).toBeInstanceOf(PetrelError);
        }
        expect(({} as Record<string, unknown>).polluted).toBeUndefined();
      }),
      { numRuns: 1000 },
    );
  });

  test.each<[string, unknown, RegExp]>([
    ['null', null, /`body` must be an object, not null/],
    ['an array', [], /`body` must be an object/],
    ['something else in JSON', { events: [] }, /`petrel` must be the version, not undefined/],
    ['no time of sending', { ...rows(), sentAt: undefined }, /`sentAt`/],
    ['an endless time of sending', { ...rows(), sentAt: Number.POSITIVE_INFINITY }, /`sentAt`/],
    ['no origins', { ...rows(), origins: undefined }, /`origins` must be an array/],
    ['an unknown form', { ...rows(), form: 'xml' }, /`form` must be "rows" or "columns", not "xml"/],
    ['no events', { ...head, form: 'rows' }, /`events` must be an array/],
    ['a key that is no string', { ...rows(), key: 5 }, /`key`/],
    ['an endless batch id', { ...rows(), batchId: 'b'.repeat(1000) }, /`batchId` must be a string of 1 to 512/],
    ['attempt 0', { ...rows(), attempt: 0 }, /`attempt`/],
    ['drops that are no list', { ...rows(), drops: {} }, /`drops`/],
    [
      'a drop that ends before it begins',
      { ...rows(), drops: [{ source, first: 2, last: 1, reason: 'plugin' }] },
      /`drops\[0\]`/,
    ],
    [
      'a drop with a reason in prose',
      { ...rows(), drops: [{ source, first: 1, last: 1, reason: 'Because.' }] },
      /`drops\[0\].reason`/,
    ],
    ['a carried range without an end', { ...rows(), carried: [[source, 1]] }, /`carried\[0\]`/],
    ['a tail of nobody', { ...rows(), tails: [['', 3, 1]] }, /`tails\[0\]`/],
    ['a tail before the first number', { ...rows(), tails: [[source, 0, 0]] }, /`tails\[0\]`/],
    ['half a run', columns({ origin: [0] }), /`origin` must be pairs/],
    ['a run of no events', columns({ origin: [0, 0, 0, 2] }), /`origin\[1\]` must be a count/],
    ['a run of less than no events', columns({ origin: [0, 4, 0, -2] }), /`origin\[3\]`/],
    ['a run of half an event', columns({ origin: [0, 1.5, 0, 0.5] }), /`origin\[1\]`/],
    ['fewer seqs than events', columns({ seq: [1] }), /`seq` must be an array of 2, .*not an array of 1/],
    ['more times than events', columns({ time: [1, 2, 3] }), /`time` must be an array of 2/],
    ['a time that is no number', columns({ time: [1, '2'] }), /`time\[1\]` must be a number, not "2"/],
    ['a seq that is no number', columns({ seq: [1, Number.NaN] }), /`seq\[1\]` must be a number/],
    ['a shape that is not there', columns({ shape: [0, 1] }), /`shape\[1\]` must be a position in `shapes`, not 1/],
    ['a shape before the first', columns({ shape: [0, -1] }), /`shape\[1\]`/],
    ['a shape between two', columns({ shape: [0, 0.5] }), /`shape\[1\]`/],
    ['a shape that is no object', columns({ shapes: ['click'] }), /`shapes\[0\]`/],
    ['the same key twice', columns({ shapes: [{ name: 'a', keys: ['x', 'x'] }] }), /`shapes\[0\].keys`/],
    ['values for no shape', columns({ values: [] }), /`values` must be an array of 1/],
    ['too few columns', columns({ values: [[[1, 2]]] }), /`values\[0\]` must be an array of 2/],
    ['a column that is too short', columns({ values: [[[1, 2], [3]]] }), /`values\[0\]\[1\]` must be an array of 2/],
  ])('is refused as a whole, and told what is wrong: %s', (_, body, message) => {
    const error = refusal(body);

    expect(error.code).toBe('invalid-message');
    expect(error.message).toMatch(message);
  });

  test('of a later version is refused as such, so that the sender can tell it from a broken one', () => {
    expect(refusal({ petrel: 2 }).code).toBe('unsupported-version');
    expect(refusal({ petrel: '2' }).code).toBe('invalid-message');
  });

  test('that counts more events than are allowed is refused before any memory is spent on them', () => {
    expect(refusal(columns({ origin: [0, 2 ** 52] })).code).toBe('too-large');
    expect(refusal(columns({ origin: [0, 2 ** 53 - 1, 0, 2 ** 53 - 1] })).code).toBe('too-large');
    expect(refusal(rows(1, 2, 3), { maxEvents: 2 }).code).toBe('too-large');
  });

  test('that is small but names one large context ten thousand times is refused', () => {
    const large = { source, context: { text: 'x'.repeat(30_000) } };
    const body = { ...rows(...Array.from({ length: 10_000 }, (_, i) => [0, i + 1, 0, 'a'])), origins: [large] };

    expect(refusal(body).code).toBe('too-large');
  });

  test.each<[string, unknown, string]>([
    ['no row', 5, 'bad-row'],
    ['a row with nothing in it', [], 'bad-origin'],
    ['an origin that is not there', [1, 1, 0, 'a'], 'bad-origin'],
    ['an origin by another name', ['length', 1, 0, 'a'], 'bad-origin'],
    ['seq 0', [0, 0, 0, 'a'], 'bad-seq'],
    ['a seq beyond what a number holds exactly', [0, 2 ** 53, 0, 'a'], 'bad-seq'],
    ['a seq in words', [0, '1', 0, 'a'], 'bad-seq'],
    ['a time no clock can show', [0, 1, 8.65e15, 'a'], 'bad-timestamp'],
    ['an endless time', [0, 1, Number.POSITIVE_INFINITY, 'a'], 'bad-timestamp'],
    ['no name', [0, 1, 0, ''], 'bad-name'],
    ['an endless name', [0, 1, 0, 'n'.repeat(201)], 'bad-name'],
    ['a list as properties', [0, 1, 0, 'a', []], 'bad-properties'],
    ['an endless number', [0, 1, 0, 'a', { x: Number.POSITIVE_INFINITY }], 'bad-properties'],
    ['a category in prose', [0, 1, 0, 'a', null, 'My Category!'], 'bad-category'],
    ['too much', [0, 1, 0, 'a', { x: 'x'.repeat(MAX_EVENT_BYTES) }], 'too-large'],
    ['too deep', [0, 1, 0, 'a', JSON.parse(`${'{"a":'.repeat(18)}1${'}'.repeat(18)}`)], 'too-deep'],
  ])('with one bad event loses that one alone: %s', (_, bad, reason) => {
    const { events: good, rejected } = expandBody(rows([0, 7, 0, 'before'], bad, [0, 9, 0, 'after']));

    expect(good.map((event) => event.name)).toEqual(['before', 'after']);
    expect(rejected).toMatchObject([{ index: 1, reason }]);
  });

  test('names a rejected event by its id, when it has one', () => {
    const { rejected } = expandBody(rows([0, 5, 0, ''], [0, -5, 0, 'a']));

    expect(rejected.map(({ id }) => id)).toEqual([`${source}.5`, '']);
  });

  test.each<[string, unknown]>([
    ['no object', 'AAAAAAAAAAAAAAAAAAAAAA'],
    ['a dot in the source, which would make ids ambiguous', { source: 'AAAAAAAAAAAAAAAAAAAA.1' }],
    ['a user id that is no string', { source, userId: 5 }],
    ['an endless user id', { source, userId: 'u'.repeat(10_000) }],
    ['a context that is no object', { source, context: [] }],
    ['a context that is too large', { source, context: { x: 'x'.repeat(MAX_EVENT_BYTES) } }],
    ['a context that is too deep', { source, context: JSON.parse(`${'{"a":'.repeat(18)}1${'}'.repeat(18)}`) }],
  ])('with one bad origin loses the events of that one alone: %s', (_, origin) => {
    const body = { ...rows([0, 1, 0, 'good'], [1, 2, 0, 'bad']), origins: [{ source: 'BBBBBBBBBBBB' }, origin] };

    const { events: good, rejected } = expandBody(body);

    expect(good.map((event) => event.name)).toEqual(['good']);
    expect(rejected).toMatchObject([{ index: 1, reason: 'bad-origin' }]);
  });

  test('with times of 1970 or 9999 is taken: a wrong clock is no reason to lose an event', () => {
    const { events: got } = expandBody({ ...rows([0, 1, 0, 'a'], [0, 2, 253_402_300_799_999, 'b']), sentAt: -5 });

    expect(got.map((event) => event.timestamp)).toEqual([0, 253_402_300_799_999]);
  });

  test('with lone surrogates or NUL in names and ids is taken with U+FFFD in their place, properties as they are', () => {
    const body = { ...rows([0, 1, 0, 'a\ud800\0b😀', { t: '\udc00' }]), origins: [{ source, userId: '\udfff' }] };

    const [event] = expandBody(overTheWire(body)).events;

    expect(event).toMatchObject({ name: 'a\ufffd\ufffdb😀', userId: '\ufffd', properties: { t: '\udc00' } });
  });

  test('with keys `__proto__` and `constructor` keeps them as data and changes no prototype', () => {
    const text = '{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}}';
    const queued = [{ origin: sampleOrigin, seq: 1, timestamp: 0, name: 'a', properties: text }];

    for (const encode of [encodeRows, encodeColumns]) {
      const [event] = expandBody(JSON.parse(JSON.stringify(encode({ sentAt: 1 }, queued)))).events;

      expect(JSON.stringify(event!.properties)).toBe(text);
      expect(Object.getPrototypeOf(event!.properties)).toBe(Object.prototype);
      expect('polluted' in event!.properties).toBe(false);
    }
  });

  test('with members and categories of a newer release is taken: changes are additive', () => {
    const body = { ...rows([0, 1, 0, 'a', null, 'survey', null, 'new']), future: true };

    expect(expandBody(body).events).toMatchObject([{ category: 'survey' }]);
  });

  test('that asks for more carried events than are looked at gets an answer for the first of them', () => {
    const other = 'BBBBBBBBBBBB';
    const { head: got } = expandBody({
      ...rows(),
      carried: [
        [source, 5, 9],
        [other, 1, 2 ** 53 - 1],
        [other, 1, 2],
      ],
    });

    expect(got.carried).toEqual([
      [source, 5, 9],
      [other, 1, MAX_CARRIED - 5],
    ]);
  });

  test('is read in time that grows no faster than the body', { timeout: 60_000 }, () => {
    const build = (n: number) => ({
      ...head,
      form: 'columns',
      origins: Array.from({ length: n }, (_, i) => ({ source: `source-${i}` })),
      origin: Array.from({ length: n }, (_, i) => [i, 1]).flat(),
      seq: Array.from({ length: n }, () => 1),
      time: Array.from({ length: n }, () => 1),
      shape: Array.from({ length: n }, (_, i) => i),
      shapes: Array.from({ length: n }, (_, i) => ({ name: `name ${i}`, keys: ['a', `b${i}`] })),
      values: Array.from({ length: n }, () => [[1], [2]]),
    });
    const few = build(1000);
    const many = build(8000);
    const took = (body: ReturnType<typeof build>) => {
      const start = performance.now();
      expect(expandBody(body).events).toHaveLength(body.origins.length);
      return performance.now() - start;
    };
    let fastestFew = Number.POSITIVE_INFINITY;
    let fastestMany = Number.POSITIVE_INFINITY;
    // A machine that does other things makes some rounds slow, not all of them. Linear is 8, quadratic is 64.
    for (let round = 0; round < 50 && !(fastestMany / fastestFew < 30); round++) {
      fastestFew = Math.min(fastestFew, took(few));
      fastestMany = Math.min(fastestMany, took(many));
    }

    expect(fastestMany / fastestFew).toBeLessThan(30);
  });
});

/** Every place in a JSON value where another value could stand. */
function placesIn(value: unknown): { parent: Record<string, unknown>; key: string }[] {
  if (typeof value !== 'object' || value === null) return [];
  const parent = value as Record<string, unknown>;
  return Object.keys(parent).flatMap((key) => [{ parent, key }, ...placesIn(parent[key])]);
}
