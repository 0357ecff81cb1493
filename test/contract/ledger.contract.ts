import { afterEach, describe, expect, it } from 'vitest';
import { DAY_MS } from '../../src/core/ledger.js';
import { auditLedger } from '../../src/server/ledger/audit.js';
import type { Ledger } from '../../src/server/ledger/ledger.js';
import { reportLedger } from '../../src/server/ledger/report.js';
import type { ReceivedDrop, ReceivedEvent, ReceivedTail, Sink } from '../../src/server/sinks/sink.js';
import { receivedEvent, SOURCE } from './sink.contract.js';

/** When `receivedEvent` says it was received. */
export const RECEIVED_AT = 1_795_449_602_000;
export const LONG_AFTER = RECEIVED_AT + 30 * DAY_MS;
export const AGE = 8 * DAY_MS;

export interface LedgerFixture {
  /** Stores, and keeps the ledger. */
  write(events: ReceivedEvent[], drops?: ReceivedDrop[], tails?: ReceivedTail[], repeated?: number): Promise<unknown>;
  ledger: Ledger;
  sink: Sink;
  /** The next process over the same store. Left out where the store lives in one object. */
  again?: () => Promise<Ledger>;
  dispose(): Promise<void>;
}

export const range = (first: number, last: number, more: Partial<ReceivedEvent> = {}) =>
  Array.from({ length: last - first + 1 }, (_, i) => receivedEvent(first + i, more));

export const drop = (first: number, last: number, more: Partial<ReceivedDrop> = {}): ReceivedDrop => ({
  source: SOURCE,
  first,
  last,
  reason: 'queue-full',
  receivedAt: RECEIVED_AT,
  ...more,
});

export const totalOf = async (ledger: Ledger, now = LONG_AFTER) =>
  (await reportLedger(ledger, { now, maxAgeMs: AGE })).total;

/** The promises of a ledger, checked on one that is kept with (or beside) a sink. */
export function ledgerContract(name: string, make: () => Promise<LedgerFixture>): void {
  describe(`${name} keeps the ledger contract`, () => {
    const fixtures: LedgerFixture[] = [];
    const open = async () => {
      const fixture = await make();
      fixtures.push(fixture);
      return fixture;
    };
    afterEach(async () => {
      for (const fixture of fixtures.splice(0)) await fixture.dispose();
    });

    it('knows what is stored, what was dropped and why, and how far a source has come', async () => {
      const { write, ledger } = await open();

      await write(range(1, 5), [drop(6, 8)], [{ source: SOURCE, last: 12, closed: true, receivedAt: RECEIVED_AT }]);

      expect(await totalOf(ledger, RECEIVED_AT)).toMatchObject({
        sources: 1,
        accepted: 12,
        delivered: 5,
        dropped: { 'queue-full': 3 },
        possible: 4,
        missing: 0,
        tails: { ended: 1, open: 0, unknown: 0 },
      });
    });

    it('says the same in whatever order and however often it is told, but counts the repeats', async () => {
      const { write, ledger } = await open();

      await write(range(7, 9));
      await write(range(1, 4), [drop(5, 5)]);
      await write([...range(1, 4), ...range(7, 9)].reverse(), [drop(5, 5)]);
      await write([receivedEvent(6)], [], [], 3);

      expect(await totalOf(ledger)).toMatchObject({ accepted: 9, delivered: 8, missing: 0, repeated: 10 });
    });

    it('finds what is missing, by source, day and release', async () => {
      const { write, ledger } = await open();
      await write([...range(1, 3, { sdk: '1.0.0', key: 'shop' }), ...range(6, 7, { sdk: '1.0.0', key: 'shop' })]);
      await write(range(1, 2, { source: 'BBBBBBBBBB', sdk: '2.0.0', receivedAt: RECEIVED_AT + DAY_MS }));
      await write([receivedEvent(1, { source: 'CCCCCCCCCC', sdk: '2.0.0', context: { release: 'shop 7' } })]);
      const report = async (by: 'source' | 'day' | 'release' | 'key') => {
        const { rows } = await reportLedger(ledger, { by, now: LONG_AFTER, maxAgeMs: AGE });
        return rows.map(({ name, delivered, missing }) => [name, delivered, missing]);
      };

      expect(await report('source')).toEqual([
        [SOURCE, 5, 2],
        ['BBBBBBBBBB', 2, 0],
        ['CCCCCCCCCC', 1, 0],
      ]);
      expect(await report('day')).toEqual([
        ['2026-11-23', 6, 2],
        ['2026-11-24', 2, 0],
      ]);
      expect(await report('release')).toEqual([
        ['petrel 1.0.0', 5, 2],
        ['petrel 2.0.0', 2, 0],
        ['shop 7', 1, 0],
      ]);
      expect(await report('key')).toEqual([
        ['', 3, 0],
        ['shop', 5, 2],
      ]);
    });

    it('gives its sources a page at a time', async () => {
      const { write, ledger } = await open();
      const names = Array.from({ length: 25 }, (_, i) => `source-${String(i).padStart(2, '0')}`);
      await write(names.map((source) => receivedEvent(1, { source })));

      const pages: string[][] = [];
      let after: string | undefined = '';
      while (after !== undefined) {
        const report = await reportLedger(ledger, { by: 'source', after, limit: 10, now: LONG_AFTER, maxAgeMs: AGE });
        pages.push(report.rows.map(({ name }) => name));
        expect(report.total.sources).toBe(25);
        after = report.next;
      }

      expect(pages.map(({ length }) => length)).toEqual([10, 10, 5]);
      expect(pages.flat()).toEqual(names);
    });

    it('calls events without numbers not provable, never missing', async () => {
      const { write, ledger } = await open();

      await write([
        receivedEvent(7, { id: 'ajs-next-1732-4242', source: 'segment-writekey' }),
        receivedEvent(0, { id: 'otlp-0', source: 'otlp-collector' }),
      ]);

      expect(await totalOf(ledger)).toMatchObject({ unnumbered: 2, sources: 0, accepted: 0, missing: 0 });
    });

    it('agrees with the store', async () => {
      const { write, ledger, sink } = await open();
      await write([...range(1, 120), ...range(130, 140)], [drop(121, 129)]);
      await write(range(1, 3, { source: 'BBBBBBBBBB' }));

      expect(await auditLedger(ledger, sink)).toEqual({ checked: 134, gone: 0, stray: 0, discrepancies: [] });
    });

    it('has after a restart what it had before', async ({ skip }) => {
      const { write, ledger, again } = await open();
      if (!again) return skip('it lives in one object');
      await write([...range(1, 5), ...range(8, 9)], [drop(6, 6)]);
      const before = await totalOf(ledger);

      const next = await again();

      expect(next.id).toBe(ledger.id);
      expect(await totalOf(next)).toEqual(before);
    });
  });
}
