import { once } from 'node:events';
import { createServer, request as httpRequest } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { createCollector } from '../../src/server/handler.js';
import { type Handler, type ServeOptions, type Serving, serve, toNodeListener } from '../../src/server/node.js';
import type { CollectorOptions } from '../../src/server/options.js';
import { createMemorySink } from '../../src/server/sinks/memory.js';
import { gzip, queued, rows, SOURCE } from './support.js';

// Real sockets and real time here: this is the file that speaks to them. Waits are tens of milliseconds, unless the machine is busy.
vi.setConfig({ testTimeout: 30_000 });

const cleanUps: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

async function listen(handler: Handler, options: ServeOptions = {}): Promise<Serving> {
  const serving = await serve(handler, { host: '127.0.0.1', ...options });
  cleanUps.push(() => {
    serving.server.closeAllConnections();
    return serving.close();
  });
  return serving;
}

async function listenAsCollector(options: Partial<CollectorOptions> = {}, serveOptions: ServeOptions = {}) {
  const sink = createMemorySink();
  const errors: unknown[] = [];
  const onError = (error: unknown) => errors.push(error);
  const collector = createCollector({ sink, batch: { maxBatchAgeMs: 0 }, onError, ...options });
  const serving = await listen(collector, { onError, ...serveOptions });
  return { ...serving, collector, sink, errors };
}

/** A connection that says exactly what it is told to, and keeps what it hears. */
function dial(port: number): Socket & { heard: string } {
  const socket = Object.assign(connect(port, '127.0.0.1'), { heard: '' });
  socket.setEncoding('utf8').on('data', (text) => {
    socket.heard += text;
  });
  socket.setMaxListeners(0).on('error', () => {});
  cleanUps.push(() => socket.destroy());
  return socket;
}

