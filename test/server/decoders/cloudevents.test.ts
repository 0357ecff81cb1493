import { CloudEvent, HTTP } from 'cloudevents';
import { describe, expect, it } from 'vitest';
import { decode, RECEIVED_AT, request } from './decode.js';

const order = {
  specversion: '1.0',
  id: 'A-1',
  source: '/orders',
  type: 'com.example.order.placed',
  time: '2026-11-23T16:00:00Z',
  subject: 'order 1',
  data: { total: 12.5 },
};

const expected = {
  // Another source may have an A-1 of its own.
  id: '/orders#A-1',
  source: 'cloudevents',
  seq: 0,
  name: 'com.example.order.placed',
  category: 'custom',
  timestamp: Date.parse(order.time),
  properties: { total: 12.5 },
};

/** Sends it as the CloudEvents SDK does. */
function bySdk(mode: 'binary' | 'structured', more: object = {}): Request {
  const { headers, body } = HTTP[mode](new CloudEvent({ ...order, ...more }));
  return new Request('https://collector.example/events', {
    method: 'POST',
    headers: Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)])),
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
}

describe('CloudEvents', () => {
  it.each(['binary', 'structured'] as const)('are read in %s mode, as their SDK sends them', async (mode) => {
    const { format, events, rejected } = await decode(bySdk(mode, { userid: 'u1' }));

    expect([format, rejected]).toEqual(['cloudevents', []]);
    expect(events).toMatchObject([
      { ...expected, userId: 'u1', context: { cloudevent: { source: '/orders', subject: 'order 1' } } },
    ]);
  });

  it('are read as a batch', async () => {
    const body = JSON.stringify([order, { ...order, id: 'A-2', time: undefined }]);

    const { events } = await decode(request(body, 'application/cloudevents-batch+json; charset=utf-8'));

    expect(events).toMatchObject([expected, { id: '/orders#A-2', timestamp: RECEIVED_AT }]);
  });

  it('may have data that is no object', async () => {
    const text = request('plain words', 'text/plain', '/events', {
      'ce-specversion': '1.0',
      'ce-id': '1',
      'ce-source': '/s',
      'ce-type': 'note',
      'ce-subject': 'caf%C3%A9',
    });

    const { events } = await decode(text);

    expect(events).toMatchObject([
      {
        properties: { data: 'plain words' },
        context: { cloudevent: { subject: 'café', datacontenttype: 'text/plain' } },
      },
    ]);
  });

  it.each([
    ['no id', { id: '' }],
    ['no source', { source: undefined }],
    ['another version', { specversion: '0.3' }],
  ])('are rejected with %s, and the others are taken', async (_, more) => {
    const body = JSON.stringify([{ ...order, ...more }, order]);

    const { events, rejected } = await decode(request(body, 'application/cloudevents-batch+json'));

    expect(rejected).toEqual([{ index: 0, id: '', reason: 'bad-row' }]);
    expect(events).toHaveLength(1);
  });

  it('are refused in a form that is not read here', async () => {
    await expect(decode(request('<x/>', 'application/cloudevents+xml'))).rejects.toThrow(/JSON/);
    await expect(decode(request('{}', 'application/cloudevents-batch+json'))).rejects.toThrow(/array/);
  });

  it('have an id of their own however long it is', async () => {
    const events = ['a', 'b', 'a'].map((letter) => ({ ...order, id: letter.repeat(600) }));

    const decoded = await decode(request(JSON.stringify(events), 'application/cloudevents-batch+json'));

    const ids = decoded.events.map(({ id }) => id);
    expect(ids[0]).toMatch(/^cloudevents-[0-9a-f]{32}$/);
    expect(ids[1]).not.toBe(ids[0]);
  });
});
