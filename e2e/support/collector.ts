import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'libsql';
import type { LedgerAudit, LedgerReport } from '../../src/server/index.js';
import { auditLedger, createCollector, reportLedger } from '../../src/server/index.js';
import { createSqliteSink } from '../../src/server/sinks/sqlite.js';
import type { MisbehavingCollector } from '../../src/testing/index.js';
import { createMisbehavingCollector } from '../../src/testing/index.js';

/** A row of the table `events`. */
export interface CollectedRow {
  id: string;
  source: string;
  seq: number;
  name: string;
  category: string;
  user_id: string | null;
  anonymous_id: string | null;
  session_id: string | null;
  /** JSON. */
  properties: string;
  /** JSON. */
  context: string | null;
  /** When it happened, by the client's clock. */
  timestamp: number;
  /** The same by the collector's clock. */
  corrected_at: number;
}

/** A row of the table `drops`. */
export interface CollectedDrop {
  source: string;
  first: number;
  last: number;
  reason: string;
}

export interface TestCollector extends MisbehavingCollector<CollectedRow> {
  /** What the collector was told will never come. */
  drops(): CollectedDrop[];
  /** What the ledger says, now or some days later, as if nothing else had come; a gap waits for 8 days. */
  ledger(daysLater?: number): Promise<LedgerReport>;
  /** The ledger compared with the table, number by number. */
  audit(): Promise<LedgerAudit>;
  /**
   * Numbers that must be missing at the end, because nobody is left who could tell of them: those of a damaged record.
   * @defaultValue 0
   */
  untold: number;
  /** What the collector told its operator. */
  readonly errors: readonly string[];
}

const DAY_MS = 86_400_000;

/** The write key the collector wants. */
export const KEY = 'e2e-key';

/** Opens a collector with a database of its own on disk, which the stories read as another program would. */
export async function openCollector(): Promise<{ collector: TestCollector; close(): Promise<void> }> {
  const errors: string[] = [];
  const directory = mkdtempSync(join(tmpdir(), 'petrel-collector-'));
  const path = join(directory, 'events.db');
  const sink = await createSqliteSink({ path });
  const collector = createCollector({
    sink,
    // The examples have a key of their own.
    keys: [KEY, 'example'],
    onError: (error, where) => void errors.push(`${where}: ${error}`),
  });
  const reader = new Database(path, { readonly: true });
  const events = reader.prepare(
    `SELECT id, source, seq, name, category, user_id, anonymous_id, session_id, properties, context, timestamp, corrected_at
       FROM events ORDER BY position`,
  );
  const drops = reader.prepare('SELECT source, first, last, reason FROM drops ORDER BY source, first');
  const door = await createMisbehavingCollector({ collector, rows: () => events.all() as CollectedRow[] });
  return {
    collector: Object.assign(door, {
      errors,
      untold: 0,
      drops: () => drops.all() as CollectedDrop[],
      ledger: (daysLater = 0) =>
        reportLedger(sink.ledger, { by: 'source', now: Date.now() + daysLater * DAY_MS, maxAgeMs: 8 * DAY_MS }),
      audit: () => auditLedger(sink.ledger, sink, sink.strangers()),
    }),
    close: async () => {
      await door.close();
      reader.close();
      await collector.close();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}
