import { highestOf, MAX_JUMP } from '../../core/ledger.js';
import { addRange, countRanges, minus, type Ranges } from '../../core/ranges.js';
import type { SourceRange } from '../../core/wire.js';
import type { Sink } from '../sinks/sink.js';
import type { Ledger } from './ledger.js';
import { read } from './report.js';

/** Where a ledger and the store it speaks of do not agree. */
export interface Discrepancy {
  source: string;
  /** The ledger says they were stored; the store has them not. */
  gone: Ranges;
  /** The store has them; the ledger never heard of them. */
  stray: Ranges;
}

/** What {@link auditLedger} found. */
export interface LedgerAudit {
  /** Numbers that the ledger says are stored, each looked up. */
  checked: number;
  gone: number;
  stray: number;
  /** The first 100. */
  discrepancies: Discrepancy[];
}

/** What `has` answers at once. */
const ASKED_AT_ONCE = 10_000;

/** Sources named in an audit. */
const MAX_DISCREPANCIES = 100;

/**
 * Compares the ledger with the store, number by number: rows that were removed, and rows that got in past the collector.
 *
 * @param strangers sources of which the store has events, for those that the ledger has no entry of
 */
export async function auditLedger(
  ledger: Ledger,
  sink: Pick<Sink, 'has'>,
  strangers: AsyncIterable<[source: string, last: number]> | Iterable<[source: string, last: number]> = [],
): Promise<LedgerAudit> {
  const audit: LedgerAudit = { checked: 0, gone: 0, stray: 0, discrepancies: [] };
  let batch: { source: string; delivered: Ranges; gaps: Ranges; stored: Ranges }[] = [];
  let asked: SourceRange[] = [];
  let room = ASKED_AT_ONCE;

  const ask = async () => {
    const found = asked.length > 0 ? await sink.has(asked) : [];
    asked = [];
    room = ASKED_AT_ONCE;
    const bySource = new Map(batch.map((entry) => [entry.source, entry]));
    for (const [source, first, last] of found) addRange(bySource.get(source)!.stored, first, last);
  };
  const settle = () => {
    for (const { source, delivered, gaps, stored } of batch) {
      const gone = minus(delivered, stored);
      const stray = minus(stored, minus(stored, gaps));
      audit.checked += countRanges(delivered);
      audit.gone += countRanges(gone);
      audit.stray += countRanges(stray);
      if (gone.length + stray.length > 0 && audit.discrepancies.length < MAX_DISCREPANCIES) {
        audit.discrepancies.push({ source, gone, stray });
      }
    }
    batch = [];
  };
  const look = async (source: string, delivered: Ranges, gaps: Ranges) => {
    batch.push({ source, delivered, gaps, stored: [] });
    for (const [from, to] of [...delivered, ...gaps]) {
      for (let first = from; first <= to; ) {
        const last = Math.min(to, first + room - 1);
        asked.push([source, first, last]);
        room -= last - first + 1;
        first = last + 1;
        if (room === 0) await ask();
      }
    }
    if (batch.length >= 1_000) {
      await ask();
      settle();
    }
  };

  for await (const [source, known] of read(ledger)) {
    const start = (known.coarse?.upTo ?? 0) + 1;
    // One number beyond what is known, for rows that were added at the end.
    const gaps = minus([[start, highestOf(known) + 1]], known.delivered);
    await look(
      source,
      known.delivered,
      gaps.filter(([first, last]) => last - first < MAX_JUMP),
    );
  }
  for await (const [source, last] of strangers) {
    if (await ledger.source(source)) continue;
    await look(source, [], [[1, Math.min(last, MAX_JUMP)]]);
  }
  await ask();
  settle();
  return audit;
}
