import { execFileSync, spawnSync } from 'node:child_process';
import { appendFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createNdjsonSink, type NdjsonSinkOptions } from '../../../src/server/sinks/ndjson.js';
import type { ReceivedDrop } from '../../../src/server/sinks/sink.js';
import { receivedEvent, SOURCE, type StoredEvent, sinkContract } from '../../contract/sink.contract.js';
import { compileServer } from '../../support/compile.js';
import { createFakeClock } from '../../support/fake-clock.js';
import { storedEvent } from '../../support/stored-event.js';

const folders: string[] = [];
const newFolder = () => {
  const path = mkdtempSync(join(tmpdir(), 'petrel-ndjson-'));
  folders.push(path);
  return path;
};
afterEach(() => {
  for (const path of folders.splice(0)) rmSync(path, { recursive: true, force: true });
});

const filesIn = (folder: string, kind = 'events') =>
  readdirSync(folder)
    .filter((name) => name.startsWith(kind))
    .sort()
    .map((name) => join(folder, name));

/** Every line of every file, as any reader of the folder sees them. */
function linesIn<T>(folder: string, kind = 'events'): T[] {
  return filesIn(folder, kind).flatMap((path) => {
    const lines = readFileSync(path, 'utf8').split('\n');
    expect(lines.pop()).toBe('');
    return lines.map((line) => JSON.parse(line));
  });
}

const eventsIn = (folder: string): StoredEvent[] => linesIn<Parameters<typeof storedEvent>[0]>(folder).map(storedEvent);
const seqsIn = (folder: string) => eventsIn(folder).map(({ seq }) => seq);

sinkContract('the NDJSON sink', async () => {
  const folder = newFolder();
  return {
    sink: await createNdjsonSink({ folder }),
    again: () => createNdjsonSink({ folder }),
    events: async () => eventsIn(folder),
    drops: async () =>
      linesIn<Omit<ReceivedDrop, 'receivedAt'> & { received_at: number }>(folder, 'drops')
        .map(({ received_at: receivedAt, ...drop }) => ({ ...drop, receivedAt }))
        .sort((a, b) => (a.reason < b.reason ? -1 : 1)),
    without: ['sharing ids'],
  };
});

/** A file as a process left it that is gone: its number is above all that Linux gives. */
const fileOfTheDead = (folder: string, n = 1) =>
  join(folder, `events-2026-11-25-${hostname().replace(/[^A-Za-z0-9_-]/g, '_')}.99999999.0.AbCdEfGh-000${n}.ndjson`);

const lineOf = (seq: number) =>
  `${JSON.stringify({ id: `${SOURCE}.${seq}`, source: SOURCE, seq, name: 'click', properties: {} })}\n`;

