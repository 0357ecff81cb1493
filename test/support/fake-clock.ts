import type { Clock } from '../../src/core/clock.js';

export interface FakeClock extends Clock {
  /** Moves time on by `ms`, running each timer at its time and letting promises settle in between. */
  advance(ms: number): Promise<void>;
  /** Lets everything settle that needs no time. */
  settle(): Promise<void>;
  /** Sets the wall clock without running timers for the time between, as an NTP step or a user does. */
  jump(ms: number): void;
  /** Timers waiting. */
  readonly pending: number;
}

/** A clock that stands still until it is told to move. Chance comes from a seed, so a run can be repeated. */
export function createFakeClock({ start = 1_700_000_000_000, seed = 1 } = {}): FakeClock {
  let now = start;
  // Timers run by elapsed time, which a jump of the wall clock does not change.
  let elapsed = 0;
  let state = seed >>> 0 || 1;
  let ids = 0;
  let nextHandle = 1;
  const timers = new Map<number, { at: number; callback: () => void }>();

  /** xorshift32: small, repeatable, good enough for jitter. */
  const random = () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };

  // A transaction in the engine is some dozens of microtasks; a macrotask turn lets any number of them run.
  const settle = async () => {
    for (let i = 0; i < 5; i++) await new Promise((resolve) => setImmediate(resolve));
  };

  return {
    now: () => now,
    random,
    randomId: () => `id-${seed}-${++ids}`,
    setTimeout(callback, delayMs) {
      const handle = nextHandle++;
      timers.set(handle, { at: elapsed + Math.max(0, delayMs), callback });
      return handle;
    },
    clearTimeout(handle) {
      timers.delete(handle as number);
    },
    settle,
    async advance(ms) {
      const end = elapsed + ms;
      await settle();
      for (;;) {
        const [next] = [...timers].sort(([a, x], [b, y]) => x.at - y.at || a - b);
        if (!next || next[1].at > end) break;
        const [handle, { at, callback }] = next;
        timers.delete(handle);
        now += Math.max(0, at - elapsed);
        elapsed = Math.max(at, elapsed);
        callback();
        await settle();
      }
      now += end - elapsed;
      elapsed = end;
      await settle();
    },
    jump(ms) {
      now += ms;
    },
    get pending() {
      return timers.size;
    },
  };
}
