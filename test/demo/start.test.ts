import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createDemoProcesses, type DemoProcesses } from './demo-process.js';

let demo: DemoProcesses;

beforeEach(async () => {
  demo = await createDemoProcesses();
});

afterEach(() => demo.clear());

const SOURCE = 'a-source-of-22-letters';

function post(collector: string, first: number, last: number) {
  const events = Array.from({ length: last - first + 1 }, (_, i) => [
    0,
    first + i,
    Date.now(),
    `Clicked ${first + i}`,
    { n: i },
  ]);
  const origins = [{ source: SOURCE, context: { url: 'http://localhost/shop/rain-gauge?q=1' } }];
  const body = { petrel: 1, key: 'demo', sentAt: Date.now(), form: 'rows', origins, events };
  return fetch(collector, { method: 'POST', headers: { 'content-type': 'text/plain' }, body: JSON.stringify(body) });
}

interface Message {
  event: string;
  // biome-ignore lint/suspicious/noExplicitAny: what the stream says, as a browser would read it
  data: any;
}

/** Reads the live stream until a message is the one that is looked for; gives back all up to it. */
async function follow(site: string, until: (message: Message) => boolean): Promise<Message[]> {
  const abort = new AbortController();
  const response = await fetch(`${site}live/stream`, { signal: abort.signal });
  expect(response.headers.get('content-type')).toContain('text/event-stream');
  const messages: Message[] = [];
  let text = '';
  try {
    for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) {
      text += chunk;
      const parts = text.split('\n\n');
      text = parts.pop()!;
      for (const part of parts) {
        const event = part.match(/^event: (.*)$/m)?.[1];
        const data = part.match(/^data: (.*)$/m)?.[1];
        if (!event || !data) continue;
        messages.push({ event, data: JSON.parse(data) });
        if (until(messages.at(-1)!)) return messages;
      }
    }
  } finally {
    abort.abort();
  }
  throw new Error(`the stream ended first: ${JSON.stringify(messages)}`);
}

const rowsOf = (messages: Message[]) => messages.flatMap(({ data }) => data.rows ?? []);

describe('a visit', () => {
  test('finds every page of the shop, under a policy that takes scripts and workers from the site alone', async () => {
    const { site, collector } = await demo.start();

    for (const path of [
      '',
      'shop',
      'shop?q=rain',
      'shop/drizzle-rain-gauge',
      'basket',
      'journal',
      'about',
      'app',
      'app/year',
      'tides',
    ]) {
      const page = await fetch(site + path);
      const policy = page.headers.get('content-security-policy');

      expect(page.status, path).toBe(200);
      expect(policy).toContain("script-src 'self'; worker-src 'self'");
      expect(policy).toContain(`connect-src 'self' ${collector}`);
      expect(await page.text()).toContain(`data-endpoint="${collector}"`);
    }
  });

  test('finds the tracker, and a worker file that is never used without asking', async () => {
    const { site, collector } = await demo.start();

    const tag = await fetch(`${site}petrel.js`);
    const worker = await fetch(`${site}petrel-sw.js`);
    const module = await fetch(`${site}petrel/index.js`);

    expect([tag.status, worker.status, module.status]).toEqual([200, 200, 200]);
    expect(worker.headers.get('cache-control')).toBe('no-cache');
    expect(worker.headers.get('content-type')).toContain('text/javascript');
    expect(worker.headers.get('content-security-policy')).toBe(`default-src 'none'; connect-src ${collector}`);
  });

  test('gets 404 for what is not there, and nothing from outside of the site', async () => {
    const { site } = await demo.start();

    const statuses = [];
    for (const path of [
      'nope',
      'shop/nope',
      'shop.css.bak',
      '..%2f..%2fpackage.json',
      'petrel/..%2fpackage.json',
      'live/feed.mjs',
    ]) {
      statuses.push((await fetch(site + path)).status);
    }

    expect(statuses).toEqual([404, 404, 404, 404, 404, 404]);
    expect((await fetch(site, { method: 'POST' })).status).toBe(405);
  });

  test('is not tracked on the live page', async () => {
    const { site } = await demo.start();

    const page = await (await fetch(`${site}live`)).text();

    expect(page).not.toContain('petrel.js');
    expect(page).toContain('/live/live.js');
  });
});

