// `petrel query`: SQL over a collector's database, for reading alone.

import { readFileSync } from 'node:fs';
import { parse, say, UsageError, write } from '../lib/command.mjs';
import { openReadOnly } from '../lib/database.mjs';
import { asCsv, asJson, asTable, uniqueNames } from './formats.mjs';
import { hasSeveralStatements } from './sql.mjs';

/** @typedef {import('./formats.mjs').Value} Value */

const HELP = `Usage
  petrel query "select name, count(*) from events group by name"     in petrel.db
  petrel query --db events.db --csv "select * from events" > events.csv
  petrel query - < report.sql

Options
  --db <file>     the collector's database (PETREL_DB, petrel.db); the collector may run meanwhile
  --csv           comma-separated values, with a header (RFC 4180)
  --json          an array of objects
  --limit <rows>  at most so many rows (a table: 1000)
  -h, --help      this text

Tables: events, drops, ledger, ledger_totals. docs/collector.md has their columns. Times are ms since 1970:
  select datetime(corrected_at / 1000, 'unixepoch'), name, properties ->> 'price' from events

Ends with 1 when the query fails, with 2 when called wrongly.
`;

/** Rows of a table, where nobody said how many: all of them are measured before the first is shown. */
const TABLE_ROWS = 1_000;

/** How much is written at once, in characters. */
const CHUNK = 65_536;

/** @param {string[]} argv what follows `petrel query` */
export async function query(argv) {
  const { values, positionals } = parse(
    argv,
    {
      db: { type: 'string' },
      csv: { type: 'boolean' },
      json: { type: 'boolean' },
      limit: { type: 'string' },
      help: { type: 'boolean', short: 'h' },
    },
    { allowPositionals: true },
  );
  if (values.help) return say(HELP);
  const [given, ...more] = positionals;
  if (given === undefined) throw new UsageError('`petrel query` needs a query, such as "select count(*) from events"');
  if (more.length > 0) throw new UsageError('`petrel query` takes one query: put it in quotes');
  if (values.csv && values.json) throw new UsageError('--csv and --json exclude each other: give one');
  const { limit } = values;
  if (limit !== undefined && !/^[1-9]\d{0,8}$/.test(limit)) {
    throw new UsageError(`--limit must be a number of rows, not ${JSON.stringify(limit)}`);
  }
  const sql = given === '-' ? readFileSync(0, 'utf8') : given;
  if (hasSeveralStatements(sql)) throw new UsageError('`petrel query` takes one statement at a time');
  const db = await openReadOnly(values.db ?? (process.env.PETREL_DB || 'petrel.db'));
  try {
    const format = values.csv ? 'csv' : values.json ? 'json' : 'table';
    await show(db, sql, format, limit === undefined ? undefined : Number(limit));
  } finally {
    db.close();
  }
}

/**
 * @param {import('libsql').Database} db
 * @param {string} sql
 * @param {'csv' | 'json' | 'table'} format
 * @param {number | undefined} limit
 */
async function show(db, sql, format, limit) {
  let statement;
  /** @type {Iterator<Value[]>} */
  let rows;
  try {
    statement = db.prepare(sql);
    // Not run, so that ATTACH and the like do nothing either.
    if (!statement.reader) throw new UsageError('`petrel query` only reads: the statement must be a query');
    statement.raw(true).safeIntegers(true);
    rows = /** @type {Iterator<Value[]>} */ (statement.iterate());
  } catch (error) {
    throw told(error);
  }
  const columns = statement.columns().map(({ name }) => name);
  const next = () => {
    try {
      return rows.next();
    } catch (error) {
      throw told(error);
    }
  };
  if (format === 'table') {
    const { list, isMore } = take(next, limit ?? TABLE_ROWS);
    await write(asTable(columns, list));
    if (isMore) await write(`… more rows: --limit, --csv or --json shows them\n`);
    return;
  }
  const names = uniqueNames(columns);
  let chunk = format === 'csv' ? asCsv(columns) : '[';
  let count = 0;
  for (let row = next(); !row.done && count < (limit ?? Number.POSITIVE_INFINITY); row = next()) {
    const value = row.value.map(plain);
    chunk += format === 'csv' ? asCsv(value) : `${count === 0 ? '\n' : ',\n'}  ${asJson(names, value)}`;
    count++;
    if (chunk.length >= CHUNK) {
      await write(chunk);
      chunk = '';
    }
  }
  await write(format === 'csv' ? chunk : `${chunk}${count === 0 ? '' : '\n'}]\n`);
}

/**
 * @param {() => IteratorResult<Value[]>} next
 * @param {number} limit
 */
function take(next, limit) {
  /** @type {Value[][]} */
  const list = [];
  for (let row = next(); !row.done; row = next()) {
    if (list.length === limit) return { list, isMore: true };
    list.push(row.value.map(plain));
  }
  return { list, isMore: false };
}

/** Whole numbers as such where they are exact. @param {Value} value */
const plain = (value) => (typeof value === 'bigint' && Number.isSafeInteger(Number(value)) ? Number(value) : value);

/** SQLite's complaint, without a stack. @param {unknown} error */
function told(error) {
  if (error instanceof UsageError) return error;
  const { message } = /** @type {Error} */ (error);
  return new Error(
    /readonly/.test(message) ? '`petrel query` only reads: the statement would write' : `the query fails: ${message}`,
  );
}
