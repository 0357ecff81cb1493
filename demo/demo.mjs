/**
 * The demo, put together: the site, the live page, and a collector with its database behind a door that can misbehave.
 */
import { randomBytes } from 'node:crypto';
import { mkdir, stat } from 'node:fs/promises';
import { createServer } from 'node:http';
import { dirname, resolve } from 'node:path';
import { createArchive } from './live/archive.mjs';
import { createFaults } from './live/faults.mjs';
import { createFeed } from './live/feed.mjs';
import { createLive } from './live/server.mjs';
import { createSite } from './site/server.mjs';

/** What keeps the demo from starting, in words for whoever started it. Exit code 1. */
export class StartError extends Error {}

/** The demo's write key. It is in every page, as write keys are; it keeps other sites' events out, not visitors. */
const KEY = 'demo';

/** Any address will do: the collector looks at its end. */
const LEDGER = 'http://collector/ledger';

/** How long open connections get at the end, in ms. */
const GRACE_MS = 1_000;

/**
 * @param {import('./options.mjs').DemoOptions} options
 */
export async function startDemo(options) {
  const { createCollector, createMisbehavingCollector, createSqliteSink } = await petrel();
  const database = resolve(options.db);
  if ((await stat(database).catch(() => undefined))?.isDirectory()) {
    throw new StartError(`${options.db} is a folder. Give \`--db\` a file.`);
  }

  /** What has been started, last first: closed in this order, also when a later part does not start. */
  /** @type {(() => unknown)[]} */
  const open = [];
  async function close() {
    for (const end of open.splice(0)) await end();
  }

  try {
    await mkdir(dirname(database), { recursive: true });
    const sink = await createSqliteSink({ path: database });
    // Known to this process alone: the live page is told what the ledger says, not how to ask.
    const token = randomBytes(24).toString('base64url');
    const handler = createCollector({ sink, keys: [KEY], ledger: { token } });
    open.unshift(() => handler.close());

    const archive = createArchive(database);
    const collector = await listening('collector-port', options.collectorPort, () =>
      createMisbehavingCollector({
        collector: handler,
        rows: () => archive.newest(1),
        port: options.collectorPort,
        host: options.host,
      }),
    );
    open.unshift(() => collector.close());
    const collectorPort = new URL(collector.origin).port;
    /** @param {string} hostname */
    const collectorAt = (hostname) => `http://${hostname}:${collectorPort}/`;

    /** @type {ReturnType<typeof createFeed>} */
    let feed;
    const faults = createFaults(collector, () => feed.poll());
    feed = createFeed({
      archive,
      collector,
      fault: () => faults.current,
      names: { database: options.db, collector: collectorAt(shown(options.host)) },
    });
    // Past the door, which may be misbehaving.
    const ledger = () => handler(new Request(`${LEDGER}?limit=1`, { headers: { authorization: `Bearer ${token}` } }));
    const live = createLive({ feed, faults, ledger });
    open.unshift(() => {
      faults.close();
      live.close();
      feed.close();
    });

    const site = createServer(createSite({ collectorAt, key: KEY, live: live.handle }));
    await listening('port', options.port, () => listen(site, options.port, options.host));
    open.unshift(() => {
      // Streams end with the live page, a moment later; what else is open then is cut.
      setTimeout(() => site.closeAllConnections(), GRACE_MS).unref();
      site.close();
      site.closeIdleConnections();
    });
    const { port } = /** @type {import('node:net').AddressInfo} */ (site.address());

    return {
      site: `http://${shown(options.host)}:${port}/`,
      collector: collectorAt(shown(options.host)),
      database,
      /** Rows in the table. */
      rows: () => archive.total(),
      close,
    };
  } catch (error) {
    await close();
    if (error instanceof StartError) throw error;
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    const why = error instanceof Error ? error.message : String(error);
    if (
      code === 'EACCES' ||
      code === 'EROFS' ||
      code === 'ENOTDIR' ||
      code === 'EEXIST' ||
      /sqlite|database/i.test(String(code) + why)
    ) {
      throw new StartError(`The database ${options.db} cannot be opened: ${why}`, { cause: error });
    }
    throw error;
  }
}

/** The built package, by the names its users import. */
async function petrel() {
  try {
    const [{ createCollector }, { createSqliteSink }, { createMisbehavingCollector }] = await Promise.all([
      import('petrel/server'),
      import('petrel/sinks/sqlite'),
      import('petrel/testing'),
    ]);
    return { createCollector, createSqliteSink, createMisbehavingCollector };
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ERR_MODULE_NOT_FOUND') {
      throw new StartError(`Petrel is not built yet (${error.message}). Run \`npm run build\`, or \`npm start\`.`, {
        cause: error,
      });
    }
    throw error;
  }
}

/** An address that listens to all is visited by name. @param {string} host */
function shown(host) {
  if (['127.0.0.1', '::1', '0.0.0.0', '::'].includes(host)) return 'localhost';
  return host.includes(':') ? `[${host}]` : host;
}

/** @param {import('node:http').Server} server @param {number} port @param {string} host */
function listen(server, port, host) {
  return new Promise((done, failed) => {
    server.once('error', failed);
    server.listen(port, host, () => done(undefined));
  });
}

/**
 * @template T
 * @param {string} flag @param {number} port @param {() => Promise<T>} start
 */
async function listening(flag, port, start) {
  try {
    return await start();
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'EADDRINUSE') {
      throw new StartError(
        `Port ${port} is taken by another program. Choose another: npm start -- --${flag} ${port + 10}`,
      );
    }
    if (code === 'EACCES')
      throw new StartError(`Port ${port} may not be used by this user. Choose one from 1024 on with --${flag}.`);
    if (code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND')
      throw new StartError('`--host` is no address of this machine.');
    throw error;
  }
}
