import { addCounts, emptyCounts, type Judgement, judge, type LedgerCounts } from '../../core/judge.js';
import { DAY_MS, highestOf, type SourceLedger } from '../../core/ledger.js';
import type { Ranges } from '../../core/ranges.js';
import type { Ledger } from './ledger.js';

/** What rows of a report stand for. */
export type LedgerBy = 'day' | 'release' | 'key' | 'source';

/** What to report. */
export interface LedgerQuery {
  /** @defaultValue 'day' */
  by?: LedgerBy;
  /** Only this source. */
  source?: string;
  /** Only numbers first heard of on these days, `YYYY-MM-DD` in UTC, both inclusive. */
  from?: string;
  to?: string;
  /** By source: only those with something missing. @defaultValue false */
  missing?: boolean;
  /** Rows after the one of this name. */
  after?: string;
  /** Most rows (1 to 10 000). @defaultValue 1000 */
  limit?: number;
  /** The moment to judge for, in ms since the epoch. */
  now: number;
  /** How old a gap may be until it counts as missing, in ms. */
  maxAgeMs: number;
}

/** One row: a day, a release, a write key, or a source. */
export interface LedgerRow extends LedgerCounts {
  /** The day as `YYYY-MM-DD`, the release, the key, or the source. Empty where it is not known. */
  name: string;
  /** Of a source only. */
  source?: {
    firstSeen: number;
    lastSeen: number;
    highest: number;
    release?: string;
    key?: string;
    /** The missing numbers, the lowest of them. */
    missing: Ranges;
  };
}

/** What a ledger says. */
export interface LedgerReport {
  verdict: 'nothing-missing' | 'missing';
  /** The moment it was judged for, in ms since the epoch. */
  at: number;
  maxAgeMs: number;
  /** Everything the query asks about, whatever part of its rows is shown. */
  total: LedgerCounts;
  /** Sources with missing numbers. */
  missingSources: number;
  by: LedgerBy;
  rows: LedgerRow[];
  /** Give it as `after` for the rows that follow; absent with the last ones. */
  next?: string;
}

/** Sources read at once. Between two reads, others get their turn. */
const PAGE = 1_000;

const DEFAULT_ROWS = 1_000;

/** Reads a ledger through and says what follows from it. Memory is that of the rows; by source, of one page of them. */
export async function reportLedger(ledger: Ledger, query: LedgerQuery): Promise<LedgerReport> {
  const { by = 'day', after = '', limit = DEFAULT_ROWS, now, maxAgeMs } = query;
  const from = query.from === undefined ? Number.NEGATIVE_INFINITY : dayOf(query.from);
  const to = query.to === undefined ? Number.POSITIVE_INFINITY : dayOf(query.to);
  const total = emptyCounts();
  const groups = new Map<string, LedgerCounts>();
  const sources: LedgerRow[] = [];
  let more = false;
  let missingSources = 0;

  const add = (name: string, counts: LedgerCounts) => {
    const group = groups.get(name) ?? emptyCounts();
    groups.set(name, addCounts(group, counts));
  };

  for await (const [source, known] of read(ledger, query.source)) {
    const { days, missing } = judge(known, now, maxAgeMs);
    const inside = days.filter(({ day }) => day >= from && day <= to);
    if (inside.length === 0) continue;
    const counts = inside.reduce((sum, { counts }) => addCounts(sum, counts), emptyCounts());
    // On whatever days its numbers were heard of, it is one source.
    counts.sources = 1;
    if (counts.missing > 0) missingSources++;
    addCounts(total, counts);
    if (by === 'source') {
      if (source <= after || (query.missing && counts.missing === 0)) continue;
      if (sources.length === limit) more = true;
      else sources.push({ name: source, ...counts, source: describe(known, missing) });
    } else if (by === 'day') for (const { day, counts } of inside) add(dayName(day), counts);
    else add(known[by] ?? '', counts);
  }
  if (query.source === undefined) {
    for (const { day, counts, ...row } of await ledger.totals()) {
      if (day < from || day > to) continue;
      addCounts(total, counts);
      if (by !== 'source') add(by === 'day' ? dayName(day) : row[by], counts);
    }
  }

  const rows = by === 'source' ? sources : rowsOf(groups).filter(({ name }) => name > after || after === '');
  const shown = rows.slice(0, limit);
  return {
    verdict: total.missing > 0 ? 'missing' : 'nothing-missing',
    at: now,
    maxAgeMs,
    total,
    missingSources,
    by,
    rows: shown,
    ...((more || rows.length > limit) && { next: shown.at(-1)!.name }),
  };
}

/** Every source, a page at a time. */
export async function* read(ledger: Ledger, only?: string): AsyncGenerator<[source: string, known: SourceLedger]> {
  if (only !== undefined) {
    const known = await ledger.source(only);
    if (known) yield [only, known];
    return;
  }
  let after = '';
  for (;;) {
    const page = await ledger.sources(after, PAGE);
    yield* page;
    if (page.length < PAGE) return;
    after = page.at(-1)![0];
    // A database that answers at once would let nobody else have a turn.
    await new Promise((resolve) => setTimeout(resolve, 0));
  }
}

function describe(known: SourceLedger, missing: Judgement['missing']): NonNullable<LedgerRow['source']> {
  const { firstSeen, lastSeen, release, key } = known;
  return {
    firstSeen,
    lastSeen,
    highest: highestOf(known),
    ...(release !== undefined && { release }),
    ...(key !== undefined && { key }),
    missing,
  };
}

function rowsOf(groups: Map<string, LedgerCounts>): LedgerRow[] {
  return [...groups].sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, counts]) => ({ name, ...counts }));
}

/** Days since 1970 of `YYYY-MM-DD`; NaN when it is none. */
export function dayOf(name: string): number {
  return /^\d{4}-\d\d-\d\d$/.test(name) ? Date.parse(`${name}T00:00:00Z`) / DAY_MS : Number.NaN;
}

export function dayName(day: number): string {
  const date = new Date(day * DAY_MS);
  // Only of a clock that was wrong by ages.
  return Number.isNaN(date.getTime()) ? String(day) : date.toISOString().slice(0, 10);
}
