import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { HTTP } from 'cloudevents';
import type { Site } from './support/site.js';
import { expect, settled, type Tab, test, track } from './support/test.js';

const { opentelemetry } = createRequire(import.meta.url)('@opentelemetry/otlp-transformer/build/src/generated/root');
const LogsRequest = opentelemetry.proto.collector.logs.v1.ExportLogsServiceRequest;

interface Got {
  id: string;
  name: string;
}

/** How a vendor reads a body: by its own library, where it has one. */
const READ: { [format: string]: (body: string, type: string) => Got[] } = {
  segment: (body) =>
    JSON.parse(body).batch.map(({ messageId, event }: Record<string, string>) => ({ id: messageId, name: event })),
  cloudevents(body, type) {
    const events = HTTP.toEvent({ headers: { 'content-type': type }, body }) as { id: string; type: string }[];
    return events.map(({ id, type: name }) => ({ id, name: name.replace('petrel.custom.', '') }));
  },
  otlp(body) {
    const { resourceLogs } = LogsRequest.toObject(LogsRequest.fromObject(JSON.parse(body)));
    return resourceLogs[0].scopeLogs[0].logRecords.map(
      (record: { eventName: string; attributes: { key: string; value: { stringValue: string } }[] }) => ({
        id: record.attributes.find(({ key }) => key === 'log.record.uid')!.value.stringValue,
        name: record.eventName,
      }),
    );
  },
  ndjson: (body) =>
    body
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line)),
};

const ANSWER: { [format: string]: string } = { segment: '{"success":true}', cloudevents: '', otlp: '{}', ndjson: '' };

/** Somebody else's endpoint: answers the first post with 503, allows pages by CORS, and counts what it accepted. */
async function openVendor(format: string) {
  const accepted: Got[] = [];
  const refused: string[] = [];
  const types = new Set<string>();
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const headers = { 'access-control-allow-origin': '*', 'access-control-allow-headers': 'content-type' };
    if (request.method === 'OPTIONS') return void response.writeHead(204, headers).end();
    const body = Buffer.concat(chunks).toString('utf8');
    const type = request.headers['content-type'] ?? '';
    types.add(type);
    if (refused.length === 0) {
      refused.push(body);
      return void response.writeHead(503, headers).end();
    }
    accepted.push(...READ[format]!(body, type));
    response.writeHead(200, { ...headers, 'content-type': 'application/json' }).end(ANSWER[format]);
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/vendor`,
    accepted,
    refused,
    types,
    async close() {
      server.closeAllConnections();
      await new Promise((closed) => server.close(closed));
    },
  };
}

/** Away from the page, whose numbers a story's end would look for in Petrel's own collector. */
const leave = (tab: Tab, site: Site) => tab.goto(site.url('/elsewhere'));

test.describe('a page that speaks to somebody else’s pipeline', () => {
  for (const [format, type] of [
    ['segment', 'text/plain;charset=UTF-8'],
    ['cloudevents', 'application/cloudevents-batch+json'],
    ['otlp', 'application/json'],
    ['ndjson', 'application/x-ndjson'],
  ] as const) {
    test(`has each event arrive once as ${format}, through a failure and a reload`, async ({ visitor, site }) => {
      const vendor = await openVendor(format);
      try {
        Object.assign(site.options, {
          endpoint: vendor.url,
          format,
          serviceWorker: { url: '/petrel-sw-formats.js' },
          maxBatchSize: 25,
        });
        const tab = await visitor.open(site.url('/app'));

        const names = await track(tab, 60, { total: 12.5, lines: [{ sku: 'ä' }] });
        await settled(tab, 30_000);
        await tab.goto(site.url('/app?again'));
        names.push(...(await track(tab, 10)));
        await settled(tab, 30_000);

        expect(vendor.refused).toHaveLength(1);
        expect(vendor.accepted.map(({ name }) => name).sort()).toEqual([...names].sort());
        expect(new Set(vendor.accepted.map(({ id }) => id)).size).toBe(names.length);
        expect([...vendor.types]).toEqual([type]);
        await leave(tab, site);
      } finally {
        await vendor.close();
      }
    });
  }

  test('needs no worker for it', async ({ visitor, site }) => {
    const vendor = await openVendor('segment');
    try {
      Object.assign(site.options, { endpoint: vendor.url, format: 'segment', serviceWorker: false });
      const tab = await visitor.open(site.url('/app'));

      const names = await track(tab, 30);
      await settled(tab, 30_000);

      expect(vendor.refused).toHaveLength(1);
      expect(vendor.accepted.map(({ name }) => name)).toEqual(names);
      expect(site.asked).toContain('/petrel/in-page-formats.js');
      await leave(tab, site);
    } finally {
      await vendor.close();
    }
  });

  test('is told so when its worker does not know the format, and drops nothing', async ({ visitor, site }) => {
    Object.assign(site.options, { format: 'segment' });
    const tab = await visitor.open(site.url('/app'));
    await tab.evaluate(() => {
      const told: unknown[] = [];
      Object.assign(globalThis, { told });
      harness.tracker.on('error', (error) => void told.push(error.message));
    });

    await track(tab, 3);

    const told = () => tab.evaluate(() => (globalThis as unknown as { told: string[] }).told[0]);
    await expect
      .poll(told)
      .toContain('`format` "segment" is not known to this host (worker): serve petrel-sw-formats.js');
    const { page } = await tab.evaluate(() => harness.tracker.stats());
    expect(page).toMatchObject({ unacknowledged: 3, dropped: {} });
  });
});
