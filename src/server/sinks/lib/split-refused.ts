import { REFUSALS_BEFORE_HOLD } from '../../../core/retry.js';
import type { SinkResult } from '../sink.js';

/** Finds out which of several entries a store refuses, where it takes all of them or none. */
export interface Splitter {
  /**
   * Stores the entries by `run`; where it refuses them for good, halves them until the bad ones are alone.
   *
   * @returns the refused ones
   * @throws what `run` throws, when that is no refusal, or when it refuses one entry after the other: then it is the store that is wrong
   * (a column that must not be null, a partition that was not made), and no event may be lost for it.
   */
  store<T extends { index: number }>(
    entries: readonly T[],
    run: (entries: readonly T[]) => Promise<void>,
  ): Promise<NonNullable<SinkResult['rejected']>>;
}

/** @param refusalOf the word for why, when an error is about what is in the entries; undefined when they may be stored later */
export function createSplitter(refusalOf: (error: unknown) => string | undefined): Splitter {
  /** Single entries refused since something was stored. */
  let inARow = 0;

  return {
    async store(all, run) {
      const rejected: { index: number; reason: string }[] = [];
      const store = async (entries: typeof all): Promise<void> => {
        if (entries.length === 0) return;
        try {
          await run(entries);
          inARow = 0;
        } catch (error) {
          const reason = refusalOf(error);
          if (reason === undefined) throw error;
          if (entries.length === 1) {
            if (++inARow > REFUSALS_BEFORE_HOLD) throw error;
            rejected.push({ index: entries[0]!.index, reason });
            return;
          }
          const middle = entries.length >> 1;
          await store(entries.slice(0, middle));
          await store(entries.slice(middle));
        }
      };
      await store(all);
      return rejected;
    },
  };
}
