import { type CloudEvent, HTTP } from 'cloudevents';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cloudevents } from '../../src/formats/cloudevents.js';
import { anyEvents, eventOf, SENT_AT } from './events.js';

const HEAD = { sentAt: SENT_AT };

/** The events, as the CloudEvents SDK reads them. */
function readBySdk(body: string, contentType: string) {
  const read = HTTP.toEvent({ headers: { 'content-type': contentType }, body });
  return (Array.isArray(read) ? read : [read]) as CloudEvent<unknown>[];
}

describe('the cloudevents format', () => {
  it('writes what the CloudEvents SDK reads', () => {
    const { body, contentType } = cloudevents.encode([eventOf(), eventOf({ seq: 8, category: 'page' })], HEAD);

    const [first, second] = readBySdk(body, contentType);

    expect(contentType).toBe('application/cloudevents-batch+json');
    expect(first).toMatchObject({
      specversion: '1.0',
      id: 'Zk3xQ9d2T0u8Yb1LmN4cVw.7',
      source: 'urn:petrel:Zk3xQ9d2T0u8Yb1LmN4cVw',
      type: 'petrel.custom.Order Completed',
      time: '2026-11-23T16:00:00.123Z',
      datacontenttype: 'application/json',
      userid: 'user-1',
      groupid: 'group-1',
      anonymousid: 'b7Qx0m3KpWv5Tz8RyL2nHg',
      sessionid: 's1795449600123',
      data: {
        properties: { total: 12.5, items: 3, coupon: null, gift: false, lines: [{ sku: 'A' }, { sku: 'B' }] },
        context: { url: 'https://shop.example/cart', screen: '1440x900' },
      },
    });
    expect(second).toMatchObject({ id: 'Zk3xQ9d2T0u8Yb1LmN4cVw.8', type: 'petrel.page.Order Completed' });
  });

  it('is valid for the SDK whatever the event, and keeps ids, names and properties', () => {
    fc.assert(
      fc.property(anyEvents, (events) => {
        const { body, contentType, taken, refused } = cloudevents.encode(events, HEAD);

        const read = readBySdk(body, contentType);

        expect(refused).toEqual([]);
        expect(taken).toEqual([...events.keys()]);
        // The SDK makes up an id for one that has none, so the ids are compared as well.
        expect(read.map(({ id, type }) => [id, type])).toEqual(
          events.map(({ id, category, name }) => [id, `petrel.${category}.${name}`]),
        );
        expect(read.map(({ data }) => data)).toEqual(
          events.map(({ properties, context }) => ({ properties, ...(context && { context }) })),
        );
        expect(read.every((event) => event.validate())).toBe(true);
      }),
    );
  });

  it('leaves out what it has no word for: a time beyond the year 9999', () => {
    const { body } = cloudevents.encode([eventOf({ timestamp: 8e15 })], HEAD);

    expect(JSON.parse(body)[0]).not.toHaveProperty('time');
  });
});