describe('the ledger on the live page', () => {
  test('says of each number what became of it, and is not told how to ask the collector', async () => {
    const { site, collector } = await demo.start();
    expect((await post(collector, 1, 3)).status).toBe(200);
    expect((await post(collector, 6, 7)).status).toBe(200);

    const report = await (await fetch(`${site}live/ledger`)).json();

    expect(report).toMatchObject({
      verdict: 'nothing-missing',
      total: { sources: 1, accepted: 7, delivered: 5, possible: 2, unknown: 0, missing: 0 },
    });
    expect((await fetch(`${collector}ledger`)).status).not.toBe(200);
    expect(await (await fetch(`${site}live/live.js`)).text()).not.toMatch(/Bearer|authorization/i);
  });
});

describe('the live stream', () => {
  test('shows a posted batch, each event once, and has it after a restart', async () => {
    const first = await demo.start();
    const watched = follow(first.site, ({ event, data }) => event === 'status' && data.status.requestCount === 2);

    expect((await post(first.collector, 1, 3)).status).toBe(200);
    expect((await post(first.collector, 2, 4)).status).toBe(200);
    const messages = await watched;

    expect(rowsOf(messages).map(({ id }) => id)).toEqual([1, 2, 3, 4].map((seq) => `${SOURCE}.${seq}`));
    expect(rowsOf(messages)[0]).toMatchObject({
      name: 'Clicked 1',
      seq: 1,
      page: '/shop/rain-gauge',
      properties: { n: 0 },
      form: 'rows',
    });
    expect(messages.at(-1)!.data.status).toMatchObject({
      unique: 4,
      received: 6,
      duplicates: 2,
      failed: 0,
      sources: [{ source: SOURCE, last: 4, missing: [], dropped: [] }],
    });

    const ended = await first.interrupt();
    expect(ended.code).toBe(0);
    expect(ended.output).toContain('Closed, with 4 events');

    const second = await demo.start();
    expect(second.output()).toContain('4 events from before');
    const [snapshot] = await follow(second.site, () => true);
    expect(snapshot!.event).toBe('snapshot');
    expect(rowsOf([snapshot!]).map(({ seq }) => seq)).toEqual([4, 3, 2, 1]);
  });

  test('shows a hole in the numbers of a source, and closes it when the events arrive', async () => {
    const { site, collector } = await demo.start();

    await post(collector, 1, 2);
    await post(collector, 6, 7);
    const [before] = await follow(site, () => true);
    await post(collector, 3, 5);
    const [after] = await follow(site, () => true);

    expect(before!.data.status.sources[0]).toMatchObject({ last: 7, rows: 4, missing: [[3, 5]] });
    expect(after!.data.status.sources[0]).toMatchObject({ last: 7, rows: 7, missing: [] });
  });

  test('reads older rows from the database', async () => {
    const { site, collector } = await demo.start();
    await post(collector, 1, 130);
    const [snapshot] = await follow(site, () => true);
    const shown = rowsOf([snapshot!]);

    const older = await (await fetch(`${site}live/rows?before=${shown.at(-1).order}`)).json();

    expect(shown.map(({ seq }) => seq)).toEqual(Array.from({ length: shown.length }, (_, i) => 130 - i));
    expect(older.rows.map(({ seq }: { seq: number }) => seq)).toEqual(
      Array.from({ length: 130 - shown.length }, (_, i) => 130 - shown.length - i),
    );
    expect((await fetch(`${site}live/rows?before=x`)).status).toBe(400);
  });
});

