// The engines: how each is started, and where a measurement gets a place of its own in it.

import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runnerImport } from 'vite';

const root = fileURLToPath(new URL('../../..', import.meta.url));

/**
 * A module of the tests' own, which are TypeScript.
 *
 * @template T
 * @param {string} path from the project's folder
 * @returns {Promise<T>}
 */
export async function importSource(path) {
  const { module } = await runnerImport(join(root, path), { configFile: false, root });
  return /** @type {T} */ (module);
}

/**
 * @typedef {object} Place
 * @property {string} address what `petrel collect --sink` is told
 * @property {() => Promise<void> | void} clear
 */

/**
 * @typedef {object} RunningEngine
 * @property {string} version
 * @property {() => number | undefined} pid undefined where it is part of the process that uses it
 * @property {(name: string) => Promise<Place> | Place}  place an empty one, that only one measurement uses
 * @property {() => Promise<void> | void} dispose
 */

/**
 * @typedef {object} EngineKind
 * @property {string} id
 * @property {string} name
 * @property {string} durable when a write counts as done
 * @property {() => Promise<RunningEngine | undefined>} start undefined where it is not installed
 */

/** @param {string} program @param {string[]} args @param {RegExp} pattern */
const versionOf = (program, args, pattern) =>
  pattern.exec(execFileSync(program, args, { encoding: 'utf8' }))?.[1] ?? 'unknown';

/** @type {EngineKind[]} */
export const ENGINES = [
  {
    id: 'sqlite',
    name: 'SQLite',
    durable: 'WAL, synchronous=normal',
    async start() {
      const folder = mkdtempSync(join(tmpdir(), 'petrel-sqlite-'));
      const { version } = JSON.parse(readFileSync(join(root, 'node_modules/libsql/package.json'), 'utf8'));
      return {
        version: `libsql ${version}`,
        pid: () => undefined,
        place: (name) => {
          const path = join(folder, `${name}.db`);
          return {
            address: path,
            clear: () => {
              for (const ending of ['', '-wal', '-shm']) rmSync(path + ending, { force: true });
            },
          };
        },
        dispose: () => rmSync(folder, { recursive: true, force: true }),
      };
    },
  },
  {
    id: 'nats',
    name: 'NATS JetStream',
    durable: 'file storage, the server’s sync interval (2 min)',
    async start() {
      /** @type {typeof import('../../../test/support/engines/nats.js')} */
      const { findNats, startNats } = await importSource('test/support/engines/nats.ts');
      const program = findNats();
      if (!program) return undefined;
      const server = await startNats(program);
      const { connect } = await import('@nats-io/transport-node');
      const { jetstreamManager } = await import('@nats-io/jetstream');
      return {
        version: versionOf(program, ['--version'], /v([\d.]+)/),
        pid: server.pid,
        place: (name) => ({
          address: `${server.url}/${name}`,
          async clear() {
            const connection = await connect({ servers: server.url });
            await (await jetstreamManager(connection)).streams.delete(name);
            await connection.close();
          },
        }),
        dispose: server.dispose,
      };
    },
  },
  {
    id: 'postgres',
    name: 'PostgreSQL',
    durable: 'fsync, synchronous_commit=on',
    async start() {
      /** @type {typeof import('../../../test/support/engines/postgres.js')} */
      const { findPostgres, startPostgres } = await importSource('test/support/engines/postgres.ts');
      const programs = findPostgres();
      if (!programs) return undefined;
      const server = await startPostgres(programs);
      return {
        version: versionOf(programs.postgres, ['--version'], /([\d.]+)/),
        pid: server.pid,
        async place(name) {
          const database = name.toLowerCase();
          await server.query(`CREATE DATABASE ${database}`);
          return {
            address: server.url.replace(/[^/]+$/, database),
            async clear() {
              await server.query(`DROP DATABASE ${database} WITH (FORCE)`);
              // So that the next measurement does not pay for this one's pages.
              await server.query('CHECKPOINT');
            },
          };
        },
        dispose: server.dispose,
      };
    },
  },
  {
    id: 'clickhouse',
    name: 'ClickHouse',
    durable: 'written to the operating system',
    async start() {
      /** @type {typeof import('../../../test/support/engines/clickhouse.js')} */
      const { findClickHouse, startClickHouse } = await importSource('test/support/engines/clickhouse.ts');
      const program = findClickHouse();
      if (!program) return undefined;
      const server = await startClickHouse(program);
      const [row] = await server.query(/** @type {string} */ ('SELECT version() AS version FORMAT JSONEachRow'));
      return {
        version: /** @type {{ version: string }} */ (row).version,
        pid: server.pid,
        place: (name) => ({
          address: `${server.url.replace(/^http/, 'clickhouse')}/${name}`,
          async clear() {
            await server.query(`DROP DATABASE ${name}`);
          },
        }),
        dispose: server.dispose,
      };
    },
  },
];
