// One collector for all SDKs, on another site than the page. It answers what each one's server would, counts bytes where they
// arrive, headers included, and finds our events in whatever form they come.

import { createServer } from 'node:http';
import { gunzipSync, inflateSync } from 'node:zlib';

/** What each event is known by, see `eventAt` in driver.js. */
const REF = /r-1(\d{6})(?!\d)/g;

/**
 * @typedef {object} Collector
 * @property {string} origin
 * @property {(answer?: import('./sdks.mjs').Sdk['answer']) => void} forget Begins anew, for another SDK.
 * @property {() => Traffic} traffic
 * @property {(first: number, count: number, withinMs: number) => Promise<number>} arrival Waits until that many of our events have arrived; how many did.
 * @property {() => Promise<void>} down Refuses connections.
 * @property {() => Promise<void>} up
 * @property {() => Promise<void>} close
 */

/**
 * @typedef {object} Traffic
 * @property {number} bytes From the browser, headers and preflights included.
 * @property {number} requests Without preflights.
 * @property {number} preflights
 * @property {Map<number, { at: number, times: number }>} events Of ours: when it came first, and in how many requests it was.
 */

/** @returns {Promise<Collector>} */
export async function createCollector() {
  /** @type {import('./sdks.mjs').Sdk['answer']} */
  let answerOf;
  /** @type {Traffic} */
  let traffic;
  /** @type {(() => void)[]} */
  const waiting = [];
  let port = 0;
  /** @type {Set<import('node:net').Socket>} */
  const sockets = new Set();
  /** Bytes of a connection that are counted. @type {WeakMap<import('node:net').Socket, number>} */
  const counted = new WeakMap();

  const forget = (/** @type {import('./sdks.mjs').Sdk['answer']} */ answer = undefined) => {
    answerOf = answer;
    traffic = { bytes: 0, requests: 0, preflights: 0, events: new Map() };
  };
  forget();

  const server = createServer(async (req, res) => {
    /** @type {Buffer[]} */
    const chunks = [];
    try {
      for await (const chunk of req) chunks.push(chunk);
    } catch {
      return;
    }
    const { socket } = req;
    traffic.bytes += socket.bytesRead - (counted.get(socket) ?? 0);
    counted.set(socket, socket.bytesRead);
    const cors = {
      'access-control-allow-origin': req.headers.origin ?? '*',
      'access-control-allow-credentials': 'true',
      'access-control-expose-headers': 'Retry-After, Date',
      'cross-origin-resource-policy': 'cross-origin',
      'timing-allow-origin': '*',
    };
    if (req.method === 'OPTIONS') {
      traffic.preflights++;
      res.writeHead(204, {
        ...cors,
        'access-control-allow-methods': 'GET, POST, PUT',
        'access-control-allow-headers': req.headers['access-control-request-headers'] ?? '*',
        'access-control-max-age': '7200',
      });
      res.end();
      return;
    }
    traffic.requests++;
    const text = textOf(Buffer.concat(chunks), req.url ?? '');
    const refs = new Set(Array.from(text.matchAll(REF), (match) => Number(match[1])));
    const at = performance.now();
    for (const ref of refs) {
      const known = traffic.events.get(ref);
      if (known) known.times++;
      else traffic.events.set(ref, { at, times: 1 });
    }
    const { status = 200, body = {} } = answerOf?.(refs.size, parse(text)) ?? {};
    res.writeHead(status, { ...cors, 'content-type': typeof body === 'string' ? 'text/plain' : 'application/json' });
    res.end(typeof body === 'string' ? body : JSON.stringify(body));
    if (refs.size > 0) for (const look of waiting.splice(0)) look();
  });
  // Longer than any SDK's pause: reconnecting would be counted as the SDK's work.
  server.keepAliveTimeout = 120_000;
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => socket.destroy());
  });

  const up = () =>
    new Promise((/** @type {(value: void) => void} */ done, failed) => {
      server.once('error', failed);
      server.listen(port, '127.0.0.1', () => {
        server.off('error', failed);
        port = /** @type {import('node:net').AddressInfo} */ (server.address()).port;
        done();
      });
    });
  const down = () =>
    new Promise((/** @type {(value: void) => void} */ done) => {
      if (!server.listening) return done();
      server.close(() => done());
      for (const socket of sockets) socket.destroy();
    });
  await up();

  return {
    origin: `http://127.0.0.1:${port}`,
    forget,
    traffic: () => traffic,
    async arrival(first, count, withinMs) {
      const until = performance.now() + withinMs;
      for (;;) {
        let arrived = 0;
        for (const ref of traffic.events.keys()) if (ref >= first && ref < first + count) arrived++;
        const leftMs = until - performance.now();
        if (arrived >= count || leftMs <= 0) return arrived;
        await new Promise((/** @type {(value: void) => void} */ done) => {
          const timer = setTimeout(done, leftMs);
          waiting.push(() => {
            clearTimeout(timer);
            done();
          });
        });
      }
    },
    down,
    up: async () => {
      if (!server.listening) await up();
    },
    close: down,
  };
}

/**
 * The body as text, whatever it is wrapped in: gzip, deflate, a form, base64; the query where there is no body.
 *
 * @param {Buffer} body
 * @param {string} url
 */
function textOf(body, url) {
  let bytes = body;
  try {
    if (bytes[0] === 0x1f && bytes[1] === 0x8b) bytes = gunzipSync(bytes);
    else if (bytes[0] === 0x78 && bytes[1] !== 0x22) bytes = inflateSync(bytes);
  } catch {
    // It only looked like it.
  }
  const text = bytes.length > 0 ? bytes.toString() : new URL(url, 'http://collector').search.slice(1);
  const form = text.startsWith('data=') ? (new URLSearchParams(text).get('data') ?? '') : text;
  return form.startsWith('{') || form.startsWith('[') || form.search(REF) >= 0
    ? form
    : Buffer.from(form, 'base64').toString();
}

/** @param {string} text */
function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
