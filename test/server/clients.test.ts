import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { OTLPLogExporter } from '@opentelemetry/exporter-logs-otlp-http';
import { BatchLogRecordProcessor, LoggerProvider } from '@opentelemetry/sdk-logs';
import RudderAnalytics from '@rudderstack/rudder-sdk-node';
import { Analytics } from '@segment/analytics-node';
import { CloudEvent, emitterFor, httpTransport } from 'cloudevents';
import Libsql from 'libsql';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { createCollector } from '../../src/server/handler.js';
import type { LedgerReport } from '../../src/server/ledger/report.js';
import { serve } from '../../src/server/node.js';
import { createSqliteSink } from '../../src/server/sinks/sqlite.js';

// Other people's clients, as they are, against the collector with its database: real sockets, and the waits of their retries.
vi.setConfig({ testTimeout: 60_000 });

const cleanUps: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

/** What happens to a post: an answer without the collector, or (`lost`) stored by it and answered as if it were not. */
type Fault = 500 | 429 | 503 | 'lost';

interface Row {
  id: string;
  source: string;
  seq: number;
  name: string;
  category: string;
  user_id: string | null;
  properties: string;
}

async function startCollector({ faults = [] as Fault[] } = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'petrel-clients-'));
  cleanUps.push(() => rmSync(folder, { recursive: true, force: true }));
  const path = join(folder, 'events.db');
  const sink = await createSqliteSink({ path });
  const token = 'the-ledger-is-read-with-this';
  const collector = createCollector({ sink, keys: ['k1'], ledger: { token } });
  cleanUps.push(() => collector.close());
  const left = [...faults];
  const posts: Request[] = [];
  const { url } = await serve(
    async (request) => {
      if (request.method !== 'POST') return collector(request);
      const whole = new Request(request, { body: await request.arrayBuffer() });
      posts.push(whole.clone() as Request);
      const fault = left.shift();
      if (fault === 'lost') await collector(whole);
      if (fault === undefined) return collector(whole);
      const status = fault === 'lost' ? 503 : fault;
      return new Response(null, { status, headers: status === 429 ? { 'retry-after': '1' } : {} });
    },
    { host: '127.0.0.1' },
  ).then((serving) => {
    cleanUps.push(() => {
      serving.server.closeAllConnections();
      return serving.close();
    });
    return serving;
  });
  const db = new Libsql(path);
  cleanUps.push(() => db.close());
  return {
    url,
    posts,
    faultsLeft: () => left.length,
    rows: () => db.prepare('SELECT * FROM events ORDER BY name, id').all() as Row[],
    /** Posts everything again that was ever posted. */
    async replay() {
      for (const post of posts) expect((await collector(post.clone() as Request)).ok).toBe(true);
    },
    async ledger() {
      const headers = { authorization: `Bearer ${token}` };
      const answer = await collector(new Request(`${url}/ledger`, { headers }));
      return answer.json() as Promise<LedgerReport>;
    },
  };
}

type Collecting = Awaited<ReturnType<typeof startCollector>>;

/** A client of somebody else: emits `count` events named `event 000` …, resolves when it has nothing left to send. */
type Client = (collecting: Collecting, count: number) => Promise<void>;

const nameOf = (i: number) => `event ${String(i).padStart(3, '0')}`;

const segment: Client = async ({ url }, count) => {
  const analytics = new Analytics({ writeKey: 'k1', host: url.replace(/\/$/, ''), flushAt: 20, flushInterval: 50 });
  const errors: unknown[] = [];
  analytics.on('error', (error) => errors.push(error));
  for (let i = 0; i < count; i++) analytics.track({ userId: 'u1', event: nameOf(i), properties: { i } });
  await analytics.closeAndFlush({ timeout: 50_000 });
  expect(errors).toEqual([]);
};

const rudderstack: Client = async ({ url }, count) => {
  const analytics = new RudderAnalytics('k1', {
    dataPlaneUrl: url.replace(/\/$/, ''),
    flushAt: 20,
    flushInterval: 50,
    // Says nothing of the failures that it is made to meet.
    logLevel: 'none',
  });
  const sent: Promise<void>[] = [];
  for (let i = 0; i < count; i++) {
    sent.push(
      new Promise((resolve, reject) => {
        analytics.track({ userId: 'u1', event: nameOf(i), properties: { i } }, (error?: Error) =>
          error ? reject(error) : resolve(),
        );
      }),
    );
  }
  await Promise.all(sent);
};

