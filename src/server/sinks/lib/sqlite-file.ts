import { PetrelError } from '../../../core/errors.js';
import { checkNumber, show } from '../../../core/options.js';

/** A prepared statement, as far as it is used here. */
export interface SqliteStatement {
  /** Runs it, and says how many rows it changed. */
  run(...values: unknown[]): { changes: number | bigint };
  /** Its first row; undefined when there is none. */
  get(...values: unknown[]): unknown;
  /** All its rows. */
  all(...values: unknown[]): unknown[];
}

/** An open database, as far as it is used here. */
export interface SqliteDatabase {
  /** Runs statements that give no rows. */
  exec(sql: string): unknown;
  /** Prepares a statement, to be run many times. */
  prepare(sql: string): SqliteStatement;
  /** Closes the file. */
  close(): unknown;
}

/** The class of a synchronous SQLite package: `libsql`, `better-sqlite3`, or `DatabaseSync` of `node:sqlite`. */
export type SqliteDriver = new (path: string) => SqliteDatabase;

/** Options of {@link createSqliteSink}. */
export interface SqliteSinkOptions {
  /** The database file. It is made if it is not there; its folder has to be. `:memory:` for a test. */
  path: string;
  /**
   * The SQLite to use.
   * @defaultValue the package `libsql`, which must be installed
   * @example
   * ```ts
   * import { DatabaseSync } from 'node:sqlite'; // Node 22.13 and later: nothing to install
   * const sink = await createSqliteSink({ path: 'events.db', driver: DatabaseSync });
   * ```
   */
  driver?: SqliteDriver;
  /**
   * When a commit counts as done. `normal`: written to the operating system; survives the death of the process, the last commits
   * may be lost when the machine loses power. `full`: written to the disk.
   * @defaultValue 'normal'
   */
  synchronous?: 'normal' | 'full';
  /**
   * Longest wait for another process that is writing to the same file, in milliseconds (0 to 60 000). The event loop waits with it.
   * @defaultValue 1000
   */
  busyTimeoutMs?: number;
}

/** Version of the tables, in the file's `user_version`. */
export const SCHEMA_VERSION = 1;

/** All of `body`'s writes, or none. */
export function transact(db: SqliteDatabase, body: () => void): void {
  // IMMEDIATE: waits for another writer here, where waiting works, instead of failing at the first insert.
  db.exec('BEGIN IMMEDIATE');
  try {
    body();
    db.exec('COMMIT');
  } catch (error) {
    try {
      db.exec('ROLLBACK');
    } catch {
      // Some errors (disk full) have rolled back already; the first error is the one to tell.
    }
    throw error;
  }
}

/** Opens the file with what `make` puts in, given the version of its tables (0: it is new). */
export async function openFile(
  options: SqliteSinkOptions,
  make: (db: SqliteDatabase, version: number) => void,
): Promise<SqliteDatabase> {
  const { synchronous = 'normal', busyTimeoutMs = 1_000 } = options;
  if (synchronous !== 'normal' && synchronous !== 'full') {
    throw new PetrelError('invalid-option', `\`synchronous\` must be "normal" or "full", not ${show(synchronous)}`);
  }
  checkNumber('busyTimeoutMs', busyTimeoutMs, { min: 0, max: 60_000 });
  return connect(options, (db) => {
    db.exec(`PRAGMA busy_timeout = ${busyTimeoutMs}`);
    db.exec('PRAGMA journal_mode = WAL');
    db.exec(`PRAGMA synchronous = ${synchronous}`);
    transact(db, () => make(db, checkVersion(db)));
  });
}

/** The version of the file's tables; 0 when it has none. */
export function checkVersion(db: SqliteDatabase): number {
  const { user_version: version } = db.prepare('PRAGMA user_version').get() as { user_version: number };
  if (version > SCHEMA_VERSION) {
    throw new Error(`it was made by a later release (tables of version ${version}, known here: ${SCHEMA_VERSION})`);
  }
  return version;
}

/** Opens the file, if `prepare` finds nothing wrong with it. */
export async function connect(
  { path, driver }: Pick<SqliteSinkOptions, 'path' | 'driver'>,
  prepare: (db: SqliteDatabase) => void,
): Promise<SqliteDatabase> {
  if (typeof path !== 'string' || path === '') {
    throw new PetrelError('invalid-option', `\`path\` must be the path of a file, not ${show(path)}`);
  }
  const Driver = driver ?? (await loadLibsql());
  let db: SqliteDatabase | undefined;
  try {
    db = new Driver(path);
    prepare(db);
    return db;
  } catch (cause) {
    db?.close();
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new PetrelError('store-unavailable', `the database ${path} cannot be used: ${why}`, { cause });
  }
}

async function loadLibsql(): Promise<SqliteDriver> {
  try {
    return (await import('libsql')).default;
  } catch (cause) {
    throw new PetrelError(
      'store-unavailable',
      'the sqlite sink needs the package `libsql`: run `npm install libsql`, or pass another SQLite as `driver`',
      { cause },
    );
  }
}
