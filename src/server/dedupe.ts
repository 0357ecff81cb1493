import type { Clock } from '../core/clock.js';

/** Ids that were seen lately. */
export interface RecentIds {
  has(id: string): boolean;
  add(id: string): void;
}

/**
 * Remembers at least the last `maxIds / 2` ids for at least `maxAgeMs / 2`, and at most `maxIds` for at most `maxAgeMs`.
 *
 * It saves the sink the work for batches that come again because an answer was lost; whether an id is stored already is the
 * sink's to say. So only ids whose commit is known may be added.
 *
 * Two generations: the younger takes what comes, and takes the place of the older when it is full or old. No entry is ever
 * looked for to be thrown out.
 */
export function createRecentIds({
  maxIds,
  maxAgeMs,
  clock,
}: {
  maxIds: number;
  maxAgeMs: number;
  clock: Clock;
}): RecentIds {
  let young = new Set<string>();
  let old = new Set<string>();
  let since = clock.now();

  function age(): void {
    const elapsed = clock.now() - since;
    // A clock that was set back says nothing about age: start over.
    if (elapsed >= 0 && elapsed < maxAgeMs / 2 && young.size < maxIds / 2) return;
    old = elapsed >= 0 && elapsed < maxAgeMs ? young : new Set();
    young = new Set();
    since = clock.now();
  }

  return {
    has(id) {
      age();
      return young.has(id) || old.has(id);
    },
    add(id) {
      age();
      young.add(id);
    },
  };
}
