import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { segment } from '../../../src/formats/segment.js';
import { createCollector } from '../../../src/server/handler.js';
import { serve } from '../../../src/server/node.js';
import { createForwardSink } from '../../../src/server/sinks/forward.js';
import { createMemorySink } from '../../../src/server/sinks/memory.js';
import type { ReceivedEvent } from '../../../src/server/sinks/sink.js';
import { receivedEvent, SOURCE, type StoredEvent, sinkContract } from '../../contract/sink.contract.js';
import { startStallingProxy } from '../../support/engines/stalling-proxy.js';
import { createFakeClock } from '../../support/fake-clock.js';

/** Stands for the moment at which the other collector received an event. */
const NOW = 1_795_449_700_000;

/** What another collector makes of an event: its own times, the first one's `timestamp`, no batch. */
function forwarded({ batchId: _, ...event }: ReceivedEvent): StoredEvent {
  const timestamp = event.timestamp + event.receivedAt - event.sentAt;
  return {
    ...event,
    timestamp: Math.min(Math.max(timestamp, -8.64e15), 8.64e15),
    sentAt: NOW,
    receivedAt: NOW,
  };
}

sinkContract('the forward sink, to another collector,', async () => {
  const store = createMemorySink();
  const collector = createCollector({ sink: store, limits: { maxEventBytes: 65_536 } });
  let server = await serve(collector, { host: '127.0.0.1' });
  const { port } = server;
  const proxy = await startStallingProxy(port);
  const open = () => createForwardSink({ url: `http://127.0.0.1:${proxy.port}/`, closeTimeoutMs: 300 });
  return {
    sink: await open(),
    again: open,
    events: async () => [...store.events.values()].map((event) => ({ ...event, sentAt: NOW, receivedAt: NOW })),
    drops: async () =>
      [...store.drops].map((drop) => ({ ...drop, receivedAt: 5 })).sort((a, b) => (a.reason < b.reason ? -1 : 1)),
    expected: forwarded,
    outage: {
      begin: () => server.close(),
      async end() {
        server = await serve(collector, { host: '127.0.0.1', port });
      },
    },
    hang: proxy,
    without: ['telling duplicates', 'foreign ids'],
    async dispose() {
      await proxy.close();
      await server.close();
      await collector.close();
    },
  };
});

interface Seen {
  headers: Record<string, string | string[] | undefined>;
  body: string;
}

/** An endpoint that answers from a list, then with 200, and keeps what it was sent. */
async function endpoint(answers: (readonly [status: number, body: string, headers?: Record<string, string>])[] = []) {
  const seen: Seen[] = [];
  const server: Server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk) => chunks.push(chunk));
    request.on('end', () => {
      const bytes = Buffer.concat(chunks);
      const body = request.headers['content-encoding'] === 'gzip' ? gunzipSync(bytes) : bytes;
      seen.push({ headers: request.headers, body: body.toString() });
      const [status, text, headers = {}] = answers.shift() ?? [200, ''];
      response.writeHead(status, headers).end(text);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    seen,
    close: () => new Promise((resolve) => server.close(resolve).closeAllConnections()),
  };
}

const range = (first: number, last: number, more: Partial<ReceivedEvent> = {}) =>
  Array.from({ length: last - first + 1 }, (_, i) => receivedEvent(first + i, more));

