/**
 * Adds up the time in which somebody was there: between signs of life that are not too far apart. It needs no timer, because what
 * passed is counted at the next sign, or when somebody asks.
 *
 * @param idleMs how long one sign of life is good for
 */
export function createEngagedTime(idleMs: number) {
  let total = 0;
  /** Up to here it is counted; undefined while nobody can be there. */
  let countedTo: number | undefined;
  let lastSign = 0;

  const count = (now: number) => {
    if (countedTo === undefined) return;
    total += Math.max(0, Math.min(now, lastSign + idleMs) - countedTo);
    countedTo = now;
  };

  return {
    /** The pointer, a key, scrolling. */
    sign(now: number): void {
      count(now);
      lastSign = now;
    },
    /** The page is seen and has the focus, or is not and has not. Its coming is a sign of life. */
    present(now: number, isPresent: boolean): void {
      count(now);
      if (isPresent && countedTo === undefined) lastSign = now;
      countedTo = isPresent ? now : undefined;
    },
    /** Ms since the last call, rounded. */
    take(now: number): number {
      count(now);
      const taken = Math.round(total);
      total = 0;
      return taken;
    },
    /** Ms since the last `take`. */
    read(now: number): number {
      count(now);
      return total;
    },
  };
}
