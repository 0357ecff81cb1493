import { describe, expect, it } from 'vitest';
import { createEngagedTime } from '../../src/plugins/lib/engaged-time.js';
import { scrollPercent } from '../../src/plugins/lib/scroll-depth.js';

describe('engaged time', () => {
  it('counts from one sign of life to the next', () => {
    const time = createEngagedTime(30_000);
    time.present(1_000, true);
    time.sign(5_000);
    time.sign(11_000);

    expect(time.take(12_000)).toBe(11_000);
  });

  it('counts no more than the idle time after a sign', () => {
    const time = createEngagedTime(30_000);
    time.present(0, true);
    time.sign(10_000);

    expect(time.take(3_600_000)).toBe(40_000);
  });

  it('goes on with the next sign, without the pause between', () => {
    const time = createEngagedTime(30_000);
    time.present(0, true);
    time.sign(600_000);

    expect(time.take(601_000)).toBe(31_000);
  });

  it('counts nothing while nobody can see the page, whatever signs there are', () => {
    const time = createEngagedTime(30_000);
    time.present(0, false);
    time.sign(5_000);
    time.present(10_000, true);
    time.present(12_000, false);
    time.sign(20_000);

    expect(time.take(60_000)).toBe(2_000);
  });

  it('takes the coming into view for a sign of life, but not what only repeats it', () => {
    const time = createEngagedTime(30_000);
    time.present(0, true);
    time.present(20_000, true);
    time.present(40_000, true);

    expect(time.take(50_000)).toBe(30_000);
  });

  it('gives each millisecond once', () => {
    const time = createEngagedTime(30_000);
    time.present(0, true);
    const first = time.take(10_000);
    const second = time.take(20_000);
    const third = time.take(90_000);

    expect([first, second, third]).toEqual([10_000, 10_000, 10_000]);
  });

  it('never runs backwards with a clock that does', () => {
    const time = createEngagedTime(30_000);
    time.present(10_000, true);
    time.sign(5_000);

    expect(time.take(6_000)).toBeGreaterThanOrEqual(0);
  });

  it('without an idle time counts all the time in sight', () => {
    const time = createEngagedTime(Number.POSITIVE_INFINITY);
    time.present(0, true);

    expect(time.take(7_200_000)).toBe(7_200_000);
  });
});

describe('scroll depth', () => {
  it.each([
    ['the top of a long page', 800, 8_000, 10],
    ['its end', 8_000, 8_000, 100],
    ['its end, but for a fraction of a pixel that zoom leaves', 7_999.4, 8_000, 100],
    ['its last screen, two pixels before the end', 7_998, 8_000, 99],
    ['a page that fits the screen', 800, 600, 100],
    ['an empty page', 800, 0, 100],
    ['a page that is overscrolled', 9_000, 8_000, 100],
    ['nothing', 0, 8_000, 0],
  ])('is right at %s', (_, lowest, height, percent) => {
    expect(scrollPercent(lowest, height)).toBe(percent);
  });

  it('goes down again when the page grows below what has been seen', () => {
    expect(scrollPercent(2_000, 4_000)).toBe(50);
  });
});