describe('the forward sink', () => {
  it('sends each event with the key it came with, or all with its own', async () => {
    const other = await endpoint();
    const events = [...range(1, 2, { key: 'shop' }), ...range(3, 3, { key: 'blog' }), ...range(4, 4, { key: 'shop' })];

    const sink = await createForwardSink({ url: other.url });
    await sink.write(events, []);
    const single = await createForwardSink({ url: other.url, key: 'all' });
    await single.write(events, []);

    expect(other.seen.map(({ body }) => JSON.parse(body)).map(({ key, seq }) => [key, seq.length])).toEqual([
      ['shop', 3],
      ['blog', 1],
      ['all', 4],
    ]);
    await sink.close();
    await single.close();
    await other.close();
  });

  it('compresses what is worth it', async () => {
    const other = await endpoint();
    const sink = await createForwardSink({ url: other.url });

    await sink.write(range(1, 500, { properties: { text: 'a text that comes again and again' } }), []);

    expect(other.seen[0]!.headers['content-encoding']).toBe('gzip');
    expect(Number(other.seen[0]!.headers['content-length'])).toBeLessThan(other.seen[0]!.body.length / 5);
    await sink.close();
    await other.close();
  });

  it('stores an event that no tracker numbered once, however often it is sent on', async () => {
    const store = createMemorySink();
    const collector = createCollector({ sink: store });
    const server = await serve(collector, { host: '127.0.0.1' });
    const foreign = receivedEvent(0, { id: '3f8e0a52-77', source: 'segment' });

    for (let restart = 0; restart < 2; restart++) {
      const sink = await createForwardSink({ url: server.url });
      await sink.write([foreign], []);
      await sink.close();
    }

    expect([...store.events.values()]).toMatchObject([{ seq: 1, name: 'click', properties: foreign.properties }]);
    await server.close();
    await collector.close();
  });

  it('passes on what the other side rejects, and finds the event that makes it refuse a body', async () => {
    const rejecting = await endpoint([
      [200, JSON.stringify({ accepted: 3, duplicates: 0, rejected: [{ id: 'x', index: 1, reason: 'bad-name' }] })],
    ]);
    const refusing = await endpoint([
      [400, '{}'],
      [200, ''],
      [400, '{}'],
      [400, '{}'],
      [200, ''],
    ]);
    const large = await endpoint([
      [413, '{}'],
      [200, ''],
      [200, ''],
    ]);
    const results = [];

    for (const { url } of [rejecting, refusing, large]) {
      const sink = await createForwardSink({ url });
      results.push(await sink.write(range(1, 4), []));
      await sink.close();
    }

    expect(results).toEqual([
      { duplicates: [], rejected: [{ index: 1, reason: 'bad-name' }] },
      { duplicates: [], rejected: [{ index: 2, reason: 'refused' }] },
      { duplicates: [] },
    ]);
    for (const { close } of [rejecting, refusing, large]) await close();
  });

  it.each([401, 403, 404, 500, 502, 503])('rejects, and refuses nothing for good, on %i', async (status) => {
    const other = await endpoint([[status, 'no']]);
    const sink = await createForwardSink({ url: other.url });

    await expect(sink.write(range(1, 4), [])).rejects.toThrow(`the other side answered: HTTP ${status}: no`);

    expect(other.seen).toHaveLength(1);
    expect(await sink.write(range(1, 4), [])).toEqual({ duplicates: [] });
    await sink.close();
    await other.close();
  });

  it('leaves the other side alone for as long as it asked for', async () => {
    const other = await endpoint([[429, '', { 'retry-after': '30' }]]);
    const clock = createFakeClock();
    const sink = await createForwardSink({ url: other.url, clock });

    await expect(sink.write(range(1, 1), [])).rejects.toThrow('HTTP 429');
    await expect(sink.write(range(1, 1), [])).rejects.toThrow('to come later');
    expect(other.seen).toHaveLength(1);
    await clock.advance(30_000);
    await sink.write(range(1, 1), []);

    expect(other.seen).toHaveLength(2);
    await sink.close();
    await other.close();
  });

  it('writes other people’s formats, in as many bodies as they need', async () => {
    const other = await endpoint();
    const sink = await createForwardSink({
      url: other.url,
      format: segment,
      key: 'write-key',
      headers: { authorization: 'Basic x' },
    });

    const { rejected } = await sink.write(range(1, 40, { properties: { text: 'x'.repeat(20_000) } }), []);

    const bodies = other.seen.map(({ body }) => JSON.parse(body));
    expect(rejected).toBeUndefined();
    expect(bodies.length).toBeGreaterThan(1);
    expect(bodies.flatMap(({ batch }) => batch.map(({ messageId }: { messageId: string }) => messageId))).toEqual(
      range(1, 40).map(({ id }) => id),
    );
    expect(other.seen[0]!.headers.authorization).toBe('Basic x');
    expect(await sink.has([[SOURCE, 1, 40]])).toEqual([]);
    await sink.close();
    await other.close();
  });

  it.each([
    [{ url: 'ftp://x' }, /`url` must be a URL that begins with http:\/\/ or https:\/\/, not "ftp:\/\/x"/],
    [{ url: 'http://x', key: '' }, /`key` must be a string of at least one character, not ""/],
    [{ url: 'http://x', format: 'segment' }, /`format` must be one of petrel\/formats\/\*, not "segment"/],
    [{ url: 'http://x', timeoutMs: 1 }, /`timeoutMs` must be a whole number from 100 to 600000, not 1/],
  ])('refuses the options %j', async (options, message) => {
    await expect(createForwardSink(options as never)).rejects.toThrow(message);
  });
});
