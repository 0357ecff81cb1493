/** What follows from a source's ledger at a moment in time: counts, and what is missing. Pure. */
import { DAY_MS, highestOf, MAX_JUMP, type SourceLedger } from './ledger.js';
import { addRange, countRanges, minus, type Ranges, union, within } from './ranges.js';

/** What became of numbers. `accepted = delivered + dropped (all reasons) + possible + unknown + missing`. */
export interface LedgerCounts {
  /** Sources with such numbers. */
  sources: number;
  /** Numbers that trackers gave to events, as far as they were heard of. */
  accepted: number;
  /** Stored. */
  delivered: number;
  /** Given up by the tracker, by reason. */
  dropped: { [reason: string]: number };
  /** Gaps that may still be filled: they are younger than the age limit. */
  possible: number;
  /**
   * Gaps that are nobody's fault, or cannot be told to be: the visitor withdrew consent; or they were waiting in a browser that never
   * came back (site data cleared, never online again).
   */
  unknown: number;
  /** Gaps below a number that arrived, older than the age limit and without a reason: a defect. */
  missing: number;
  /** Numbers both delivered and said to be dropped; they count as delivered. */
  contradicted: number;
  /** Jumps too wide to be true (`MAX_JUMP`). What lies in them is not counted at all. */
  implausible: number;
  /** Sources of which `accepted` and `delivered` are lower bounds, because they had too many gaps to keep. */
  coarsened: number;
  /** Events that came again and were not stored again. */
  repeated: number;
  /** Events in a format without numbers: stored, but nothing can be proved about them. */
  unnumbered: number;
  /** Sources by what is known of their end: it was told; it may be yet; it never was. */
  tails: { ended: number; open: number; unknown: number };
}

/** What {@link judge} says about one source. */
export interface Judgement {
  total: LedgerCounts;
  /** The same, apart for each day on which a number was first heard of. */
  days: { day: number; counts: LedgerCounts }[];
  /** The missing numbers, the lowest `MAX_NAMED`. */
  missing: Ranges;
}

/** Ranges of missing numbers that are named. */
export const MAX_NAMED = 20;

export function emptyCounts(): LedgerCounts {
  return {
    sources: 0,
    accepted: 0,
    delivered: 0,
    dropped: {},
    possible: 0,
    unknown: 0,
    missing: 0,
    contradicted: 0,
    implausible: 0,
    coarsened: 0,
    repeated: 0,
    unnumbered: 0,
    tails: { ended: 0, open: 0, unknown: 0 },
  };
}

/** Adds `more` to `sum`, in place, and returns it. */
export function addCounts(sum: LedgerCounts, more: LedgerCounts): LedgerCounts {
  for (const field of COUNTED) sum[field] += more[field];
  for (const [reason, count] of Object.entries(more.dropped)) sum.dropped[reason] = (sum.dropped[reason] ?? 0) + count;
  for (const tail of ['ended', 'open', 'unknown'] as const) sum.tails[tail] += more.tails[tail];
  return sum;
}

const COUNTED = [
  'sources',
  'accepted',
  'delivered',
  'possible',
  'unknown',
  'missing',
  'contradicted',
  'implausible',
  'coarsened',
  'repeated',
  'unnumbered',
] as const;

/**
 * What became of a source's numbers, as far as can be said at `now`.
 *
 * @param maxAgeMs how old a gap may be until nobody waits for it any more: the trackers' `maxAgeMs` and some slack
 */
export function judge(source: SourceLedger, now: number, maxAgeMs: number): Judgement {
  const withdrawn = source.dropped.consent !== undefined;
  const total = emptyCounts();
  const missing: Ranges = [];

  const plausible = Object.entries(source.dropped)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([reason, ranges]) => [reason, ranges.filter(([first, last]) => last - first < MAX_JUMP)] as const);
  total.implausible += Object.values(source.dropped).reduce((sum, ranges) => sum + ranges.length, 0);
  total.implausible -= plausible.reduce((sum, [, ranges]) => sum + ranges.length, 0);

  // Each number of a set once, in the first set that has it.
  const known: { reason?: string; ranges: Ranges }[] = [{ ranges: source.delivered }];
  let covered = source.delivered;
  for (const [reason, ranges] of plausible) {
    known.push({ reason, ranges: minus(ranges, covered) });
    covered = union(covered, ranges);
  }
  total.contradicted =
    countRanges(source.delivered) -
    countRanges(
      minus(
        source.delivered,
        union(
          [],
          plausible.flatMap(([, r]) => r),
        ),
      ),
    );

  // What lies between, up to the highest number that was heard of.
  const start = source.coarse?.upTo ?? 0;
  const arrived = covered.at(-1)?.[1] ?? start;
  const gaps: Ranges = [];
  for (const [first, last] of minus([[start + 1, Math.max(highestOf(source), start)]], covered)) {
    if (last < first) continue;
    if (last - first < MAX_JUMP) gaps.push([first, last]);
    else total.implausible++;
  }

  const days = source.days.map(([day, highest], i): Judgement['days'][number] => {
    const counts = emptyCounts();
    const first = i === 0 ? 1 : source.days[i - 1]![1] + 1;
    for (const { reason, ranges } of known) {
      const count = countRanges(within(ranges, first, highest));
      counts.accepted += count;
      if (reason === undefined) counts.delivered += count;
      else if (count > 0) counts.dropped[reason] = count;
    }
    // Whoever numbered them had them by then: on that day, and not after anything was last heard of it.
    const heardBy = Math.min((day + 1) * DAY_MS, source.lastSeen);
    for (const [from, to] of within(gaps, first, highest)) {
      const count = to - from + 1;
      counts.accepted += count;
      if (now <= heardBy + maxAgeMs) counts.possible += count;
      else if (withdrawn || from > arrived) counts.unknown += count;
      else {
        counts.missing += count;
        if (missing.length < MAX_NAMED) addRange(missing, from, to);
      }
    }
    return { day, counts };
  });

  for (const { counts } of days) addCounts(total, counts);
  const tail = source.ended >= highestOf(source) ? 'ended' : now <= source.lastSeen + maxAgeMs ? 'open' : 'unknown';
  for (const counts of [total, days[0]?.counts]) {
    if (!counts) continue;
    counts.sources = 1;
    counts.tails[tail] = 1;
    if (source.coarse) {
      counts.coarsened = 1;
      counts.accepted += source.coarse.delivered;
      counts.delivered += source.coarse.delivered;
    }
  }
  if (days[0]) Object.assign(days[0].counts, { contradicted: total.contradicted, implausible: total.implausible });
  return { total, days, missing };
}
