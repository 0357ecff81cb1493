import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'libsql';
import { createCollector } from '../../src/server/index.js';
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
  /** JSON. */
  properties: string;
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
  /** What the collector told its operator. */
  readonly errors: readonly string[];
}

/** The write key the collector wants. */
export const KEY = 'e2e-key';

/** Opens a collector with a database of its own on disk, which the stories read as another program would. */
export async function openCollector(): Promise<{ collector: TestCollector; close(): Promise<void> }> {
  const errors: string[] = [];
  const directory = mkdtempSync(join(tmpdir(), 'petrel-collector-'));
  const path = join(directory, 'events.db');
  const collector = createCollector({
    sink: await createSqliteSink({ path }),
    keys: [KEY],
    onError: (error, where) => void errors.push(`${where}: ${error}`),
  });
  const reader = new Database(path, { readonly: true });
  const events = reader.prepare(
    'SELECT id, source, seq, name, category, properties, timestamp, corrected_at FROM events ORDER BY position',
  );
  const drops = reader.prepare('SELECT source, first, last, reason FROM drops ORDER BY source, first');
  const door = await createMisbehavingCollector({ collector, rows: () => events.all() as CollectedRow[] });
  return {
    collector: Object.assign(door, { errors, drops: () => drops.all() as CollectedDrop[] }),
    close: async () => {
      await door.close();
      reader.close();
      await collector.close();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}
