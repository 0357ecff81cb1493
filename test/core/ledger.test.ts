import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { addCounts, emptyCounts, judge } from '../../src/core/judge.js';
import {
  coarsen,
  DAY_MS,
  emptySource,
  MAX_JUMP,
  MAX_RANGES,
  mergeSources,
  noteDelivered,
  noteDropped,
  noteTail,
  type SourceLedger,
} from '../../src/core/ledger.js';
import { countRanges, minus } from '../../src/core/ranges.js';

const AGE = 8 * DAY_MS;
const MONDAY = 20_000 * DAY_MS + 12 * 3_600_000;
const LATER = MONDAY + 100 * DAY_MS;

type Fact =
  | { kind: 'delivered'; first: number; last: number; at: number }
  | { kind: 'dropped'; first: number; last: number; reason: string; at: number }
  | { kind: 'tail'; last: number; ended: boolean; at: number };

function note(source: SourceLedger, fact: Fact): SourceLedger {
  if (fact.kind === 'delivered') noteDelivered(source, fact.first, fact.last, fact.at);
  else if (fact.kind === 'dropped') noteDropped(source, fact.first, fact.last, fact.reason, fact.at);
  else noteTail(source, fact.last, fact.ended, fact.at);
  return coarsen(source);
}

const ledgerOf = (...facts: Fact[]) => facts.reduce(note, emptySource());

const delivered = (first: number, last = first, at = MONDAY): Fact => ({ kind: 'delivered', first, last, at });
const dropped = (reason: string, first: number, last = first, at = MONDAY): Fact => ({
  kind: 'dropped',
  first,
  last,
  reason,
  at,
});
const tail = (last: number, ended = false, at = MONDAY): Fact => ({ kind: 'tail', last, ended, at });

const total = (source: SourceLedger, now = LATER) => judge(source, now, AGE).total;

const span = fc.tuple(fc.integer({ min: 1, max: 60 }), fc.integer({ min: 0, max: 8 }));
const time = fc.integer({ min: 0, max: 4 }).map((day) => MONDAY + day * DAY_MS);
const anyFact: fc.Arbitrary<Fact> = fc.oneof(
  fc.tuple(span, time).map(([[first, more], at]) => delivered(first, first + more, at)),
  fc
    .tuple(span, time, fc.constantFrom('expired', 'queue-full', 'consent', 'constructor'))
    .map(([[first, more], at, reason]) => dropped(reason, first, first + more, at)),
  fc.tuple(fc.integer({ min: 1, max: 70 }), fc.boolean(), time).map(([last, ended, at]) => tail(last, ended, at)),
);

/** Comparable: the order of members says nothing. */
const plain = (source: SourceLedger) => ({ ...source, dropped: { ...source.dropped } });

/** Ledgers only remember when something *new* was heard: which of two equal facts that was depends on who came first. */
const withoutTimes = ({ firstSeen, lastSeen, days, ...rest }: SourceLedger) => rest;

describe('the facts of a ledger', () => {
  it('add up to the same in any order, repeated, and over any number of collectors', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(anyFact, fc.nat(3)), { maxLength: 30 }),
        fc.infiniteStream(fc.nat()),
        (facts, order) => {
          const one = ledgerOf(...facts.map(([fact]) => fact));
          const shuffled = facts
            .map((entry) => ({ entry, at: order.next().value! }))
            .sort((a, b) => a.at - b.at)
            .map(({ entry }) => entry);
          const collectors = [0, 1, 2, 3].map((n) =>
            ledgerOf(...[...shuffled, ...shuffled].filter(([, at]) => at === n).map(([fact]) => fact)),
          );
          const merged = collectors.reduceRight(mergeSources, emptySource());

          expect(withoutTimes(merged)).toEqual(withoutTimes(one));
          expect(merged.days.at(-1)?.[1]).toBe(one.days.at(-1)?.[1]);
        },
      ),
    );
  });

  it('merge associatively, commutatively and idempotently, changing nothing', () => {
    const anyLedger = fc.array(anyFact, { maxLength: 12 }).map((facts) => ledgerOf(...facts));
    fc.assert(
      fc.property(anyLedger, anyLedger, anyLedger, (a, b, c) => {
        const before = JSON.stringify([a, b, c]);

        expect(plain(mergeSources(mergeSources(a, b), c))).toEqual(plain(mergeSources(a, mergeSources(b, c))));
        expect(plain(mergeSources(a, b))).toEqual(plain(mergeSources(b, a)));
        expect(plain(mergeSources(a, a))).toEqual(plain(a));
        expect(plain(mergeSources(a, emptySource()))).toEqual(plain(a));
        expect(JSON.stringify([a, b, c])).toBe(before);
      }),
    );
  });

  it('survive JSON', () => {
    fc.assert(
      fc.property(fc.array(anyFact, { minLength: 1 }), (facts) => {
        const ledger = ledgerOf(...facts);

        expect(JSON.parse(JSON.stringify(ledger))).toEqual(ledger);
      }),
    );
  });

  it('are news only once', () => {
    const source = ledgerOf(delivered(1, 5), dropped('expired', 7), tail(9));

    expect(noteDelivered(source, 2, 4, LATER)).toBe(false);
    expect(noteDropped(source, 7, 7, 'expired', LATER)).toBe(false);
    expect(noteTail(source, 9, false, LATER)).toBe(false);
    expect(source.lastSeen).toBe(MONDAY);
    expect(noteTail(source, 9, true, LATER)).toBe(true);
    expect(source.lastSeen).toBe(LATER);
  });
});