async function until(condition: () => boolean, what: string): Promise<void> {
  for (let i = 0; i < 2000; i++) {
    if (condition()) return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error(`never: ${what}`);
}

const body = rows(queued(1, 3));
const head = (length: number | 'chunked', more = '') =>
  `POST / HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\n${length === 'chunked' ? 'Transfer-Encoding: chunked' : `Content-Length: ${length}`}\r\n${more}\r\n`;

describe('a collector on a port', () => {
  it('stores what is posted, and answers with JSON', async () => {
    const { url, sink } = await listenAsCollector();

    const plain = await fetch(url, { method: 'POST', body });
    const packed = await fetch(`${url}/any/path?enc=gzip`, { method: 'POST', body: gzip(rows(queued(4, 6))) });

    expect(await plain.json()).toMatchObject({ accepted: 3 });
    expect(await packed.json()).toMatchObject({ accepted: 3 });
    expect(plain.headers.get('content-length')).toBeTruthy();
    expect(plain.headers.get('date')).toBeTruthy();
    expect(sink.events.size).toBe(6);
  });

  it('serves one request after another on a connection, also after a refusal', async () => {
    const { port, sink } = await listenAsCollector();
    const socket = dial(port);

    socket.write(`${head(body.length)}${body}`);
    await until(() => socket.heard.includes('"accepted":3'), 'the first answer');
    socket.write(`${head(3)}abc`);
    await until(() => socket.heard.includes('invalid-json'), 'the refusal');
    const more = rows(queued(4, 4));
    socket.write(`${head(more.length)}${more}`);
    await until(() => socket.heard.includes('"accepted":1'), 'the third answer');

    expect(sink.events.size).toBe(4);
  });

  it('answers requests that come in one piece in their order', async () => {
    const { port } = await listenAsCollector();
    const socket = dial(port);
    const one = rows(queued(1, 1));
    const two = rows(queued(1, 2));

    socket.write(`${head(one.length)}${one}${head(two.length)}${two}GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n`);
    await until(() => socket.heard.includes('"status":"ok"'), 'the last answer');

    expect(socket.heard.match(/"accepted":\d,"duplicates":\d|"status":"ok"/g)).toEqual([
      '"accepted":1,"duplicates":0',
      '"accepted":1,"duplicates":1',
      '"status":"ok"',
    ]);
  });

  it('stores nothing of a body that stops halfway, and lives on', async () => {
    const { port, url, sink, errors } = await listenAsCollector();

    for (const cut of [0, 1, Math.floor(body.length / 2), body.length - 1]) {
      const socket = dial(port);
      socket.write(head(body.length) + body.slice(0, cut));
      await new Promise((resolve) => setTimeout(resolve, 20));
      socket.destroy();
    }
    const chunked = dial(port);
    chunked.write(`${head('chunked')}10\r\n${body.slice(0, 16)}\r\n`);
    await new Promise((resolve) => setTimeout(resolve, 20));
    chunked.resetAndDestroy();

    expect((await fetch(url, { method: 'POST', body: rows(queued(9, 9)) })).status).toBe(200);
    expect([...sink.events.keys()]).toEqual([`${SOURCE}.9`]);
    expect(errors).toEqual([]);
  });

  it('stores a whole body whose sender does not wait for the answer, as a leaving page does', async () => {
    const { port, sink } = await listenAsCollector();
    const socket = dial(port);

    socket.end(head(body.length) + body);

    await until(() => sink.events.size === 3, 'the events');
  });

  it('tells a sender of too much so, while it is still sending', async () => {
    const { port, sink } = await listenAsCollector({ limits: { maxBodyBytes: 100_000 } });
    const socket = dial(port);
    const chunk = `10000\r\n${' '.repeat(65_536)}\r\n`;

    // 3 MB in chunks, sent to the end before anything is read.
    socket.pause();
    socket.write(head('chunked') + chunk.repeat(48));
    socket.end('0\r\n\r\n');
    await new Promise((resolve) => setTimeout(resolve, 100));
    socket.resume();
    await until(() => socket.heard.includes('}'), 'the answer');

    expect(socket.heard).toMatch(/^HTTP\/1\.1 413 /);
    expect(JSON.parse(socket.heard.split('\r\n\r\n')[1]!)).toMatchObject({ error: 'too-large', limitBytes: 100_000 });
    expect(sink.events.size).toBe(0);
  });

  it('does not wait for a body that is announced too large, and lets the sender read why', async () => {
    const { url } = await listenAsCollector({ limits: { maxBodyBytes: 100_000 } });

    const response = await fetch(url, { method: 'POST', body: ' '.repeat(3_000_000) });

    expect(response.status).toBe(413);
    expect(await response.json()).toMatchObject({ limitBytes: 100_000 });
  });

  it('closes on who goes on sending after the answer', async () => {
    const { port } = await listenAsCollector({ limits: { maxBodyBytes: 100_000 } });
    const socket = dial(port);
    const chunk = `100000\r\n${' '.repeat(1_048_576)}\r\n`;
    let open = true;
    socket.once('close', () => {
      open = false;
    });

    socket.write(head('chunked'));
    for (let sent = 0; open && sent < 200; sent++) {
      if (!socket.write(chunk)) await Promise.race([once(socket, 'drain'), once(socket, 'close')]).catch(() => {});
    }

    await until(() => !open, 'the connection closed');
    // 16 MiB are let in, and what was on its way: not 200.
    expect(socket.bytesWritten).toBeLessThan(150_000_000);
  });

  it('gives up on a body that trickles', async () => {
    const { port, collector } = await listenAsCollector({}, { bodyTimeoutMs: 100 });
    const socket = dial(port);
    const trickle = setInterval(() => socket.write(' '), 20);
    cleanUps.push(() => clearInterval(trickle));

    socket.write(head(1000));
    await until(() => socket.heard.includes('}'), 'the answer');

    expect(socket.heard).toMatch(/^HTTP\/1\.1 408 /);
    expect(socket.heard).toContain('"error":"timeout"');
    expect(collector.state().waitingEvents).toBe(0);
  });

  it('gives up on headers that trickle', async () => {
    const { port } = await listenAsCollector({}, { headersTimeoutMs: 100 });
    const socket = dial(port);
    const trickle = setInterval(() => socket.write('X-More: 1\r\n'), 20);
    cleanUps.push(() => clearInterval(trickle));

    socket.write('POST / HTTP/1.1\r\nHost: x\r\n');
    await until(() => socket.heard.includes('}'), 'the answer');

    expect(socket.heard).toMatch(/^HTTP\/1\.1 408 /);
    expect(socket.heard).toContain('"error":"timeout"');
  });

  it.each([
    ['no HTTP', 'hello\r\n\r\n', 400],
    ['TLS', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03', 400],
    ['a negative length', 'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n', 400],
    ['two lengths', 'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello', 400],
    ['a length and chunks', `${head('chunked', 'Content-Length: 5\r\n')}0\r\n\r\n`, 400],
    ['a broken chunk', `${head('chunked')}zz\r\nhello\r\n`, 400],
    ['a target that is not ASCII', 'GET /ä HTTP/1.1\r\nHost: x\r\n\r\n', 400],
    ['no host', 'POST / HTTP/1.1\r\nContent-Length: 0\r\n\r\n', 400],
    ['headers without end', `POST / HTTP/1.1\r\nHost: x\r\nX: ${'x'.repeat(100_000)}\r\n\r\n`, 431],
    ['TRACE', 'TRACE / HTTP/1.1\r\nHost: x\r\n\r\n', 400],
  ])('answers %s, and lives on', async (_, bytes, status) => {
    const { port, url, sink, errors } = await listenAsCollector();
    const socket = dial(port);

    socket.write(bytes);
    await until(() => socket.heard !== '', 'an answer');

    expect(socket.heard).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
    expect((await fetch(url, { method: 'POST', body })).status).toBe(200);
    expect(sink.events.size).toBe(3);
    expect(errors).toEqual([]);
  });

  it('survives noise from many connections', async () => {
    const { port, url, sink, errors } = await listenAsCollector();
    const noise = (i: number) => Buffer.from(Array.from({ length: 300 }, (_, k) => (i * 31 + k * k * 7) % 256));

    await Promise.all(
      Array.from({ length: 100 }, async (_, i) => {
        const socket = dial(port);
        socket.write(i % 2 ? noise(i) : Buffer.concat([Buffer.from(head(500)), noise(i)]));
        await new Promise((resolve) => setTimeout(resolve, i));
        if (i % 3) socket.destroy();
        else socket.resetAndDestroy();
      }),
    );

    expect(await (await fetch(url, { method: 'POST', body })).json()).toMatchObject({ accepted: 3 });
    expect(sink.events.size).toBe(3);
    expect(errors).toEqual([]);
  });

  it('answers a health check, by HEAD too', async () => {
    const { url } = await listenAsCollector();

    expect(await (await fetch(`${url}/healthz`)).json()).toMatchObject({ status: 'ok' });
    expect((await fetch(`${url}/healthz`, { method: 'HEAD' })).status).toBe(200);
  });
});

describe('the adapter', () => {
  it.each([
    ['/a/b?c=d&e', 'http://x/a/b?c=d&e'],
    ['//evil.example/a', 'http://x//evil.example/a'],
    ['http://evil.example/a?b', 'http://x/a?b'],
    ['/%', 'http://x/%'],
    ['/a#b', 'http://x/a%23b'],
    ['/a?b#c', 'http://x/a?b%23c'],
    ['/../a/../../x', 'http://x/x'],
  ])('makes a URL of the target %s that stays on this host', async (target, expected) => {
    const { port } = await listen((request) => new Response(request.url));
    const socket = dial(port);

    socket.write(Buffer.from(`GET ${target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`));
    await until(() => socket.heard.includes('\r\n\r\n'), 'an answer');

    await until(() => socket.heard.includes(expected), `${expected} in ${socket.heard}`);
  });

  it.each(['', 'a b', 'x/y?z', '[::1', 'x:99999', '\u0001'])('makes do with the host %j', async (host) => {
    const { port } = await listen((request) => new Response(new URL(request.url).pathname));
    const socket = dial(port);

    socket.write(`GET /here HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);
    await until(() => socket.heard.includes('\r\n\r\n'), 'an answer');

    expect(socket.heard).toMatch(/\/here|^HTTP\/1\.1 400 /);
  });

  it.each<[string, Handler]>([
    [
      'throws',
      () => {
        throw new Error('bug');
      },
    ],
    ['rejects', () => Promise.reject(new Error('bug'))],
    ['returns nothing', () => undefined as unknown as Response],
  ])('answers 500 for a handler that %s, and tells the operator', async (_, handler) => {
    const errors: unknown[] = [];
    const { url } = await listen(handler, { onError: (error) => errors.push(error) });

    const response = await fetch(url, { method: 'POST', body });

    expect(response.status).toBe(500);
    expect(await response.json()).toEqual({ error: 'internal', message: 'the collector failed on this request' });
    expect(errors).toHaveLength(1);
  });

  it('streams what the handler answers, and tells it when the client is gone', async () => {
    let cancelled = false;
    let signal: AbortSignal | undefined;
    const { port } = await listen((request) => {
      signal = request.signal;
      const stream = new ReadableStream({
        start: (controller) => controller.enqueue(new TextEncoder().encode('data: 1\n\n')),
        cancel: () => {
          cancelled = true;
        },
      });
      return new Response(stream, {
        headers: [
          ['content-type', 'text/event-stream'],
          ['set-cookie', 'a=1'],
          ['set-cookie', 'b=2'],
        ],
      });
    });
    const client = httpRequest({ port, host: '127.0.0.1' }).end();

    const [response] = await once(client, 'response');
    const [chunk] = await once(response, 'data');
    client.on('error', () => {});
    client.destroy();

    expect(String(chunk)).toBe('data: 1\n\n');
    expect(response.headers).toMatchObject({ 'content-type': 'text/event-stream', 'set-cookie': ['a=1', 'b=2'] });
    await until(() => cancelled && signal!.aborted, 'the handler was told');
  });

  it('cuts an answer that breaks off, so that nobody takes it for whole', async () => {
    const errors: unknown[] = [];
    const handler = () =>
      new Response(
        new ReadableStream({
          start: (controller) => controller.enqueue(new TextEncoder().encode('half')),
          pull: (controller) => controller.error(new Error('bug')),
        }),
      );
    const { url } = await listen(handler, { onError: (error) => errors.push(error) });

    await expect(fetch(url).then((response) => response.text())).rejects.toThrow();

    expect(errors).toMatchObject([{ message: 'bug' }]);
  });

  it('fits a server of one’s own', async () => {
    const server = createServer(toNodeListener(() => new Response('hello')));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    cleanUps.push(() => server.close());

    const response = await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);

    expect(await response.text()).toBe('hello');
  });
});

describe('serve', () => {
  it('says which port is taken, and what to do', async () => {
    const { port } = await listen(() => new Response());

    await expect(serve(() => new Response(), { host: '127.0.0.1', port })).rejects.toMatchObject({
      code: 'invalid-option',
      message: `\`port\` ${port} on 127.0.0.1 is taken by another process; stop that one, or choose another port (0 takes a free one)`,
    });
  });

  it('says when the host is not one of this machine', async () => {
    await expect(serve(() => new Response(), { host: '192.0.2.1' })).rejects.toThrow(/cannot listen on 192\.0\.2\.1:0/);
  });

  it('finishes what it is answering when it is closed', async () => {
    let answer: (() => void) | undefined;
    const serving = await listen(
      () =>
        new Promise((resolve) => {
          answer = () => resolve(new Response('done'));
        }),
    );
    const response = fetch(serving.url);
    await until(() => answer !== undefined, 'the request');

    const closed = serving.close();
    await expect(fetch(serving.url)).rejects.toThrow();
    answer!();

    expect(await (await response).text()).toBe('done');
    await closed;
  });

  it('cuts what does not finish in time when it is closed', async () => {
    const { url, close } = await listen(() => new Response(new ReadableStream()), { closeTimeoutMs: 50 });
    const response = await fetch(url);

    await close();

    await expect(response.text()).rejects.toThrow();
  });

  it('takes no more connections than it may', async () => {
    const { port, url } = await listen(() => new Response('ok'), { maxConnections: 1 });
    const first = dial(port);
    await once(first, 'connect');
    first.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
    await until(() => first.heard.includes('ok'), 'the first answer');

    await expect(fetch(url)).rejects.toThrow();
  });

  it.each([
    [{ port: 70_000 }, '`port` must be a whole number from 0 to 65535, not 70000'],
    [{ host: '' }, '`host` must be a name or an address, not ""'],
    [{ bodyTimeoutMs: 1 }, '`bodyTimeoutMs` must be a whole number from 100 to 3600000, not 1'],
    [{ headersTimeoutMs: 1 }, '`headersTimeoutMs` must be a whole number from 100 to 3600000, not 1'],
    [{ keepAliveTimeoutMs: -1 }, '`keepAliveTimeoutMs` must be a whole number from 0 to 3600000, not -1'],
    [{ closeTimeoutMs: -1 }, '`closeTimeoutMs` must be a whole number from 0 to 600000, not -1'],
    [{ maxConnections: 0 }, '`maxConnections` must be a whole number from 1 to 1000000, not 0'],
  ])('refuses the options %j', async (options, message) => {
    await expect(serve(() => new Response(), options)).rejects.toThrow(message);
    expect(() => toNodeListener('handler' as never)).toThrow(/handler must be a function/);
  });
});
