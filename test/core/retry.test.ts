import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkEngineOptions } from '../../src/core/options.js';
import { backoffMs, outcomeOfStatus, parseRetryAfter, pauseAfter } from '../../src/core/retry.js';

const options = checkEngineOptions({});
const NOW = Date.parse('2026-11-23T12:00:00Z');

describe('what a status means', () => {
  it.each([
    [200, 'delivered'],
    [204, 'delivered'],
    [400, 'refused'],
    [401, 'held'],
    [403, 'held'],
    [404, 'held'],
    [405, 'held'],
    [408, 'retry'],
    [410, 'held'],
    [413, 'too-large'],
    [415, 'refused'],
    [422, 'refused'],
    [425, 'retry'],
    [429, 'rate-limited'],
    [500, 'retry'],
    [501, 'held'],
    [502, 'retry'],
    [503, 'retry'],
    [504, 'retry'],
    [505, 'held'],
    [302, 'retry'],
  ])('%i is %s', (status, kind) => {
    expect(outcomeOfStatus(status).kind).toBe(kind);
  });

  it('takes a 503 with a time as a wish for quiet', () => {
    expect(outcomeOfStatus(503, 5_000)).toMatchObject({ kind: 'rate-limited', retryAfterMs: 5_000 });
  });
});

describe('Retry-After', () => {
  it.each([
    ['5', 5_000],
    [' 120 ', 120_000],
    ['0', 1_000],
    ['315360000', 86_400_000],
    ['Mon, 23 Nov 2026 12:00:30 GMT', 30_000],
    ['Mon, 23 Nov 2026 11:00:00 GMT', 1_000],
    ['Sun, 23 Nov 2036 12:00:00 GMT', 86_400_000],
    ['-5', undefined],
    ['soon', undefined],
    ['1.5', undefined],
    ['', undefined],
    [null, undefined],
  ])('%j is %s ms', (value, ms) => {
    expect(parseRetryAfter(value, NOW)).toBe(ms);
  });

  it('measures a date against the answer’s own clock', () => {
    const wrongClock = NOW - 86_400_000;

    expect(parseRetryAfter('Mon, 23 Nov 2026 12:00:30 GMT', wrongClock, 'Mon, 23 Nov 2026 12:00:00 GMT')).toBe(30_000);
  });
});

describe('waits', () => {
  it('begin with the initial delay, not with its double', () => {
    expect(backoffMs(1, options, 0.999_999)).toBe(100);
    expect(backoffMs(2, options, 0.999_999)).toBe(200);
    expect(backoffMs(3, options, 0.999_999)).toBe(400);
  });

  it('grow from 30 s to 5 min when the quick retries are used up', () => {
    expect([4, 5, 6, 7, 8, 100].map((failures) => backoffMs(failures, options, 0.999_999_9))).toEqual([
      30_000, 60_000, 120_000, 240_000, 300_000, 300_000,
    ]);
  });

  it('are spread over the whole range, and are never negative, endless or not a number', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 10_000 }),
        fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
        fc.constantFrom<'retry' | 'held' | 'rate-limited'>('retry', 'held', 'rate-limited'),
        (failures, random, kind) => {
          const outcome = kind === 'retry' ? ({ kind, cause: 'network', unanswered: true } as const) : { kind };
          const { waitMs } = pauseAfter(outcome, { failures }, options, random);
          expect(waitMs).toBeGreaterThanOrEqual(0);
          expect(waitMs).toBeLessThanOrEqual(3_600_000);
        },
      ),
    );
    expect(backoffMs(1, options, 0)).toBe(0);
  });

  it('are never shorter than what the receiver asked for, and a little spread', () => {
    const wait = (random: number) =>
      pauseAfter({ kind: 'rate-limited', retryAfterMs: 60_000 }, { failures: 1 }, options, random).waitMs;

    expect(wait(0)).toBe(60_000);
    expect(wait(0.999_999)).toBe(66_000);
    expect(pauseAfter({ kind: 'retry', cause: 'server', retryAfterMs: 60_000 }, { failures: 1 }, options, 0)).toEqual({
      waitMs: 60_000,
      reason: 'rate-limited',
    });
  });

  it('take an endpoint for blocked only after the long waits have reached their maximum', () => {
    const failed = { kind: 'retry', cause: 'network', unanswered: true } as const;

    expect(pauseAfter(failed, { failures: 9 }, options, 0.5).reason).toBe('backoff');
    expect(pauseAfter(failed, { failures: 10 }, options, 0.5)).toEqual({ waitMs: 225_000, reason: 'blocked' });
    expect(pauseAfter({ kind: 'retry', cause: 'network' }, { failures: 8 }, options, 0.5).reason).toBe('backoff');
  });
});
