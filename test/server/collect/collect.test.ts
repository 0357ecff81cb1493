import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Libsql from 'libsql';
import { describe, expect, it } from 'vitest';
import { queued, rows } from '../support.js';
import { load, storedIds } from '../traffic.js';
import { type CollectProcess, usePetrel } from './collect-process.js';

// `petrel collect` as people run it: a process, its signals, its log, its database.

const { inFolder, start } = usePetrel();

const collect = (args: string[] = [], env?: Record<string, string>): CollectProcess =>
  start(['collect', '--port', '0', ...args], env);

const body = (key?: string) => rows(queued(1, 3), key === undefined ? {} : { key });
const send = (url: string, text: string, headers?: Record<string, string>) =>
  fetch(url, { method: 'POST', body: text, ...(headers && { headers }) });

describe('petrel collect', { timeout: 120_000 }, () => {
  it('collects into a database of its own when it is told nothing', async () => {
    const { url, child, ended, logged, output } = collect();

    expect((await send(await url, body())).status).toBe(200);
    child.kill('SIGTERM');

    expect(await ended).toEqual({ code: 0, signal: null });
    expect(storedIds(inFolder('petrel.db'))).toHaveLength(3);
    expect(output.stdout).toContain(`petrel.db`);
    expect(await logged('listening')).toMatchObject({ level: 'info', url: await url, sink: 'petrel.db' });
    expect(await logged('no write key is set: whoever reaches this collector may post')).toMatchObject({
      level: 'warn',
    });
    expect(await logged('stopped')).toMatchObject({ level: 'info' });
  });

  it('makes the folder of its database', async () => {
    const { url } = collect(['--db', 'data/new/events.db']);

    expect((await send(await url, body())).status).toBe(200);
    expect(existsSync(inFolder('data/new/events.db'))).toBe(true);
  });

  it('takes what a flag, the environment and the config file say', async () => {
    writeFileSync(
      inFolder('petrel.config.mjs'),
      "export default { keys: ['from-file'], origins: ['https://shop.example'], db: 'file.db', path: '/in' };",
    );
    const { url, logged } = collect(['--db', 'flag.db'], {
      PETREL_KEYS: 'a-key,another',
      PETREL_LIMITS_MAX_EVENTS: '2',
    });
    const at = `${await url}/in`;

    expect((await send(at, body())).status).toBe(401);
    expect((await send(at, body('from-file'))).status).toBe(401);
    expect((await send(at, body('another'))).status).toBe(413);
    expect((await send(at, rows(queued(1, 2), { key: 'another' }))).status).toBe(200);
    expect((await send(at, body('a-key'), { origin: 'https://other.example' })).status).toBe(403);
    expect((await send(await url, body('a-key'))).status).toBe(404);
    expect(storedIds(inFolder('flag.db'))).toHaveLength(2);
    expect(await logged('listening')).toMatchObject({ config: 'petrel.config.mjs', sink: 'flag.db' });
  });

  it('reads no format but its own where it is told so', async () => {
    const { url } = collect(['--formats', 'none', '--db', 'events.db']);
    const line = '{"name":"Signed Up","anonymous_id":"a1"}\n';

    const foreign = await send(await url, line, { 'content-type': 'application/x-ndjson' });

    expect(foreign.status).toBe(415);
    expect((await send(await url, body())).status).toBe(200);
    expect(storedIds(inFolder('events.db'))).toHaveLength(3);
  });

  it('opens a sink of one’s own from the config file', async () => {
    writeFileSync(
      inFolder('petrel.config.mjs'),
      `import { writeFileSync } from 'node:fs';
       export default {
         sink: () => ({
           async write(events) { writeFileSync('seen', String(events.length)); return { duplicates: [] }; },
           async has() { return []; },
           async close() { writeFileSync('closed', ''); },
         }),
       };`,
    );
    const { url, child, ended } = collect(['--ledger-db', 'ledger.db'], { PETREL_LEDGER_TOKEN: 'a-long-ledger-token' });

    expect((await send(await url, body())).status).toBe(200);
    const ledger = await fetch(`${await url}/ledger`, { headers: { authorization: 'Bearer a-long-ledger-token' } });
    expect(await ledger.json()).toMatchObject({ total: { delivered: 3 } });
    child.kill('SIGINT');

    expect(await ended).toEqual({ code: 0, signal: null });
    expect([existsSync(inFolder('seen')), existsSync(inFolder('closed')), existsSync(inFolder('petrel.db'))]).toEqual([
      true,
      true,
      false,
    ]);
  });

  it('writes JSON lines into a folder that it is given', async () => {
    const { url, child, ended } = collect(['--sink', 'lines/']);

    expect((await send(await url, body())).status).toBe(200);
    child.kill('SIGTERM');

    expect(await ended).toEqual({ code: 0, signal: null });
    const files = readdirSync(inFolder('lines'), { recursive: true, encoding: 'utf8' }).filter((name) =>
      /events.*ndjson$/.test(name),
    );
    const lines = files.flatMap((name) =>
      readFileSync(inFolder(join('lines', name)), 'utf8')
        .trim()
        .split('\n'),
    );
    expect(lines.map((line) => JSON.parse(line).seq)).toEqual([1, 2, 3]);
  });

  it('loses nothing it acknowledged when it is told to end under load', async () => {
    const first = collect(['--db', 'events.db']);
    let url = await first.url;
    const traffic = load(() => [url], { batches: 40 });
    await traffic.reaches(2000);

    first.child.kill('SIGTERM');
    expect(await first.ended).toEqual({ code: 0, signal: null });
    const stored = new Set(storedIds(inFolder('events.db')));
    expect(traffic.acknowledged.filter((id) => !stored.has(id))).toEqual([]);
    url = await collect(['--db', 'events.db']).url;
    await traffic.done;

    const rows = storedIds(inFolder('events.db'));
    expect(rows).toHaveLength(8 * 40 * 25);
    expect(new Set(rows)).toEqual(new Set(traffic.posted));
  });

  it('loses and doubles nothing when it is killed under load, time after time', async () => {
    let current = collect(['--db', 'events.db']);
    let url = await current.url;
    const traffic = load(() => [url], { batches: 60 });

    for (let round = 1; round <= 3; round++) {
      await traffic.reaches(round * 2500);
      current.child.kill('SIGKILL');
      await current.ended;
      const acknowledged = [...traffic.acknowledged];
      const stored = new Set(storedIds(inFolder('events.db')));
      expect(acknowledged.filter((id) => !stored.has(id))).toEqual([]);
      current = collect(['--db', 'events.db']);
      url = await current.url;
    }
    await traffic.done;

    const rows = storedIds(inFolder('events.db'));
    expect(rows).toHaveLength(8 * 60 * 25);
    expect(new Set(rows)).toEqual(new Set(traffic.posted));
  });

  it('ends with 1, and in time, when its database takes nothing any more', async () => {
    const { url, child, ended, logged } = collect(['--db', 'events.db', '--drain-timeout-ms', '1000']);
    await send(await url, body());
    const lock = new Libsql(inFolder('events.db'));
    lock.exec('BEGIN IMMEDIATE');
    const answer = send(await url, rows(queued(4, 6))).then(
      ({ status }) => status,
      () => 'cut',
    );
    await logged('the sink failed');

    child.kill('SIGTERM');

    expect(await ended).toEqual({ code: 1, signal: null });
    lock.exec('ROLLBACK');
    lock.close();
    expect(await answer).not.toBe(200);
    expect(storedIds(inFolder('events.db'))).toHaveLength(3);
  });

  it('does not wait when it is told to end a second time', async () => {
    const { url, child, ended, logged } = collect(['--db', 'events.db', '--drain-timeout-ms', '60000']);
    await send(await url, body());
    const lock = new Libsql(inFolder('events.db'));
    lock.exec('BEGIN IMMEDIATE');
    send(await url, rows(queued(4, 6))).catch(() => {});
    await logged('the sink failed');

    const told = performance.now();
    child.kill('SIGTERM');
    await logged('draining');
    // What comes at once is npx, passing on what the terminal has sent already.
    const impatience = setInterval(() => child.kill('SIGTERM'), 50);
    await logged('told to end again: not waiting');
    clearInterval(impatience);

    expect(await ended).toEqual({ code: 1, signal: null });
    expect(performance.now() - told).toBeGreaterThan(400);
    lock.close();
  });

  it('puts a changed config file to use on SIGHUP, with no request lost: two valid keys, then the new one', async () => {
    const write = (config: object) => writeFileSync(inFolder('petrel.config.json'), JSON.stringify(config));
    write({ keys: ['old'], db: 'events.db' });
    const { url, child, logged, log } = collect();
    const reload = async () => {
      const before = log().filter(({ message }) => /reloaded/.test(message)).length;
      child.kill('SIGHUP');
      while (log().filter(({ message }) => /reloaded/.test(message)).length === before) {
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    };
    const at = await url;
    const traffic = load(() => [at], { key: 'old', batches: 20 });
    await traffic.reaches(500);

    write({ keys: ['old', 'new'], db: 'events.db' });
    await reload();
    expect((await send(at, body('new'))).status).toBe(200);
    await traffic.done;
    write({ keys: ['new'], db: 'other.db', rates: { perAddress: 1000 } });
    await reload();
    expect((await send(at, body('old'))).status).toBe(401);
    write({ keys: [], db: 'other.db' });
    await reload();
    expect((await send(at, body('old'))).status).toBe(401);
    expect((await send(at, body('new'))).status).toBe(200);

    expect(log().filter(({ message }) => message === 'reloaded')).toMatchObject([
      { keys: 2 },
      { keys: 1, needRestart: ['db'] },
    ]);
    expect((await logged('not reloaded: all stays as it was')).error).toContain('`keys` in petrel.config.json must be');
    expect(storedIds(inFolder('events.db'))).toHaveLength(3 + 8 * 20 * 25);
    expect(log().filter(({ status }) => status === 401)).toHaveLength(2);
  });

  it('serves on while it says that it is not ready, and then ends', async () => {
    const { url, child, ended, logged } = collect(['--drain-delay-ms', '2000', '--metrics', 'open']);
    const at = await url;
    expect((await fetch(`${at}/readyz`)).status).toBe(200);

    child.kill('SIGTERM');
    await logged('draining');

    expect((await fetch(`${at}/readyz`)).status).toBe(503);
    expect((await send(at, body())).status).toBe(200);
    expect(await (await fetch(`${at}/metrics`)).text()).toContain('petrel_draining 1');
    expect(await ended).toEqual({ code: 0, signal: null });
  });

  it('limits an address by what its own proxy says of it', async () => {
    const { url } = collect(['--rates-per-address', '1', '--rates-per-address-burst', '2', '--trust-proxy', '1']);
    const at = await url;
    const from = async (address: string) =>
      (await send(at, body(), { 'x-forwarded-for': `6.6.6.6, ${address}` })).status;

    expect([await from('192.0.2.1'), await from('192.0.2.1'), await from('192.0.2.1')]).toEqual([200, 200, 429]);
    expect(await from('192.0.2.2')).toBe(200);
  });

  it.each<[string, string[], number]>([
    ['--port must be a whole number from 0 to 65535, not 99999', ['--port', '99999'], 2],
    ['--limits-max-events must be a whole number from 1 to 100000, not 0', ['--limits-max-events', '0'], 2],
    ['--drain-timeout-ms must be a whole number from 1000 to 600000, not 5', ['--drain-timeout-ms', '5'], 2],
    ['--origin must be', ['--origin', 'shop.example'], 2],
    ['--path must be a path that begins with "/"', ['--path', 'events'], 2],
    ['--ledger-token must be a string of 16 to 512 characters', ['--ledger-token', 'short'], 2],
    ['--batch-max-batch-size must be a whole number from 1 to 10000, not 0', ['--batch-max-batch-size', '0'], 2],
    ['--rates-per-key must be a whole number', ['--rates-per-key', '0'], 2],
    ['--privacy-ip must be drop or truncate or keep, not "all"', ['--privacy-ip', 'all'], 2],
    ['--metrics must be "open", or a string of 16', ['--metrics', 'yes'], 2],
    ['--sink must be such as nats://host:4222/STREAM', ['--sink', 'nats://user:secret@host/a/b'], 2],
    ['--ledger-db is for sinks that keep no ledger', ['--db', 'new.db', '--ledger-db', 'ledger.db'], 2],
    ['--sink must be one of', ['--sink', 'gopher://user:secret@example/'], 2],
    ['there is no config file nowhere.json', ['--config', 'nowhere.json'], 2],
    ['a-folder is a folder, not a file', ['--db', 'a-folder'], 2],
    ['the database text.db cannot be used', ['--db', 'text.db'], 1],
    ['Unexpected argument', ['events.db'], 2],
  ])('says what is wrong and does not start: %s', async (problem, args, exitCode) => {
    writeFileSync(
      inFolder('text.db'),
      'this is no database, but text that is longer than the header of one'.repeat(20),
    );
    mkdirSync(inFolder('a-folder'));

    const { ended, output } = collect(args);

    expect(await ended).toEqual({ code: exitCode, signal: null });
    expect(output.stderr).toContain(problem);
    expect(output.stderr).not.toContain('    at ');
    expect(output.stderr).not.toContain('secret');
    expect(output.stdout).toBe('');
    expect(existsSync(inFolder('petrel.db'))).toBe(false);
  });

  it('says that a port is taken', async () => {
    const port = new URL(await collect().url).port;

    const { ended, output } = collect(['--port', port, '--db', 'other.db']);

    expect(await ended).toMatchObject({ code: 2 });
    expect(output.stderr).toContain(`--port ${port} on 127.0.0.1 is taken by another process`);
  });
});