describe('the NDJSON sink', () => {
  it('cuts off the line that a killed process left half written, and keeps the others', async () => {
    const folder = newFolder();
    const path = fileOfTheDead(folder);
    writeFileSync(path, lineOf(1) + lineOf(2) + lineOf(3).slice(0, 30));

    const sink = await createNdjsonSink({ folder });
    const { duplicates } = await sink.write([receivedEvent(2), receivedEvent(3)], []);

    expect(readFileSync(path, 'utf8')).toBe(lineOf(1) + lineOf(2));
    expect(duplicates).toEqual([0]);
    expect(seqsIn(folder)).toEqual([1, 2, 3]);
    await sink.close();
  });

  it.each([
    ['zeros, as a power cut leaves them', lineOf(1), '\0'.repeat(5000)],
    ['zeros that happen to end in a line break', lineOf(1), `${'\0'.repeat(100)}\n`],
    ['the only line', '', lineOf(1).slice(0, -1)],
    ['a line longer than what is looked at first', lineOf(1), 'x'.repeat(600_000)],
    ['nothing', lineOf(1), ''],
    ['everything there is', '', '\n\n'],
  ])('cuts off %s', async (_, whole, torn) => {
    const folder = newFolder();
    const path = fileOfTheDead(folder);
    writeFileSync(path, whole + torn);

    await (await createNdjsonSink({ folder })).close();

    expect(readFileSync(path, 'utf8')).toBe(whole);
  });

  it('leaves the files of living processes as they are, here and on other machines', async () => {
    const folder = newFolder();
    const living = fileOfTheDead(folder).replace('99999999', String(process.ppid));
    const elsewhere = fileOfTheDead(folder).replace(/-[^-]+\.99999999/, '-elsewhere.99999999');
    const open = await createNdjsonSink({ folder });
    await open.write([receivedEvent(1)], []);
    const [own] = filesIn(folder);
    const half = lineOf(2).slice(0, 20);
    for (const path of [living, elsewhere, own!]) appendFileSync(path, half);

    const sink = await createNdjsonSink({ folder });

    for (const path of [living, elsewhere, own!]) expect(readFileSync(path, 'utf8').endsWith(half)).toBe(true);
    // Half a line is none: what it may become is not known to be stored.
    expect((await sink.write([receivedEvent(2)], [])).duplicates).toEqual([]);
    await sink.close();
    await open.close();
  });

  it('begins a new file when one is full, and each day', async () => {
    const folder = newFolder();
    const clock = createFakeClock({ start: Date.UTC(2026, 10, 25, 23, 59, 59) });
    const sink = await createNdjsonSink({ folder, maxFileBytes: 1_024, clock });

    for (let seq = 1; seq <= 20; seq++) await sink.write([receivedEvent(seq)], []);
    await clock.advance(1_000);
    await sink.write([receivedEvent(21)], []);
    await sink.close();

    const days = filesIn(folder).map((path) => path.match(/events-(\d{4}-\d\d-\d\d)-/)![1]);
    expect(days.slice(-2)).toEqual(['2026-11-25', '2026-11-26']);
    expect(days.length).toBeGreaterThan(3);
    for (const path of filesIn(folder).slice(0, -2)) {
      expect(readFileSync(path).length).toBeGreaterThanOrEqual(1_024);
      expect(readFileSync(path).length).toBeLessThan(1_500);
    }
    expect(seqsIn(folder)).toEqual(Array.from({ length: 21 }, (_, i) => i + 1));
  });

  it('knows after a restart what is in the newest files, as many bytes of them as it may read', async () => {
    const folder = newFolder();
    const write = async (options: Partial<NdjsonSinkOptions>, seqs: number[]) => {
      const sink = await createNdjsonSink({ folder, ...options });
      const { duplicates } = await sink.write(
        seqs.map((seq) => receivedEvent(seq)),
        [],
      );
      await sink.close();
      return duplicates;
    };
    writeFileSync(fileOfTheDead(folder), lineOf(1));
    await new Promise((resolve) => setTimeout(resolve, 20));
    await write({}, [2]);

    expect(await write({ maxReadBytes: 0 }, [1, 2])).toEqual([1]);
    expect(await write({}, [1, 2])).toEqual([0, 1]);
  });

  it('forgets the sources it heard of longest ago when there are too many', async () => {
    const folder = newFolder();
    const sink = await createNdjsonSink({ folder, maxSources: 100 });
    const events = Array.from({ length: 200 }, (_, i) => receivedEvent(1, { source: `source-${i}` }));
    await sink.write(events, []);

    const { duplicates } = await sink.write(events, []);

    expect(duplicates.filter((index) => index >= 150)).toHaveLength(50);
    expect(duplicates.length).toBeLessThanOrEqual(100);
    await sink.close();
  });

  it('writes on in new files when somebody deletes those it has open', async () => {
    const folder = newFolder();
    const sink = await createNdjsonSink({ folder });
    await sink.write([receivedEvent(1)], []);
    rmSync(folder, { recursive: true });

    await expect(sink.write([receivedEvent(2)], [])).rejects.toThrow('the file was deleted while it was written');
    expect(await sink.write([receivedEvent(2)], [])).toEqual({ duplicates: [] });

    expect(seqsIn(folder)).toEqual([2]);
    await sink.close();
  });

  it('fails only the batch that is no JSON', async () => {
    const folder = newFolder();
    const sink = await createNdjsonSink({ folder });
    const circular: { [key: string]: never } = {};
    Object.assign(circular, { circular });

    const [bad, good] = await Promise.allSettled([
      sink.write([receivedEvent(1, { properties: circular })], []),
      sink.write([receivedEvent(2)], []),
    ]);

    expect([bad.status, good.status]).toEqual(['rejected', 'fulfilled']);
    expect(seqsIn(folder)).toEqual([2]);
    await sink.close();
  });

  it.each([
    [{ folder: '' }, /`folder` must be the path of a folder, not ""/],
    [{ folder: 'x', maxFileBytes: 10 }, /`maxFileBytes` must be a whole number from 1024 to 17179869184, not 10/],
    [{ folder: 'x', maxSources: 0 }, /`maxSources` must be a whole number from 100 to 10000000, not 0/],
    [{ folder: 'x', maxReadBytes: -1 }, /`maxReadBytes` must be a whole number from 0 to 1099511627776, not -1/],
  ])('refuses the options %j', async (options, message) => {
    await expect(createNdjsonSink(options)).rejects.toThrow(message);
  });

  it('names the folder it cannot use, and why', async () => {
    const file = join(newFolder(), 'file');
    writeFileSync(file, '');

    await expect(createNdjsonSink({ folder: file })).rejects.toMatchObject({
      code: 'store-unavailable',
      message: expect.stringMatching(/^the folder .*file cannot be used: EEXIST/),
    });
  });
});

