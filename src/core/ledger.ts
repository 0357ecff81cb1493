/**
 * The ledger's algebra: what a collector knows of one source's numbers, and what follows from it. Pure; no clock, no store.
 *
 * Everything in a {@link SourceLedger} only grows (sets by union, numbers by maximum or minimum), so merging is associative,
 * commutative and idempotent: the order in which facts arrive, their repetition, and the collector they arrive at do not matter.
 * What is *missing* is never stored; {@link judge} derives it for a moment in time.
 */
import type { DropReason } from './outcome.js';
import { addRange, countRanges, type Ranges } from './ranges.js';

/** What is known of one source. Numbers are its events' sequence numbers. */
export interface SourceLedger {
  /** Stored by the sink. */
  delivered: Ranges;
  /** Given up by the tracker, by its reason. May overlap what was delivered: delivered wins, and it is counted. */
  dropped: { [reason: string]: Ranges };
  /** The highest number heard of by the end of each day (days since 1970, collector's clock), where it rose. Ascending. */
  days: [day: number, highest: number][];
  /** The highest number that was told to be the last; 0 when none was. */
  ended: number;
  /** When something new was first and last heard of it, by the collector's clock in ms since the epoch. */
  firstSeen: number;
  lastSeen: number;
  /** Set when it had too many gaps to keep: which numbers up to `upTo` came is forgotten, at least `delivered` did. */
  coarse?: { upTo: number; delivered: number };
  /** The site's release, where its events name one (`context.release`), else the tracker's version. */
  release?: string;
  /** The write key. */
  key?: string;
}

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

/**
 * The widest gap, and the longest run of drops, that is believed. A page keeps at most 10 000 events and its queue at most 1 000 000
 * (`maxEvents`), so more cannot be lost at once; a number out of nowhere is a lie, and must not make millions *missing*.
 */
export const MAX_JUMP = 1_000_000;

/** Most ranges kept of one source. An honest one has a handful. */
export const MAX_RANGES = 400;

/** Ranges of missing numbers that are named. */
export const MAX_NAMED = 20;

export const DAY_MS = 86_400_000;

/** What a ledger tells apart. A word of a later release, or of nobody, counts as `other`: hostile words cost no memory. */
const REASONS: { readonly [reason in DropReason]: true } = {
  invalid: true,
  'too-large': true,
  'queue-full': true,
  expired: true,
  blocked: true,
  refused: true,
  consent: true,
  plugin: true,
  sampled: true,
  'buffer-full': true,
  storage: true,
  closed: true,
};

export function emptySource(): SourceLedger {
  return { delivered: [], dropped: {}, days: [], ended: 0, firstSeen: Number.MAX_SAFE_INTEGER, lastSeen: 0 };
}

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

/** Notes that `first` to `last` are stored. Changes `source`; false when that was known. */
export function noteDelivered(source: SourceLedger, first: number, last: number, at: number): boolean {
  return note(source, source.delivered, first, last, at);
}

/** Notes that `first` to `last` were given up for `reason`. Changes `source`; false when that was known. */
export function noteDropped(source: SourceLedger, first: number, last: number, reason: string, at: number): boolean {
  const word = Object.hasOwn(REASONS, reason) ? reason : 'other';
  const ranges = source.dropped[word] ?? [];
  if (!note(source, ranges, first, last, at)) return false;
  source.dropped[word] = ranges;
  return true;
}

/** Notes that the source has come to `last`, and whether that is its end. Changes `source`; false when that was known. */
export function noteTail(source: SourceLedger, last: number, ended: boolean, at: number): boolean {
  const isNews = last > highestOf(source) || (ended && last > source.ended);
  if (!isNews) return false;
  if (ended) source.ended = Math.max(source.ended, last);
  seen(source, last, at);
  return true;
}

function note(source: SourceLedger, ranges: Ranges, first: number, last: number, at: number): boolean {
  const from = Math.max(first, (source.coarse?.upTo ?? 0) + 1);
  if (from > last || covers(ranges, from, last)) return false;
  addRange(ranges, from, last);
  seen(source, last, at);
  return true;
}

function seen(source: SourceLedger, last: number, at: number): void {
  source.firstSeen = Math.min(source.firstSeen, at);
  source.lastSeen = Math.max(source.lastSeen, at);
  const day = Math.floor(at / DAY_MS);
  const newest = source.days.at(-1);
  if (newest && newest[0] === day) newest[1] = Math.max(newest[1], last);
  else if (!newest || last > newest[1] || day < newest[0]) source.days = risingDays([...source.days, [day, last]]);
}

