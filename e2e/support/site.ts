import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';

/** How a path is answered instead of with its file. */
export interface SiteAnswer {
  /** @defaultValue 200 */
  status?: number;
  headers?: Record<string, string>;
  /** Time to first byte, in milliseconds. */
  delayMs?: number;
  /** In place of the file's content. */
  body?: string;
  /** The file's content, changed. */
  change?: (content: string) => string;
}

/** A small web site: the pages of e2e/pages, the built files under /petrel/ and the worker at the root. */
export interface Site {
  /** What every page gives to `createTracker`; read when a page is served. */
  options: { [option: string]: unknown };
  /**
   * The URL of a path. `localhost` and `127.0.0.1` are two sites to a browser (other origin, other storage, cross-site), and both are
   * secure enough for service workers.
   */
  url(path: string, host?: 'localhost' | '127.0.0.1'): string;
  /** Answers a path (or what starts with it, when it ends in `*`) differently from now on; the latest one given wins. */
  answer(path: string, answer: SiteAnswer): void;
  /** Paths asked for, in order, without the query. */
  readonly asked: string[];
  close(): Promise<void>;
}

const PAGES = fileURLToPath(new URL('../pages/', import.meta.url));
/** What is tested: the files that are published. */
const DIST = process.env.PETREL_DIST ?? fileURLToPath(new URL('../../dist/', import.meta.url));

const TYPES: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.map': 'application/json',
};

export async function createSite(): Promise<Site> {
  const answers: { path: string; answer: SiteAnswer }[] = [];
  const asked: string[] = [];
  const site: Site = {
    options: {},
    url: (path, host = 'localhost') => `http://${host}:${port}${path}`,
    answer: (path, answer) => void answers.unshift({ path, answer }),
    asked,
    close: () => {
      const closed = new Promise<void>((done) => void server.close(() => done()));
      server.closeAllConnections();
      return closed;
    },
  };

  const server = createServer(async (req, res) => {
    const { pathname } = new URL(req.url ?? '/', 'http://site');
    asked.push(pathname);
    const special = answers.find(({ path }) =>
      path.endsWith('*') ? pathname.startsWith(path.slice(0, -1)) : pathname === path,
    )?.answer;
    if (special?.delayMs) await new Promise((done) => setTimeout(done, special.delayMs));
    const file = special?.body ?? (await readFile(fileOf(pathname), 'utf8').catch(() => undefined));
    const found = file !== undefined;
    const content = special?.change ? special.change(file ?? '') : (file ?? 'Not found');
    res.writeHead(special?.status ?? (found ? 200 : 404), {
      'content-type': TYPES[extname(pathname)] ?? TYPES['.html'],
      'cache-control': 'no-cache',
      ...special?.headers,
    });
    res.end(
      content
        // In a script, `</script>` in a value would end it.
        .replaceAll('__OPTIONS__', JSON.stringify(site.options).replaceAll('<', '\\u003c'))
        .replaceAll('__ENDPOINT__', String(site.options.endpoint))
        .replaceAll('__KEY__', String(site.options.key)),
    );
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const { port } = server.address() as AddressInfo;
  return site;
}

/** The file behind a path: the ready worker at the root, as `petrel init` puts it; built files; pages. */
function fileOf(pathname: string): string {
  const path = normalize(pathname);
  if (/^\/petrel-sw(-formats)?\.js(\.map)?$/.test(path)) return join(DIST, path);
  if (path.startsWith('/petrel/')) return join(DIST, path.slice('/petrel/'.length));
  return `${PAGES}${path.slice(1)}${extname(path) ? '' : '.html'}`;
}
