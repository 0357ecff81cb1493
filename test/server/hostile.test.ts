import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Libsql from 'libsql';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createCollector } from '../../src/server/handler.js';
import type { CollectorOptions } from '../../src/server/options.js';
import { createSqliteSink } from '../../src/server/sinks/sqlite.js';
import { answerOf, post, queued, refusalOf, rows, SOURCE } from './support.js';

// Bodies that are well-formed, and meant to be trouble: down to the row in the database.

let folder: string;
const cleanUps: (() => unknown)[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'petrel-hostile-'));
});
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0)) await cleanUp();
  rmSync(folder, { recursive: true, force: true });
});

async function open(options: Partial<CollectorOptions> = {}) {
  const path = join(folder, 'events.db');
  const errors: unknown[] = [];
  const sink = await createSqliteSink({ path });
  const collector = createCollector({ sink, onError: (error) => errors.push(error), ...options });
  cleanUps.push(() => collector.close());
  const stored = (columns = '*') => {
    const db = new Libsql(path);
    const all = db.prepare(`SELECT ${columns} FROM events ORDER BY position`).all();
    db.close();
    return all as Record<string, unknown>[];
  };
  return { collector, errors, stored };
}

/** A body of one event, with some of its JSON as it is given here. */
const bodyWith = ({
  name = '"click"',
  time = '1795449600000',
  sentAt = '1795449600500',
  properties = '{}',
  seq = '1',
}) =>
  `{"petrel":1,"form":"rows","sentAt":${sentAt},"origins":[{"source":"${SOURCE}"}],"events":[[0,${seq},${time},${name},${properties}]]}`;

describe('hostile JSON', () => {
  it.each<[string, Parameters<typeof bodyWith>[0], string]>([
    ['a key twice: the last one counts, as JSON.parse has it', { properties: '{"a":1,"a":2}' }, '{"a":2}'],
    ['`__proto__`: data like any', { properties: '{"__proto__":{"x":1}}' }, '{"__proto__":{"x":1}}'],
    ['`toJSON`: data like any', { properties: '{"toJSON":1}' }, '{"toJSON":1}'],
    ['half a surrogate pair in a property', { properties: '{"a":"\\ud800"}' }, '{"a":"\\ud800"}'],
    ['NUL in a property', { properties: '{"a":"\\u0000"}' }, '{"a":"\\u0000"}'],
    [
      'a number with more digits than a double has',
      { properties: '{"a":0.1234567890123456789}' },
      '{"a":0.12345678901234568}',
    ],
    ['an integer beyond 2^53', { properties: '{"a":9007199254740993}' }, '{"a":9007199254740992}'],
    ['minus zero', { properties: '{"a":-0}' }, '{"a":0}'],
    [
      '16 levels',
      { properties: `${'{"a":'.repeat(15)}{}${'}'.repeat(15)}` },
      `${'{"a":'.repeat(15)}{}${'}'.repeat(15)}`,
    ],
  ])('is stored as what it means: %s', async (_, given, properties) => {
    const { collector, errors, stored } = await open();

    expect(await answerOf(collector(post(bodyWith(given))))).toMatchObject({ accepted: 1, rejected: [] });

    expect(stored('properties')).toEqual([{ properties }]);
    expect(({} as { x?: unknown }).x).toBeUndefined();
    expect(errors).toEqual([]);
  });

  it.each<[string, Parameters<typeof bodyWith>[0], string]>([
    ['17 levels', { properties: `${'{"a":'.repeat(17)}1${'}'.repeat(17)}` }, 'too-deep'],
    ['a number beyond all doubles, which would be stored as null', { properties: '{"a":1e400}' }, 'bad-properties'],
    ['a number that is none', { seq: '1e400' }, 'bad-seq'],
    ['a number with a fraction', { seq: '1.5' }, 'bad-seq'],
    ['number 0', { seq: '0' }, 'bad-seq'],
    ['a time that no clock has', { time: '1e400' }, 'bad-timestamp'],
    ['a time of another kind', { time: '"2026-11-26"' }, 'bad-timestamp'],
    ['an event as large as a body', { properties: `{"a":"${'x'.repeat(40_000)}"}` }, 'too-large'],
    ['a name that is an object', { name: '{"toString":1}' }, 'bad-name'],
  ])('is rejected, and its neighbours stored: %s', async (_, given, reason) => {
    const { collector, errors, stored } = await open();
    const body = bodyWith(given).replace(/\]\}$/, `,[0,2,1795449600000,"fine"]]}`);

    expect(await answerOf(collector(post(body)))).toMatchObject({ accepted: 1, rejected: [{ index: 0, reason }] });

    expect(stored('seq, name')).toEqual([{ seq: 2, name: 'fine' }]);
    expect(errors).toEqual([]);
  });
});

