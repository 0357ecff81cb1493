import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Libsql from 'libsql';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { EventCategory } from '../../../src/core/event.js';
import type { DropReason } from '../../../src/core/outcome.js';
import { createSqliteSink, type SqliteDriver } from '../../../src/server/sinks/sqlite.js';
import { receivedEvent, type StoredEvent, sinkContract } from '../../contract/sink.contract.js';
import { compileServer, linkPackages } from '../../support/compile.js';

const folders: string[] = [];
const folder = () => {
  const path = mkdtempSync(join(tmpdir(), 'petrel-sqlite-'));
  folders.push(path);
  return path;
};
const file = () => join(folder(), 'events.db');
afterEach(() => {
  for (const path of folders.splice(0)) rmSync(path, { recursive: true, force: true });
});

let compiled: string;
beforeAll(() => {
  compiled = mkdtempSync(join(tmpdir(), 'petrel-compiled-'));
  compileServer(compiled);
  linkPackages(compiled);
}, 60_000);
afterAll(() => rmSync(compiled, { recursive: true, force: true }));

interface Row {
  id: string;
  source: string;
  seq: number;
  name: string;
  category: EventCategory;
  user_id: string | null;
  anonymous_id: string | null;
  session_id: string | null;
  group_id: string | null;
  timestamp: number;
  sent_at: number;
  received_at: number;
  corrected_at: number;
  batch_id: string | null;
  properties: string;
  context: string | null;
}

/** Reads through a connection of its own, as somebody with a SQLite shell does. */
function read<T>(path: string, sql: string): T[] {
  const db = new Libsql(path);
  try {
    return db.prepare(sql).all() as T[];
  } finally {
    db.close();
  }
}

const eventOf = (row: Row): StoredEvent => ({
  id: row.id,
  source: row.source,
  seq: row.seq,
  name: row.name,
  category: row.category,
  timestamp: row.timestamp,
  sentAt: row.sent_at,
  receivedAt: row.received_at,
  properties: JSON.parse(row.properties),
  ...(row.user_id !== null && { userId: row.user_id }),
  ...(row.anonymous_id !== null && { anonymousId: row.anonymous_id }),
  ...(row.session_id !== null && { sessionId: row.session_id }),
  ...(row.group_id !== null && { groupId: row.group_id }),
  ...(row.batch_id !== null && { batchId: row.batch_id }),
  ...(row.context !== null && { context: JSON.parse(row.context) }),
});

function contractFor(name: string, driver?: SqliteDriver) {
  sinkContract(name, async () => {
    const path = file();
    const open = () => createSqliteSink({ path, ...(driver && { driver }) });
    return {
      sink: await open(),
      again: open,
      events: async () => read<Row>(path, 'SELECT * FROM events ORDER BY position').map(eventOf),
      drops: async () =>
        read<{ source: string; first: number; last: number; reason: DropReason; receivedAt: number }>(
          path,
          'SELECT source, first, last, reason, received_at AS receivedAt FROM drops ORDER BY reason',
        ),
    };
  });
}

contractFor('the sqlite sink');

// Node 22.13 and later have a SQLite of their own. The name is put together so that bundlers do not look for it.
const nodeSqlite: { DatabaseSync: SqliteDriver } | undefined = await import(['node', 'sqlite'].join(':')).catch(
  () => {},
);
if (nodeSqlite) contractFor('the sqlite sink on node:sqlite', nodeSqlite.DatabaseSync);

