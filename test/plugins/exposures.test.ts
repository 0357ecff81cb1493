import { describe, expect, it } from 'vitest';
import { createExposureBook } from '../../src/plugins/lib/exposure-book.js';
import { createVisit } from '../../src/plugins/lib/visit.js';

const MINUTE = 60_000;

/** A storage that can be shared by pages. */
function createStorage(initial?: string) {
  const kept = new Map<string, string>(initial === undefined ? [] : [['k', initial]]);
  return {
    writes: 0,
    getItem: (key: string) => kept.get(key) ?? null,
    setItem(key: string, value: string) {
      this.writes++;
      kept.set(key, value);
    },
  };
}

describe('the book of exposures', () => {
  it('counts by flag and variant', () => {
    const book = createExposureBook();
    for (const [flag, variant] of [
      ['new-cart', 'on'],
      ['new-cart', 'on'],
      ['new-cart', 'off'],
      ['colour', 'red'],
    ] as const)
      book.count(flag, variant, 'SPLIT');

    expect(book.takeCounts()).toEqual([{ 'new-cart': { on: 2, off: 1 }, colour: { red: 1 } }]);
    expect(book.takeCounts()).toEqual([]);
  });

  it('names a variant without a name by its value, an object by being one', () => {
    const book = createExposureBook();
    for (const value of [true, 3, { secret: 1 }, { secret: 2 }, null]) book.count('f', value, undefined);

    expect(book.takeCounts()).toEqual([{ f: { true: 1, 3: 1, object: 3 } }]);
  });

  it('is not confused by names that objects have', () => {
    const book = createExposureBook();
    for (const name of ['__proto__', 'constructor', 'toString']) book.count(name, name, undefined);

    const [part] = book.takeCounts();

    expect(JSON.stringify(part)).toBe(
      '{"__proto__":{"__proto__":1},"constructor":{"constructor":1},"toString":{"toString":1}}',
    );
  });

  it('keeps each part under the size of an event, with the longest names there can be', () => {
    const book = createExposureBook();
    for (let i = 0; i < 400; i++) book.count(`${i}`.padEnd(1_000, 'f'), `${i}`.padEnd(1_000, 'v'), undefined);

    const parts = book.takeCounts();

    expect(parts).toHaveLength(8);
    for (const part of parts) expect(JSON.stringify(part).length).toBeLessThan(32_000);
  });

  it('counts what is beyond a thousand variants together, and loses no count', () => {
    const book = createExposureBook();
    for (let i = 0; i < 5_000; i++) book.count(`f${i % 50}`, i, undefined);
    for (let i = 0; i < 1_000; i++) book.count(`late-${i}`, 'on', undefined);

    const counts = book
      .takeCounts()
      .flatMap((part) => Object.values(part).flatMap((variants) => Object.values(variants)));

    expect(book.all()).toHaveLength(1_001);
    expect(counts.reduce((sum, count) => sum + count)).toBe(6_000);
  });
});

describe('a visit', () => {
  it('knows what was told in it', () => {
    const visit = createVisit(undefined, 'k', 0);

    expect([visit.isNews('a'), visit.isNews('a'), visit.isNews('b')]).toEqual([true, false, true]);
  });

  it('ends after half an hour without an event', () => {
    const visit = createVisit(undefined, 'k', 0);
    visit.isNews('a');
    visit.touch(29 * MINUTE);
    const before = visit.current(58 * MINUTE);
    const after = visit.current(59 * MINUTE);

    expect([before, after]).toEqual([1, 2]);
    expect(visit.isNews('a')).toBe(true);
  });

  it('ends after a day, however busy', () => {
    const visit = createVisit(undefined, 'k', 0);
    for (let now = 0; now < 1_440; now += 20) visit.touch(now * MINUTE);

    expect([visit.current(1_439 * MINUTE), visit.current(1_440 * MINUTE)]).toEqual([1, 2]);
  });

  it('goes on in the next page, and is over after half an hour there too', () => {
    const storage = createStorage();
    const first = createVisit(storage, 'k', 0);
    first.isNews('a');
    first.save(1_000);

    const second = createVisit(storage, 'k', 10 * MINUTE);
    const third = createVisit(storage, 'k', 45 * MINUTE);

    expect([second.isNews('a'), second.isNews('b')]).toEqual([false, true]);
    expect(third.isNews('a')).toBe(true);
  });

  it('writes only when there is something new, or once a minute', () => {
    const storage = createStorage();
    const visit = createVisit(storage, 'k', 0);
    visit.isNews('a');
    for (let now = 0; now < 100; now++) visit.save(now);
    visit.isNews('a');
    visit.save(200);
    visit.isNews('b');
    visit.save(300);
    visit.save(300 + MINUTE);

    expect(storage.writes).toBe(3);
  });

  it('keeps what another tab has told', () => {
    const storage = createStorage();
    const one = createVisit(storage, 'k', 0);
    const other = createVisit(storage, 'k', 0);
    one.isNews('a');
    one.save(10);
    other.isNews('b');
    other.save(20);

    const next = createVisit(storage, 'k', 30);

    expect([next.isNews('a'), next.isNews('b')]).toEqual([false, false]);
  });

  it.each([
    '',
    'null',
    '[]',
    '{',
    '{"startedAt":0,"lastAt":0}',
    '{"startedAt":"0","lastAt":0,"told":["a"]}',
    '{"startedAt":0,"lastAt":0,"told":[1]}',
  ])('starts anew when what is stored is not its own: %s', (stored) => {
    expect(createVisit(createStorage(stored), 'k', 0).isNews('a')).toBe(true);
  });

  it('does without a storage that throws', () => {
    const forbidden = {
      getItem: (): string => {
        throw new DOMException('no', 'SecurityError');
      },
      setItem: () => {
        throw new DOMException('full', 'QuotaExceededError');
      },
    };
    const visit = createVisit(forbidden, 'k', 0);
    visit.isNews('a');
    visit.save(0);

    expect(visit.isNews('a')).toBe(false);
  });
});
