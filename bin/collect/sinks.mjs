// Which sink an address means. Each is loaded when it is asked for: its driver need not be installed before.

import { mkdirSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { readClickHouseAddress } from '../lib/clickhouse-address.mjs';
import { UsageError } from '../lib/command.mjs';
import { readNatsAddress } from '../lib/nats-address.mjs';

/** @typedef {import('../../dist/server/index.js').Sink} Sink */

/**
 * @typedef {object} SinkKind
 * @property {string} form how its address looks
 * @property {string} help
 * @property {(address: string) => boolean} fits
 * @property {(address: string, by: string) => unknown} [check] throws what is wrong with an address that fits
 * @property {(address: string) => Promise<Sink>} open
 */

/** @type {SinkKind[]} */
export const SINKS = [
  {
    form: 'events.db',
    help: 'the embedded database (also .sqlite, .sqlite3); as --db',
    fits: (address) => /\.(db|sqlite3?)$/i.test(address) && !hasScheme(address),
    open: openDatabase,
  },
  {
    form: 'folder/',
    help: 'files of JSON lines (a folder that exists, or an address that ends in /)',
    fits: (address) => !hasScheme(address) && (address.endsWith('/') || isFolder(address)),
    open: async (folder) => (await import('../../dist/server/sinks/ndjson.js')).createNdjsonSink({ folder }),
  },
  {
    form: 'postgres://user:password@host:5432/database',
    help: 'PostgreSQL; needs `pg`',
    fits: (address) => /^postgres(ql)?:\/\//i.test(address),
    open: async (url) => (await import('../../dist/server/sinks/postgres.js')).createPostgresSink({ url }),
  },
  {
    form: 'nats://host:4222/STREAM',
    help: 'a NATS JetStream, for `petrel consume`; needs `@nats-io/transport-node` and `@nats-io/jetstream`',
    fits: (address) => /^(nats|tls):\/\//i.test(address),
    check: readNatsAddress,
    open: async (address) =>
      (await import('../../dist/server/sinks/nats.js')).createNatsSink(readNatsAddress(address, '--sink')),
  },
  {
    form: 'clickhouse://user:password@host:8123/database',
    help: 'ClickHouse by its HTTP interface (clickhouses:// by https)',
    fits: (address) => /^clickhouses?:\/\//i.test(address),
    check: readClickHouseAddress,
    open: async (address) =>
      (await import('../../dist/server/sinks/clickhouse.js')).createClickHouseSink(
        readClickHouseAddress(address, '--sink'),
      ),
  },
  {
    form: 'https://collector.example/events',
    help: 'another collector, with the keys the events came with',
    fits: (address) => /^https?:\/\//i.test(address),
    open: async (url) => (await import('../../dist/server/sinks/forward.js')).createForwardSink({ url }),
  },
];

/** @param {string} path */
const isFolder = (path) => statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;

/** @param {string} address */
const hasScheme = (address) => /^[a-z][a-z0-9+.-]+:/i.test(address);

/**
 * The kind of sink an address means.
 *
 * @param {string} address
 * @param {string} by who said it
 * @returns {SinkKind}
 * @throws UsageError
 */
export function sinkKindOf(address, by) {
  const kind = SINKS.find(({ fits }) => fits(address));
  kind?.check?.(address, by);
  if (kind) return kind;
  throw new UsageError(
    `${by} must be one of ${SINKS.map(({ form }) => form).join(', ')}, not ${withoutSecrets(address)}`,
  );
}

/**
 * The embedded database, its folder made too.
 * @param {string} path
 */
export async function openDatabase(path) {
  if (path !== ':memory:') {
    if (statSync(path, { throwIfNoEntry: false })?.isDirectory())
      throw new UsageError(`${path} is a folder, not a file`);
    mkdirSync(dirname(path), { recursive: true });
  }
  const { createSqliteSink } = await import('../../dist/server/sinks/sqlite.js');
  return createSqliteSink({ path });
}

/**
 * A ledger for a sink that keeps none.
 *
 * @param {Sink} sink
 * @param {string | undefined} path
 * @param {Map<string, string>} from
 */
export async function openLedger(sink, path, from) {
  if (path === undefined) return undefined;
  if (sink.ledger) throw new UsageError(`${from.get('ledger.db')} is for sinks that keep no ledger; this one does`);
  const { createSqliteLedger } = await import('../../dist/server/sinks/sqlite.js');
  return createSqliteLedger({ path });
}

/**
 * An address to be shown: user and password are not for logs.
 * @param {string} address
 */
export function withoutSecrets(address) {
  return address
    .replace(/^([a-z][a-z0-9+.-]*:\/\/)[^/?#]*@/i, '$1')
    .replace(/([?&](?:password|token|pass)=)[^&#]*/gi, '$1…');
}
