/** Most different errors that are remembered: a page that makes more has no use for the rest. */
const MAX_KINDS = 100;

const MINUTE_MS = 60_000;

/**
 * Decides which errors are told: the first of each kind, and no more than so many a minute. The rest is counted.
 *
 * @typeParam T what is kept of an error until its repeats are told
 */
export function createErrorBook<T>(maxPerMinute: number) {
  const known = new Map<string, { error: T; repeats: number }>();
  let suppressed = 0;
  let windowStart = Number.NEGATIVE_INFINITY;
  let inWindow = 0;

  return {
    /** Whether this one is to be told. */
    isNews(kind: string, error: T, now: number): boolean {
      const entry = known.get(kind);
      if (entry) {
        entry.repeats++;
        return false;
      }
      if (now - windowStart >= MINUTE_MS || now < windowStart) {
        windowStart = now;
        inWindow = 0;
      }
      if (known.size >= MAX_KINDS || inWindow >= maxPerMinute) {
        suppressed++;
        return false;
      }
      inWindow++;
      known.set(kind, { error, repeats: 0 });
      return true;
    },
    /** One that cannot be looked at. */
    suppress(): void {
      suppressed++;
    },
    /** What was only counted since the last time. */
    takeCounts(): { repeated: { error: T; repeats: number }[]; suppressed: number } {
      const repeated = [...known.values()].filter(({ repeats }) => repeats > 0).map((entry) => ({ ...entry }));
      for (const entry of known.values()) entry.repeats = 0;
      const counts = { repeated, suppressed };
      suppressed = 0;
      return counts;
    },
  };
}
