import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ndjson } from '../../src/formats/ndjson.js';
import { anyEvents, eventOf, SENT_AT } from './events.js';

const HEAD = { sentAt: SENT_AT, sdk: '1.2.3' };

describe('the ndjson format', () => {
  it('writes a line for each event, in the columns of the tables', () => {
    const { body, contentType } = ndjson.encode([eventOf(), eventOf({ seq: 8, userId: undefined } as never)], HEAD);

    const lines = body.split('\n');

    expect(contentType).toBe('application/x-ndjson');
    expect(lines).toHaveLength(3);
    expect(lines[2]).toBe('');
    expect(JSON.parse(lines[0]!)).toEqual({
      id: 'Zk3xQ9d2T0u8Yb1LmN4cVw.7',
      source: 'Zk3xQ9d2T0u8Yb1LmN4cVw',
      seq: 7,
      name: 'Order Completed',
      category: 'custom',
      user_id: 'user-1',
      group_id: 'group-1',
      anonymous_id: 'b7Qx0m3KpWv5Tz8RyL2nHg',
      session_id: 's1795449600123',
      timestamp: 1_795_449_600_123,
      sent_at: SENT_AT,
      sdk: '1.2.3',
      properties: eventOf().properties,
      context: eventOf().context,
    });
    expect(JSON.parse(lines[1]!)).not.toHaveProperty('user_id');
  });

  it('never breaks a line inside of an event', () => {
    fc.assert(
      fc.property(anyEvents, (events) => {
        const { body } = ndjson.encode(events, HEAD);

        const read = body
          .trimEnd()
          .split('\n')
          .map((line) => JSON.parse(line));

        expect(read.map(({ id, properties }) => [id, properties])).toEqual(
          events.map(({ id, properties }) => [id, properties]),
        );
      }),
    );
  });

  it('reads from the answer of a Petrel collector which lines were refused', () => {
    const events = [eventOf({ seq: 1 }), eventOf({ seq: 2 }), eventOf({ seq: 3 })];

    const answer = {
      accepted: 1,
      duplicates: 0,
      rejected: [{ id: '', index: 1, reason: 'bad-name' }, null, { index: 9 }],
    };

    expect(ndjson.refusedBy!(answer, events, [0, 2])).toEqual([{ index: 2, reason: 'bad-name' }]);
    expect(ndjson.refusedBy!({ rejected: 'none' }, events, [0, 2])).toEqual([]);
    expect(ndjson.refusedBy!(undefined, events, [0, 2])).toEqual([]);
  });
});
