/**
 * The ledger's algebra: what a collector knows of one source's numbers, and what follows from it. Pure; no clock, no store.
 *
 * Everything in a {@link SourceLedger} only grows (sets by union, numbers by maximum or minimum), so merging is associative,
 * commutative and idempotent: the order in which facts arrive, their repetition, and the collector they arrive at do not matter.
 * What is *missing* is never stored; `judge` (judge.ts) derives it for a moment in time.
 */
import type { DropReason } from './outcome.js';
import { addRange, countRanges, type Ranges, union, within } from './ranges.js';

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

/**
 * The widest gap, and the longest run of drops, that is believed. A page keeps at most 10 000 events and its queue at most 1 000 000
 * (`maxEvents`), so more cannot be lost at once; a number out of nowhere is a lie, and must not make millions *missing*.
 */
export const MAX_JUMP = 1_000_000;

/** Most ranges kept of one source. An honest one has a handful. */
export const MAX_RANGES = 400;

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

const above = (ranges: Ranges, upTo: number): Ranges => within(ranges, upTo + 1, Number.MAX_SAFE_INTEGER);
