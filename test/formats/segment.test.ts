import { describe, expect, it } from 'vitest';
import { segment } from '../../src/formats/segment.js';
import { eventOf, SENT_AT } from './events.js';

const HEAD = { sentAt: SENT_AT, key: 'write-key', sdk: '1.2.3' };

function encode(...events: ReturnType<typeof eventOf>[]) {
  const encoded = segment.encode(events, HEAD);
  return { ...encoded, json: encoded.body ? JSON.parse(encoded.body) : undefined };
}

describe('the segment format', () => {
  it('writes a track call with who, when, where and under which id', () => {
    const { json, contentType, taken, refused } = encode(eventOf());

    expect(contentType).toBe('application/json');
    expect([taken, refused]).toEqual([[0], []]);
    expect(json).toEqual({
      sentAt: '2026-11-23T16:01:40.000Z',
      writeKey: 'write-key',
      batch: [
        {
          type: 'track',
          messageId: 'Zk3xQ9d2T0u8Yb1LmN4cVw.7',
          userId: 'user-1',
          anonymousId: 'b7Qx0m3KpWv5Tz8RyL2nHg',
          event: 'Order Completed',
          timestamp: '2026-11-23T16:00:00.123Z',
          originalTimestamp: '2026-11-23T16:00:00.123Z',
          sentAt: '2026-11-23T16:01:40.000Z',
          properties: { total: 12.5, items: 3, coupon: null, gift: false, lines: [{ sku: 'A' }, { sku: 'B' }] },
          context: {
            library: { name: 'petrel', version: '1.2.3' },
            page: { url: 'https://shop.example/cart', title: 'Cart', referrer: '' },
            screen: '1440x900',
            campaign: { source: 'x' },
            groupId: 'group-1',
            sessionId: 's1795449600123',
            petrel: { source: 'Zk3xQ9d2T0u8Yb1LmN4cVw' },
          },
        },
      ],
    });
  });

  it.each([
    ['page', { name: 'page' }, { type: 'page', properties: expect.anything() }],
    ['page', { name: 'Home' }, { type: 'page', name: 'Home' }],
    ['identify', { name: 'identify' }, { type: 'identify', userId: 'user-1', traits: expect.anything() }],
    ['group', { name: 'group' }, { type: 'group', groupId: 'group-1', traits: expect.anything() }],
    ['interaction', { name: 'click' }, { type: 'track', event: 'click' }],
  ] as const)('writes a %s event as the call that Segment has for it', (category, more, expected) => {
    const { json } = encode(eventOf({ category, ...more }));

    expect(json.batch[0]).toMatchObject(expected);
  });

  it.each([
    ['an identify without a user', { category: 'identify', name: 'identify', userId: undefined }],
    ['a group without its id', { category: 'group', name: 'group', groupId: undefined }],
  ] as const)('writes %s, which Segment would refuse, as a track call that says what it was', (_, more) => {
    const { json } = encode(eventOf({ ...more } as never));

    expect(json.batch[0]).toMatchObject({ type: 'track', context: { petrel: { category: more.category } } });
  });

  it('names the tracker where nobody is known, because Segment stores no event without an id of somebody', () => {
    const { json } = encode(eventOf({ userId: undefined, anonymousId: undefined } as never));

    expect(json.batch[0].anonymousId).toBe('Zk3xQ9d2T0u8Yb1LmN4cVw');
    expect(json.batch[0]).not.toHaveProperty('userId');
  });

  it('tells an event of a collector by the corrected clock', () => {
    // The browser's clock is an hour slow.
    const event = eventOf({ timestamp: 1_000_000, sentAt: 1_005_000, receivedAt: 4_605_000 });

    expect(encode(event).json.batch[0].timestamp).toBe(new Date(4_600_000).toISOString());
  });

  it('leaves out a time in a year that ISO 8601 does not have', () => {
    const [event] = encode(eventOf({ timestamp: 8e15 })).json.batch;

    expect(event).not.toHaveProperty('timestamp');
    expect(event).not.toHaveProperty('originalTimestamp');
  });

  it('refuses an event of more than 32 KiB and takes the others', () => {
    const large = eventOf({ seq: 2, properties: { text: 'é'.repeat(16_384) } });

    const { json, taken, refused } = encode(eventOf({ seq: 1 }), large, eventOf({ seq: 3 }));

    expect(taken).toEqual([0, 2]);
    expect(refused).toEqual([{ index: 1, reason: 'too-large' }]);
    expect(json.batch).toHaveLength(2);
  });

  it('takes an event of just 32 KiB', () => {
    const bytesOf = (length: number) => {
      const { json } = encode(eventOf({ properties: { text: 'x'.repeat(length) } }));
      return json && Buffer.byteLength(JSON.stringify(json.batch[0]));
    };
    const frame = bytesOf(0);

    expect(bytesOf(32_768 - frame)).toBe(32_768);
    expect(bytesOf(32_769 - frame)).toBeUndefined();
  });

  it('fills a body up to 500 000 bytes and leaves the rest for the next', () => {
    const events = Array.from({ length: 60 }, (_, i) =>
      eventOf({ seq: i + 1, properties: { text: '€'.repeat(4_000) } }),
    );

    const bodies: number[][] = [];
    for (let rest = events; rest.length > 0; ) {
      const { body, taken } = segment.encode(rest, HEAD);
      expect(Buffer.byteLength(body)).toBeLessThanOrEqual(500_000);
      expect(taken).toEqual([...taken.keys()]);
      bodies.push(
        JSON.parse(body).batch.map(({ messageId }: { messageId: string }) => Number(messageId.split('.')[1])),
      );
      rest = rest.slice(taken.length);
    }

    expect(bodies.flat()).toEqual(events.map(({ seq }) => seq));
    expect(bodies.map((body) => body.length)).toEqual([39, 21]);
  });

  it('has nothing to send when no event is left', () => {
    expect(segment.encode([], HEAD)).toMatchObject({ body: '', taken: [], refused: [] });
  });
});
