import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import Libsql from 'libsql';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createCollector } from '../../src/server/index.js';
import { serve } from '../../src/server/node.js';
import type { ReceivedEvent } from '../../src/server/sinks/sink.js';
import { createSqliteLedger, createSqliteSink } from '../../src/server/sinks/sqlite.js';
import { receivedEvent } from '../contract/sink.contract.js';

const root = fileURLToPath(new URL('../../', import.meta.url));
const TOKEN = 'a-long-and-secret-token';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'petrel-ledger-cli-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const command = [join(root, 'bin', 'petrel.mjs'), 'ledger'];

function petrel(...args: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [...command, ...args], {
    cwd: folder,
    encoding: 'utf8',
  });
  return { status, stdout, stderr, verdict: stdout.trimEnd().split('\n').at(-1) };
}

/** As `petrel`, while this process goes on: it may have to answer. */
async function petrelAside(args: string[], env: NodeJS.ProcessEnv = {}) {
  const child = spawn(process.execPath, [...command, ...args], { cwd: folder, env: { ...process.env, ...env } });
  let [stdout, stderr] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text) => (stderr += text));
  const status = await new Promise((resolve) => child.once('close', resolve));
  return { status, stdout, stderr };
}

const LONG_AGO = Date.now() - 20 * 86_400_000;
const events = (first: number, last: number, more: Partial<ReceivedEvent> = {}) =>
  Array.from({ length: last - first + 1 }, (_, i) => receivedEvent(first + i, { receivedAt: LONG_AGO, ...more }));

async function database(name: string, ...batches: ReceivedEvent[][]): Promise<string> {
  const path = join(folder, name);
  const sink = await createSqliteSink({ path });
  for (const batch of batches) await sink.write(batch, []);
  await sink.close();
  return path;
}