describe('the judgement', () => {
  it('counts every number once, as a set of numbers would', () => {
    fc.assert(
      fc.property(fc.array(anyFact, { minLength: 1, maxLength: 20 }), fc.integer({ min: 0, max: 15 }), (facts, day) => {
        const source = ledgerOf(...facts);
        const { total, days, missing } = judge(source, MONDAY + day * DAY_MS, AGE);

        const arrived = new Set<number>();
        const given = new Set<number>();
        let highest = 0;
        for (const fact of facts) {
          highest = Math.max(highest, fact.last);
          if (fact.kind === 'tail') continue;
          for (let n = fact.first; n <= fact.last; n++) (fact.kind === 'delivered' ? arrived : given).add(n);
        }
        const both = [...given].filter((n) => arrived.has(n)).length;
        expect(total).toMatchObject({ accepted: highest, delivered: arrived.size, contradicted: both, sources: 1 });
        const reasons = Object.values(total.dropped).reduce((sum, count) => sum + count, 0);
        expect(reasons).toBe(given.size - both);
        expect(total.accepted).toBe(total.delivered + reasons + total.possible + total.unknown + total.missing);
        expect(countRanges(missing)).toBe(total.missing);
        expect(days.reduce((sum, { counts }) => addCounts(sum, counts), emptyCounts())).toEqual(total);
      }),
    );
  });

  it('waits for a gap as long as it may be filled, then calls it missing', () => {
    const source = ledgerOf(delivered(1, 4), delivered(7, 9));

    expect(total(source, MONDAY + AGE)).toMatchObject({ accepted: 9, delivered: 7, possible: 2, missing: 0 });
    expect(total(source, MONDAY + AGE + 1)).toMatchObject({ accepted: 9, delivered: 7, possible: 0, missing: 2 });
    expect(judge(source, LATER, AGE).missing).toEqual([[5, 6]]);
  });

  it('does not wait longer because the page lives on', () => {
    const source = ledgerOf(delivered(1, 4), delivered(7, 9), delivered(10, 90, MONDAY + 9 * DAY_MS));

    expect(total(source, MONDAY + 9 * DAY_MS)).toMatchObject({ missing: 2, delivered: 88 });
  });

  it('lets a late arrival fill what was missing', () => {
    const source = ledgerOf(delivered(1, 4), delivered(7, 9));

    note(source, delivered(5, 6, LATER));

    expect(total(source)).toMatchObject({ accepted: 9, delivered: 9, missing: 0 });
  });

  it('calls what was waiting in a browser that never came back unknown, not missing', () => {
    const source = ledgerOf(delivered(1, 4), tail(20));

    expect(total(source, MONDAY)).toMatchObject({ accepted: 20, possible: 16, tails: { open: 1 } });
    expect(total(source)).toMatchObject({ accepted: 20, possible: 0, unknown: 16, missing: 0, tails: { unknown: 1 } });
  });

  it('calls nothing of a visitor missing who withdrew consent', () => {
    const source = ledgerOf(delivered(1, 4), delivered(7, 9), dropped('consent', 10, 12));

    expect(total(source)).toMatchObject({ delivered: 7, dropped: { consent: 3 }, unknown: 2, missing: 0 });
  });

  it('knows an end that was told, until a higher number shows that it was none', () => {
    const source = ledgerOf(delivered(1, 4), tail(4, true));

    expect(total(source, MONDAY).tails).toEqual({ ended: 1, open: 0, unknown: 0 });
    note(source, delivered(5));
    expect(total(source, MONDAY).tails).toEqual({ ended: 0, open: 1, unknown: 0 });
    expect(total(source, LATER).tails).toEqual({ ended: 0, open: 0, unknown: 1 });
  });

  it('lets delivered win over dropped, and counts the contradiction', () => {
    const source = ledgerOf(dropped('expired', 1, 5), dropped('queue-full', 4, 8), delivered(3, 6));

    expect(total(source)).toMatchObject({
      accepted: 8,
      delivered: 4,
      dropped: { expired: 2, 'queue-full': 2 },
      contradicted: 4,
    });
  });

  it('counts words it does not know as other', () => {
    const source = ledgerOf(dropped('constructor', 1, 2), dropped('because-of-mars', 3));

    expect(total(source).dropped).toEqual({ other: 3 });
  });

  it('splits by the day on which a number was first heard of', () => {
    const source = ledgerOf(delivered(1, 4), delivered(8, 9, MONDAY + DAY_MS), delivered(5, 5, MONDAY + 2 * DAY_MS));

    const { days } = judge(source, LATER, AGE);

    expect(days.map(({ day, counts }) => [day, counts.accepted, counts.delivered, counts.missing])).toEqual([
      [20_000, 4, 4, 0],
      [20_001, 5, 3, 2],
    ]);
  });

  it('holds when the collector’s clock was in the future for a while', () => {
    const source = ledgerOf(delivered(1, 3, MONDAY + 30_000 * DAY_MS), delivered(4, 6), delivered(9));

    expect(total(source, MONDAY + 20 * DAY_MS)).toMatchObject({ accepted: 9, delivered: 7, missing: 2 });
  });
});

