import { SOURCE_PATTERN } from '../../core/event.js';
import type { SourceLedger } from '../../core/ledger.js';
import { show } from '../../core/options.js';
import { Refusal } from '../refusal.js';
import type { Ledger, TotalsRow } from './ledger.js';
import { dayOf, type LedgerBy, type LedgerQuery, type LedgerReport, reportLedger } from './report.js';

/** A ledger's entries as they are, to be added to others'. */
export interface LedgerEntries {
  /** Which ledger they are of. */
  ledger: string;
  entries: [source: string, known: SourceLedger][];
  /** With the first entries only. */
  totals?: TotalsRow[];
  /** Give it as `after` for the entries that follow; absent with the last ones. */
  next?: string;
}

const BY: readonly LedgerBy[] = ['day', 'release', 'key', 'source'];
const PARAMETERS = ['by', 'source', 'from', 'to', 'missing', 'after', 'limit', 'at'];

/** Most rows in one answer. */
const MAX_ROWS = 10_000;

/**
 * What `GET …/ledger` answers, from the query of its URL.
 *
 * @throws {@link Refusal} `invalid-query`, naming parameter and value
 */
export async function readLedger(
  ledger: Ledger,
  query: URLSearchParams,
  now: number,
  maxAgeMs: number,
): Promise<LedgerReport | LedgerEntries> {
  for (const name of query.keys()) {
    if (!PARAMETERS.includes(name)) throw invalid(name, `one of ${PARAMETERS.join(', ')}`, undefined);
  }
  const limit = numberOf(query, 'limit', 1, MAX_ROWS);
  const after = query.get('after') ?? '';
  const source = query.get('source') ?? undefined;
  if (source !== undefined && !SOURCE_PATTERN.test(source)) throw invalid('source', 'the name of a source', source);
  if (query.get('by') === 'entries') {
    if (source !== undefined) {
      const known = await ledger.source(source);
      return { ledger: ledger.id, entries: known ? [[source, known]] : [] };
    }
    const most = limit ?? 1_000;
    const entries = await ledger.sources(after, most);
    return {
      ledger: ledger.id,
      entries,
      ...(after === '' && { totals: await ledger.totals() }),
      ...(entries.length === most && { next: entries.at(-1)![0] }),
    };
  }
  const by = query.get('by') ?? 'day';
  if (!(BY as readonly string[]).includes(by)) throw invalid('by', `one of ${BY.join(', ')}, entries`, by);
  const asked: LedgerQuery = { by: by as LedgerBy, after, now: numberOf(query, 'at', 0, 8.64e15) ?? now, maxAgeMs };
  if (limit !== undefined) asked.limit = limit;
  for (const name of ['from', 'to'] as const) {
    const day = query.get(name);
    if (day === null) continue;
    if (Number.isNaN(dayOf(day))) throw invalid(name, 'a day such as 2026-11-25', day);
    asked[name] = day;
  }
  if (source !== undefined) asked.source = source;
  const missing = query.get('missing');
  if (missing !== null && missing !== '1') throw invalid('missing', '1, or absent', missing);
  if (missing === '1') asked.missing = true;
  return reportLedger(ledger, asked);
}

function numberOf(query: URLSearchParams, name: string, min: number, max: number): number | undefined {
  const text = query.get(name);
  if (text === null) return undefined;
  const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (!(value >= min && value <= max)) throw invalid(name, `a number from ${min} to ${max}`, text);
  return value;
}

function invalid(name: string, expected: string, value: string | undefined): Refusal {
  const not = value === undefined ? '' : `, not ${show(value)}`;
  return new Refusal('invalid-query', `the parameter \`${name.slice(0, 40)}\` must be ${expected}${not}`);
}
