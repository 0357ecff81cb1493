import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createServer, request as httpRequest } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { extname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { CollectedRow, TestCollector } from './collector.js';
import { expect } from './test.js';

const root = fileURLToPath(new URL('../../', import.meta.url));
const DIST = process.env.PETREL_DIST ?? join(root, 'dist');
const run = promisify(execFile);

/** The packages an example may name, as they are installed here. */
const PACKAGES = ['vite', 'react', 'react-dom', '@vitejs/plugin-react', 'vite-plugin-pwa'];

/** Examples of demo/examples, each copied to a folder of its own with the packages it needs. */
export interface Examples {
  /** Installs an example: Petrel as a package would bring it, everything else from here. */
  install(name: string): string;
  /** The same, and runs its `npm run build`, once for all stories; anew with other files in place of its own. */
  build(name: string, files?: { [path: string]: string }): Promise<string>;
  remove(): void;
}

export function createExamples(): Examples {
  const folder = mkdtempSync(join(tmpdir(), 'petrel-examples-'));
  const built = new Map<string, Promise<string>>();
  let installed = 0;

  function install(name: string): string {
    const target = join(folder, `${name}-${++installed}`);
    // Without what somebody who tried it there has left.
    const filter = (path: string) => !/[\\/](node_modules|dist)$/.test(path);
    cpSync(join(root, 'demo/examples', name), target, { recursive: true, filter });
    const modules = join(target, 'node_modules');
    for (const scope of ['.bin', '@vitejs', 'petrel']) mkdirSync(join(modules, scope), { recursive: true });
    cpSync(join(root, 'package.json'), join(modules, 'petrel/package.json'));
    cpSync(DIST, join(modules, 'petrel/dist'), { recursive: true });
    for (const name of PACKAGES) symlinkSync(join(root, 'node_modules', name), join(modules, name), 'junction');
    symlinkSync(join(root, 'node_modules/vite/bin/vite.js'), join(modules, '.bin/vite'));
    return target;
  }

  async function build(name: string, files: { [path: string]: string } = {}): Promise<string> {
    const target = install(name);
    for (const [path, content] of Object.entries(files)) writeFileSync(join(target, path), content);
    await run('npm', ['run', '--silent', 'build'], { cwd: target });
    return target;
  }

  return {
    install,
    build: (name, files) => {
      const folder = (files ? undefined : built.get(name)) ?? build(name, files);
      if (!files) built.set(name, folder);
      return folder;
    },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

/** Where an example is to be seen. */
export interface ExampleSite {
  url(path: string): string;
  /** Changes what a path answers with from now on. */
  change(path: string, change: (content: string) => string): void;
  close(): Promise<void>;
}

const TYPES: { [extension: string]: string } = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.webmanifest': 'application/manifest+json',
};

/**
 * Serves files, every path without an extension as the page, or what another server answers (`upstream`); and passes on what is posted
 * to `/events`, as the servers in front of a site do.
 */
export async function serveExample(
  from: { folder: string } | { upstream: string },
  collector: TestCollector,
): Promise<ExampleSite> {
  const changes = new Map<string, (content: string) => string>();
  const server = createServer(async (request, response) => {
    const { pathname, search } = new URL(request.url ?? '/', 'http://site');
    const forward =
      pathname === '/events'
        ? `${collector.origin}/v1/events${search}`
        : 'upstream' in from && new URL(pathname + search, from.upstream);
    if (forward) {
      const { method, headers } = request;
      const onward = httpRequest(
        forward,
        { method, headers: { ...headers, host: new URL(forward).host } },
        (answer) => {
          response.writeHead(answer.statusCode!, answer.headers);
          answer.pipe(response);
        },
      );
      onward.on('error', () => response.destroy());
      request.pipe(onward);
    } else if ('folder' in from) {
      const path = normalize(extname(pathname) ? pathname : '/index.html');
      const content = await readFile(join(from.folder, path), 'utf8').catch(() => undefined);
      response.writeHead(content === undefined ? 404 : 200, {
        'content-type': TYPES[extname(path)] ?? 'application/octet-stream',
        'cache-control': 'no-cache',
      });
      response.end(content === undefined ? 'Not found' : (changes.get(pathname)?.(content) ?? content));
    }
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const { port } = server.address() as AddressInfo;
  return {
    url: (path) => `http://localhost:${port}${path}`,
    change: (path, change) => void changes.set(path, change),
    close: () => {
      const closed = new Promise<void>((done) => void server.close(() => done()));
      server.closeAllConnections();
      return closed;
    },
  };
}

/** Waits until the collector has just these events, by name and how often, and that its ledger has no gap. Returns their rows. */
export async function expectEvents(collector: TestCollector, names: string[]): Promise<readonly CollectedRow[]> {
  await expect
    .poll(async () => (await collector.rows()).map(({ name }) => name).sort(), { timeout: 20_000 })
    .toEqual([...names].sort());
  expect((await collector.ledger(9)).total, 'what the ledger says nine days later').toMatchObject({ missing: 0 });
  // Pages that follow each other may be told of in any order.
  return [...(await collector.rows())].sort((a, b) => a.timestamp - b.timestamp || a.seq - b.seq);
}
