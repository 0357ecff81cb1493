/**
 * The demo site over HTTP: the shop's pages, its files, and Petrel's as they are in `dist/`.
 */
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { extname, join, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { about, app, basket, home, journal, list, notFound, product, tides } from './pages.mjs';

const PUBLIC = fileURLToPath(new URL('public/', import.meta.url));
const DIST = fileURLToPath(new URL('../../dist/', import.meta.url));

/** @type {Record<string, string>} */
const TYPES = {
  '.css': 'text/css; charset=utf-8',
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.json': 'application/json; charset=utf-8',
  '.map': 'application/json; charset=utf-8',
  '.svg': 'image/svg+xml; charset=utf-8',
  '.webmanifest': 'application/manifest+json',
};

/** Sent with everything. `no-cache` is "ask before you use it": files change with each build, and bfcache stays usable. */
const COMMON = {
  'cache-control': 'no-cache',
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'strict-origin-when-cross-origin',
};

/**
 * @typedef {import('node:http').IncomingMessage} Req
 * @typedef {import('node:http').ServerResponse} Res
 */

/**
 * @param {object} site
 * @param {(hostname: string) => string} site.collectorAt URL of the collector for a visitor who came by this host name.
 * @param {string} site.key Write key.
 * @param {(req: Req, res: Res, url: URL) => boolean} site.live Answers what belongs to the live page, and says whether it did.
 * @returns {(req: Req, res: Res) => void}
 */
export function createSite({ collectorAt, key, live }) {
  return (req, res) => {
    answer(req, res).catch((error) => {
      console.error(error);
      if (!res.headersSent) send(req, res, 500, 'Something broke in the demo; its terminal says what.\n');
      else res.destroy();
    });
  };

  /** @param {Req} req @param {Res} res */
  async function answer(req, res) {
    const url = urlOf(req);
    if (!url) return send(req, res, 400, 'Bad request\n');
    if (live(req, res, url)) return;
    if (req.method !== 'GET' && req.method !== 'HEAD') {
      return send(req, res, 405, 'This site takes GET only\n', { allow: 'GET, HEAD' });
    }

    const visit = { collector: collectorAt(url.hostname), key };
    const page = pageAt(url, visit);
    if (page) return send(req, res, 200, page, pageHeaders(visit.collector));
    if (await sendFile(req, res, url.pathname, visit.collector)) return;
    if (extname(url.pathname)) return send(req, res, 404, 'No such file\n');
    send(req, res, 404, notFound(visit), pageHeaders(visit.collector));
  }
}

/** @param {URL} url @param {import('./pages.mjs').Visit} visit */
function pageAt({ pathname, searchParams }, visit) {
  switch (pathname) {
    case '/':
      return home(visit);
    case '/shop':
      return list(visit, (searchParams.get('q') ?? '').slice(0, 200));
    case '/basket':
      return basket(visit);
    case '/journal':
      return journal(visit);
    case '/about':
      return about(visit);
    case '/app':
    case '/app/year':
      return app(visit);
    case '/tides':
      return tides(visit);
    default:
      return pathname.startsWith('/shop/') ? product(visit, pathname.slice('/shop/'.length)) : undefined;
  }
}

/**
 * A strict policy that Petrel needs no exception from: own scripts, own workers, and a connection to the collector.
 * @param {string} collector
 */
function pageHeaders(collector) {
  return {
    'content-type': 'text/html; charset=utf-8',
    'content-security-policy': [
      "default-src 'none'",
      "script-src 'self'",
      "worker-src 'self'",
      `connect-src 'self' ${collector}`,
      "style-src 'self'",
      "img-src 'self'",
      "manifest-src 'self'",
      "form-action 'self'",
      "base-uri 'none'",
      "frame-ancestors 'none'",
    ].join('; '),
  };
}

/**
 * The shop's own file of that name, else Petrel's.
 * @param {Req} req @param {Res} res @param {string} pathname @param {string} collector
 */
async function sendFile(req, res, pathname, collector) {
  // `/petrel.js` and its chunks for the script tag, `/petrel/…` for modules: the same folder.
  const places = pathname.startsWith('/petrel/')
    ? [[DIST, pathname.slice('/petrel'.length)]]
    : [
        [PUBLIC, pathname],
        [DIST, pathname],
      ];
  for (const [root, name] of /** @type {[string, string][]} */ (places)) {
    const path = join(root, name);
    const type = TYPES[extname(path)];
    if (!type || !path.startsWith(root) || path.includes(`${sep}.`)) continue;
    const found = await stat(path).catch(() => undefined);
    if (!found?.isFile()) continue;

    const etag = `"${found.size.toString(36)}-${Math.round(found.mtimeMs).toString(36)}"`;
    /** @type {Record<string, string>} */
    const headers = { ...COMMON, 'content-type': type, etag };
    // A worker obeys the policy of its own file, not the page's. Petrel's only ever talks to the collector.
    if (pathname === '/petrel-sw.js') {
      headers['content-security-policy'] = `default-src 'none'; connect-src ${collector}`;
    }
    // A worker file is the right place to say how far up its scope may reach: `/tides` is above `/tides/`.
    if (pathname === '/tides/sw.js') headers['service-worker-allowed'] = '/tides';
    if (req.headers['if-none-match'] === etag) {
      res.writeHead(304, headers).end();
      return true;
    }
    res.writeHead(200, { ...headers, 'content-length': String(found.size) });
    if (req.method === 'HEAD') res.end();
    else
      createReadStream(path)
        .on('error', () => res.destroy())
        .pipe(res);
    return true;
  }
  return false;
}

/**
 * @param {Req} req @param {Res} res @param {number} status @param {string} body @param {Record<string, string>} [headers]
 */
export function send(req, res, status, body, headers) {
  res.writeHead(status, {
    ...COMMON,
    'content-type': 'text/plain; charset=utf-8',
    'content-length': String(Buffer.byteLength(body)),
    ...headers,
  });
  res.end(req.method === 'HEAD' ? undefined : body);
}

/**
 * The URL as the visitor wrote it; undefined when the request line or the Host header is no such thing.
 * The host name goes into pages and policies, so it must be a plain one.
 * @param {Req} req
 */
function urlOf(req) {
  const host = req.headers.host ?? 'localhost';
  if (!/^([a-z0-9.-]+|\[[0-9a-f:.]+\])(:\d{1,5})?$/i.test(host) || !req.url?.startsWith('/')) return undefined;
  try {
    const url = new URL(`http://${host}${req.url}`);
    decodeURIComponent(url.pathname);
    return url;
  } catch {
    return undefined;
  }
}