/** The days on which the highest number rose, ascending. */
function risingDays(days: SourceLedger['days']): SourceLedger['days'] {
  const rising: SourceLedger['days'] = [];
  for (const [day, highest] of [...days].sort(([a], [b]) => a - b)) {
    const before = rising.at(-1);
    if (before && highest <= before[1]) continue;
    if (before?.[0] === day) before[1] = highest;
    else rising.push([day, highest]);
  }
  return rising;
}

/** The highest number heard of. */
export function highestOf(source: SourceLedger): number {
  return source.days.at(-1)?.[1] ?? 0;
}

function covers(ranges: Ranges, first: number, last: number): boolean {
  for (let i = ranges.length - 1; i >= 0 && ranges[i]![1] >= last; i--) if (ranges[i]![0] <= first) return true;
  return false;
}

/** What both know together. Neither is changed. */
export function mergeSources(a: SourceLedger, b: SourceLedger): SourceLedger {
  const coarse = coarser(a.coarse, b.coarse);
  const upTo = coarse?.upTo ?? 0;
  const dropped: SourceLedger['dropped'] = {};
  for (const reason of new Set([...Object.keys(a.dropped), ...Object.keys(b.dropped)].sort())) {
    const ranges = above(union(a.dropped[reason] ?? [], b.dropped[reason] ?? []), upTo);
    if (ranges.length > 0) dropped[reason] = ranges;
  }
  const release = greater(a.release, b.release);
  const key = greater(a.key, b.key);
  return coarsen({
    delivered: above(union(a.delivered, b.delivered), upTo),
    dropped,
    days: risingDays([...a.days, ...b.days].map(([day, highest]) => [day, highest])),
    ended: Math.max(a.ended, b.ended),
    firstSeen: Math.min(a.firstSeen, b.firstSeen),
    lastSeen: Math.max(a.lastSeen, b.lastSeen),
    ...(coarse && { coarse }),
    ...(release !== undefined && { release }),
    ...(key !== undefined && { key }),
  });
}

function greater(a: string | undefined, b: string | undefined): string | undefined {
  return a === undefined || (b !== undefined && b > a) ? b : a;
}

function coarser(a: SourceLedger['coarse'], b: SourceLedger['coarse']): SourceLedger['coarse'] {
  if (!a || !b) return a ?? b;
  if (a.upTo !== b.upTo) return a.upTo > b.upTo ? a : b;
  return a.delivered >= b.delivered ? a : b;
}

/**
 * Keeps a source's memory bounded: with more than {@link MAX_RANGES} ranges, the lower ones are given up for a count. It is told
 * (`coarsened`), and no number among them is called missing. Changes `source`, and returns it.
 */
export function coarsen(source: SourceLedger, maxRanges: number = MAX_RANGES): SourceLedger {
  const sets = [source.delivered, ...Object.values(source.dropped)];
  if (sets.reduce((sum, { length }) => sum + length, 0) <= maxRanges) return source;
  const ends = sets.flatMap((ranges) => ranges.map(([, last]) => last)).sort((a, b) => b - a);
  // Down to half, so that the next gap does not cause the next pass.
  const upTo = ends[Math.floor(maxRanges / 2)]!;
  const before = source.coarse?.delivered ?? 0;
  source.coarse = {
    upTo,
    delivered: before + countRanges(source.delivered) - countRanges(above(source.delivered, upTo)),
  };
  source.delivered = above(source.delivered, upTo);
  for (const [reason, ranges] of Object.entries(source.dropped)) {
    const kept = above(ranges, upTo);
    if (kept.length > 0) source.dropped[reason] = kept;
    else delete source.dropped[reason];
  }
  return source;
}

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

function union(a: Ranges, b: Ranges): Ranges {
  const result: Ranges = [];
  for (const [first, last] of [...a, ...b].sort(([x], [y]) => x - y)) addRange(result, first, last);
  return result;
}

/** The numbers of `a` that are not in `b`. Both sorted and disjoint. */
export function minus(a: Ranges, b: Ranges): Ranges {
  const result: Ranges = [];
  let i = 0;
  for (let [first, last] of a) {
    while (i < b.length && b[i]![1] < first) i++;
    for (let k = i; k < b.length && b[k]![0] <= last && first <= last; k++) {
      if (b[k]![0] > first) result.push([first, b[k]![0] - 1]);
      first = b[k]![1] + 1;
    }
    if (first <= last) result.push([first, last]);
  }
  return result;
}

function within(ranges: Ranges, first: number, last: number): Ranges {
  const result: Ranges = [];
  for (const [from, to] of ranges) {
    if (to >= first && from <= last) result.push([Math.max(from, first), Math.min(to, last)]);
  }
  return result;
}

const above = (ranges: Ranges, upTo: number): Ranges => within(ranges, upTo + 1, Number.MAX_SAFE_INTEGER);
