/**
 * The live page over HTTP: its files, the stream of what happens, older rows on request, and the switch for faults.
 */
import { readFileSync } from 'node:fs';
import { send } from '../site/server.mjs';

/** @typedef {import('../site/server.mjs').Req} Req */
/** @typedef {import('../site/server.mjs').Res} Res */

const FILES = {
  '/live': ['index.html', 'text/html; charset=utf-8'],
  '/live/live.css': ['live.css', 'text/css; charset=utf-8'],
  '/live/live.js': ['live.js', 'text/javascript; charset=utf-8'],
};

const PAGE_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  "img-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

/** A comment line now and then keeps proxies from closing a silent stream, and finds out that a reader has gone. */
const HEARTBEAT_MS = 15_000;
const LARGEST_BODY = 1_024;
/** A reader that takes nothing for so long that this many bytes pile up is cut off; it reconnects and gets a snapshot. */
const LARGEST_BACKLOG = 8_388_608;

/**
 * @param {object} live
 * @param {ReturnType<import('./feed.mjs').createFeed>} live.feed
 * @param {ReturnType<import('./faults.mjs').createFaults>} live.faults
 * @param {() => Promise<Response>} live.ledger Asks the collector for its ledger.
 */
export function createLive({ feed, faults, ledger }) {
  /** @type {Set<Res>} */
  const streams = new Set();

  /**
   * @param {Req} req @param {Res} res @param {URL} url
   * @returns {boolean} whether this was for the live page
   */
  function handle(req, res, url) {
    const { pathname } = url;
    if (pathname !== '/live' && !pathname.startsWith('/live/')) return false;
    const file = FILES[/** @type {keyof typeof FILES} */ (pathname)];
    if (pathname === '/live/fault') {
      // The body may break off in the middle.
      if (req.method === 'POST') setFault(req, res).catch(() => res.destroy());
      else send(req, res, 405, 'POST only\n', { allow: 'POST' });
    } else if (req.method !== 'GET' && req.method !== 'HEAD') {
      send(req, res, 405, 'GET only\n', { allow: 'GET, HEAD' });
    } else if (file) {
      const [name, type] = file;
      // Read at each request, so that one can work on it while it runs.
      send(req, res, 200, readFileSync(new URL(/** @type {string} */ (name), import.meta.url), 'utf8'), {
        'content-type': /** @type {string} */ (type),
        ...(pathname === '/live' && { 'content-security-policy': PAGE_POLICY }),
      });
    } else if (pathname === '/live/ledger') {
      tellLedger(req, res).catch(() => res.destroy());
    } else if (pathname === '/live/stream') {
      stream(req, res);
    } else if (pathname === '/live/rows') {
      const before = Number(url.searchParams.get('before'));
      if (!Number.isSafeInteger(before) || before < 0)
        sendJson(req, res, 400, { message: '`before` must be a whole number' });
      else sendJson(req, res, 200, { rows: feed.older(before) });
    } else {
      send(req, res, 404, 'No such file\n');
    }
    return true;
  }

  /** @param {Req} req @param {Res} res */
  function stream(req, res) {
    res.writeHead(200, {
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-cache, no-transform',
      'x-accel-buffering': 'no',
    });
    if (req.method === 'HEAD') {
      res.end();
      return;
    }
    // How soon the page tries again after the server has gone, in ms.
    res.write('retry: 1000\n\n');
    const end = feed.follow((event, data) => {
      if (res.writableLength > LARGEST_BACKLOG) res.destroy();
      else res.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
    });
    const heartbeat = setInterval(() => res.write(': still here\n\n'), HEARTBEAT_MS);
    streams.add(res);
    res.on('close', () => {
      end();
      clearInterval(heartbeat);
      streams.delete(res);
    });
  }

  /** @param {Req} req @param {Res} res */
  async function tellLedger(req, res) {
    const answer = await ledger();
    sendJson(req, res, answer.status, await answer.json());
  }

  /** @param {Req} req @param {Res} res */
  async function setFault(req, res) {
    // Any page in the visitor's browser can post to localhost; only ours may break the collector.
    if (req.headers.origin !== `http://${req.headers.host}`) {
      return sendJson(req, res, 403, { message: 'Only the live page may do this' });
    }
    let body = '';
    for await (const chunk of req) {
      body += chunk;
      if (body.length > LARGEST_BODY) return sendJson(req, res, 413, { message: 'Too large' });
    }
    /** @type {unknown} */
    let asked;
    try {
      asked = JSON.parse(body);
    } catch {
      return sendJson(req, res, 400, { message: 'The body must be JSON' });
    }
    const { kind, seconds } = /** @type {{ kind?: unknown, seconds?: unknown }} */ (Object(asked));
    const wrong = await faults.set(kind, seconds);
    if (wrong) return sendJson(req, res, 400, { message: wrong });
    sendJson(req, res, 200, { fault: faults.current ?? null });
  }

  return {
    handle,
    /** Ends the streams; a server with one open would never close. */
    close() {
      for (const res of streams) res.end();
    },
  };
}

/** @param {Req} req @param {Res} res @param {number} status @param {unknown} value */
function sendJson(req, res, status, value) {
  send(req, res, status, JSON.stringify(value), { 'content-type': 'application/json; charset=utf-8' });
}
