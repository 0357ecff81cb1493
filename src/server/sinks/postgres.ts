/**
 * `petrel/sinks/postgres`: tables in a PostgreSQL database, shared by any number of collectors. Needs the package `pg`.
 *
 * docs/sinks.md has the tables.
 * @packageDocumentation
 */
import type { Pool, PoolClient } from 'pg';
import { PetrelError } from '../../core/errors.js';
import { checkNumber, show } from '../../core/options.js';
import { idsOf, storedRanges } from './lib/lookup.js';
import { isConflict, isRefusal, sqlState } from './lib/postgres-errors.js';
import { insertInto, SCHEMA_VERSION, selectStored, tablesIn } from './lib/postgres-schema.js';
import { dropRow, eventRow } from './lib/row.js';
import { createSplitter } from './lib/split-refused.js';
import { mayBeUnstorable, storableJson } from './lib/text.js';
import type { ReceivedDrop, ReceivedEvent, Sink } from './sink.js';

/** Options of {@link createPostgresSink}. */
export interface PostgresSinkOptions {
  /**
   * Where the database is: `postgres://user:password@host:5432/database?sslmode=verify-full`. What is left out comes from the environment
   * (`PGPASSWORD`, …), as in every PostgreSQL client.
   */
  url: string;
  /**
   * The schema the tables are in; both are made where they are not there.
   * @defaultValue 'petrel'
   */
  schema?: string;
  /**
   * Most connections at a time (1 to 100). As many as batches are written at once: the collector's `flushConcurrency`.
   * @defaultValue 4
   */
  maxConnections?: number;
  /**
   * Longest a connection may take to be made, in milliseconds (100 to 600 000).
   * @defaultValue 5000
   */
  connectTimeoutMs?: number;
  /**
   * Longest a statement may take, in milliseconds (100 to 600 000). Then its connection is given up, and the write fails; the server may have stored
   * it nevertheless, and the next attempt learns that.
   * @defaultValue 20000
   */
  statementTimeoutMs?: number;
  /**
   * How long `close()` waits for writes under way, in milliseconds (0 to 600 000). Then their connections are cut, and they fail.
   * @defaultValue 5000
   */
  closeTimeoutMs?: number;
}

/** A row to be written, as JSON text, and its place in the batch. */
interface Entry {
  index: number;
  id: string;
  json: string;
}

/** A batch that was undone because of another is written again as often, before it counts as failed. */
const MAX_CONFLICTS = 3;

/**
 * Connects, and makes schema and tables where there are none.
 *
 * A batch is one statement, `INSERT … ON CONFLICT (id) DO NOTHING`: what is new is stored, what was there is told, whoever wrote it. It is
 * acknowledged when the server has committed, as durably as its `synchronous_commit` says.
 *
 * @throws PetrelError `invalid-option`; `store-unavailable` when there is no `pg`, when the database cannot be reached or used, or when its tables were
 * made by a later release.
 */
export async function createPostgresSink(options: PostgresSinkOptions): Promise<Sink> {
  const { closeTimeoutMs = 5_000 } = options;
  checkNumber('closeTimeoutMs', closeTimeoutMs, { min: 0, max: 600_000 });
  const schemaName = options.schema ?? 'petrel';
  const schema = quotedName(schemaName);
  const pool = await openPool(options);
  try {
    await makeTables(pool, schemaName, schema);
  } catch (cause) {
    await pool.end();
    throw new PetrelError('store-unavailable', `the database cannot be used: ${messageOf(cause)}`, { cause });
  }
  const insert = insertInto(schema);
  const select = selectStored(schema);
  /** Connections in use, and how to cut them. */
  const underway = new Set<(error: Error) => void>();
  let closing: Promise<void> | undefined;

  function refuseWhenClosed(): void {
    if (closing) throw new PetrelError('closed', 'the sink is closed');
  }

  async function query<T>(text: string, values: unknown[]): Promise<T[]> {
    const client = await pool.connect();
    let released = false;
    const release = (error?: Error) => {
      if (released) return;
      released = true;
      underway.delete(release);
      client.release(error);
    };
    underway.add(release);
    try {
      const { rows } = await client.query(text, values);
      release();
      return rows;
    } catch (error) {
      // A connection that answered with an error is sound; one that did not answer is not.
      release(sqlState(error) === undefined ? (error as Error) : undefined);
      throw error;
    }
  }

  async function insertAgain(values: [events: string, drops: string]): Promise<{ id: string }[]> {
    for (let conflicts = 0; ; conflicts++) {
      try {
        return await query<{ id: string }>(insert, values);
      } catch (error) {
        if (!isConflict(sqlState(error)) || conflicts === MAX_CONFLICTS) throw error;
      }
    }
  }

  const splitter = createSplitter(wordOf);

  return {
    async write(events, drops) {
      refuseWhenClosed();
      const entries = events.map(entryOf);
      const stored = new Set<string>();
      const insertAll = async (some: readonly Entry[], told: readonly ReceivedDrop[]) => {
        const values: [string, string] = [`[${some.map(({ json }) => json).join()}]`, jsonOfDrops(told)];
        for (const { id } of await insertAgain(values)) stored.add(id);
      };
      try {
        await insertAll(entries, drops);
        return { duplicates: duplicatesAmong(entries, stored) };
      } catch (error) {
        if (wordOf(error) === undefined) throw error;
      }
      await insertAll([], drops);
      const rejected = await splitter.store(entries, (some) => insertAll(some, []));
      const gone = new Set(rejected.map(({ index }) => index));
      return {
        duplicates: duplicatesAmong(
          entries.filter(({ index }) => !gone.has(index)),
          stored,
        ),
        rejected,
      };
    },

    async has(ranges) {
      refuseWhenClosed();
      if (ranges.length === 0) return [];
      const ids = idsOf(ranges);
      const rows = await query<{ id: string }>(select, [ids.flat()]);
      return storedRanges(ranges, ids, new Set(rows.map(({ id }) => id)));
    },

    close() {
      closing ??= close();
      return closing;
    },
  };

  async function close(): Promise<void> {
    const timer = setTimeout(() => {
      for (const cut of [...underway]) cut(new Error('the sink is closed'));
    }, closeTimeoutMs);
    try {
      await pool.end();
    } finally {
      clearTimeout(timer);
    }
  }
}

