import { judge } from '../../core/judge.js';
import { DAY_MS, type SourceLedger } from '../../core/ledger.js';
import type { SqliteDatabase } from '../sinks/lib/sqlite-file.js';
import type { Ledger, LedgerFacts, TotalsRow } from './ledger.js';
import { addRow, recordFacts, timeOf } from './record.js';

/**
 * One row for each source, and counts of what is no source's any more. Made where they are not there: a file of an earlier release
 * gets them too.
 */
export const LEDGER_SCHEMA = `
  CREATE TABLE IF NOT EXISTS ledger (
    source TEXT PRIMARY KEY,
    last_day INTEGER NOT NULL,
    known TEXT NOT NULL
  ) WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS ledger_last_day ON ledger (last_day);
  CREATE TABLE IF NOT EXISTS ledger_totals (
    day INTEGER NOT NULL,
    release TEXT NOT NULL,
    key TEXT NOT NULL,
    counts TEXT NOT NULL,
    PRIMARY KEY (day, release, key)
  ) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS ledger_meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
`;

/**
 * Sources not heard of for this long are folded into counts: no tracker keeps an event for longer than 30 days, and takes some days
 * until it tells what it dropped.
 */
export const KEEP_MS = 40 * DAY_MS;

/** Most sources that are not folded, whatever their age. A row has some 150 bytes. */
export const MAX_SOURCES = 5_000_000;

/** How often it is looked for sources to fold, in ms of the collector's clock, and how many go at once: some 30 ms of work. */
const FOLD_EVERY_MS = 600_000;
const FOLD_AT_ONCE = 2_000;

/** Sources whose last entry is remembered: the next batch of a page comes seconds later. */
const REMEMBERED = 5_000;

/** A ledger in an open database. */
export interface SqliteLedger extends Ledger {
  /** Writes facts down, within the caller's transaction. */
  record(facts: LedgerFacts): void;
  /** Sources of which the table `events` has numbered events, and the ledger no entry; with their highest number. */
  strangers(): [source: string, last: number][];
  /** To be called when the transaction of `record` failed. */
  forget(): void;
}

