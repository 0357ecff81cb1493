import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Libsql from 'libsql';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DAY_MS, MAX_RANGES } from '../../../src/core/ledger.js';
import { createCollector } from '../../../src/server/handler.js';
import { auditLedger } from '../../../src/server/ledger/audit.js';
import type { Ledger } from '../../../src/server/ledger/ledger.js';
import { createMemoryLedger } from '../../../src/server/ledger/memory-ledger.js';
import { reportLedger } from '../../../src/server/ledger/report.js';
import { openSqliteLedger } from '../../../src/server/ledger/sqlite-ledger.js';
import { createMemorySink } from '../../../src/server/sinks/memory.js';
import { createSqliteSink, type SqliteDatabase } from '../../../src/server/sinks/sqlite.js';
import { AGE, drop, LONG_AFTER, RECEIVED_AT, range, totalOf } from '../../contract/ledger.contract.js';
import { receivedEvent, SOURCE } from '../../contract/sink.contract.js';
import { answerOf, columns, post, queued, rows, setUp } from '../support.js';

const NEIGHBOUR = 'NNNNNNNNNNNNNNNNNNNNNN';

let folder: string;
let path: string;
let sink: Awaited<ReturnType<typeof createSqliteSink>>;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'petrel-lies-'));
  path = join(folder, 'events.db');
  sink = await createSqliteSink({ path });
});
afterEach(async () => {
  await sink.close();
  rmSync(folder, { recursive: true });
});

/** Somebody with a SQLite shell. */
function tamper(...statements: string[]): void {
  const db = new Libsql(path);
  for (const statement of statements) db.exec(statement);
  db.close();
}

