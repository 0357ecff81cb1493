import { eventId } from '../../core/event.js';
import { addCounts, emptyCounts } from '../../core/judge.js';
import {
  coarsen,
  DAY_MS,
  emptySource,
  noteDelivered,
  noteDropped,
  noteTail,
  type SourceLedger,
} from '../../core/ledger.js';
import type { ReceivedEvent } from '../sinks/sink.js';
import type { LedgerFacts, TotalsRow } from './ledger.js';

/** Where a ledger keeps its entries. The calls of one {@link recordFacts} belong to one transaction. */
export interface LedgerPages {
  load(source: string): SourceLedger | undefined;
  save(source: string, known: SourceLedger): void;
  /** Adds to the counts of a day. */
  add(row: TotalsRow): void;
}

/**
 * Writes facts down. Each source is read and written once, however many of its events there are.
 *
 * @param trustsDuplicates whether an event that was stored before may make a source known. Not where the ledger is written with
 * the events: then it knew the source once, has folded it away since, and would now find gaps in what it forgot.
 */
export function recordFacts(pages: LedgerPages, facts: LedgerFacts, trustsDuplicates: boolean): void {
  const { events, duplicates, drops, tails } = facts;
  const at = timeOf(facts);
  const known = new Map<string, SourceLedger>();
  const changed = new Set<string>();
  const counts = new Map<string, TotalsRow>();
  const repeats = new Set(duplicates);

  const find = (source: string, mayMake: boolean): SourceLedger | undefined => {
    let entry = known.get(source) ?? pages.load(source);
    if (!entry && mayMake) entry = emptySource();
    if (entry) known.set(source, entry);
    return entry;
  };
  const count = (field: 'repeated' | 'unnumbered', number: number, release = '', key = '') => {
    if (number === 0) return;
    const name = JSON.stringify([release, key]);
    const row = counts.get(name) ?? { day: Math.floor(at / DAY_MS), release, key, counts: emptyCounts() };
    row.counts[field] += number;
    counts.set(name, row);
  };

  let i = 0;
  while (i < events.length) {
    const event = events[i]!;
    const isRepeat = repeats.has(i);
    if (isRepeat) count('repeated', 1, releaseOf(event), event.key);
    if (!isNumbered(event)) {
      if (!isRepeat) count('unnumbered', 1, releaseOf(event), event.key);
      i++;
      continue;
    }
    // A run of a source's events is one fact.
    let end = i + 1;
    while (end < events.length && !repeats.has(end) && isNext(events[end - 1]!, events[end]!)) end++;
    const { source, seq, receivedAt } = event;
    const entry = find(source, !isRepeat || trustsDuplicates);
    if (entry && noteDelivered(entry, seq, seq + end - i - 1, receivedAt)) {
      describe(entry, event);
      changed.add(source);
    }
    i = end;
  }
  for (const { source, first, last, reason, receivedAt } of drops) {
    const entry = find(source, true)!;
    if (noteDropped(entry, first, last, reason, receivedAt)) changed.add(source);
  }
  for (const { source, last, closed, receivedAt } of tails) {
    // Of a source that was never heard of, or is long folded away, an end alone is no reason to open an account.
    const entry = find(source, !closed);
    if (entry && noteTail(entry, last, closed, receivedAt)) changed.add(source);
  }
  count('repeated', facts.repeated);

  for (const source of changed) pages.save(source, coarsen(known.get(source)!));
  for (const row of counts.values()) pages.add(row);
}

/** When the facts came, in ms since the epoch; 0 when there are none. */
export function timeOf({ events, drops, tails }: LedgerFacts): number {
  return (events.at(-1) ?? drops.at(-1) ?? tails.at(-1))?.receivedAt ?? 0;
}

/** Whether its number was given by a Petrel tracker. What came in another format has an id of its own, and no number. */
export function isNumbered({ id, source, seq }: ReceivedEvent): boolean {
  return seq >= 1 && id === eventId(source, seq);
}

const isNext = (before: ReceivedEvent, event: ReceivedEvent): boolean =>
  event.source === before.source && event.seq === before.seq + 1 && isNumbered(event);

/** The site's own release where its events carry one, else the tracker's. */
function releaseOf({ context, sdk }: ReceivedEvent): string {
  if (typeof context?.release === 'string') return context.release.slice(0, MAX_RELEASE);
  return sdk === undefined ? '' : `petrel ${sdk}`.slice(0, MAX_RELEASE);
}

/** Longest release that is told apart, in UTF-16 code units. */
const MAX_RELEASE = 100;

function describe(entry: SourceLedger, event: ReceivedEvent): void {
  const release = releaseOf(event);
  if (release > (entry.release ?? '')) entry.release = release;
  if (event.key !== undefined && event.key > (entry.key ?? '')) entry.key = event.key;
}

/** Adds a row to others, by day, release and key. */
export function addRow(rows: Map<string, TotalsRow>, { day, release, key, counts }: TotalsRow): void {
  const name = JSON.stringify([day, release, key]);
  const row = rows.get(name);
  if (row) addCounts(row.counts, counts);
  else rows.set(name, { day, release, key, counts: addCounts(emptyCounts(), counts) });
}