describe('the sqlite sink', () => {
  it('gives the time of an event by the collector’s clock, whatever the client’s clock says', async () => {
    const path = file();
    const sink = await createSqliteSink({ path });
    const hour = 3_600_000;

    // Happened at 10:00, was sent after an hour offline; the client is a day slow.
    await sink.write(
      [receivedEvent(1, { timestamp: 10 * hour - 24 * hour, sentAt: 11 * hour - 24 * hour, receivedAt: 11 * hour })],
      [],
    );

    expect(read(path, 'SELECT corrected_at / 3600000 AS hour FROM events')).toMatchObject([{ hour: 10 }]);
    await sink.close();
  });

  it('leaves one complete file when it is closed, and takes nothing more', async () => {
    const path = file();
    const sink = await createSqliteSink({ path });
    await sink.write([receivedEvent(1)], []);

    await sink.close();

    const copy = join(folder(), 'copy.db');
    writeFileSync(copy, readFileSync(path));
    expect(read(copy, 'SELECT count(*) AS n FROM events')).toMatchObject([{ n: 1 }]);
    await expect(sink.write([receivedEvent(2)], [])).rejects.toMatchObject({ code: 'closed' });
    await expect(sink.has([])).rejects.toMatchObject({ code: 'closed' });
  });

  it('stores nothing of a batch that fails halfway', async () => {
    const path = file();
    const sink = await createSqliteSink({ path });
    const circular: { [key: string]: never } = {};
    Object.assign(circular, { circular });

    await expect(sink.write([receivedEvent(1), receivedEvent(2, { properties: circular })], [])).rejects.toThrow();

    expect(read(path, 'SELECT id FROM events')).toEqual([]);
    await sink.write([receivedEvent(1)], []);
    expect(read(path, 'SELECT id FROM events')).toHaveLength(1);
    await sink.close();
  });

  it('fails a write while another process holds the file, and works again afterwards', async () => {
    const path = file();
    const sink = await createSqliteSink({ path, busyTimeoutMs: 50 });
    const other = new Libsql(path);
    other.exec('BEGIN IMMEDIATE');

    await expect(sink.write([receivedEvent(1)], [])).rejects.toThrow(/locked/);

    other.exec('ROLLBACK');
    expect(await sink.write([receivedEvent(1)], [])).toEqual({ duplicates: [] });
    other.close();
    await sink.close();
  });

  it('refuses a file of a later release, and leaves it as it is', async () => {
    const path = file();
    await (await createSqliteSink({ path })).close();
    const db = new Libsql(path);
    db.exec('PRAGMA user_version = 2');
    db.close();

    await expect(createSqliteSink({ path })).rejects.toMatchObject({
      code: 'store-unavailable',
      message: expect.stringContaining('made by a later release (tables of version 2, known here: 1)'),
    });
    expect(read(path, 'PRAGMA user_version')).toMatchObject([{ user_version: 2 }]);
  });

  it('names the file it cannot use, and why', async () => {
    const garbage = file();
    writeFileSync(garbage, 'this is no database '.repeat(500));
    const foreign = file();
    const db = new Libsql(foreign);
    db.exec('CREATE TABLE events (x)');
    db.close();

    const open = (path: string) => createSqliteSink({ path }).catch((error: Error) => error.message);

    expect(await open(garbage)).toMatch(`the database ${garbage} cannot be used: file is not a database`);
    expect(await open(foreign)).toMatch(`the database ${foreign} cannot be used: table events already exists`);
    expect(await open(join(folder(), 'no', 'such', 'folder', 'x.db'))).toMatch(
      /x\.db cannot be used: .*[Uu]nable to open/,
    );
  });

  it('says how to get a driver where there is none', { timeout: 30_000 }, () => {
    const at = folder();
    cpSync(join(compiled, 'src'), join(at, 'src'), { recursive: true });
    writeFileSync(join(at, 'package.json'), '{"type":"module"}');
    const script = `
      const { createSqliteSink } = await import('${at}/src/server/sinks/sqlite.js');
      await createSqliteSink({ path: 'x.db' }).catch((error) => console.log(error.code, error.message));
    `;

    const said = execFileSync(process.execPath, ['--input-type=module', '--eval', script], {
      cwd: at,
      encoding: 'utf8',
    });

    expect(said).toMatch(/^store-unavailable the sqlite sink needs the package `libsql`: run `npm install libsql`/);
  });

  it.each([
    [{ path: '' }, /`path` must be the path of a file, not ""/],
    [{ path: 'x.db', synchronous: 'off' }, /`synchronous` must be "normal" or "full", not "off"/],
    [{ path: 'x.db', busyTimeoutMs: -1 }, /`busyTimeoutMs` must be a whole number from 0 to 60000, not -1/],
  ])('refuses the options %j', async (options, message) => {
    await expect(createSqliteSink(options as never)).rejects.toThrow(message);
  });

  it.each([
    ['normal', 1],
    ['full', 2],
  ] as const)('commits with synchronous = %s', async (synchronous, value) => {
    const path = file();
    const seen: unknown[] = [];
    class Watched extends (Libsql as unknown as SqliteDriver) {
      override close() {
        seen.push(this.prepare('PRAGMA synchronous').get(), this.prepare('PRAGMA journal_mode').get());
        return super.close();
      }
    }

    const sink = await createSqliteSink({ path, synchronous, driver: Watched });
    await sink.close();

    expect(seen).toMatchObject([{ synchronous: value }, { journal_mode: 'wal' }]);
  });

  it('can be read by another process while it writes', { timeout: 60_000 }, async () => {
    const path = file();
    const sink = await createSqliteSink({ path });
    await sink.write([receivedEvent(1)], []);
    const script = `
      import Libsql from 'libsql';
      const db = new Libsql(process.argv[1]);
      const count = db.prepare('SELECT count(*) AS n FROM events');
      const seen = new Set();
      const until = Date.now() + 20000;
      console.log('reading');
      for (let n = 0; n < 4001 && Date.now() < until; seen.add(n)) n = count.get().n;
      console.log(JSON.stringify([...seen]));
    `;
    const reader = run(compiled, script, path);
    await said(reader, 'reading');
    const result = said(reader, '[');

    for (let batch = 0; batch < 80; batch++) {
      await sink.write(
        Array.from({ length: 50 }, (_, i) => receivedEvent(2 + batch * 50 + i)),
        [],
      );
      await new Promise((resolve) => setImmediate(resolve));
    }

    const seen: number[] = JSON.parse(await result);
    expect(seen.at(-1)).toBe(4001);
    // Whole batches, at moments in between.
    expect(seen.every((n) => (n - 1) % 50 === 0)).toBe(true);
    expect(seen.length).toBeGreaterThan(2);
    await sink.close();
  });

  it('has every event that was acknowledged when the process was killed', { timeout: 60_000 }, async () => {
    const path = file();
    const script = `
      import { writeSync } from 'node:fs';
      import { createSqliteSink } from '${compiled}/src/server/sinks/sqlite.js';
      const sink = await createSqliteSink({ path: process.argv[1] });
      const source = process.argv[2];
      for (let seq = 1; ; seq += 20) {
        const events = Array.from({ length: 20 }, (_, i) => ({
          id: source + '.' + (seq + i), source, seq: seq + i, name: 'kill', category: 'custom',
          timestamp: 1, sentAt: 2, receivedAt: 3, properties: { filler: 'x'.repeat(200) },
        }));
        await sink.write(events, []);
        writeSync(1, (seq + 19) + '\\n');
      }
    `;

    for (let round = 0; round < 5; round++) {
      const source = `round---${round}`;
      const writer = run(compiled, script, path, source);
      let acknowledged = 0;
      const output = lines(writer, (line) => {
        acknowledged = Number(line);
        // Anywhere within a commit: some batches later, not at a line's end.
        if (acknowledged >= 1000 + round * 260) writer.kill('SIGKILL');
      });
      await output;

      const [row] = read<{ n: number; top: number }>(
        path,
        `SELECT count(*) AS n, max(seq) AS top FROM events WHERE source = '${source}'`,
      );
      expect(acknowledged).toBeGreaterThanOrEqual(1000);
      expect(row!.n).toBeGreaterThanOrEqual(acknowledged);
      expect(row!.n).toBe(row!.top);
      expect(row!.n % 20).toBe(0);
    }
    expect(read(path, 'PRAGMA integrity_check')).toMatchObject([{ integrity_check: 'ok' }]);
  });
});

const children: ChildProcess[] = [];
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
});

/** Runs a module script in a process of its own. */
function run(cwd: string, script: string, ...args: string[]): ChildProcess {
  const child = spawn(process.execPath, ['--input-type=module', '--eval', script, ...args], {
    cwd,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  children.push(child);
  return child;
}

/** Tells each line of the child's output, to its end. */
async function lines(child: ChildProcess, told: (line: string) => void): Promise<void> {
  let rest = '';
  for await (const chunk of child.stdout!.setEncoding('utf8')) {
    const parts = (rest + chunk).split('\n');
    rest = parts.pop()!;
    for (const line of parts) told(line);
  }
}

/** The next line that begins with `start`. */
async function said(child: ChildProcess, start: string): Promise<string> {
  let buffer = '';
  return new Promise((resolve, reject) => {
    child.stdout!.setEncoding('utf8').on('data', (chunk) => {
      buffer += chunk;
      const line = buffer.split('\n').find((text, i, all) => text.startsWith(start) && i < all.length - 1);
      if (line !== undefined) resolve(line);
    });
    child.once('close', () => reject(new Error(`ended without "${start}": ${buffer}`)));
  });
}