describe('a liar', () => {
  it.each([
    ['a number out of nowhere', delivered(9e15)],
    ['a tail out of nowhere', tail(9e15, true)],
    ['drops without end', dropped('expired', 5, 9e15)],
  ])('makes nothing missing with %s', (_, lie) => {
    const source = ledgerOf(delivered(1, 4), lie);

    const { accepted, missing, unknown, possible, implausible } = total(source);

    expect(accepted).toBeLessThanOrEqual(5);
    expect([missing, unknown, possible]).toEqual([0, 0, 0]);
    expect(implausible).toBeGreaterThan(0);
  });

  it('is believed up to what a queue can hold', () => {
    expect(total(ledgerOf(delivered(1), delivered(MAX_JUMP + 2)))).toMatchObject({ missing: MAX_JUMP, implausible: 0 });
    expect(total(ledgerOf(delivered(1), delivered(MAX_JUMP + 3)))).toMatchObject({ missing: 0, implausible: 1 });
  });

  it('costs no memory with every second number, and the ledger says that it gave up', () => {
    const source = emptySource();
    for (let n = 0; n < 20_000; n++) note(source, delivered(2 * n + 1));

    const { delivered: count, accepted, missing, coarsened } = total(source);

    expect(source.delivered.length).toBeLessThanOrEqual(MAX_RANGES);
    expect(JSON.stringify(source).length).toBeLessThan(10_000);
    expect(coarsened).toBe(1);
    expect(count).toBe(20_000);
    expect(accepted).toBe(count + missing);
    expect(missing).toBeLessThan(MAX_RANGES);
  });

  it('gains nothing by telling a coarse ledger again what it knew', () => {
    const numbers = Array.from({ length: 3_000 }, (_, n) => 2 * n + 1);
    const source = ledgerOf(...numbers.map((n) => delivered(n)));
    const before = structuredClone(source);

    for (const n of numbers) note(source, delivered(n));

    expect(source).toEqual(before);
    expect(mergeSources(source, before)).toEqual(before);
  });
});

it('ranges are subtracted as sets', () => {
  const ranges = fc
    .array(span, { maxLength: 10 })
    .map((spans) => ledgerOf(...spans.map(([first, more]) => delivered(first, first + more))).delivered);
  const numbers = (of: [number, number][]) =>
    of.flatMap(([first, last]) => Array.from({ length: last - first + 1 }, (_, i) => first + i));
  fc.assert(
    fc.property(ranges, ranges, (a, b) => {
      const gone = new Set(numbers(b));

      expect(numbers(minus(a, b))).toEqual(numbers(a).filter((n) => !gone.has(n)));
    }),
  );
});
