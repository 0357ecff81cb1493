/**
 * `petrel/sinks/sqlite`: the embedded database.
 *
 * One file, one table `events` with a row for each event, readable by any SQLite while the collector writes.
 * docs/collector.md has the columns and says why SQLite, and why this driver.
 * @packageDocumentation
 */
import { PetrelError } from '../../core/errors.js';
import type { Ledger, LedgerStore } from '../ledger/ledger.js';
import { LEDGER_SCHEMA, openSqliteLedger } from '../ledger/sqlite-ledger.js';
import { watchFile } from './lib/same-file.js';
import { contextWriter, EVENTS_SCHEMA, insertEvents, lookUp, rowOf } from './lib/sqlite-events.js';
import { checkVersion, connect, openFile, type SqliteSinkOptions, transact } from './lib/sqlite-file.js';
import type { Sink, SinkNotes } from './sink.js';

export type { SqliteDatabase, SqliteDriver, SqliteSinkOptions, SqliteStatement } from './lib/sqlite-file.js';

/** The sink, with its ledger, and what an audit of it needs. */
export interface SqliteSink extends Sink {
  readonly ledger: Ledger;
  /** Sources that the ledger has no account of, although there are events of theirs: the third argument of `auditLedger`. */
  strangers(): [source: string, last: number][];
}

const NO_NOTES: SinkNotes = { tails: [], repeated: 0 };

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
    if (version === 0) opened.exec(EVENTS_SCHEMA);
    // Apart, so that a file from before there were ledgers gets one.
    opened.exec(LEDGER_SCHEMA);
  });
  const checkFile = watchFile(options.path);
  const insert = db.prepare(insertEvents);
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
