/**
 * `petrel/sinks/sqlite`: the embedded database.
 *
 * One file, one table `events` with a row for each event, readable by any SQLite while the collector writes.
 * docs/collector.md has the columns and says why SQLite, and why this driver.
 * @packageDocumentation
 */
import { PetrelError } from '../../core/errors.js';
import { eventId } from '../../core/event.js';
import { checkNumber, show } from '../../core/options.js';
import type { SourceRange } from '../../core/wire.js';
import type { Ledger, LedgerStore } from '../ledger/ledger.js';
import { LEDGER_SCHEMA, openSqliteLedger } from '../ledger/sqlite-ledger.js';
import { watchFile } from './lib/same-file.js';
import { storableText } from './lib/text.js';
import { type ReceivedEvent, rangesOf, type Sink, type SinkNotes } from './sink.js';

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

/** The sink, with its ledger, and what an audit of it needs. */
export interface SqliteSink extends Sink {
  readonly ledger: Ledger;
  /** Sources that the ledger has no account of, although there are events of theirs: the third argument of `auditLedger`. */
  strangers(): [source: string, last: number][];
}

/** Version of the tables below, in the file's `user_version`. */
const SCHEMA_VERSION = 1;

/**
 * A table with rowids and a unique index: in a table `WITHOUT ROWID` the wide rows make up the index, and inserts took twice the
 * time (29 000 against 53 000 events/s, rows of 570 bytes).
 */
const SCHEMA = `
  CREATE TABLE events (
    position INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    source TEXT NOT NULL,
    seq INTEGER NOT NULL,
    name TEXT NOT NULL,
    category TEXT NOT NULL,
    user_id TEXT,
    anonymous_id TEXT,
    session_id TEXT,
    group_id TEXT,
    timestamp INTEGER NOT NULL,
    sent_at INTEGER NOT NULL,
    received_at INTEGER NOT NULL,
    corrected_at INTEGER AS (timestamp + received_at - sent_at),
    batch_id TEXT,
    properties TEXT NOT NULL,
    context TEXT
  );
  CREATE INDEX events_received_at ON events (received_at);
  CREATE TABLE drops (
    source TEXT NOT NULL,
    first INTEGER NOT NULL,
    last INTEGER NOT NULL,
    reason TEXT NOT NULL,
    received_at INTEGER NOT NULL,
    PRIMARY KEY (source, first, last, reason)
  ) WITHOUT ROWID;
  PRAGMA user_version = ${SCHEMA_VERSION};
`;

const NO_NOTES: SinkNotes = { tails: [], repeated: 0 };

const EVENT_COLUMNS = [
  'id',
  'source',
  'seq',
  'name',
  'category',
  'user_id',
  'anonymous_id',
  'session_id',
  'group_id',
  'timestamp',
  'sent_at',
  'received_at',
  'batch_id',
  'properties',
  'context',
];

/**
 * Opens the database, and makes file and tables where there are none. Several processes may write to one file.
 *
 * Writing happens on the thread that calls it: a batch of 500 events takes about 5 ms.
 *
 * @throws PetrelError `invalid-option`; `store-unavailable` when there is no driver, or the file cannot be used or was made by a
 * later release.
 */
export async function createSqliteSink(options: SqliteSinkOptions): Promise<SqliteSink> {
  const db = await openFile(options, (opened, version) => {
    if (version === 0) opened.exec(SCHEMA);
    // Apart, so that a file from before there were ledgers gets one.
    opened.exec(LEDGER_SCHEMA);
  });
  const checkFile = watchFile(options.path);
  const insert = db.prepare(
    `INSERT OR IGNORE INTO events (${EVENT_COLUMNS.join(', ')}) VALUES (${EVENT_COLUMNS.map(() => '?').join(', ')})`,
  );
  const insertDrop = db.prepare(
    'INSERT OR IGNORE INTO drops (source, first, last, reason, received_at) VALUES (?, ?, ?, ?, ?)',
  );
  const has = lookUp(db);
  const ledger = openSqliteLedger(db, false);
  let closed = false;

  function refuseWhenClosed(): void {
    // libsql goes on working after close().
    if (closed) throw new PetrelError('closed', 'the sink is closed');
  }

  return {
    ledger,
    strangers: ledger.strangers,

    async write(events, drops, { tails, repeated } = NO_NOTES) {
      refuseWhenClosed();
      const duplicates: number[] = [];
      const contextOf = contextWriter();
      try {
        transact(db, () => {
          events.forEach((event, index) => {
            if (insert.run(...rowOf(event, contextOf)).changes === 0) duplicates.push(index);
          });
          for (const { source, first, last, reason, receivedAt } of drops) {
            insertDrop.run(source, first, last, reason, Math.round(receivedAt));
          }
          ledger.record({ events, duplicates, drops, tails, repeated });
        });
        checkFile();
      } catch (error) {
        ledger.forget();
        throw error;
      }
      return { duplicates };
    },

    async has(ranges) {
      refuseWhenClosed();
      checkFile();
      return has(ranges);
    },

    async close() {
      if (closed) return;
      closed = true;
      try {
        // Leaves one file instead of three, where nobody else has it open.
        db.exec('PRAGMA wal_checkpoint(TRUNCATE)');
      } finally {
        db.close();
      }
    },
  };
}

