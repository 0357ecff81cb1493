import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createRecentEvents } from '../../src/server/dedupe.js';
import { createFakeClock } from '../support/fake-clock.js';

const make = (maxSources = 100) => {
  const clock = createFakeClock();
  return { clock, recent: createRecentEvents({ maxSources, maxAgeMs: 10_000, clock }) };
};

describe('recent events', () => {
  it('are known for at least half of their time, and forgotten after it', async () => {
    const { recent, clock } = make();
    recent.add('a', 1);

    await clock.advance(4_999);
    expect(recent.has('a', 1)).toBe(true);

    await clock.advance(5_001);
    expect(recent.has('a', 1)).toBe(false);
  });

  it('are those that were added and no others, in whatever order', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.constantFrom('a', 'b'), fc.integer({ min: 1, max: 30 }))), (added) => {
        const { recent } = make();
        for (const [source, seq] of added) recent.add(source, seq);

        for (const source of ['a', 'b', 'c']) {
          for (let seq = 0; seq <= 31; seq++) {
            const expected = added.some(([s, n]) => s === source && n === seq);
            expect(recent.has(source, seq)).toBe(expected);
          }
        }
      }),
    );
  });

  it('are of no more sources than may be, and always of the latest', () => {
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 50 }), fc.nat(200), (maxSources, count) => {
        const { recent } = make(maxSources);
        for (let i = 0; i < count; i++) recent.add(`source-${i}`, 1);

        const known = Array.from({ length: count }, (_, i) => i).filter((i) => recent.has(`source-${i}`, 1));

        expect(known.length).toBeLessThanOrEqual(maxSources + 1);
        expect(known.length).toBeGreaterThanOrEqual(Math.min(count, Math.floor(maxSources / 2)));
        expect(known).toEqual(Array.from({ length: known.length }, (_, i) => count - known.length + i));
      }),
    );
  });

  it('of a source full of gaps are forgotten rather than searched', () => {
    const { recent } = make();

    for (let seq = 200_000; seq > 0; seq -= 2) recent.add('hostile', seq);

    const known = Array.from({ length: 200_001 }, (_, seq) => seq).filter((seq) => recent.has('hostile', seq));
    expect(known.length).toBeLessThanOrEqual(32);
    expect(known.every((seq) => seq % 2 === 0)).toBe(true);
  });

  it('do not live for ever because the clock was set back', () => {
    const { recent, clock } = make();
    recent.add('a', 1);

    clock.jump(-86_400_000);

    expect(recent.has('a', 1)).toBe(false);
    recent.add('b', 1);
    expect(recent.has('b', 1)).toBe(true);
  });
});
