import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { addRange, contains, countRanges, type Ranges } from '../../src/core/ranges.js';

const range = fc.tuple(fc.nat(60), fc.nat(8)).map(([first, length]): [number, number] => [first, first + length]);

describe('ranges', () => {
  it('hold exactly what was added, sorted, disjoint and joined, in whatever order it came', () => {
    fc.assert(
      fc.property(fc.array(range, { maxLength: 20 }), (added) => {
        const ranges: Ranges = [];
        const truth = new Set<number>();
        for (const [first, last] of added) {
          addRange(ranges, first, last);
          for (let n = first; n <= last; n++) truth.add(n);
        }

        for (let n = 0; n <= 80; n++) expect(contains(ranges, n)).toBe(truth.has(n));
        expect(countRanges(ranges)).toBe(truth.size);
        for (let i = 1; i < ranges.length; i++) expect(ranges[i]![0]).toBeGreaterThan(ranges[i - 1]![1] + 1);
      }),
    );
  });

  it('stay one range when numbers come in order', () => {
    const ranges: Ranges = [];

    for (let n = 1; n <= 1_000; n++) addRange(ranges, n, n);

    expect(ranges).toEqual([[1, 1_000]]);
  });
});