describe('the ledger is not fooled by', () => {
  it('rows that were deleted', async () => {
    await sink.write([...range(1, 50), ...range(1, 3, { source: NEIGHBOUR })], []);

    tamper('DELETE FROM events WHERE seq BETWEEN 7 AND 9 OR seq = 50');

    expect(await totalOf(sink.ledger)).toMatchObject({ delivered: 53, missing: 0 });
    expect(await auditLedger(sink.ledger, sink)).toMatchObject({
      checked: 53,
      gone: 4,
      stray: 0,
      discrepancies: [
        {
          source: SOURCE,
          gone: [
            [7, 9],
            [50, 50],
          ],
        },
      ],
    });
  });

  it('all rows that were deleted', async () => {
    await sink.write(range(1, 50), []);

    tamper('DELETE FROM events');

    expect(await auditLedger(sink.ledger, sink)).toMatchObject({ checked: 50, gone: 50 });
  });

  it('rows that were put in past the collector', async () => {
    await sink.write([...range(1, 5), ...range(8, 10)], []);
    const copy = (seq: number) =>
      `INSERT INTO events (id, source, seq, name, category, timestamp, sent_at, received_at, properties)
       SELECT source || '.${seq}', source, ${seq}, name, category, timestamp, sent_at, received_at, properties
       FROM events WHERE seq = 1`;

    tamper(copy(6), copy(11));

    expect(await totalOf(sink.ledger)).toMatchObject({ delivered: 8, missing: 2 });
    expect(await auditLedger(sink.ledger, sink)).toMatchObject({
      gone: 0,
      stray: 2,
      discrepancies: [
        {
          source: SOURCE,
          stray: [
            [6, 6],
            [11, 11],
          ],
        },
      ],
    });
  });

  it('rows of a source it never heard of', async () => {
    await sink.write(range(1, 5), []);
    await sink.write(range(1, 4, { source: NEIGHBOUR }), []);

    tamper(`DELETE FROM ledger WHERE source = '${NEIGHBOUR}'`);

    const audit = await auditLedger(sink.ledger, sink, sink.strangers());
    expect(audit).toMatchObject({ stray: 4, discrepancies: [{ source: NEIGHBOUR, stray: [[1, 4]] }] });
  });

  it('a deleted event that comes again: it is stored again, and all is well', async () => {
    await sink.write(range(1, 5), []);
    tamper('DELETE FROM events WHERE seq = 3');

    await sink.write(range(1, 5), []);

    expect(await totalOf(sink.ledger)).toMatchObject({ delivered: 5, repeated: 4, missing: 0 });
    expect(await auditLedger(sink.ledger, sink)).toMatchObject({ gone: 0, stray: 0 });
  });

  it('a number out of nowhere, an end out of nowhere, drops without end: nobody else is touched', async () => {
    await sink.write([...range(1, 5), ...range(1, 5, { source: NEIGHBOUR })], []);

    await sink.write([receivedEvent(Number.MAX_SAFE_INTEGER), receivedEvent(4e15)], [drop(7, 3e15)], {
      tails: [{ source: SOURCE, last: 8e15, closed: true, receivedAt: RECEIVED_AT }],
      repeated: 0,
    });

    const { rows } = await reportLedger(sink.ledger, { by: 'source', now: LONG_AFTER, maxAgeMs: AGE });
    expect(rows.find(({ name }) => name === NEIGHBOUR)).toMatchObject({ accepted: 5, delivered: 5, implausible: 0 });
    expect(rows.find(({ name }) => name === SOURCE)).toMatchObject({ delivered: 7, unknown: 0, possible: 0 });
    expect(rows.find(({ name }) => name === SOURCE)!.implausible).toBeGreaterThan(0);
    expect(await totalOf(sink.ledger)).toMatchObject({ missing: 0 });
  });

  it('a flood of gaps: a source costs no more than some kilobytes, and is said to be coarse', async () => {
    for (let batch = 0; batch < 20; batch++) {
      await sink.write(
        Array.from({ length: 400 }, (_, i) => receivedEvent(2 * (batch * 400 + i) + 1)),
        [],
      );
    }

    const known = (await sink.ledger.source(SOURCE))!;
    expect(known.delivered.length).toBeLessThanOrEqual(MAX_RANGES);
    expect(await totalOf(sink.ledger)).toMatchObject({ delivered: 8_000, coarsened: 1 });
  });

  it('a flood of sources: the oldest are folded into counts, and said to be', async () => {
    const db = new Libsql(path) as unknown as SqliteDatabase;
    const ledger = openSqliteLedger(db, false, { maxSources: 100 });
    for (let i = 0; i < 300; i++) {
      ledger.record({
        events: range(1, 2, { source: `flood-${i}`, receivedAt: RECEIVED_AT + i * 3_600_000 }),
        duplicates: [],
        drops: [],
        tails: [],
        repeated: 0,
      });
    }

    const total = await totalOf(ledger);
    db.close();
    expect(total).toMatchObject({ sources: 300, delivered: 600, missing: 0 });
    expect(total.coarsened).toBeGreaterThanOrEqual(199);
  });

  it('the same bodies again: nothing is counted twice, and the repeats are told', async () => {
    const { collector, sink: memory } = setUp();
    const bodies = [columns(queued(1, 3)), rows(queued(4, 6)), columns(queued(7, 9))];

    for (const body of [...bodies, ...bodies, ...bodies.reverse()]) await answerOf(collector(post(body)));
    await answerOf(collector(post(rows(queued(10, 10)))));

    expect(await totalOf(memory.ledger!)).toMatchObject({ accepted: 10, delivered: 10, repeated: 18 });
  });

  it('clients’ clocks: only the collector’s counts', async () => {
    const { collector, sink: memory, clock } = setUp();
    const lie = (time: number) =>
      queued(1, 1, `liar-of-${time < 0 ? 'old' : 'new'}`).map((e) => ({ ...e, timestamp: time }));

    await answerOf(collector(post(rows(lie(-62e12), { sentAt: -62e12 }))));
    await answerOf(collector(post(rows(lie(253e12), { sentAt: 253e12 }))));

    const { rows: days } = await reportLedger(memory.ledger!, { now: clock.now(), maxAgeMs: AGE });
    expect(days).toMatchObject([{ name: new Date(clock.now()).toISOString().slice(0, 10), delivered: 2 }]);
  });

  it('an end told by somebody else of a source it does not know', async () => {
    await sink.write([], [], { tails: [{ source: NEIGHBOUR, last: 500, closed: true, receivedAt: 1 }], repeated: 0 });

    expect(await totalOf(sink.ledger)).toMatchObject({ sources: 0, accepted: 0 });
  });
});

