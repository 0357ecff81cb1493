import { eventId } from '../../../core/event.js';
import type { SourceRange } from '../../../core/wire.js';
import { rangesOf } from '../sink.js';

/** The ids that ranges of numbers stand for, a list for each. */
export function idsOf(ranges: readonly SourceRange[]): string[][] {
  return ranges.map(([source, first, last]) =>
    Array.from({ length: last - first + 1 }, (_, i) => eventId(source, first + i)),
  );
}

/** The numbers of the ranges whose ids are stored, as `has` answers. */
export function storedRanges(
  ranges: readonly SourceRange[],
  ids: readonly string[][],
  stored: ReadonlySet<string>,
): SourceRange[] {
  return ranges.flatMap(([source, first], r) => {
    const seqs = ids[r]!.flatMap((id, i) => (stored.has(id) ? [first + i] : []));
    return rangesOf(source, seqs);
  });
}
