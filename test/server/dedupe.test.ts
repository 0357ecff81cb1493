import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createRecentIds } from '../../src/server/dedupe.js';
import { createFakeClock } from '../support/fake-clock.js';

describe('recent ids', () => {
  it('are known for at least half of their time, and forgotten after it', async () => {
    const clock = createFakeClock();
    const recent = createRecentIds({ maxIds: 100, maxAgeMs: 10_000, clock });
    recent.add('a');

    await clock.advance(4_999);
    expect(recent.has('a')).toBe(true);

    await clock.advance(5_001);
    expect(recent.has('a')).toBe(false);
  });

  it('are never more than the bound, and always the latest', () => {
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 50 }), fc.nat(200), (maxIds, count) => {
        const recent = createRecentIds({ maxIds, maxAgeMs: 10_000, clock: createFakeClock() });
        for (let i = 0; i < count; i++) recent.add(`id-${i}`);

        const known = Array.from({ length: count }, (_, i) => i).filter((i) => recent.has(`id-${i}`));

        expect(known.length).toBeLessThanOrEqual(maxIds);
        expect(known.length).toBeGreaterThanOrEqual(Math.min(count, Math.floor(maxIds / 2)));
        expect(known).toEqual(Array.from({ length: known.length }, (_, i) => count - known.length + i));
      }),
    );
  });

  it('do not live for ever because the clock was set back', () => {
    const clock = createFakeClock();
    const recent = createRecentIds({ maxIds: 100, maxAgeMs: 10_000, clock });
    recent.add('a');

    clock.jump(-86_400_000);

    expect(recent.has('a')).toBe(false);
    recent.add('b');
    expect(recent.has('b')).toBe(true);
  });
});
