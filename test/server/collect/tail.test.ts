import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { lineOf } from '../../../bin/tail/line.mjs';
import { createCollector } from '../../../src/server/handler.js';
import { serve } from '../../../src/server/node.js';
import { createMemorySink } from '../../../src/server/sinks/memory.js';
import { createSqliteSink, type SqliteSink } from '../../../src/server/sinks/sqlite.js';
import { receivedEvent } from '../../contract/sink.contract.js';
import { queued, rows } from '../support.js';

const script = fileURLToPath(new URL('../../../bin/petrel.mjs', import.meta.url));
const TOKEN = 'a-token-of-some-length';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'petrel-tail-'));
});
const cleanUps: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
  rmSync(folder, { recursive: true });
});

async function openSink(): Promise<SqliteSink> {
  const sink = await createSqliteSink({ path: join(folder, 'petrel.db') });
  cleanUps.push(() => sink.close());
  return sink;
}

/** `petrel tail` as a process: its lines as they come. */
function tail(args: string[], env: Record<string, string> = {}) {
  const child: ChildProcess = spawn(process.execPath, [script, 'tail', ...args], {
    cwd: folder,
    env: { PATH: process.env.PATH ?? '', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  cleanUps.push(() => child.kill('SIGKILL'));
  const output = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    child[name]!.setEncoding('utf8').on('data', (text) => {
      output[name] += text;
    });
  }
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  const until = async (name: 'stdout' | 'stderr', condition: (text: string) => boolean) => {
    let over = false;
    void ended.then(() => {
      over = true;
    });
    while (!condition(output[name])) {
      if (over) throw new Error(`it ended: ${output.stdout}${output.stderr}`);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    return output[name];
  };
  return {
    ended,
    output,
    until,
    lines: async (count: number) =>
      (await until('stdout', (text) => text.split('\n').length > count)).split('\n').slice(0, count),
  };
}

const run = (...args: string[]) => {
  const { status, stdout, stderr } = spawnSync(process.execPath, [script, 'tail', ...args], {
    cwd: folder,
    encoding: 'utf8',
    env: { PATH: process.env.PATH },
  });
  return { status, stdout, stderr };
};

describe('petrel tail of a database', { timeout: 60_000 }, () => {
  it('shows the last events, then those that arrive, once each and in their order', async () => {
    const sink = await openSink();
    await sink.write(
      Array.from({ length: 30 }, (_, i) => receivedEvent(i + 1)),
      [],
    );
    const { lines } = tail(['--last', '2', '--json']);
    await lines(2);

    for (let first = 31; first <= 1230; first += 400) {
      await sink.write(
        Array.from({ length: 400 }, (_, i) => receivedEvent(first + i)),
        [],
      );
    }

    const seqs = (await lines(1202)).map((line) => JSON.parse(line).seq);
    expect(seqs).toEqual(Array.from({ length: 1202 }, (_, i) => 29 + i));
  });

  it('shows only those that have what is asked for', async () => {
    const sink = await openSink();
    const { lines, output } = tail(['--name', 'buy', '--user', 'u1', '--json']);
    const events = (first: number) => [
      receivedEvent(first, { name: 'buy' }),
      receivedEvent(first + 1, { userId: 'u1' }),
      receivedEvent(first + 2, { name: 'buy', userId: 'u1', properties: { price: first } }),
    ];
    await sink.write(events(1), []);
    await lines(1);
    await sink.write(events(4), []);

    expect((await lines(2)).map((line) => JSON.parse(line))).toMatchObject([
      { seq: 3, name: 'buy', user_id: 'u1', properties: { price: 1 } },
      { seq: 6, properties: { price: 4 } },
    ]);
    expect(output.stdout).not.toContain('position');
    expect(output.stdout).not.toContain('null');
  });

  it('ends after those that are there, when it is told to', async () => {
    const sink = await openSink();
    await sink.write([receivedEvent(1, { name: 'one' }), receivedEvent(2, { name: 'two' })], []);

    const { status, stdout } = run('--no-follow');

    expect(status).toBe(0);
    expect(stdout).toMatch(/^\d\d:\d\d:\d\d\.\d{3} {2}one .*\n\d\d:\d\d:\d\d\.\d{3} {2}two .*\n$/);
  });

  it('says so when the file is taken away, instead of waiting for ever', async () => {
    const sink = await openSink();
    await sink.write([receivedEvent(1)], []);
    const { lines, ended, output } = tail([]);
    await lines(1);

    renameSync(join(folder, 'petrel.db'), join(folder, 'old.db'));

    expect(await ended).toBe(1);
    expect(output.stderr).toContain('petrel.db is gone');
  });

  it.each<[string, string[], number]>([
    ['there is no file petrel.db', [], 2],
    ['--last must be a number of events, not "all"', ['--last', 'all'], 2],
    ['--db and --url exclude each other', ['--db', 'a', '--url', 'http://localhost'], 2],
    ['--url needs --token', ['--url', 'http://localhost'], 2],
    ['--url nowhere is not an address', ['--url', 'nowhere'], 2],
    ['--last and --no-follow are for --db', ['--url', 'http://localhost', '--last', '5'], 2],
  ])('says what is wrong: %s', (problem, args, exitCode) => {
    const { status, stderr } = run(...args);

    expect(stderr).toContain(problem);
    expect(stderr).not.toContain('    at ');
    expect(status).toBe(exitCode);
  });
});

describe('petrel tail of a running collector', { timeout: 60_000 }, () => {
  async function listen(port = 0) {
    const collector = createCollector({ sink: createMemorySink(), tail: TOKEN });
    const server = await serve(collector, { host: '127.0.0.1', port, closeTimeoutMs: 5_000 });
    const close = async () => {
      collector.drain();
      await server.close();
      await collector.close();
    };
    cleanUps.push(close);
    let seq = 0;
    /** Posts an event after the other until the process has seen one. */
    const sendUntil = async (seen: () => boolean) => {
      while (!seen()) {
        seq++;
        await fetch(server.url, { method: 'POST', body: rows(queued(seq, seq)) });
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    };
    return { ...server, close, sendUntil };
  }

  it('shows what is stored, and goes on when the collector was started anew', async () => {
    const first = await listen();
    const { output, lines, until } = tail(['--url', first.url, '--token', TOKEN, '--json']);
    await first.sendUntil(() => output.stdout !== '');
    expect(JSON.parse((await lines(1))[0]!)).toMatchObject({ name: 'click' });

    await first.close();
    await until('stderr', (text) => text.includes('the connection is lost'));
    const before = output.stdout;
    const second = await listen(first.port);
    await second.sendUntil(() => output.stdout !== before);

    expect(output.stdout.startsWith(before)).toBe(true);
  });

  it('takes the token from the environment, and says when it is the wrong one', async () => {
    const { url } = await listen();

    const { ended, output } = tail(['--url', url], { PETREL_TAIL: 'another-token-than-that' });

    expect(await ended).toBe(1);
    expect(output.stderr).toContain('what arrives is read with `Authorization: Bearer <token>`');
  });

  it('says when nobody is there, or nothing is to be followed', async () => {
    const closed = tail(['--url', 'http://127.0.0.1:9', '--token', TOKEN]);
    expect(await closed.ended).toBe(1);
    expect(closed.output.stderr).toContain('cannot be followed');

    const collector = createCollector({ sink: createMemorySink() });
    const server = await serve(collector, { host: '127.0.0.1' });
    cleanUps.push(() => server.close());
    const without = tail(['--url', server.url, '--token', TOKEN]);
    expect(await without.ended).toBe(1);
    expect(without.output.stderr).toContain('is its `tail` token set?');
  });
});

describe('the line of an event', () => {
  const event = {
    timestamp: 1_795_449_600_000,
    sent_at: 1_795_449_600_000,
    received_at: 1_795_449_600_000,
    name: 'click',
    category: 'custom',
    source: 'S',
    seq: 1,
    properties: { a: 1 },
  };

  it('has time, name, id, user and properties', () => {
    expect(lineOf({ ...event, user_id: 'u' })).toMatch(/^\d\d:\d\d:\d\d\.000 {2}click {17}S\.1 {2}u {2}\{"a":1\}$/);
    expect(lineOf({ ...event, category: 'page' })).toContain('(page)');
  });

  it('is cut to the terminal, and moves no cursor', () => {
    expect(lineOf(event, 30)).toHaveLength(30);
    expect(lineOf({ ...event, name: '\u001b[31mred' })).toContain('\\u{1b}[31mred');
  });

  it('shows a clock that makes no date, and what came too fast', () => {
    expect(lineOf({ ...event, timestamp: 8.64e15, received_at: 8.64e15, sent_at: 0 })).toMatch(/^--:--:--\.---/);
    expect(lineOf({ missed: 5 })).toBe('… 5 events came too fast to be shown');
  });
});