describe('misbehaviour on request', () => {
  const ask = (site: string, body: unknown, origin = new URL(site).origin) =>
    fetch(`${site}live/fault`, { method: 'POST', headers: { origin }, body: JSON.stringify(body) });

  test('refuses connections until it is ended', async () => {
    const { site, collector } = await demo.start();

    expect((await ask(site, { kind: 'refuse', seconds: 60 })).status).toBe(200);
    await expect(post(collector, 1, 1)).rejects.toThrow('fetch failed');
    const [during] = await follow(site, () => true);
    expect((await ask(site, { kind: 'none' })).status).toBe(200);

    expect(during!.data.status.fault).toMatchObject({ kind: 'refuse' });
    expect((await post(collector, 1, 1)).status).toBe(200);
  });

  test('answers 503, 429 with Retry-After, or stores and says nothing', async () => {
    const { site, collector } = await demo.start();

    await ask(site, { kind: 'unavailable', seconds: 60 });
    expect((await post(collector, 1, 1)).status).toBe(503);
    await ask(site, { kind: 'rate-limit', seconds: 60 });
    const limited = await post(collector, 1, 1);
    expect([limited.status, limited.headers.get('retry-after')]).toEqual([429, '10']);
    await ask(site, { kind: 'lose-answers', seconds: 60 });
    await expect(post(collector, 1, 1)).rejects.toThrow('fetch failed');
    await ask(site, { kind: 'none' });
    const again = await (await post(collector, 1, 1)).json();

    expect(again).toMatchObject({ accepted: 0, duplicates: 1 });
  });

  test('is not open to other sites, nor to nonsense', async () => {
    const { site, collector } = await demo.start();

    expect((await ask(site, { kind: 'refuse', seconds: 60 }, 'https://elsewhere.example')).status).toBe(403);
    expect((await ask(site, { kind: 'explode', seconds: 5 })).status).toBe(400);
    expect((await ask(site, { kind: 'refuse', seconds: 1e9 })).status).toBe(400);
    expect((await ask(site, null)).status).toBe(400);

    expect((await post(collector, 1, 1)).status).toBe(200);
  });
});

describe('the command line', () => {
  test('explains itself', async () => {
    const { code, output } = await demo.refused(['--help']);

    expect(code).toBe(0);
    for (const word of ['--port', '--collector-port', '--host', '--db', 'PETREL_DEMO_PORT'])
      expect(output).toContain(word);
  });

  test.each([
    [['--port', 'abc'], {}, '`--port` must be a whole number from 0 to 65535, not "abc".'],
    [['--port', '65536'], {}, '`--port` must be a whole number from 0 to 65535, not "65536".'],
    [['-c', '-1'], {}, '--collector-port'],
    [['--prot', '1'], {}, "Unknown option '--prot'"],
    [['4700'], {}, "Unexpected argument '4700'"],
    [['--port', '4999', '--collector-port', '4999'], {}, 'cannot share port 4999'],
    [['--db', ''], {}, '`--db` must not be empty.'],
    [[], { PETREL_DEMO_PORT: '1e3' }, '`PETREL_DEMO_PORT` must be a whole number'],
  ] satisfies [string[], Record<string, string>, string][])('refuses %j %j', async (args, env, message) => {
    const { code, output } = await demo.refused(args, env);

    expect(output).toContain(message);
    expect(code).toBe(2);
  });

  test('names a port that is taken, and starts nothing', async () => {
    const other: Server = createServer();
    await new Promise<void>((done) => other.listen(0, '127.0.0.1', done));
    const { port } = other.address() as AddressInfo;

    const asSite = await demo.refused(['--port', `${port}`, '--collector-port', '0', '--db', demo.db]);
    const asCollector = await demo.refused(['--port', '0', '--collector-port', `${port}`, '--db', demo.db]);
    await new Promise((done) => other.close(done));

    expect(asSite).toMatchObject({
      code: 1,
      output: expect.stringContaining(`Port ${port} is taken by another program`),
    });
    expect(asCollector).toMatchObject({ code: 1, output: expect.stringContaining('--collector-port') });
  });

  test('says when the database cannot be one', async () => {
    const { code, output } = await demo.refused(['--port', '0', '--collector-port', '0', '--db', demo.folder]);

    expect(code).toBe(1);
    expect(output).toContain('is a folder');
  });
});