const opentelemetry: Client = async ({ url }, count) => {
  const exporter = new OTLPLogExporter({
    url: new URL('/v1/logs', url).href,
    headers: { authorization: 'Bearer k1' },
    timeoutMillis: 30_000,
  });
  const provider = new LoggerProvider({
    processors: [new BatchLogRecordProcessor({ exporter, maxExportBatchSize: 20, scheduledDelayMillis: 50 })],
  });
  const logger = provider.getLogger('shop', '1.0');
  for (let i = 0; i < count; i++) {
    logger.emit({ eventName: nameOf(i), body: 'said', attributes: { 'user.id': 'u1', i } });
  }
  await provider.forceFlush();
  await provider.shutdown();
};

const cloudevents: Client = async ({ url }, count) => {
  const emit = emitterFor(httpTransport(`${url}?key=k1`));
  // This SDK tries once. Whoever uses it tries again himself.
  const deliver = async (event: CloudEvent<unknown>) => {
    for (;;) {
      const answer = (await emit(event)) as { body: string };
      if (answer.body.includes('accepted')) return;
    }
  };
  for (let i = 0; i < count; i++) {
    await deliver(new CloudEvent({ id: `id-${i}`, source: '/shop', type: nameOf(i), data: { i }, userid: 'u1' }));
  }
};

const CLIENTS: [name: string, client: Client, format: string, faults: Fault[]][] = [
  ['@segment/analytics-node', segment, 'segment', [500, 'lost', 429]],
  ['@rudderstack/rudder-sdk-node', rudderstack, 'segment', [500, 'lost', 429]],
  // By its specification, a 500 is not sent again.
  ['@opentelemetry/exporter-logs-otlp-http', opentelemetry, 'otlp', [503, 'lost', 429]],
  ['the cloudevents SDK', cloudevents, 'cloudevents', [500, 'lost', 429]],
];

describe.each(CLIENTS)('%s', (_, client, format, faults) => {
  it('delivers every event once, through failures and lost answers, and when all of it is posted again', async () => {
    const collecting = await startCollector({ faults });

    await client(collecting, 60);

    const expected = Array.from({ length: 60 }, (_event, i) => [nameOf(i), i, 'u1', format, 0]);
    const stored = () =>
      collecting.rows().map((row) => [row.name, JSON.parse(row.properties).i, row.user_id, row.source, row.seq]);
    expect(collecting.faultsLeft()).toBe(0);
    expect(stored()).toEqual(expected);

    await collecting.replay();

    expect(stored()).toEqual(expected);
  });

  it('is counted by the ledger without a source that could have gaps', async () => {
    const collecting = await startCollector();

    await client(collecting, 25);
    await collecting.replay();

    const { verdict, total } = await collecting.ledger();
    expect(verdict).toBe('nothing-missing');
    expect(total).toMatchObject({ unnumbered: 25, repeated: 25, missing: 0, possible: 0 });
  });
});

describe("Segment's calls", () => {
  it('each become an event of their kind', async () => {
    const collecting = await startCollector();
    const analytics = new Analytics({ writeKey: 'k1', host: collecting.url.replace(/\/$/, ''), flushInterval: 50 });
    analytics.identify({ userId: 'u1', traits: { plan: 'pro' } });
    analytics.page({ userId: 'u1', name: 'Home', properties: { path: '/' } });
    analytics.group({ userId: 'u1', groupId: 'g1', traits: { size: 3 } });
    analytics.alias({ userId: 'u1', previousId: 'u0' });

    await analytics.closeAndFlush({ timeout: 30_000 });

    expect(collecting.rows().map(({ name, category, properties }) => [name, category, JSON.parse(properties)])).toEqual(
      [
        ['Home', 'page', { path: '/' }],
        ['alias', 'identify', { previousId: 'u0' }],
        ['group', 'group', { size: 3 }],
        ['identify', 'identify', { plan: 'pro' }],
      ],
    );
  });

  it('are refused with another key, and the client says so', async () => {
    const collecting = await startCollector();
    const host = collecting.url.replace(/\/$/, '');
    const analytics = new Analytics({ writeKey: 'other', host, maxRetries: 0, flushInterval: 50 });
    const errors: unknown[] = [];
    analytics.on('error', (error) => errors.push(error));
    analytics.track({ userId: 'u1', event: 'A' });

    await analytics.closeAndFlush({ timeout: 30_000 });

    expect(errors).toHaveLength(1);
    expect(collecting.rows()).toEqual([]);
  });
});
