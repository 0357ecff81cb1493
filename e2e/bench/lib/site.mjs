// The web site the SDKs run on.

import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { extname } from 'node:path';

const TYPES = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.map': 'application/json',
};

const page = (/** @type {string} */ name) => readFileSync(new URL(`../pages/${name}`, import.meta.url));

/**
 * @param {Map<string, import('./bundle.mjs').Bundle>} bundles By SDK.
 * @returns {Promise<{ url: string, close: () => Promise<void> }>}
 */
export async function createSite(bundles) {
  /** @type {Map<string, Buffer>} */
  const files = new Map([
    ['/', page('bench.html')],
    ['/driver.js', page('driver.js')],
  ]);
  for (const [id, bundle] of bundles) {
    for (const [name, content] of bundle.files) files.set(`/sdk/${id}/${name}`, content);
    for (const [name, content] of bundle.rootFiles) files.set(`/${name}`, content);
  }
  const server = createServer((req, res) => {
    const { pathname } = new URL(req.url ?? '/', 'http://site');
    const content = files.get(pathname);
    res.writeHead(content ? 200 : 404, {
      'content-type': /** @type {Record<string, string>} */ (TYPES)[extname(pathname)] ?? TYPES['.html'],
      'cache-control': 'max-age=3600',
      // Isolated, the page's clock counts in 5 µs instead of 100.
      'cross-origin-opener-policy': 'same-origin',
      'cross-origin-embedder-policy': 'require-corp',
    });
    res.end(content ?? 'not found');
  });
  await new Promise((done) => server.listen(0, '127.0.0.1', () => done(undefined)));
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
  return {
    url: `http://localhost:${port}/`,
    close: () =>
      new Promise((done) => {
        server.close(() => done());
        server.closeAllConnections();
      }),
  };
}