describe('petrel ledger', () => {
  it('says that nothing is missing, and ends with 0', async () => {
    await database('events.db', events(1, 40), events(1, 2, { source: 'BBBBBBBBBB' }));

    const { status, stdout, verdict } = petrel('--db', 'events.db');

    expect([status, verdict]).toEqual([0, 'nothing is missing']);
    expect(stdout).toMatch(/^day +accepted +delivered +dropped +possible +unknown +missing$/m);
    expect(stdout).toMatch(/^\d{4}-\d\d-\d\d +42 +42 +0 +0 +0 +0$/m);
  });

  it('says what is missing, and ends with 1, for cron', async () => {
    await database('events.db', [...events(1, 4), ...events(6, 9), ...events(12, 12)]);

    const { status, stdout, verdict } = petrel('--db', 'events.db', '--missing');

    expect([status, verdict]).toEqual([1, '3 events are missing from 1 source']);
    expect(stdout).toContain('AAAAAAAAAAAAAAAAAAAAAA misses 5, 10–11');
  });

  it('waits as long as it is told, and judges for any moment', async () => {
    await database('events.db', [...events(1, 4), ...events(6, 9)]);

    expect(petrel('--db', 'events.db', '--max-age', '30')).toMatchObject({ status: 0, verdict: 'nothing is missing' });
    expect(petrel('--db', 'events.db', '--at', new Date(LONG_AGO).toISOString()).status).toBe(0);
    expect(petrel('--db', 'events.db', '--max-age', '19').status).toBe(1);
  });

  it('speaks JSON', async () => {
    await database('events.db', events(1, 4));

    const report = JSON.parse(petrel('--db', 'events.db', '--json', '--by', 'source', '--audit').stdout);

    expect(report).toMatchObject({
      verdict: 'nothing-missing',
      by: 'source',
      total: { accepted: 4, delivered: 4, missing: 0 },
      rows: [{ name: 'AAAAAAAAAAAAAAAAAAAAAA', source: { highest: 4, missing: [] } }],
      audit: { checked: 4, gone: 0, stray: 0 },
    });
  });

  it('finds rows that were deleted, and ends with 1', async () => {
    const path = await database('events.db', events(1, 40));
    const db = new Libsql(path);
    db.exec('DELETE FROM events WHERE seq IN (3, 4)');
    db.close();

    expect(petrel('--db', 'events.db')).toMatchObject({ status: 0 });
    const { status, stdout, verdict } = petrel('--db', 'events.db', '--audit');
    expect([status, verdict]).toEqual([1, 'the audit found 2 events gone from the database']);
    expect(stdout).toContain('gone from the database: AAAAAAAAAAAAAAAAAAAAAA 3–4');
  });

  it('adds up what several collectors received', async () => {
    await database('a.db', events(1, 10), events(31, 40));
    await database('b.db', events(11, 30), events(1, 3, { source: 'BBBBBBBBBB' }));

    expect(petrel('--db', 'a.db')).toMatchObject({ status: 1 });
    expect(petrel('--db', 'a.db', '--db', 'b.db')).toMatchObject({ status: 0, verdict: 'nothing is missing' });
    const { total } = JSON.parse(petrel('--db', 'a.db', '--db', 'b.db', '--db', 'a.db', '--json').stdout);
    expect(total).toMatchObject({ accepted: 43, delivered: 43, sources: 2 });
  });

  it('reads a ledger that stands alone', async () => {
    const ledger = await createSqliteLedger({ path: join(folder, 'ledger.db') });
    await ledger.record({ events: events(1, 5), duplicates: [], drops: [], tails: [], repeated: 0 });
    await ledger.close();

    expect(petrel('--db', 'ledger.db')).toMatchObject({ status: 0, verdict: 'nothing is missing' });
    expect(petrel('--db', 'ledger.db', '--audit')).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('no events to compare'),
    });
  });

  it('asks a collector that is running, and adds its answer to a file', async () => {
    const path = await database('a.db', events(1, 10));
    const remote = await createSqliteSink({ path: join(folder, 'b.db') });
    await remote.write(events(12, 20), []);
    const collector = createCollector({ sink: remote, ledger: { token: TOKEN } });
    const server = await serve(collector, { host: '127.0.0.1' });

    const alone = await petrelAside(['--url', server.url, '--json'], { PETREL_LEDGER_TOKEN: TOKEN });
    const both = await petrelAside(['--url', server.url, '--db', path, '--token', TOKEN]);
    const one = await petrelAside(['--url', server.url, '--source', 'AAAAAAAAAAAAAAAAAAAAAA', '--token', TOKEN]);
    const wrong = await petrelAside(['--url', server.url, '--token', 'wrong']);
    await server.close();
    await collector.close();
    const gone = await petrelAside(['--url', server.url, '--token', TOKEN]);

    expect(JSON.parse(alone.stdout).total).toMatchObject({ delivered: 9, missing: 11 });
    expect([both.status, both.stdout.trimEnd().split('\n').at(-1)]).toEqual([1, '1 event is missing from 1 source']);
    expect(one.stdout).toContain('misses 1–11');
    expect([wrong.status, wrong.stderr]).toEqual([1, expect.stringContaining('401')]);
    expect([gone.status, gone.stderr]).toEqual([1, expect.stringContaining('cannot be reached')]);
  });

  it('changes nothing in a file that is none of a collector’s, and makes none', () => {
    const path = join(folder, 'other.db');
    const other = new Libsql(path);
    other.exec('CREATE TABLE mine (a)');
    other.close();
    const before = readFileSync(path);

    petrel('--db', 'other.db');
    petrel('--db', 'nowhere.db');

    expect(readFileSync(path).equals(before)).toBe(true);
    expect(readdirSync(folder)).toEqual(['other.db']);
  });

  it.each([
    [['--db', 'nowhere.db'], 1, 'there is no file nowhere.db'],
    [['--db', 'text.db'], 1, 'cannot be used'],
    [['--db', 'other.db'], 1, 'there is no ledger in it'],
    [[], 2, '--db or --url'],
    [['--url', 'https://collect.example/'], 2, '--token'],
    [['--url', 'not an address', '--token', 'x'], 2, 'is not an address'],
    [['--url', 'https://collect.example/', '--token', 'x', '--audit'], 2, '--audit'],
    [['--db', 'a.db', '--by', 'colour'], 2, '--by'],
    [['--db', 'a.db', '--from', 'monday'], 2, '--from'],
    [['--db', 'a.db', '--limit', '-1'], 2, '--limit'],
    [['--db', 'a.db', '--max-age', 'long'], 2, '--max-age'],
    [['--db', 'a.db', '--at', 'noon'], 2, '--at'],
    [['--db', 'a.db', '--colour'], 2, '--colour'],
    [['a.db'], 2, 'a.db'],
  ])('says what is wrong with %j', (args, exitCode, said) => {
    writeFileSync(join(folder, 'text.db'), 'no database at all, but a text that is long enough to be one'.repeat(100));
    const other = new Libsql(join(folder, 'other.db'));
    other.exec('CREATE TABLE mine (a)');
    other.close();

    const { status, stderr } = petrel(...args);

    expect([status, stderr]).toEqual([exitCode, expect.stringContaining(said)]);
    expect(stderr).not.toMatch(/^\s+at /m);
  });
});
