import { createRequire } from 'node:module';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createOtlp, otlp } from '../../src/formats/otlp.js';
import { anyEvents, eventOf, SENT_AT } from './events.js';

const HEAD = { sentAt: SENT_AT, sdk: '1.2.3' };

/** OpenTelemetry's own protobuf classes, generated from its schema. */
const { opentelemetry } = createRequire(import.meta.url)('@opentelemetry/otlp-transformer/build/src/generated/root');
const Request = opentelemetry.proto.collector.logs.v1.ExportLogsServiceRequest;

/** What is left of a body after it went through the binary form: members the schema does not know are gone. */
function throughProtobuf(json: object) {
  const message = Request.fromObject(json);
  return Request.toObject(Request.decode(Request.encode(message).finish()), { longs: String, enums: Number });
}

/** As the schema has it: an empty list is one that is not there. */
function withoutEmptyLists(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutEmptyLists);
  if (typeof value !== 'object' || value === null) return value;
  const members = Object.entries(value).filter(([, member]) => !Array.isArray(member) || member.length > 0);
  return Object.fromEntries(members.map(([key, member]) => [key, withoutEmptyLists(member)]));
}

describe('the otlp format', () => {
  it('writes a log record with an event name, its id and who it was', () => {
    const { body, contentType } = otlp.encode([eventOf({ properties: { total: 12.5, items: 3, coupon: null } })], HEAD);

    expect(contentType).toBe('application/json');
    expect(JSON.parse(body)).toEqual({
      resourceLogs: [
        {
          resource: { attributes: [{ key: 'service.name', value: { stringValue: 'petrel' } }] },
          scopeLogs: [
            {
              scope: { name: 'petrel', version: '1.2.3' },
              logRecords: [
                {
                  timeUnixNano: '1795449600123000000',
                  observedTimeUnixNano: '1795449700000000000',
                  severityNumber: 9,
                  eventName: 'Order Completed',
                  body: {
                    kvlistValue: {
                      values: [
                        { key: 'total', value: { doubleValue: 12.5 } },
                        { key: 'items', value: { intValue: '3' } },
                        { key: 'coupon', value: {} },
                      ],
                    },
                  },
                  attributes: expect.arrayContaining([
                    { key: 'log.record.uid', value: { stringValue: 'Zk3xQ9d2T0u8Yb1LmN4cVw.7' } },
                    { key: 'user.id', value: { stringValue: 'user-1' } },
                    { key: 'session.id', value: { stringValue: 's1795449600123' } },
                    { key: 'petrel.category', value: { stringValue: 'custom' } },
                  ]),
                },
              ],
            },
          ],
        },
      ],
    });
  });

  it('goes through the protobuf schema of OpenTelemetry without losing anything, whatever the event', () => {
    fc.assert(
      fc.property(anyEvents, (events) => {
        const { body, taken } = otlp.encode(events, HEAD);
        const json = JSON.parse(body);

        expect(taken).toEqual([...events.keys()]);
        expect(throughProtobuf(json)).toEqual(withoutEmptyLists(json));
      }),
    );
  });

  it('would be noticed by that comparison if it wrote a member that OpenTelemetry does not have', () => {
    const json = JSON.parse(otlp.encode([eventOf()], HEAD).body);
    json.resourceLogs[0].scopeLogs[0].logRecords[0].eventNames = 'a slip';

    expect(throughProtobuf(json)).not.toEqual(json);
  });

  it.each([
    ['before 1970', -1],
    ['after 2554', 18_446_744_073_710],
  ])('says that it does not know a time %s, which OTLP cannot write', (_, timestamp) => {
    const json = JSON.parse(otlp.encode([eventOf({ timestamp })], HEAD).body);

    expect(json.resourceLogs[0].scopeLogs[0].logRecords[0].timeUnixNano).toBe('0');
  });

  it('marks errors as errors', () => {
    const json = JSON.parse(otlp.encode([eventOf({ category: 'error' })], HEAD).body);

    expect(json.resourceLogs[0].scopeLogs[0].logRecords[0].severityNumber).toBe(17);
  });

  it('names the resource that it was told', () => {
    const json = JSON.parse(createOtlp({ resource: { 'service.name': 'shop' } }).encode([eventOf()], HEAD).body);

    expect(json.resourceLogs[0].resource.attributes).toEqual([{ key: 'service.name', value: { stringValue: 'shop' } }]);
  });

  describe('reads the answer', () => {
    const events = [eventOf({ seq: 1 }), eventOf({ seq: 2 }), eventOf({ seq: 3 })];
    const refusedBy = (answer: unknown) => otlp.refusedBy!(answer, events, [0, 1, 2]);

    it.each([
      [undefined],
      [{}],
      [null],
      ['ok'],
      [{ partialSuccess: null }],
      [{ partialSuccess: {} }],
      [{ partialSuccess: { rejectedLogRecords: '0', errorMessage: 'a warning' } }],
    ])('%j as: all taken', (answer) => {
      expect(refusedBy(answer)).toEqual([]);
    });

    it('and counts as many as were rejected, saying that which is a guess', () => {
      const reason = 'too old (2 of 3, it is not said which)';

      expect(refusedBy({ partialSuccess: { rejectedLogRecords: '2', errorMessage: 'too old' } })).toEqual([
        { index: 1, reason },
        { index: 2, reason },
      ]);
    });

    it('and knows which they were when it was all of them', () => {
      expect(refusedBy({ partialSuccess: { rejectedLogRecords: 3, errorMessage: 'no room' } })).toEqual(
        [0, 1, 2].map((index) => ({ index, reason: 'no room' })),
      );
    });
  });
});
