import { describe, expect, it } from 'vitest';
import { otlpDecoder } from '../../../src/server/decoders/otlp.js';
import { decode, RECEIVED_AT, request } from './decode.js';

const text = (key: string, stringValue: string) => ({ key, value: { stringValue } });

function body(...logRecords: unknown[]) {
  const resource = { attributes: [text('service.name', 'shop')] };
  return { resourceLogs: [{ resource, scopeLogs: [{ scope: { name: 'lib', version: '1' }, logRecords }] }] };
}

const post = (json: object) => request(JSON.stringify(json), 'application/json', '/v1/logs');

const record = {
  timeUnixNano: '1795449600123456789',
  severityNumber: 9,
  severityText: 'INFO',
  body: { stringValue: 'hello' },
};

describe('OpenTelemetry log records', () => {
  it('become events, with attributes and body as properties and the rest as context', async () => {
    const attributes = [
      text('event.name', 'checkout'),
      text('user.id', 'u1'),
      text('session.id', 's1'),
      { key: 'count', value: { intValue: 3 } },
      { key: 'size', value: { intValue: '9007199254740993' } },
      { key: 'tags', value: { arrayValue: { values: [{ stringValue: 'a' }, { boolValue: true }, {}] } } },
    ];

    const { format, events, rejected } = await decode(
      post(body({ ...record, attributes, traceId: '5b8e', spanId: '' })),
    );

    expect([format, rejected]).toEqual(['otlp', []]);
    expect(events).toEqual([
      {
        id: expect.stringMatching(/^otlp-[0-9a-f]{32}$/),
        source: 'otlp',
        seq: 0,
        name: 'checkout',
        category: 'custom',
        timestamp: 1_795_449_600_123,
        userId: 'u1',
        sessionId: 's1',
        properties: { count: 3, size: '9007199254740993', tags: ['a', true, null], body: 'hello' },
        context: {
          resource: { 'service.name': 'shop' },
          scope: { name: 'lib', version: '1' },
          severityNumber: 9,
          severityText: 'INFO',
          traceId: '5b8e',
        },
      },
    ]);
  });

  it.each([
    [{ timeUnixNano: 1.7954496001234e18 }, 1_795_449_600_123],
    [{ timeUnixNano: '0', observedTimeUnixNano: '1795449600999000000' }, 1_795_449_600_999],
    [{ timeUnixNano: undefined }, RECEIVED_AT],
    [{ timeUnixNano: 'noon' }, RECEIVED_AT],
  ])('are dated by %j', async (times, expected) => {
    const { events } = await decode(post(body({ ...record, ...times })));

    expect(events[0]!.timestamp).toBe(expected);
  });

  it('are told apart where they are equal, and known when the request comes again', async () => {
    const ids = async (json: object) => (await decode(post(json))).events.map(({ id }) => id);

    const first = await ids(body(record, record));

    expect(new Set(first).size).toBe(2);
    expect(await ids(body(record, record))).toEqual(first);
    // Another request with the same record is another event: within one ms equal records are common.
    expect(await ids(body(record))).not.toContain(first[0]);
  });

  it('keep the id that they have', async () => {
    const attributes = [text('log.record.uid', '01ARZ3NDEKTSV4RRFFQ69G5FAV')];

    expect((await decode(post(body({ ...record, attributes })))).events[0]!.id).toBe('01ARZ3NDEKTSV4RRFFQ69G5FAV');
  });

  it('are rejected one by one', async () => {
    let deep: object = { stringValue: 'x' };
    for (let i = 0; i < 30; i++) deep = { kvlistValue: { values: [{ key: 'k', value: deep }] } };

    const { events, rejected } = await decode(post(body('no record', { ...record, body: deep }, record)));

    expect(events).toHaveLength(1);
    expect(rejected).toEqual([
      { index: 0, id: '', reason: 'bad-row' },
      { index: 1, id: '', reason: 'too-deep' },
    ]);
  });

  it('are refused in the binary form, with the setting that helps', async () => {
    const protobuf = request('x', 'application/x-protobuf', '/v1/logs');

    await expect(decode(protobuf)).rejects.toThrow(/http\/json/);
  });

  it.each([[[]], [{ resourceLogs: {} }], [{ resourceLogs: [{ scopeLogs: 1 }] }]])('are refused in %j', async (json) => {
    await expect(decode(post(json))).rejects.toThrow(/must be/);
  });

  it('are none in an empty request', async () => {
    expect((await decode(post({}))).events).toEqual([]);
  });

  it('are answered as exporters expect', () => {
    const answer = { accepted: 2, duplicates: 0, serverTime: 1 };
    const rejected = [1, 2].map((index) => ({ id: '', index, reason: 'too-deep' }));

    expect(otlpDecoder.answer({ ...answer, rejected: [] })).toEqual({});
    expect(otlpDecoder.answer({ ...answer, rejected })).toEqual({
      partialSuccess: { rejectedLogRecords: '2', errorMessage: 'too-deep' },
    });
  });
});