/** @param limits for tests */
export function openSqliteLedger(
  db: SqliteDatabase,
  trustsDuplicates: boolean,
  limits: { keepMs?: number; maxSources?: number } = {},
): SqliteLedger {
  const { keepMs = KEEP_MS, maxSources = MAX_SOURCES } = limits;
  const selectOne = db.prepare('SELECT known FROM ledger WHERE source = ?');
  const selectAfter = db.prepare('SELECT source, known FROM ledger WHERE source > ? ORDER BY source LIMIT ?');
  const selectOldest = db.prepare('SELECT source, known FROM ledger WHERE last_day < ? ORDER BY last_day LIMIT ?');
  const countAll = db.prepare('SELECT count(*) AS sources FROM ledger');
  const upsert = db.prepare(
    `INSERT INTO ledger (source, last_day, known) VALUES (?, ?, ?)
     ON CONFLICT (source) DO UPDATE SET last_day = excluded.last_day, known = excluded.known`,
  );
  const remove = db.prepare('DELETE FROM ledger WHERE source = ?');
  const selectTotals = db.prepare('SELECT day, release, key, counts FROM ledger_totals');
  const selectTotal = db.prepare('SELECT counts FROM ledger_totals WHERE day = ? AND release = ? AND key = ?');
  const upsertTotal = db.prepare(
    `INSERT INTO ledger_totals (day, release, key, counts) VALUES (?, ?, ?, ?)
     ON CONFLICT (day, release, key) DO UPDATE SET counts = excluded.counts`,
  );
  const version = db.prepare('PRAGMA data_version');
  const selectId = db.prepare("SELECT value FROM ledger_meta WHERE name = 'id'");
  if (!selectId.get()) {
    db.prepare("INSERT OR IGNORE INTO ledger_meta (name, value) VALUES ('id', ?)").run(crypto.randomUUID());
  }
  const { value: id } = selectId.get() as { value: string };

  /** As last written here. Worthless as soon as another process has written to the file, which `data_version` tells. */
  const remembered = new Map<string, SourceLedger>();
  let seenVersion: unknown;
  let nextFoldAt = 0;

  const pages = {
    load(source: string): SourceLedger | undefined {
      const entry = remembered.get(source);
      if (entry) return entry;
      const row = selectOne.get(source) as { known: string } | undefined;
      return row && JSON.parse(row.known);
    },
    save(source: string, known: SourceLedger): void {
      upsert.run(source, Math.floor(known.lastSeen / DAY_MS), JSON.stringify(known));
      remembered.delete(source); // so that the newest stand last
      remembered.set(source, known);
      if (remembered.size > REMEMBERED) remembered.delete(remembered.keys().next().value!);
    },
    add({ day, release, key, counts }: TotalsRow): void {
      const rows = new Map<string, TotalsRow>();
      const before = selectTotal.get(day, release, key) as { counts: string } | undefined;
      if (before) addRow(rows, { day, release, key, counts: JSON.parse(before.counts) });
      addRow(rows, { day, release, key, counts });
      for (const row of rows.values()) upsertTotal.run(day, release, key, JSON.stringify(row.counts));
    },
  };

  /** Turns sources that are long silent into counts. */
  function fold(now: number): void {
    const { sources } = countAll.get() as { sources: number };
    const fold = (rows: unknown[], early: boolean) => {
      const folded = new Map<string, TotalsRow>();
      for (const { source, known } of rows as { source: string; known: string }[]) {
        const entry: SourceLedger = JSON.parse(known);
        for (const { day, counts } of judge(entry, now, early ? 0 : keepMs).days) {
          if (early) counts.coarsened = counts.sources;
          addRow(folded, { day, release: entry.release ?? '', key: entry.key ?? '', counts });
        }
        remove.run(source);
        remembered.delete(source);
      }
      for (const row of folded.values()) pages.add(row);
      return rows.length;
    };
    const silent = selectOldest.all(Math.floor((now - keepMs) / DAY_MS), FOLD_AT_ONCE);
    fold(silent, false);
    const excess = sources - silent.length - maxSources;
    if (excess > 0) fold(selectOldest.all(Number.MAX_SAFE_INTEGER, Math.min(excess, FOLD_AT_ONCE)), true);
    if (silent.length < FOLD_AT_ONCE && excess <= FOLD_AT_ONCE) nextFoldAt = now + FOLD_EVERY_MS;
  }

  return {
    id,
    record(facts) {
      const { data_version: current } = version.get() as { data_version: unknown };
      if (current !== seenVersion) remembered.clear();
      seenVersion = current;
      recordFacts(pages, facts, trustsDuplicates);
      const now = timeOf(facts);
      // A clock that was set back must not keep it from folding for years.
      if (now >= nextFoldAt || nextFoldAt > now + FOLD_EVERY_MS) fold(now);
    },
    strangers() {
      const rows = db
        .prepare(
          `SELECT source, max(seq) AS last FROM events
           WHERE id = source || '.' || seq AND source NOT IN (SELECT source FROM ledger) GROUP BY source`,
        )
        .all() as { source: string; last: number }[];
      return rows.map(({ source, last }) => [source, last]);
    },
    forget: () => remembered.clear(),
    async sources(after, limit) {
      const rows = selectAfter.all(after, limit) as { source: string; known: string }[];
      return rows.map(({ source, known }) => [source, JSON.parse(known)]);
    },
    async source(source) {
      const row = selectOne.get(source) as { known: string } | undefined;
      return row && JSON.parse(row.known);
    },
    async totals() {
      const rows = selectTotals.all() as (Omit<TotalsRow, 'counts'> & { counts: string })[];
      return rows.map(({ day, release, key, counts }) => ({ day, release, key, counts: JSON.parse(counts) }));
    },
  };
}