/** The positions that stored nothing: their id was there before, or earlier in the same batch. */
function duplicatesAmong(entries: readonly Entry[], stored: ReadonlySet<string>): number[] {
  const open = new Set(stored);
  return entries.filter(({ id }) => !open.delete(id)).map(({ index }) => index);
}

/** The sender is told the code alone: what the server says besides names tables and values. */
function wordOf(error: unknown): string | undefined {
  const state = sqlState(error);
  return isRefusal(state) ? `postgres-${state}` : undefined;
}

/**
 * The event's row. `jsonb` takes neither NUL nor half a surrogate pair, and one such value in `json` fails every query that looks into it:
 * they become U+FFFD, and the row as it came is kept in `original`.
 */
function entryOf(event: ReceivedEvent, index: number): Entry {
  const row = eventRow(event);
  const json = JSON.stringify(row);
  if (!mayBeUnstorable(json)) return { index, id: row.id, json };
  const storable = storableJson(row);
  return { index, id: storable.id, json: JSON.stringify({ ...storable, original: json }) };
}

const jsonOfDrops = (drops: readonly ReceivedDrop[]) =>
  JSON.stringify(drops.map((drop) => storableJson(dropRow(drop))));

async function openPool(options: PostgresSinkOptions): Promise<Pool> {
  const { url, maxConnections = 4, connectTimeoutMs = 5_000, statementTimeoutMs = 20_000 } = options;
  if (typeof url !== 'string' || !/^postgres(ql)?:\/\//.test(url) || !URL.canParse(url)) {
    // Not shown: there may be a password in it.
    throw new PetrelError('invalid-option', '`url` must be a URL that begins with postgres:// or postgresql://');
  }
  checkNumber('maxConnections', maxConnections, { min: 1, max: 100 });
  checkNumber('connectTimeoutMs', connectTimeoutMs, { min: 100, max: 600_000 });
  checkNumber('statementTimeoutMs', statementTimeoutMs, { min: 100, max: 600_000 });
  const { Pool } = await loadPg();
  const pool = new Pool({
    connectionString: url,
    max: maxConnections,
    connectionTimeoutMillis: connectTimeoutMs,
    query_timeout: statementTimeoutMs,
    keepAlive: true,
    application_name: 'petrel',
  });
  // An idle connection that breaks is replaced when one is needed; without a listener it would end the process.
  pool.on('error', () => {});
  return pool;
}

/** @throws when the tables are of a later release, or cannot be made */
async function makeTables(pool: Pool, name: string, schema: string): Promise<void> {
  const client = await pool.connect();
  try {
    // Looked at first, so that a role which may only insert and select can use tables that are there.
    if (await isReady(client, name, schema)) return;
    await client.query('BEGIN');
    try {
      // Collectors that start together would each find no tables, and all but one fail to make them.
      await client.query('SELECT pg_advisory_xact_lock(hashtext($1))', [`petrel ${schema}`]);
      if (!(await isReady(client, name, schema))) await client.query(tablesIn(schema));
      await client.query('COMMIT');
    } catch (error) {
      await client.query('ROLLBACK');
      throw error;
    }
  } finally {
    client.release();
  }
}

async function isReady(client: PoolClient, name: string, schema: string): Promise<boolean> {
  // Not `to_regclass`, which remembers within a transaction that there was no such schema.
  const found = await client.query("SELECT FROM pg_tables WHERE schemaname = $1 AND tablename = 'meta'", [name]);
  if (found.rowCount === 0) return false;
  const { rows } = await client.query(`SELECT version FROM ${schema}.meta`);
  const version = rows[0]?.version;
  if (version > SCHEMA_VERSION) {
    throw new Error(`its tables were made by a later release (version ${version}, known here: ${SCHEMA_VERSION})`);
  }
  return true;
}

async function loadPg(): Promise<Pick<typeof import('pg'), 'Pool'>> {
  try {
    // A CommonJS package: older releases have their names on the default export only.
    return (await import('pg')).default;
  } catch (cause) {
    throw new PetrelError('store-unavailable', 'the postgres sink needs the package `pg`: run `npm install pg`', {
      cause,
    });
  }
}

/** Quoted, so that any name is one; of at most 63 bytes, for PostgreSQL cuts longer ones off. */
function quotedName(name: unknown): string {
  if (typeof name !== 'string' || name === '' || name.includes('\0') || Buffer.byteLength(name) > 63) {
    throw new PetrelError('invalid-option', `\`schema\` must be a name of 1 to 63 bytes, not ${show(name)}`);
  }
  return `"${name.replaceAll('"', '""')}"`;
}

/** Node tells several failed attempts (IPv4, IPv6) as one error without a message. */
function messageOf(error: unknown): string {
  if (error instanceof AggregateError) return error.errors.map(messageOf).join('; ');
  return error instanceof Error ? error.message : String(error);
}
