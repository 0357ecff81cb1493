/**
 * The one door through which time and chance enter the engine, so that a test can own both.
 * The platform's clock is `createSystemClock` (web/system-clock.ts); the tests' is test/support/fake-clock.ts.
 */
export interface Clock {
  /** Wall-clock time in milliseconds since the epoch. May jump either way; nothing may hang on its being monotonic. */
  now(): number;
  /** Calls `callback` once after `delayMs`; the handle goes to {@link Clock.clearTimeout}. */
  setTimeout(callback: () => void, delayMs: number): unknown;
  /** Calls the timer off. One that has run, or was called off, is no error. */
  clearTimeout(handle: unknown): void;
  /** A number in [0, 1), for jitter. */
  random(): number;
  /** 128 random bits as 22 base64url characters, for batch ids. */
  randomId(): string;
}
