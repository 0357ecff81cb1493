import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { findChromium } from '../../scripts/find-chromium.mjs';
import { createCollector } from '../../src/server/index.js';
import { type Handler, serve } from '../../src/server/node.js';
import { createSqliteSink } from '../../src/server/sinks/sqlite.js';

const root = fileURLToPath(new URL('../../', import.meta.url));
const TOKEN = 'a-long-and-secret-token';

/** What was opened, latest last. */
let closers: (() => unknown)[] = [];
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'petrel-gauntlet-cli-'));
});
afterEach(async () => {
  for (const close of closers.reverse()) await close();
  closers = [];
  rmSync(folder, { recursive: true });
});

interface Ended {
  status: number | null;
  stdout: string;
  stderr: string;
}

async function gauntlet(...args: string[]): Promise<Ended> {
  const child = spawn(process.execPath, [join(root, 'bin', 'petrel.mjs'), 'gauntlet', ...args], { cwd: folder });
  let [stdout, stderr] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text) => (stderr += text));
  const status = await new Promise<number | null>((resolve) => child.once('close', resolve));
  return { status, stdout, stderr };
}

/** A collector with its database on disk, on a port; and a page that names what is in it, from which a store can hide or repeat rows. */
async function collectorBehind(
  front: (collect: Handler) => Handler = (collect) => collect,
  show: (names: string[]) => string[] = (names) => names,
) {
  const sink = await createSqliteSink({ path: join(folder, 'events.db') });
  const collector = createCollector({
    sink,
    keys: ['gauntlet'],
    origins: ['https://shop.example'],
    ledger: { token: TOKEN },
  });
  const { default: Database } = await import('libsql');
  const reader = new Database(join(folder, 'events.db'), { readonly: true });
  const names = () => (reader.prepare('SELECT name FROM events').all() as { name: string }[]).map(({ name }) => name);
  const door = front((request, client) => collector(request, client));
  const server = await serve(
    (request, client) =>
      new URL(request.url).pathname === '/rows' ? new Response(show(names()).join('\n')) : door(request, client),
    { host: '127.0.0.1' },
  );
  closers.push(
    () => collector.close(),
    () => server.close(),
    () => reader.close(),
  );
  const endpoint = ['--endpoint', `${server.url}/v1/events`, '--origin', 'https://shop.example', '--key', 'gauntlet'];
  return { url: server.url, endpoint, rows: ['--rows', `${server.url}/rows?{run}`] };
}

/** Answers every request but the first as if it had stored it. */
const lying = (collect: Handler): Handler => {
  let asked = 0;
  return async (request, client) => {
    if (request.method !== 'POST' || ++asked === 1) return collect(request, client);
    await request.arrayBuffer();
    return new Response(null, { headers: { 'access-control-allow-origin': 'https://shop.example' } });
  };
};