/**
 * Opens a ledger that stands alone, beside a sink that keeps none, such as a stream's: one small file next to the collector.
 * Several collectors with a file each are added up by `petrel ledger`.
 *
 * @throws PetrelError as {@link createSqliteSink}
 *
 * @example
 * ```ts
 * createCollector({ sink, ledger: { store: await createSqliteLedger({ path: 'ledger.db' }) } });
 * ```
 */
export async function createSqliteLedger(options: SqliteSinkOptions): Promise<LedgerStore> {
  const db = await openFile(options, (opened) => opened.exec(LEDGER_SCHEMA));
  // A request may be cut off between sink and ledger; when it comes again, its events are duplicates.
  const { record, forget, ...ledger } = openSqliteLedger(db, true);
  const checkFile = watchFile(options.path);
  let closed = false;
  return {
    ...ledger,
    async record(facts) {
      if (closed) throw new PetrelError('closed', 'the ledger is closed');
      try {
        transact(db, () => record(facts));
        checkFile();
      } catch (error) {
        forget();
        throw error;
      }
    },
    async close() {
      if (!closed) db.close();
      closed = true;
    },
  };
}

/** The ledger in a collector's file, to be read while the collector runs. */
export interface LedgerFile {
  ledger: Ledger;
  /** Of the events in the same file, for `auditLedger`; undefined where there are none (`createSqliteLedger`). */
  events?: Pick<SqliteSink, 'has' | 'strangers'>;
  /** Closes the file. */
  close(): void;
}

/**
 * Opens a file that `createSqliteSink` or `createSqliteLedger` made, and makes nothing.
 *
 * @throws PetrelError `store-unavailable` when it is not such a file
 */
export async function openLedgerFile(options: Pick<SqliteSinkOptions, 'path' | 'driver'>): Promise<LedgerFile> {
  const db = await connect(options, (opened) => {
    opened.exec('PRAGMA busy_timeout = 1000');
    checkVersion(opened);
    const tables = opened.prepare("SELECT name FROM sqlite_master WHERE type = 'table'").all() as { name: string }[];
    const has = (name: string) => tables.some((table) => table.name === name);
    if (!has('ledger') || !has('ledger_totals')) throw new Error('there is no ledger in it');
  });
  const { strangers, ...ledger } = openSqliteLedger(db, false);
  const hasEvents = db.prepare("SELECT 1 FROM sqlite_master WHERE name = 'events'").get() !== undefined;
  const has = hasEvents ? lookUp(db) : undefined;
  return {
    ledger,
    ...(has && { events: { strangers, has: async (ranges) => has(ranges) } }),
    close: () => void db.close(),
  };
}

/** Says which numbers are stored. */
function lookUp(db: SqliteDatabase): (ranges: readonly SourceRange[]) => SourceRange[] {
  // One statement and one row, however many ids: a row for each would take longer than the search.
  const selectStored = db.prepare(
    'SELECT json_group_array(value) AS ids FROM json_each(?) WHERE EXISTS (SELECT 1 FROM events WHERE id = value)',
  );
  return (ranges) => {
    const asked = ranges.map(([source, first, last]) =>
      Array.from({ length: last - first + 1 }, (_, i) => eventId(source, first + i)),
    );
    const { ids } = selectStored.get(JSON.stringify(asked.flat())) as { ids: string };
    const stored = new Set<string>(JSON.parse(ids));
    return ranges.flatMap(([source, first], r) => {
      const seqs = asked[r]!.flatMap((id, i) => (stored.has(id) ? [first + i] : []));
      return rangesOf(source, seqs);
    });
  };
}

/** Contexts as text. The events of a body share one object, so each is written once. */
function contextWriter(): (context: ReceivedEvent['context']) => string | null {
  let last: ReceivedEvent['context'];
  let text: string | null = null;
  return (context) => {
    if (context !== last) {
      last = context;
      text = context ? JSON.stringify(context) : null;
    }
    return text;
  };
}

function rowOf(event: ReceivedEvent, contextOf: ReturnType<typeof contextWriter>): unknown[] {
  return [
    storableText(event.id),
    storableText(event.source),
    event.seq,
    storableText(event.name),
    event.category,
    textOrNull(event.userId),
    textOrNull(event.anonymousId),
    textOrNull(event.sessionId),
    textOrNull(event.groupId),
    event.timestamp,
    Math.round(event.sentAt),
    Math.round(event.receivedAt),
    textOrNull(event.batchId),
    JSON.stringify(event.properties),
    contextOf(event.context),
  ];
}

const textOrNull = (text: string | undefined) => (text === undefined ? null : storableText(text));

/** All of `body`'s writes, or none. */
function transact(db: SqliteDatabase, body: () => void): void {
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
async function openFile(
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
function checkVersion(db: SqliteDatabase): number {
  const { user_version: version } = db.prepare('PRAGMA user_version').get() as { user_version: number };
  if (version > SCHEMA_VERSION) {
    throw new Error(`it was made by a later release (tables of version ${version}, known here: ${SCHEMA_VERSION})`);
  }
  return version;
}

/** Opens the file, if `prepare` finds nothing wrong with it. */
async function connect(
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
