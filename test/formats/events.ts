import fc from 'fast-check';
import type { Json } from '../../src/core/event.js';
import { EVENT_CATEGORIES, eventId } from '../../src/core/event.js';
import type { FormatEvent } from '../../src/formats/lib/format.js';

export const SENT_AT = 1_795_449_700_000;

/** An event with everything an event can have. */
export function eventOf(more: Partial<FormatEvent> = {}): FormatEvent {
  const { source = 'Zk3xQ9d2T0u8Yb1LmN4cVw', seq = 7 } = more;
  return {
    id: eventId(source, seq),
    source,
    seq,
    name: 'Order Completed',
    category: 'custom',
    timestamp: 1_795_449_600_123,
    userId: 'user-1',
    groupId: 'group-1',
    anonymousId: 'b7Qx0m3KpWv5Tz8RyL2nHg',
    sessionId: 's1795449600123',
    context: {
      url: 'https://shop.example/cart',
      title: 'Cart',
      referrer: '',
      screen: '1440x900',
      campaign: { source: 'x' },
    },
    properties: { total: 12.5, items: 3, coupon: null, gift: false, lines: [{ sku: 'A' }, { sku: 'B' }] },
    ...more,
  };
}

/** Text as it arrives: without lone surrogates and NUL, which the queue and the collector replace. */
const text = (constraints: fc.StringConstraints = {}) =>
  fc.string({ unit: 'grapheme', ...constraints }).map((value) => value.replaceAll('\0', ''));
const name = fc
  .string({ unit: 'grapheme', minLength: 1, maxLength: 40 })
  .filter((value) => value.length <= 200 && !value.includes('\0'));
const id = fc.option(
  text({ minLength: 1, maxLength: 20 }).filter((value) => value !== ''),
  { nil: undefined },
);

const { tree } = fc.letrec<{ tree: Json; members: { [key: string]: Json } }>((tie) => ({
  tree: fc.oneof(
    { maxDepth: 4, depthSize: 'small' },
    fc.constant(null),
    fc.boolean(),
    text(),
    fc.integer(),
    fc.maxSafeInteger(),
    // As JSON has it: -0 is 0.
    fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => value + 0),
    fc.array(tie('tree'), { maxLength: 4 }),
    tie('members'),
  ),
  members: fc.dictionary(
    fc.oneof(text(), fc.constantFrom('page', 'url', 'library', 'petrel', 'groupId', 'title')),
    tie('tree'),
    {
      maxKeys: 6,
      noNullPrototype: true,
    },
  ),
}));

const members = fc.dictionary(
  fc.oneof(text(), fc.constantFrom('url', 'title', 'referrer', 'page', 'library', 'petrel', 'groupId', 'sessionId')),
  tree,
  { maxKeys: 6, noNullPrototype: true },
);

/** Any event that can come out of the queue. */
export const anyEvent: fc.Arbitrary<FormatEvent> = fc
  .record({
    source: fc.stringMatching(/^[A-Za-z0-9_-]{22}$/),
    seq: fc.integer({ min: 1, max: 1_000_000 }),
    name,
    category: fc.constantFrom(...EVENT_CATEGORIES),
    timestamp: fc.integer({ min: 1, max: 4_102_444_800_000 }),
    userId: id,
    groupId: id,
    anonymousId: id,
    sessionId: id,
    context: fc.option(members, { nil: undefined }),
    properties: members,
  })
  .map((event) => {
    const defined = Object.fromEntries(Object.entries(event).filter(([, value]) => value !== undefined));
    return { ...(defined as Omit<FormatEvent, 'id'>), id: eventId(event.source, event.seq) };
  });

/** Several, each with an id of its own. */
export const anyEvents = fc.uniqueArray(anyEvent, { selector: ({ id }) => id, minLength: 1, maxLength: 8 });