// The stories are told in a real browser; `npm test` installs one where it may, and says so where it may not.
describe.skipIf(!findChromium())('petrel gauntlet, in a real browser', () => {
  it('lets a collector’s database say that every event of an outage is there once', async () => {
    const { endpoint, rows } = await collectorBehind();

    const { status, stdout, stderr } = await gauntlet(...endpoint, ...rows, '--only', 'status-503', '--json');

    expect([status, stderr]).toEqual([0, expect.stringContaining('1 of 1: five seconds of 503')]);
    const report = JSON.parse(stdout);
    expect(report).toMatchObject({ kept: true, unproven: [], total: { lost: 0, doubled: 0 } });
    const [outage] = report.stories;
    expect(outage).toMatchObject({ name: 'status-503', lost: [], broken: [] });
    expect(outage.requests).toBeGreaterThan(3);
    expect(outage.stored).toBe(outage.tracked);
  });

  it('finds events that a collector acknowledged and threw away, and ends with 1', async () => {
    const { endpoint, rows } = await collectorBehind(lying);

    const { status, stdout } = await gauntlet(...endpoint, ...rows, '--only', 'close', '--patience', '1');

    expect(status).toBe(1);
    expect(stdout).toMatch(/LOST {4}close {2}20 events, 20 lost/);
    expect(stdout).toContain('acknowledged by the endpoint, and not there');
    expect(stdout).toMatch(/^close +20 +20 +0 +20 +0 /m);
  });

  it('finds events that are there twice', async () => {
    const { endpoint, rows } = await collectorBehind(undefined, (names) => [...names, ...names.slice(3, 5)]);

    const { status, stdout } = await gauntlet(...endpoint, ...rows, '--only', 'close');

    expect(status).toBe(1);
    expect(stdout).toMatch(/DOUBLE {2}close {2}20 events, 0 lost, 2 doubled/);
  });

  it('reads a Petrel collector’s ledger; and without, says that what was acknowledged is not proven to be stored', async () => {
    const { endpoint } = await collectorBehind();

    const [seen, believed] = await Promise.all([
      gauntlet(...endpoint, '--ledger-token', TOKEN, '--only', 'healthy'),
      gauntlet(...endpoint, '--only', 'close'),
    ]);

    expect([seen.status, believed.status]).toEqual([0, 0]);
    expect(seen.stdout).toContain('of 90 events 90 are there, by the collector’s ledger');
    expect(believed.stdout).toContain('not proven: that what was acknowledged is stored');
  });

  it.each([
    [
      'a key is missing',
      (address: string) => ['--endpoint', address, '--origin', 'https://shop.example'],
      /answers 401.*\n.*--key/,
    ],
    [
      'the site is not on the list',
      (address: string) => ['--endpoint', address, '--key', 'gauntlet'],
      /answers 403.*\n.*--origin/,
    ],
    ['nobody is there', () => ['--endpoint', 'http://127.0.0.1:1/v1/events'], /cannot be reached/],
  ])('says at the first event that %s', async (_, args, said) => {
    const { url } = await collectorBehind();

    const { status, stderr } = await gauntlet(...args(`${url}/v1/events`));

    expect([status, stderr]).toEqual([1, expect.stringMatching(said)]);
  });

  it.each([
    ['looks in the wrong place', ['--rows', 'echo nothing', '--patience', '0'], 'does not show it'],
    ['failed', ['--rows', 'echo no such table >&2; exit 3'], 'ended with 3: no such table'],
    ['for the browser starts none', ['--browser', process.execPath], 'does not start'],
  ])('says at the first event that the command %s', async (_, args, said) => {
    const { endpoint } = await collectorBehind();

    const { status, stderr } = await gauntlet(...endpoint, ...args);

    expect([status, stderr]).toEqual([1, expect.stringContaining(said)]);
  });
});

describe('petrel gauntlet', () => {
  it('lists its stories', async () => {
    const { status, stdout } = await gauntlet('--list');

    expect(status).toBe(0);
    expect(stdout).toMatch(/^worker-killed +the worker is killed/m);
    expect((await gauntlet('--help')).stdout).toContain('--rows <how>');
  });

  it.each([
    [[], 'needs --endpoint'],
    [['--endpoint', 'ftp://files.example/'], 'is not an address of the web'],
    [['--endpoint', 'https://a.example/', '--only', 'heathy'], 'there is no story `heathy`'],
    [['--endpoint', 'https://a.example/', '--origin', 'shop.example'], '--origin must be'],
    [['--endpoint', 'https://a.example/', '--header', 'authorization'], '--header must be'],
    [['--endpoint', 'https://a.example/', '--patience', 'long'], '--patience must be'],
    [['--endpoint', 'https://a.example/', '--rows', 'cat', '--ledger-token', 'x'], 'not both'],
    [['--colour'], '--colour'],
  ])('says what is wrong with %j', async (args, said) => {
    const { status, stderr } = await gauntlet(...args);

    expect([status, stderr]).toEqual([2, expect.stringContaining(said)]);
  });
});
