// A collector's database, to be looked at while the collector writes.

import { statSync } from 'node:fs';
import { UsageError } from './command.mjs';

/** @typedef {import('libsql').Database} Database */

/** Longest wait for a writer, in ms. Readers meet one only while the file is made or its journal is taken over. */
const BUSY_TIMEOUT_MS = 2_000;

/**
 * Opens the file for reading alone.
 *
 * @param {string} path
 * @returns {Promise<Database>}
 * @throws UsageError when there is no such file; Error when it is no database, or there is no SQLite to open it with
 */
export async function openReadOnly(path) {
  // SQLite would make it.
  if (!statSync(path, { throwIfNoEntry: false })?.isFile()) throw new UsageError(`there is no file ${path}`);
  let Libsql;
  try {
    Libsql = (await import('libsql')).default;
  } catch (cause) {
    throw new Error('reading a database needs the package `libsql`: run `npm install libsql`', { cause });
  }
  /** @type {Database | undefined} */
  let db;
  try {
    db = new Libsql(path);
    // Its option `readonly` is not kept (libsql 0.5.29 inserts nevertheless); this is SQLite's own.
    db.exec('PRAGMA query_only = ON');
    db.exec(`PRAGMA busy_timeout = ${BUSY_TIMEOUT_MS}`);
    db.prepare('SELECT count(*) FROM sqlite_master').get();
    return db;
  } catch (cause) {
    db?.close();
    throw new Error(`the database ${path} cannot be read: ${/** @type {Error} */ (cause).message}`, { cause });
  }
}