describe('clocks that lie', () => {
  it.each([
    ['1970', 0, 500],
    ['a year before there were computers', -62_135_596_800_000, -62_135_596_799_500],
    ['9999', 253_402_300_799_000, 253_402_300_799_500],
    ['the last one a Date can hold', 8.64e15, 8.64e15],
  ])('in the year %s cancel out, as long as they go', async (_, time, sentAt) => {
    const { collector, stored } = await open();
    const before = Date.now();

    await answerOf(collector(post(bodyWith({ time: String(time), sentAt: String(sentAt) }))));

    const [row] = stored('timestamp, corrected_at');
    expect(row!.timestamp).toBe(time);
    expect(row!.corrected_at).toBeGreaterThanOrEqual(before + time - sentAt);
    expect(row!.corrected_at).toBeLessThanOrEqual(Date.now() + time - sentAt);
  });

  it('that jump between event and sending are stored as they are', async () => {
    const { collector, errors, stored } = await open();

    await answerOf(collector(post(bodyWith({ time: '253402300799000', sentAt: '0' }))));

    const [row] = stored();
    expect(row).toMatchObject({ timestamp: 253_402_300_799_000, sent_at: 0 });
    expect(Number.isSafeInteger(row!.corrected_at)).toBe(true);
    expect(errors).toEqual([]);
  });

  it.each(['1e400', '"now"', 'null', '8.64e15e1'])('that are none are refused: sentAt %s', async (sentAt) => {
    const { collector, stored } = await open();

    expect((await refusalOf(collector(post(bodyWith({ sentAt }))))).status).toBe(400);
    expect(stored()).toEqual([]);
  });
});

describe('ids that come again', () => {
  it('under another key are the first one’s: nobody overwrites what is stored', async () => {
    const { collector, stored } = await open({ keys: ['a', 'b'] });
    const forged = queued(1, 3).map((event) => ({ ...event, name: 'forged' }));
    await answerOf(collector(post(rows(queued(1, 2), { key: 'a' }))));

    expect(await answerOf(collector(post(rows(forged, { key: 'b' }))))).toMatchObject({ accepted: 1, duplicates: 2 });

    expect(stored('seq, name')).toEqual([
      { seq: 1, name: 'click' },
      { seq: 2, name: 'click' },
      { seq: 3, name: 'forged' },
    ]);
  });

  it('under two keys at the same moment are stored once', async () => {
    const { collector, stored } = await open({ keys: ['a', 'b'] });

    const answers = await Promise.all(
      Array.from({ length: 10 }, (_, i) => answerOf(collector(post(rows(queued(1, 50), { key: i % 2 ? 'a' : 'b' }))))),
    );

    expect(stored('id')).toHaveLength(50);
    expect(answers.reduce((sum, { accepted }) => sum + accepted, 0)).toBe(50);
    expect(answers.every(({ accepted, duplicates }) => accepted + duplicates === 50)).toBe(true);
  });

  it('in a batch that is replayed, also after a restart, change nothing', async () => {
    const body = rows(queued(1, 20));
    const first = await open();
    for (let i = 0; i < 20; i++) {
      expect(await answerOf(first.collector(post(body)))).toMatchObject({ accepted: i === 0 ? 20 : 0 });
    }
    await first.collector.close();

    const second = await open();
    for (let i = 0; i < 20; i++) {
      expect(await answerOf(second.collector(post(body)))).toMatchObject({ accepted: 0, duplicates: 20 });
    }
    expect(second.stored('id')).toHaveLength(20);
  });
});
