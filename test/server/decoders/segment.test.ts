import { describe, expect, it } from 'vitest';
import { keyOfRequest } from '../../../src/server/decoders/decoder.js';
import { segmentDecoder } from '../../../src/server/decoders/segment.js';
import { decode, RECEIVED_AT, request } from './decode.js';

const post = (path: string, body: object, headers?: Record<string, string>) =>
  request(JSON.stringify(body), 'application/json', path, headers);

const track = {
  type: 'track',
  messageId: 'm-1',
  userId: 'u1',
  event: 'Signed Up',
  timestamp: '2026-11-23T16:00:00.000Z',
};

describe("Segment's calls", () => {
  it('become events with their own id, and no number that the ledger could look for gaps in', async () => {
    const body = {
      batch: [
        {
          ...track,
          properties: { plan: 'pro' },
          context: {
            library: { name: '@segment/analytics-node', version: '3.1.0' },
            page: { url: 'https://shop.example/', title: 'Shop', path: '/' },
            ip: '203.0.113.9',
            locale: 'en-GB',
          },
          integrations: {},
        },
      ],
      sentAt: '2026-11-23T16:00:05.000Z',
    };

    const { format, events, rejected } = await decode(post('/v1/batch', body));

    expect([format, rejected]).toEqual(['segment', []]);
    expect(events).toEqual([
      {
        id: 'm-1',
        source: 'segment',
        seq: 0,
        name: 'Signed Up',
        category: 'custom',
        timestamp: Date.parse(track.timestamp),
        sentAt: Date.parse('2026-11-23T16:00:05.000Z'),
        userId: 'u1',
        properties: { plan: 'pro' },
        context: {
          library: { name: '@segment/analytics-node', version: '3.1.0' },
          url: 'https://shop.example/',
          title: 'Shop',
          page: { path: '/' },
          locale: 'en-GB',
        },
      },
    ]);
  });

  it.each([
    ['/v1/track', { event: 'A', properties: { a: 1 } }, { name: 'A', category: 'custom', properties: { a: 1 } }],
    ['/v1/t', { event: 'A' }, { name: 'A', category: 'custom', properties: {} }],
    ['/v1/page', { properties: { path: '/' } }, { name: 'page', category: 'page', properties: { path: '/' } }],
    ['/v1/p', { name: 'Home', category: 'Docs' }, { name: 'Home', category: 'page', properties: { category: 'Docs' } }],
    ['/v1/screen', { name: 'Inbox' }, { name: 'Inbox', category: 'page' }],
    ['/v1/identify', { traits: { plan: 'x' } }, { name: 'identify', category: 'identify', properties: { plan: 'x' } }],
    ['/v1/group', { groupId: 'g1', traits: { n: 1 } }, { name: 'group', groupId: 'g1', properties: { n: 1 } }],
    ['/v1/alias', { previousId: 'old' }, { name: 'alias', properties: { previousId: 'old' } }],
  ])('are taken one by one as well: %s', async (path, call, expected) => {
    const { events } = await decode(post(path, { messageId: 'm', userId: 7, ...call }));

    expect(events).toEqual([expect.objectContaining({ id: 'm', userId: '7', ...expected })]);
  });

  it('are dated by when they arrived where they do not say when they happened', async () => {
    const { events } = await decode(post('/v1/track', { event: 'A', userId: 'u', timestamp: 'yesterday' }));

    expect(events[0]!.timestamp).toBe(RECEIVED_AT);
  });

  it('get the same id whenever they come again without one, whatever the time of sending', async () => {
    const { messageId: _, ...nameless } = track;
    const ids = async (sentAt: string) => {
      const { events } = await decode(
        post('/v1/batch', { batch: [nameless, nameless, { ...nameless, event: 'B' }], sentAt }),
      );
      return events.map(({ id }) => id);
    };

    const first = await ids('2026-11-23T16:00:05.000Z');

    expect(new Set(first).size).toBe(3);
    expect(first[0]).toMatch(/^segment-[0-9a-f]{32}$/);
    expect(await ids('2026-11-23T16:09:00.000Z')).toEqual(first);
  });

  it('are rejected one by one, with a reason, and the others are taken', async () => {
    const deep = JSON.parse(`${'{"a":'.repeat(17)}1${'}'.repeat(17)}`);
    const batch = [
      null,
      { ...track, event: undefined },
      { ...track, messageId: 'm-2', event: 'x'.repeat(201) },
      { ...track, messageId: 'm-3', properties: [1] },
      { ...track, messageId: 'm-4', properties: deep },
      { ...track, messageId: 'm-5', properties: { text: 'x'.repeat(40_000) } },
      { ...track, messageId: 'm-6', userId: { id: 1 } },
      { ...track, type: 'dance' },
      track,
    ];

    const { events, rejected } = await decode(post('/v1/batch', { batch }));

    expect(events.map(({ id }) => id)).toEqual(['m-1']);
    expect(rejected).toEqual([
      { index: 0, id: '', reason: 'bad-row' },
      { index: 1, id: 'm-1', reason: 'bad-name' },
      { index: 2, id: 'm-2', reason: 'bad-name' },
      { index: 3, id: 'm-3', reason: 'bad-properties' },
      { index: 4, id: 'm-4', reason: 'too-deep' },
      { index: 5, id: 'm-5', reason: 'too-large' },
      { index: 6, id: 'm-6', reason: 'bad-origin' },
      { index: 7, id: 'm-1', reason: 'bad-name' },
    ]);
  });

  it.each([
    ['a list', []],
    ['a batch that is no list', { batch: {} }],
  ])('are refused as a whole when the body is %s', async (_, body) => {
    await expect(decode(post('/v1/batch', body))).rejects.toThrow(/must be/);
  });

  it('survive nesting that no stack holds, in a place that is not looked at', async () => {
    const body = `{"event":"A","timestamp":1795449600000,"integrations":${'['.repeat(50_000)}${']'.repeat(50_000)}}`;

    const { events, rejected } = await decode(request(body, 'application/json', '/v1/track'));

    expect(events.length + rejected.length).toBe(1);
  });
});

describe('the write key of a request', () => {
  const basic = (text: string) => ({ authorization: `Basic ${btoa(text)}` });

  it.each([
    ['the user name of Basic', basic('k1:'), '/', 'k1'],
    ['a Bearer token', { authorization: 'bearer k2' }, '/', 'k2'],
    ['the address', {}, '/v1/logs?key=k3', 'k3'],
    ['nowhere', {}, '/', undefined],
    ['what is not base64', { authorization: 'Basic §' }, '/', undefined],
  ])('is read from %s', (_, headers, path, key) => {
    // No Request takes a header that is not latin-1; a server may hand on any.
    expect(keyOfRequest(request('{}', 'application/json', path, headers as Record<string, string>))).toBe(key);
  });

  it("is Segment's `writeKey` where there is no header", () => {
    const keyOf = (headers: Record<string, string>) =>
      segmentDecoder.keyOf({ writeKey: 'inside' }, post('/v1/batch', {}, headers));

    expect(keyOf({})).toBe('inside');
    expect(keyOf(basic('outside:'))).toBe('outside');
  });
});
