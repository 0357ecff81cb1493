// Writes the batches into an engine by its own client, a batch a write: what the engine does by itself. A process of its own, told by its
// parent what to do.

import { readFileSync } from 'node:fs';
import { makeRows } from './batches.mjs';

/**
 * @typedef {import('./batches.mjs').EventRow} EventRow
 *
 * @typedef {object} Task
 * @property {string} engine
 * @property {string} address
 * @property {string} templates a file
 * @property {string} run
 * @property {number} warm batches that are written before the clock starts
 * @property {number} count
 *
 * @typedef {object} Writer
 * @property {number} atOnce writes that are under way at the same time
 * @property {(rows: EventRow[]) => unknown} prepare what is written, as far as it can be made beforehand
 * @property {(prepared: any) => Promise<void> | void} write
 * @property {() => Promise<void> | void} close
 */

/** As many as the collector has: its `flushConcurrency`. */
const AT_ONCE = 4;

/** @type {Record<string, (address: string) => Promise<Writer>>} */
const WRITERS = { sqlite, nats, postgres, clickhouse };

/** The columns of every table, in one order. */
const COLUMNS = /** @type {const} */ ([
  'id',
  'source',
  'seq',
  'name',
  'category',
  'anonymous_id',
  'session_id',
  'timestamp',
  'sent_at',
  'received_at',
  'batch_id',
  'properties',
  'context',
]);

/** @param {string} path */
async function sqlite(path) {
  const { createSqliteSink } = await import('../../../dist/server/sinks/sqlite.js');
  await (await createSqliteSink({ path })).close();
  const { default: Database } = await import('libsql');
  const db = new Database(path);
  db.exec('PRAGMA journal_mode = WAL');
  db.exec('PRAGMA synchronous = normal');
  const insert = db.prepare(
    `INSERT OR IGNORE INTO events (${COLUMNS.join()}) VALUES (${COLUMNS.map(() => '?').join()})`,
  );
  return {
    atOnce: 1,
    prepare: (/** @type {EventRow[]} */ rows) =>
      rows.map((row) =>
        COLUMNS.map((name) => {
          const value = row[name];
          return typeof value === 'object' ? JSON.stringify(value) : value;
        }),
      ),
    write(/** @type {unknown[][]} */ rows) {
      db.exec('BEGIN IMMEDIATE');
      for (const values of rows) insert.run(...values);
      db.exec('COMMIT');
    },
    close: () => void db.close(),
  };
}

/** @param {string} address */
async function nats(address) {
  const { createNatsSink } = await import('../../../dist/server/sinks/nats.js');
  const { readNatsAddress } = await import('../../../bin/lib/nats-address.mjs');
  const place = readNatsAddress(address, 'the address');
  await (await createNatsSink(place)).close();
  const { connect } = await import('@nats-io/transport-node');
  const { jetstream } = await import('@nats-io/jetstream');
  const connection = await connect({ servers: place.servers });
  const client = jetstream(connection);
  return {
    atOnce: AT_ONCE,
    prepare: (/** @type {EventRow[]} */ rows) => ({ id: rows[0]?.id, data: JSON.stringify(rows) }),
    async write(/** @type {{ id: string, data: string }} */ { id, data }) {
      await client.publish(`${place.subject}.0`, data, { msgID: id });
    },
    close: () => connection.close(),
  };
}

/** @param {string} url */
async function postgres(url) {
  const { createPostgresSink } = await import('../../../dist/server/sinks/postgres.js');
  await (await createPostgresSink({ url })).close();
  const { default: pg } = await import('pg');
  const pool = new pg.Pool({ connectionString: url, max: AT_ONCE });
  const types = COLUMNS.map((name) => {
    if (['properties', 'context'].includes(name)) return `${name} jsonb`;
    return `${name} ${['seq', 'timestamp', 'sent_at', 'received_at'].includes(name) ? 'bigint' : 'text'}`;
  });
  const sql = `INSERT INTO petrel.events (${COLUMNS}) SELECT ${COLUMNS} FROM json_to_recordset($1::json) AS e(${types})
    ON CONFLICT (id) DO NOTHING`;
  return {
    atOnce: AT_ONCE,
    prepare: (/** @type {EventRow[]} */ rows) => JSON.stringify(rows),
    async write(/** @type {string} */ json) {
      await pool.query(sql, [json]);
    },
    close: () => pool.end(),
  };
}

/** @param {string} address */
async function clickhouse(address) {
  const { createClickHouseSink } = await import('../../../dist/server/sinks/clickhouse.js');
  const { readClickHouseAddress } = await import('../../../bin/lib/clickhouse-address.mjs');
  const place = readClickHouseAddress(address, 'the address');
  await (await createClickHouseSink(place)).close();
  const sql = encodeURIComponent(`INSERT INTO ${place.database}.events (${COLUMNS}) FORMAT JSONEachRow`);
  return {
    atOnce: AT_ONCE,
    // Its columns for JSON are strings.
    prepare: (/** @type {EventRow[]} */ rows) =>
      rows
        .map(({ properties, context, ...row }) =>
          JSON.stringify({ ...row, properties: JSON.stringify(properties), context: JSON.stringify(context) }),
        )
        .join('\n'),
    async write(/** @type {string} */ lines) {
      const response = await fetch(`${place.url}?query=${sql}`, { method: 'POST', body: lines });
      const text = await response.text();
      if (!response.ok) throw new Error(text);
    },
    close() {},
  };
}

/** @param {Writer} writer @param {unknown[]} prepared */
async function writeAll({ atOnce, write }, prepared) {
  let next = 0;
  const work = async () => {
    while (next < prepared.length) await write(prepared[next++]);
  };
  const began = performance.now();
  await Promise.all(Array.from({ length: atOnce }, work));
  return performance.now() - began;
}

process.once('message', async (/** @type {Task} */ { engine, address, templates: file, run, warm, count }) => {
  const templates = JSON.parse(readFileSync(file, 'utf8'));
  const writer = await /** @type {(address: string) => Promise<Writer>} */ (WRITERS[engine])(address);
  const prepared = Array.from({ length: warm + count }, (_, i) => writer.prepare(makeRows(templates, run, i)));
  await writeAll(writer, prepared.slice(0, warm));
  // The parent looks at what the processes have used.
  const goOn = new Promise((resolve) => process.once('message', resolve));
  process.send?.({ warm: true });
  await goOn;
  const ms = await writeAll(writer, prepared.slice(warm));
  process.send?.({ ms });
  process.once('message', async () => {
    await writer.close();
    process.disconnect();
  });
});