describe('processes with an NDJSON sink', { timeout: 60_000 }, () => {
  let compiled: string;
  beforeAll(() => {
    compiled = mkdtempSync(join(tmpdir(), 'petrel-compiled-'));
    compileServer(compiled);
  }, 60_000);
  afterAll(() => rmSync(compiled, { recursive: true, force: true }));

  const script = (body: string) => `
    import { writeSync } from 'node:fs';
    import { createNdjsonSink } from '${compiled}/src/server/sinks/ndjson.js';
    const [, folder] = process.argv;
    const source = 'AAAAAAAAAAAAAAAAAAAAAA';
    const batch = (first, size) => Array.from({ length: size }, (_, i) => ({
      id: source + '.' + (first + i), source, seq: first + i, name: 'kill', category: 'custom',
      timestamp: 1, sentAt: 2, receivedAt: 3, properties: { filler: 'x'.repeat(200) },
    }));
    ${body}
  `;

  it('that are killed have stored what they acknowledged, and the next one stores the rest once', async () => {
    const folder = newFolder();
    const body = `
      const sink = await createNdjsonSink({ folder });
      for (let seq = 1; ; seq += 20) {
        await sink.write(batch(seq, 20), []);
        writeSync(1, (seq + 19) + '\\n');
        if (seq > 2000) setTimeout(() => process.kill(process.pid, 'SIGKILL'), 3);
      }`;
    let acknowledged = 0;
    for (let round = 0; round < 3; round++) {
      const { stdout, signal } = spawnSync(process.execPath, ['--input-type=module', '--eval', script(body), folder], {
        encoding: 'utf8',
      });
      expect(signal).toBe('SIGKILL');
      acknowledged = Math.max(acknowledged, Number(stdout.trim().split('\n').at(-1)));
      // Written in the moment of death, in whole or in part, and acknowledged to nobody.
      appendFileSync(filesIn(folder).at(-1)!, '{"id":"AAAAAAAAAAAAAAAAAAAAAA.900');
    }

    await (await createNdjsonSink({ folder })).close();

    const seqs = seqsIn(folder);
    expect(acknowledged).toBeGreaterThan(2000);
    expect(new Set(seqs).size).toBe(seqs.length);
    for (let seq = 1; seq <= acknowledged; seq++) if (!seqs.includes(seq)) expect.fail(`${seq} is lost`);
  });

  it('that meet a full disk reject, leave no torn line, and lose and double nothing', () => {
    const folder = newFolder();
    // No file may be larger than 16 KiB: a write beyond it is cut short, as on a full disk.
    const body = `
      const sink = await createNdjsonSink({ folder });
      let failures = 0;
      for (let seq = 1; seq <= 500; seq += 25) {
        for (;;) {
          try {
            await sink.write(batch(seq, 25), []);
            break;
          } catch (error) {
            if (error.code !== 'EFBIG' || failures++ > 100) throw error;
          }
        }
      }
      await sink.close();
      writeSync(1, String(failures));`;

    const failures = execFileSync(
      'bash',
      ['-c', 'ulimit -f 16; exec "$0" --input-type=module --eval "$1" "$2"', process.execPath, script(body), folder],
      { encoding: 'utf8' },
    );

    expect(Number(failures)).toBeGreaterThan(3);
    expect(seqsIn(folder).sort((a, b) => a - b)).toEqual(Array.from({ length: 500 }, (_, i) => i + 1));
  });
});
