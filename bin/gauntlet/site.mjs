// The site of the gauntlet: one page with the tracker of this package, and one without.

import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { basename, join } from 'node:path';
import { root } from '../lib/command.mjs';

/**
 * @typedef {object} Site
 * @property {(path: string) => string} url
 * @property {string} origin
 * @property {(options: object) => void} configure what `createTracker` gets in pages that are loaded from now on
 * @property {(path: string, gone: boolean) => void} remove answers 404 for this path
 * @property {() => Promise<void>} close
 */

/** What the stories may ask of a page is in `gauntlet`. */
const PAGE = `<!doctype html><meta charset="utf-8"><title>gauntlet</title><script type="module">
import { createTracker } from '/petrel/index.js';
const tracker = createTracker(__OPTIONS__);
globalThis.gauntlet = {
  track(names, properties) {
    for (const name of names) tracker.track(name, properties ?? undefined);
  },
  leave(names, properties, url) {
    this.track(names, properties);
    location.href = url;
  },
  // A question to a worker that is being stopped is never answered, and the tracker waits half a minute for it.
  stats: () => Promise.race([tracker.stats(), new Promise((done) => setTimeout(done, 3000, null))]),
  // What a browser says when the network is there again: the queue then asks at once.
  online: () => void dispatchEvent(new Event('online')),
  visibility: () => document.visibilityState,
};
</script>`;

/** @returns {Promise<Site>} */
export async function createSite() {
  let options = {};
  const removed = new Set();
  const server = createServer(async (req, res) => {
    const { pathname } = new URL(req.url ?? '/', 'http://site');
    const content = removed.has(pathname) ? undefined : await read(pathname);
    res.writeHead(content === undefined ? 404 : 200, {
      'content-type': pathname.endsWith('.js') ? 'text/javascript' : 'text/html',
      'cache-control': 'no-cache',
    });
    res.end(content);
  });

  /** @param {string} pathname */
  async function read(pathname) {
    if (pathname === '/app') return PAGE.replace('__OPTIONS__', JSON.stringify(options).replaceAll('<', '\\u003c'));
    if (pathname === '/elsewhere') return '<!doctype html><title>no tracker here</title>';
    if (pathname === '/petrel-sw.js') return readFile(join(root, 'dist', 'petrel-sw.js'));
    // Files of dist/ itself, no folders: a name is all that a request may choose.
    if (/^\/petrel\/[\w-]+\.js$/.test(pathname)) {
      return readFile(join(root, 'dist', basename(pathname))).catch(() => undefined);
    }
    return undefined;
  }

  await new Promise((done) => server.listen(0, '127.0.0.1', () => done(undefined)));
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
  const origin = `http://localhost:${port}`;
  return {
    origin,
    url: (path) => `${origin}${path}`,
    configure: (given) => {
      options = given;
    },
    remove: (path, gone) => void (gone ? removed.add(path) : removed.delete(path)),
    close: () => {
      const closed = new Promise((done) => server.close(() => done(undefined)));
      server.closeAllConnections();
      return /** @type {Promise<void>} */ (closed);
    },
  };
}
