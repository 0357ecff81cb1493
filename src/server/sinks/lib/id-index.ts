import { eventId } from '../../../core/event.js';
import { addRange, contains, type Ranges } from '../../../core/ranges.js';
import type { SourceRange } from '../../../core/wire.js';

/** Ids that are stored, as far as memory goes. */
export interface IdIndex {
  has(id: string): boolean;
  add(id: string): void;
  /** Which of these numbers are remembered: ranges within the given ones, in their order. */
  within(ranges: readonly SourceRange[]): SourceRange[];
}

/** Ranges a source may have. With more (hostile numbers) the lower half is forgotten, so that no look-up becomes slow. */
const MAX_RANGES = 1_000;

/**
 * Remembers the ids of at least the last `maxSources / 2` sources and at most `maxSources`, as ranges: trackers number without gaps, so
 * a source takes some 150 bytes however many events it sent. An id that has no number is a source of its own.
 *
 * Two generations: the younger takes what comes, and takes the place of the older when it is full.
 */
export function createIdIndex(maxSources: number): IdIndex {
  let young = new Map<string, Ranges>();
  let old = new Map<string, Ranges>();

  /** The source's ranges, in the younger generation from now on. */
  function touch(source: string): Ranges {
    const known = young.get(source);
    if (known) return known;
    const ranges = old.get(source) ?? [];
    if (young.size >= maxSources / 2) {
      old = young;
      young = new Map();
    }
    young.set(source, ranges);
    return ranges;
  }

  const knows = (source: string, seq: number) => contains(young.get(source) ?? old.get(source) ?? [], seq);

  return {
    has: (id) => knows(...partsOf(id)),

    add(id) {
      const [source, seq] = partsOf(id);
      const ranges = addRange(touch(source), seq, seq);
      if (ranges.length > MAX_RANGES) ranges.splice(0, MAX_RANGES / 2);
    },

    within(asked) {
      return asked.flatMap(([source, first, last]) => {
        const found: SourceRange[] = [];
        for (const [from, to] of young.get(source) ?? old.get(source) ?? []) {
          if (to >= first && from <= last) found.push([source, Math.max(from, first), Math.min(to, last)]);
        }
        return found;
      });
    },
  };
}

/** Source and number of an id that a tracker made; any other id, with a number that trackers never give. */
function partsOf(id: string): [source: string, seq: number] {
  const dot = id.lastIndexOf('.');
  const source = id.slice(0, dot);
  const seq = Number(id.slice(dot + 1));
  return dot > 0 && Number.isSafeInteger(seq) && seq >= 0 && eventId(source, seq) === id ? [source, seq] : [id, -1];
}
