/** Sorted, disjoint, inclusive ranges of whole numbers. */
export type Ranges = [first: number, last: number][];

/** Whether `n` is in one of the ranges. Binary search: a long-lived source may have many gaps. */
export function contains(ranges: Ranges, n: number): boolean {
  let low = 0;
  let high = ranges.length - 1;
  while (low <= high) {
    const middle = (low + high) >> 1;
    const [first, last] = ranges[middle]!;
    if (n < first) high = middle - 1;
    else if (n > last) low = middle + 1;
    else return true;
  }
  return false;
}

/** Adds first…last, joining what it touches. Changes and returns `ranges`. Appending at the end is O(1). */
export function addRange(ranges: Ranges, first: number, last: number): Ranges {
  let at = ranges.length;
  while (at > 0 && ranges[at - 1]![0] > first) at--;
  if (at > 0 && ranges[at - 1]![1] >= first - 1) {
    at--;
    first = ranges[at]![0];
    last = Math.max(last, ranges[at]![1]);
  }
  let end = at;
  while (end < ranges.length && ranges[end]![0] <= last + 1) {
    last = Math.max(last, ranges[end]![1]);
    end++;
  }
  ranges.splice(at, end - at, [first, last]);
  return ranges;
}

/** How many numbers the ranges hold. */
export function countRanges(ranges: Ranges): number {
  return ranges.reduce((sum, [first, last]) => sum + (last - first + 1), 0);
}

/** The numbers of either. */
export function union(a: Ranges, b: Ranges): Ranges {
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

/** The numbers of `ranges` from `first` to `last`. */
export function within(ranges: Ranges, first: number, last: number): Ranges {
  const result: Ranges = [];
  for (const [from, to] of ranges) {
    if (to >= first && from <= last) result.push([Math.max(from, first), Math.min(to, last)]);
  }
  return result;
}