describe('the ledger of the SQLite sink', () => {
  it('keeps nothing of a write that failed', async () => {
    await sink.write(range(1, 3), []);
    const broken = { ...receivedEvent(5), properties: { big: 1n } } as never;

    await expect(sink.write([receivedEvent(4), broken], [])).rejects.toThrow();
    await sink.write(range(8, 9), []);

    expect((await sink.ledger.source(SOURCE))!.delivered).toEqual([
      [1, 3],
      [8, 9],
    ]);
    expect(await auditLedger(sink.ledger, sink)).toMatchObject({ gone: 0, stray: 0 });
  });

  it('knows what another process over the same file wrote, and loses nothing of either', async () => {
    const other = await createSqliteSink({ path });

    for (let i = 0; i < 20; i++) {
      await sink.write(range(i * 10 + 1, i * 10 + 5), []);
      await other.write(range(i * 10 + 6, i * 10 + 10), []);
    }

    expect((await sink.ledger.source(SOURCE))!.delivered).toEqual([[1, 200]]);
    expect(other.ledger.id).toBe(sink.ledger.id);
    await other.close();
  });

  it('folds what is long silent into counts that add up as before', async () => {
    await sink.write([...range(1, 5), ...range(8, 9)], [drop(6, 6)]);
    await sink.write(range(1, 4, { source: NEIGHBOUR, sdk: '1.0.0' }), []);
    const before = await totalOf(sink.ledger, RECEIVED_AT + 60 * DAY_MS);

    await sink.write([receivedEvent(1, { source: 'new-source', receivedAt: RECEIVED_AT + 60 * DAY_MS })], []);

    expect(await sink.ledger.source(SOURCE)).toBeUndefined();
    expect(await sink.ledger.source('new-source')).toBeDefined();
    const after = await totalOf(sink.ledger, RECEIVED_AT + 60 * DAY_MS);
    expect(after).toMatchObject({ missing: 1, delivered: before.delivered + 1, sources: 3, coarsened: 0 });
    const { rows } = await reportLedger(sink.ledger, { by: 'day', now: LONG_AFTER, maxAgeMs: AGE });
    expect(rows.map(({ name, delivered }) => [name, delivered])).toEqual([
      ['2026-11-23', 11],
      ['2027-01-22', 1],
    ]);
  });

  it('does not open an account again for an old event that is replayed', async () => {
    await sink.write(range(1, 5), []);
    await sink.write([receivedEvent(1, { source: NEIGHBOUR, receivedAt: RECEIVED_AT + 60 * DAY_MS })], []);

    await sink.write([receivedEvent(4, { receivedAt: RECEIVED_AT + 61 * DAY_MS })], []);

    expect(await sink.ledger.source(SOURCE)).toBeUndefined();
    expect(await totalOf(sink.ledger, RECEIVED_AT + 90 * DAY_MS)).toMatchObject({ missing: 0, repeated: 1 });
  });

  it('is made for a file of before there were ledgers, whose rows then count as strays', async () => {
    await sink.write(range(1, 3), []);
    await sink.close();
    tamper('DROP TABLE ledger', 'DROP TABLE ledger_totals', 'DROP TABLE ledger_meta');

    sink = await createSqliteSink({ path });
    await sink.write(range(4, 5), []);

    expect(await auditLedger(sink.ledger, sink)).toMatchObject({ checked: 2, stray: 3 });
  });
});

describe('a ledger beside the sink', () => {
  const beside = (sink = createMemorySink()) => {
    const ledger = createMemoryLedger();
    const { ledger: _, ...bare } = sink;
    return { ledger, sink: bare };
  };

  it('is written before the request is answered, and again when it failed', async () => {
    const { ledger, sink } = beside();
    let failures = 1;
    const store = {
      ...ledger,
      record: (facts: Parameters<typeof ledger.record>[0]) =>
        failures-- > 0 ? Promise.reject(new Error('disk full')) : ledger.record(facts),
    };
    const { collector, clock } = setUp({ sink, ledger: { store } });

    const answer = collector(post(columns(queued(1, 3))));
    await clock.advance(1_000);

    expect(await answerOf(answer)).toMatchObject({ accepted: 0, duplicates: 3 });
    expect(await totalOf(ledger)).toMatchObject({ delivered: 3, missing: 0 });
    await collector.close();
  });

  it('is not told that an event is stored which the sink refused', async () => {
    const { ledger, sink } = beside();
    const picky = {
      ...sink,
      async write(events: Parameters<typeof sink.write>[0], drops: Parameters<typeof sink.write>[1]) {
        await sink.write(
          events.filter(({ seq }) => seq !== 2),
          drops,
        );
        const index = events.findIndex(({ seq }) => seq === 2);
        return { duplicates: [], rejected: index < 0 ? [] : [{ index, reason: 'odd' }] };
      },
    };
    const { collector } = setUp({ sink: picky, ledger: { store: ledger } });

    await answerOf(collector(post(columns(queued(1, 3)))));
    await collector.close();

    expect((await ledger.source('AAAAAAAAAAAAAAAAAAAAAA'))!.delivered).toEqual([
      [1, 1],
      [3, 3],
    ]);
  });
});

describe('a request', () => {
  const told = async (tails: unknown, events = queued(1, 3)) => {
    const { collector, sink: memory, clock } = setUp();
    await answerOf(collector(post(columns(events, { tails } as never))));
    return totalOf(memory.ledger as Ledger, clock.now());
  };

  it('tells the ledger how far its sources have come', async () => {
    expect(await told([[SOURCE, 7, 0]])).toMatchObject({ accepted: 7, delivered: 3, possible: 4, tails: { open: 1 } });
  });

  it('tells the ledger that a page is gone', async () => {
    expect(await told([[SOURCE, 3, 1]])).toMatchObject({ accepted: 3, delivered: 3, tails: { ended: 1 } });
  });

  it('may tell of tails alone', async () => {
    const { collector, sink: memory, clock } = setUp();
    await answerOf(collector(post(columns(queued(1, 3)))));
    await answerOf(collector(post(columns([], { tails: [[SOURCE, 3, 1]] }))));

    expect(await totalOf(memory.ledger!, clock.now())).toMatchObject({ tails: { ended: 1 } });
  });
});

it('a collector closes the ledger that stands beside its sink', async () => {
  let closed = 0;
  const store = { ...createMemoryLedger(), close: async () => void closed++ };
  const collector = createCollector({ sink: createMemorySink(), ledger: { store } });

  await collector.close();

  expect(closed).toBe(1);
});
