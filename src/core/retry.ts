/** Pure decisions about failure: what an HTTP answer means, and how long to wait. */
import type { EngineOptions } from './options.js';
import type { Outcome } from './outcome.js';
import type { PauseReason, QueueState } from './queue-state.js';

/** A `Retry-After` is taken for at least and at most this: a receiver's mistake must not silence a browser for years. */
export const RETRY_AFTER_MIN_MS = 1_000;
/** The longest: see {@link RETRY_AFTER_MIN_MS}. One day. */
export const RETRY_AFTER_MAX_MS = 86_400_000;

/** First and longest wait while the receiver refuses key or address: somebody has to deploy a fix. */
export const HELD_MIN_MS = 300_000;
/** The longest: see {@link HELD_MIN_MS}. One hour. */
export const HELD_MAX_MS = 3_600_000;

/** Longest wait after rate limits that come without `Retry-After`. */
export const RATE_LIMIT_MAX_MS = 900_000;

/**
 * Unanswered attempts in a row, the browser being online, until the endpoint counts as blocked. At this number the long
 * waits have reached their maximum, so a server that is merely down for minutes is never taken for a blocked one.
 */
export const BLOCKED_AFTER = 10;

/** Single events refused in a row, nothing accepted in between, until the receiver is taken to refuse everything. */
export const REFUSALS_BEFORE_HOLD = 5;

/** What an HTTP status means, before its body is looked at. 2xx is `delivered`: the caller refines it by the answer. */
export function outcomeOfStatus(status: number, retryAfterMs?: number, detail = `HTTP ${status}`): Outcome {
  const wait = retryAfterMs === undefined ? {} : { retryAfterMs };
  if (status >= 200 && status < 300) return { kind: 'delivered' };
  if (status === 413) return { kind: 'too-large' };
  if (status === 429) return { kind: 'rate-limited', ...wait, detail };
  // A 503 that names a time is a wish like a 429's.
  if (status === 503 && retryAfterMs !== undefined) return { kind: 'rate-limited', retryAfterMs, detail };
  if (status === 401 || status === 403 || status === 404 || status === 407 || status === 410)
    return { kind: 'held', detail };
  if (status === 408 || status === 425) return { kind: 'retry', cause: 'server', ...wait, detail };
  // 501 and 505 will be the same tomorrow, but they are about the endpoint, not about the events.
  if (status === 405 || status === 501 || status === 505) return { kind: 'held', detail };
  if (status >= 400 && status < 500) return { kind: 'refused', detail };
  // 5xx; and what fetch should not show at all (1xx, 3xx left unfollowed), which is nobody's reason to drop an event.
  return { kind: 'retry', cause: 'server', ...wait, detail };
}

/**
 * Milliseconds to wait by a `Retry-After` header, in either form (RFC 9110 §10.2.3), clamped to 1 s … 24 h.
 * A date is measured against the answer's own `Date` where that is known, so that a wrong client clock does no harm.
 * Undefined when there is none, or it is not one.
 */
export function parseRetryAfter(value: string | null, now: number, date?: string | null): number | undefined {
  if (value === null) return undefined;
  const text = value.trim();
  let ms: number;
  if (/^\d+$/.test(text)) ms = Number(text) * 1000;
  else {
    // Date.parse takes nearly anything ("-5" is a year); an HTTP date begins with a day's name.
    const at = /^[A-Za-z]{3}/.test(text) ? Date.parse(text) : Number.NaN;
    const from = date ? Date.parse(date) : Number.NaN;
    ms = at - (Number.isNaN(from) ? now : from);
  }
  if (Number.isNaN(ms)) return undefined;
  return Math.min(Math.max(ms, RETRY_AFTER_MIN_MS), RETRY_AFTER_MAX_MS);
}

/**
 * The wait after the `failures`-th failed attempt in a row. Full jitter: even between 0 and an upper end that grows by
 * `backoffMultiplier`; when the quick retries are used up, between 1 s and an upper end that doubles from `maxDelayMs` to `maxPauseMs`.
 *
 * @see https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
 */
export function backoffMs(failures: number, options: Required<EngineOptions>, random: number): number {
  const { maxRetries, initialDelayMs, maxDelayMs, backoffMultiplier, maxPauseMs } = options;
  if (failures <= maxRetries) {
    return Math.round(random * Math.min(initialDelayMs * backoffMultiplier ** (failures - 1), maxDelayMs));
  }
  const longest = Math.min(maxDelayMs * 2 ** Math.min(failures - maxRetries - 1, 20), Math.max(maxPauseMs, maxDelayMs));
  // A floor, because a draw near 0 again and again would be the storm that the long waits are there to prevent.
  const floor = Math.min(1_000, longest);
  return Math.round(floor + random * (longest - floor));
}

/** How long, and why, nothing is to be sent after a failure. `state.failures` counts this one already. */
export function pauseAfter(
  outcome: Extract<Outcome, { kind: 'retry' | 'rate-limited' | 'held' }>,
  state: Pick<QueueState, 'failures'>,
  options: Required<EngineOptions>,
  random: number,
): { waitMs: number; reason: PauseReason } {
  const double = 2 ** Math.min(state.failures - 1, 20);
  if (outcome.kind === 'held') {
    return { waitMs: Math.round(Math.min(HELD_MIN_MS * double, HELD_MAX_MS) * (0.5 + random / 2)), reason: 'held' };
  }
  if (outcome.retryAfterMs !== undefined) {
    // Everybody was told the same time: come a little later, each by another amount, never earlier.
    const spread = Math.min(outcome.retryAfterMs / 10, 10_000) * random;
    return { waitMs: Math.ceil(outcome.retryAfterMs + spread), reason: 'rate-limited' };
  }
  if (outcome.kind === 'rate-limited') {
    const longest = Math.min(options.maxDelayMs * 2 * double, Math.max(RATE_LIMIT_MAX_MS, options.maxDelayMs));
    return { waitMs: Math.round(options.maxDelayMs + random * (longest - options.maxDelayMs)), reason: 'rate-limited' };
  }
  if (outcome.unanswered && state.failures >= BLOCKED_AFTER) {
    const longest = Math.min(HELD_MIN_MS * 2 ** Math.min(state.failures - BLOCKED_AFTER, 20), HELD_MAX_MS);
    return { waitMs: Math.round(longest * (0.5 + random / 2)), reason: 'blocked' };
  }
  return { waitMs: backoffMs(state.failures, options, random), reason: 'backoff' };
}
