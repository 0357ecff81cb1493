import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { InlineConfig } from 'vite';
import { build, createLogger, createServer, preview } from 'vite';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { PetrelPluginOptions } from '../../src/vite/plugin.js';
import { createVitePlugin } from '../../src/vite/plugin.js';

// The real Vite, on a site of one page, with a worker that is a line.

const WORKER = 'self.worker = 1;\n//# sourceMappingURL=petrel-sw.js.map\n';

let site: string;
let warnings: string[];
const cleanups: (() => unknown)[] = [];

beforeEach(() => {
  site = mkdtempSync(join(tmpdir(), 'petrel-vite-'));
  warnings = [];
  put('package/petrel-sw.js', WORKER);
  put('package/petrel-sw.js.map', '{"version":3}');
  put('index.html', '<!doctype html><script type="module" src="/main.js"></script>');
  put('main.js', 'document.title = import.meta.env.BASE_URL;');
});
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
  rmSync(site, { recursive: true });
});

function put(path: string, content: string): void {
  mkdirSync(dirname(join(site, path)), { recursive: true });
  writeFileSync(join(site, path), content);
}

const built = (path: string) => readFileSync(join(site, 'dist', path), 'utf8');

const plugin = (options: PetrelPluginOptions = {}) => createVitePlugin(join(site, 'package/petrel-sw.js'), options);

function config(more: InlineConfig, options?: PetrelPluginOptions): InlineConfig {
  const customLogger = createLogger('silent');
  customLogger.warn = (message) => void warnings.push(message);
  return { root: site, configFile: false, logLevel: 'silent', customLogger, plugins: [plugin(options)], ...more };
}

/** Starts Vite's own server; what comes back asks it. */
async function dev(more: InlineConfig = {}, options?: PetrelPluginOptions) {
  const server = await createServer(config({ server: { port: 0, host: '127.0.0.1', ws: false }, ...more }, options));
  cleanups.push(() => server.close());
  await server.listen();
  return asker(server);
}

function asker({ httpServer }: { httpServer: Pick<http.Server, 'address'> | null }) {
  const { port } = httpServer!.address() as AddressInfo;
  return (path: string, init?: RequestInit) => fetch(`http://127.0.0.1:${port}${path}`, init);
}

describe('the Vite plugin in development', () => {
  it('serves the worker as it is, as a script that is not to be cached', async () => {
    const ask = await dev();

    const response = await ask('/petrel-sw.js?v=1');

    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toBe('text/javascript; charset=utf-8');
    expect(response.headers.get('cache-control')).toBe('no-cache');
    expect(await response.text()).toBe(WORKER);
    expect(await (await ask('/petrel-sw.js.map')).json()).toEqual({ version: 3 });
  });

  it('answers HEAD without a body, and leaves other methods and paths to Vite', async () => {
    const ask = await dev();

    const head = await ask('/petrel-sw.js', { method: 'HEAD' });

    expect([head.status, head.headers.get('content-length'), await head.text()]).toEqual([200, `${WORKER.length}`, '']);
    expect((await ask('/petrel-sw.js', { method: 'POST' })).headers.get('content-length')).not.toBe(`${WORKER.length}`);
    expect(await (await ask('/main.js')).text()).toContain('document.title');
  });

  it('respects the base, and is not found outside of it', async () => {
    const ask = await dev({ base: '/shop/' });

    expect(await (await ask('/shop/petrel-sw.js')).text()).toBe(WORKER);
    expect(await (await ask('/petrel-sw.js')).text()).not.toContain('self.worker');
  });

  it('serves it under another name when asked to', async () => {
    const ask = await dev({}, { fileName: 'assets/queue.js' });

    expect(await (await ask('/assets/queue.js')).text()).toBe(WORKER);
    expect((await ask('/assets/petrel-sw.js.map')).status).toBe(200);
  });

  it('serves what the package holds now, not what it held at the start', async () => {
    const ask = await dev();
    put('package/petrel-sw.js', 'self.worker = 2;');

    expect(await (await ask('/petrel-sw.js')).text()).toBe('self.worker = 2;');
  });

  it('works in middleware mode, as under a server that renders', async () => {
    const server = await createServer(config({ server: { middlewareMode: true, ws: false }, appType: 'custom' }));
    cleanups.push(() => server.close());
    const httpServer = http.createServer(server.middlewares);
    cleanups.push(() => httpServer.close());
    await new Promise<void>((done) => httpServer.listen(0, '127.0.0.1', done));

    const response = await asker({ httpServer })('/petrel-sw.js');

    expect(await response.text()).toBe(WORKER);
    expect(response.headers.get('content-type')).toBe('text/javascript; charset=utf-8');
  });
});

describe('the Vite plugin in a build', () => {
  it('writes worker and map into the root of the output, byte by byte', async () => {
    await build(config({}));

    expect(built('petrel-sw.js')).toBe(WORKER);
    expect(built('petrel-sw.js.map')).toBe('{"version":3}');
    expect(warnings).toEqual([]);
  });

  it('leaves them where `vite preview` serves them below the base', async () => {
    await build(config({ base: '/shop/' }));
    const server = await preview(config({ base: '/shop/', preview: { port: 0, host: '127.0.0.1' } }));
    cleanups.push(() => server.close());

    const response = await asker(server)('/shop/petrel-sw.js');

    expect(await response.text()).toBe(WORKER);
    expect(response.headers.get('content-type')).toMatch(/^text\/javascript/);
  });

  it('writes none into a build for a server', async () => {
    await build(config({ build: { ssr: 'main.js' } }));

    expect(existsSync(join(site, 'dist/main.mjs'))).toBe(true);
    expect(existsSync(join(site, 'dist/petrel-sw.js'))).toBe(false);
  });

  it('wins over a copy in the public folder, which may be stale, and says so', async () => {
    put('public/petrel-sw.js', 'self.worker = "stale";');

    await build(config({}));

    expect(built('petrel-sw.js')).toBe(WORKER);
    expect(warnings).toEqual([expect.stringMatching(/public.petrel-sw\.js is not used/)]);
  });

  it('warns of a base on another origin, from where no browser takes a worker', async () => {
    await build(config({ base: 'https://cdn.example/' }));

    expect(warnings).toEqual([expect.stringContaining("only from the page's own origin")]);
  });
});

describe('the Vite plugin refuses', () => {
  it('to start when the package has no worker in it', async () => {
    rmSync(join(site, 'package/petrel-sw.js'));

    const starting = createServer(config({ server: { middlewareMode: true, ws: false } }));

    await expect(starting).rejects.toThrow(/petrel-sw\.js is missing: the package is incomplete/);
    await expect(build(config({}))).rejects.toThrow(/the package is incomplete/);
  });

  it.each(['', '/petrel-sw.js', './a.js', '../a.js', 'a/../../b.js', 'a.ts', 'a\\b.js', 'a.js?b', 7, null])(
    '%j as a file name',
    (fileName) => {
      expect(() => plugin({ fileName: fileName as string })).toThrow(/`fileName` must be a path below `base`/);
    },
  );

  it('an option it does not know', () => {
    expect(() => plugin({ filename: 'a.js' } as PetrelPluginOptions)).toThrow('`filename` is not an option');
  });
});
