import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { auditLedger, reportLedger } from '../../src/server/index.js';
import { openLedgerFile } from '../../src/server/sinks/sqlite.js';
import { compileServer, linkPackages } from '../support/compile.js';
import { load, storedIds } from './traffic.js';

// Collectors as processes of their own, over one database file, ended in all the ways processes end.

const SCRIPT = `
  import { createCollector } from './src/server/index.js';
  import { serve } from './src/server/node.js';
  import { createSqliteSink } from './src/server/sinks/sqlite.js';

  const collector = createCollector({ sink: await createSqliteSink({ path: process.argv[1] }) });
  const server = await serve(collector, { host: '127.0.0.1' });
  process.on('SIGTERM', async () => {
    await server.close();
    await collector.close();
    process.exit(0);
  });
  process.send(server.url);
`;

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'petrel-process-'));
  compileServer(folder);
  linkPackages(folder);
}, 60_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const children: ChildProcess[] = [];
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
});

let files = 0;
const newFile = () => join(folder, `${++files}.db`);

async function startCollector(
  path: string,
): Promise<{ child: ChildProcess; url: string; ended: Promise<number | null> }> {
  const child = spawn(process.execPath, ['--input-type=module', '--eval', SCRIPT, path], {
    cwd: folder,
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  children.push(child);
  const ended = new Promise<number | null>((resolve) => child.once('exit', resolve));
  const url = await new Promise<string>((resolve, reject) => {
    child.once('message', (message) => resolve(String(message)));
    child.once('exit', (code) => reject(new Error(`the collector ended with ${code}`)));
  });
  return { child, url, ended };
}

/** What the ledger counts as delivered; it must agree with the table, number by number. */
async function deliveredBy(path: string): Promise<number> {
  const { ledger, events, close } = await openLedgerFile({ path });
  const audit = await auditLedger(ledger, events!, events!.strangers());
  const { total } = await reportLedger(ledger, { now: Date.now(), maxAgeMs: 1_000 });
  close();
  expect(audit).toEqual({ checked: total.delivered, gone: 0, stray: 0, discrepancies: [] });
  return total.delivered;
}

describe('collector processes', { timeout: 120_000 }, () => {
  it('have stored all they acknowledged when they are killed under load, time after time', async () => {
    const path = newFile();
    let current = await startCollector(path);
    const traffic = load(() => [current.url]);

    for (let round = 1; round <= 3; round++) {
      await traffic.reaches(round * 1500);
      current.child.kill('SIGKILL');
      await current.ended;
      const acknowledged = [...traffic.acknowledged];

      const stored = new Set(storedIds(path));

      expect(acknowledged.filter((id) => !stored.has(id))).toEqual([]);
      current = await startCollector(path);
    }
    await traffic.reaches(6000);
    await traffic.stop();

    const rows = storedIds(path);
    const stored = new Set(rows);
    expect(stored.size).toBe(rows.length);
    expect(await deliveredBy(path)).toBe(rows.length);
    expect(traffic.acknowledged.filter((id) => !stored.has(id))).toEqual([]);
  });

  it('finish what they have when they are told to end under load', async () => {
    const path = newFile();
    const { child, url, ended } = await startCollector(path);
    const traffic = load(() => [url]);
    await traffic.reaches(2000);

    child.kill('SIGTERM');
    const code = await ended;
    await traffic.stop();

    expect(code).toBe(0);
    const stored = new Set(storedIds(path));
    expect(traffic.acknowledged.filter((id) => !stored.has(id))).toEqual([]);
  });

  it('share one database, and lose and double nothing when one of them is killed', async () => {
    const path = newFile();
    const all = [await startCollector(path), await startCollector(path), await startCollector(path)];
    const urls = all.map(({ url }) => url);
    const traffic = load(() => urls, { batches: 30 });

    await traffic.reaches(1500);
    all[1]!.child.kill('SIGKILL');
    await traffic.done;

    const stored = storedIds(path);
    expect(stored).toHaveLength(8 * 30 * 25);
    expect(new Set(stored)).toEqual(new Set(traffic.posted));
    expect(traffic.acknowledged).toHaveLength(stored.length);
    expect(await deliveredBy(path)).toBe(stored.length);
  });

  it('started at the same moment over a new file make its tables once', async () => {
    const path = newFile();

    const all = await Promise.all(Array.from({ length: 4 }, () => startCollector(path)));

    const traffic = load(() => all.map(({ url }) => url), { batches: 2 });
    await traffic.done;
    expect(storedIds(path)).toHaveLength(8 * 2 * 25);
    expect(traffic.accepted()).toBe(8 * 2 * 25);
  });
});
