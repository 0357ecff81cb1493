import { mkdtempSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Libsql from 'libsql';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createCollector } from '../../src/server/handler.js';
import { createSqliteLedger, createSqliteSink, type SqliteDriver } from '../../src/server/sinks/sqlite.js';
import { receivedEvent } from '../contract/sink.contract.js';
import { answerOf, post, queued, refusalOf, rows } from './support.js';

// What happens to a collector's database file while it runs. Real files and real time: a request waits for up to half a second here.

let folder: string;
const cleanUps: (() => unknown)[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'petrel-trouble-'));
});
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0)) await cleanUp();
  rmSync(folder, { recursive: true, force: true });
});

const file = () => join(folder, 'events.db');

/** The file and SQLite's own beside it. */
function removeAll(): void {
  for (const end of ['', '-wal', '-shm']) rmSync(file() + end, { force: true });
}

/** A collector over a database whose own connection can be reached, to set it limits that the disk would. */
async function open() {
  let connection!: Libsql.Database;
  class Reachable extends Libsql {
    constructor(path: string) {
      super(path);
      connection = this;
    }
  }
  const errors: string[] = [];
  const sink = await createSqliteSink({
    path: file(),
    driver: Reachable as unknown as SqliteDriver,
    busyTimeoutMs: 20,
  });
  const collector = createCollector({
    sink,
    ackTimeoutMs: 500,
    closeTimeoutMs: 0,
    batch: { initialDelayMs: 20, maxDelayMs: 50, maxPauseMs: 1_000 },
    onError: (error) => errors.push(String(error)),
  });
  cleanUps.push(() => collector.close().catch(() => {}));
  const send = (first: number, last: number) => collector(post(rows(queued(first, last))));
  return { collector, send, errors, connection };
}

function storedSeqs(path = file()): number[] {
  const db = new Libsql(path);
  const all = db.prepare('SELECT seq FROM events ORDER BY seq').all() as { seq: number }[];
  db.close();
  return all.map(({ seq }) => seq);
}

const numbers = (first: number, last: number) => Array.from({ length: last - first + 1 }, (_, i) => first + i);

describe('a database that', { timeout: 60_000 }, () => {
  it.each<[string, (db: Libsql.Database) => void, (db: Libsql.Database) => void, RegExp]>([
    ['is read-only', (db) => db.exec('PRAGMA query_only = ON'), (db) => db.exec('PRAGMA query_only = OFF'), /readonly/],
    [
      'is full',
      (db) => void db.prepare('PRAGMA max_page_count = 1').all(),
      (db) => void db.prepare('PRAGMA max_page_count = 1000000').all(),
      /full/,
    ],
  ])(
    '%s acknowledges nothing, half stores nothing, and takes everything afterwards',
    async (_, begin, end, problem) => {
      const { send, errors, connection } = await open();
      await answerOf(send(1, 3));

      begin(connection);
      // Large enough to need a new page.
      const refusal = await refusalOf(send(4, 1003));
      expect(refusal.status).toBe(503);
      expect(refusal.headers.get('retry-after')).toMatch(/^\d+$/);
      expect(storedSeqs()).toEqual([1, 2, 3]);
      expect(errors[0]).toMatch(problem);
      end(connection);

      await answerOf(send(4, 1003));
      expect(storedSeqs()).toEqual(numbers(1, 1003));
    },
  );

  it('another process holds acknowledges nothing, and takes everything when it is let go', async () => {
    const { send, errors } = await open();
    await answerOf(send(1, 3));
    const other = new Libsql(file());
    other.exec('BEGIN IMMEDIATE');

    expect((await refusalOf(send(4, 6))).status).toBe(503);
    expect(errors[0]).toMatch(/locked/);
    other.exec('ROLLBACK');
    other.close();

    await answerOf(send(4, 6));
    expect(storedSeqs()).toEqual(numbers(1, 6));
  });

  it.each([
    ['is deleted', () => rmSync(file()), /was deleted while it was open/],
    ['is deleted with its journal', () => removeAll(), /was deleted while it was open/],
    ['is moved', () => renameSync(file(), join(folder, 'moved.db')), /was deleted while it was open/],
    [
      'is replaced',
      () => {
        renameSync(file(), join(folder, 'moved.db'));
        const other = new Libsql(file());
        other.exec('CREATE TABLE other (a)');
        other.close();
      },
      /was replaced while it was open/,
    ],
  ])('%s while it runs acknowledges nothing more, and says so', async (_, harm, problem) => {
    const { collector, send, errors } = await open();
    await answerOf(send(1, 3));

    harm();

    expect((await refusalOf(send(4, 6))).status).toBe(503);
    expect((await refusalOf(send(7, 9))).status).toBe(503);
    expect(errors[0]).toMatch(problem);
    expect((await collector(new Request('https://collector.example/readyz'))).status).toBe(503);
  });

  it('was deleted is a new one for the collector that is started then, and what was refused is taken', async () => {
    const first = await open();
    await answerOf(first.send(1, 3));
    removeAll();
    expect((await refusalOf(first.send(4, 6))).status).toBe(503);
    await first.collector.close().catch(() => {});

    const second = await open();

    expect(await answerOf(second.send(4, 6))).toMatchObject({ accepted: 3 });
    expect(storedSeqs()).toEqual([4, 5, 6]);
  });
});

describe('a ledger beside a sink that', () => {
  it('is deleted while it runs fails too', async () => {
    const path = join(folder, 'ledger.db');
    const ledger = await createSqliteLedger({ path });
    cleanUps.push(() => ledger.close());
    const facts = { events: [receivedEvent(1)], duplicates: [], drops: [], tails: [], repeated: 0 };
    await ledger.record(facts);

    rmSync(path);

    await expect(ledger.record(facts)).rejects.toThrow('was deleted while it was open');
  });
});
