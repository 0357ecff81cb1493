import { describe, expect, it } from 'vitest';
import { createErrorBook } from '../../src/plugins/lib/error-book.js';
import { describeThrown, tidy } from '../../src/plugins/lib/thrown.js';

describe('what is said of something that was thrown', () => {
  it('is type, message and stack of an error', () => {
    const error = new TypeError('x is not a function');

    expect(describeThrown(error, 4_000)).toEqual({
      type: 'TypeError',
      message: 'x is not a function',
      stack: expect.stringContaining('errors.test'),
    });
  });

  it('bounds message and stack', () => {
    const error = Object.assign(new Error('m'.repeat(5_000)), { stack: 's'.repeat(50_000) });

    const { message, stack } = describeThrown(error, 300);

    expect([message.length, stack?.length]).toEqual([1_000, 300]);
    expect(describeThrown(error, 0)).not.toHaveProperty('stack');
  });

  it('names the cause', () => {
    const error = new Error('could not save', { cause: new RangeError('full') });

    expect(describeThrown(error, 0)).toEqual({ type: 'Error', message: 'could not save', cause: 'RangeError: full' });
  });

  it('says of an object which keys it has, never what is in them', () => {
    const reason = { status: 403, body: { iban: 'DE00' } };

    expect(describeThrown(reason, 4_000)).toEqual({ type: 'object', message: 'an object with status, body' });
  });

  it.each([
    ['text', 'string', 'text'],
    [undefined, 'undefined', 'undefined'],
    [null, 'object', 'null'],
    [5n, 'bigint', '5'],
    [Symbol('s'), 'symbol', 'Symbol(s)'],
    [{}, 'object', 'an object with no keys'],
    [Object.create(null), 'object', 'an object with no keys'],
  ])('can be anything: %s', (value, type, message) => {
    expect(describeThrown(value, 4_000)).toMatchObject({ type: value === null ? 'object' : type, message });
  });

  it('survives what cannot be read', () => {
    const hostile = new Proxy(
      {},
      {
        get() {
          throw new Error('boom');
        },
      },
    );
    const getter = Object.defineProperty(new Error(), 'message', {
      get() {
        throw new Error('boom');
      },
    });

    for (const value of [hostile, getter]) {
      expect(describeThrown(value, 4_000)).toEqual({ type: 'object', message: 'something that cannot be read' });
    }
  });

  it.each([
    ['at f (https://a.example/app.js?v=1&token=t:10:5)', 'at f (https://a.example/app.js:10:5)'],
    [
      'f@https://a.example/app.js?v=1:10:5\ng@https://a.example/b.js#x:1:2',
      'f@https://a.example/app.js:10:5\ng@https://a.example/b.js:1:2',
    ],
    ["Failed to fetch 'https://a.example/me?email=a@b.c'", "Failed to fetch 'https://a.example/me'"],
    ['what? nothing', 'what? nothing'],
    ['webpack://shop/./src/app.ts?a1b2:3:4', 'webpack://shop/./src/app.ts:3:4'],
  ])('has no query in its addresses: %s', (text, tidied) => {
    expect(tidy(text)).toBe(tidied);
  });

  it('is quickly read, however long', () => {
    const text = `${'http://'.repeat(20_000)}${'a?'.repeat(20_000)}`;

    expect(tidy(text).length).toBeLessThanOrEqual(text.length);
  });
});

describe('the book of errors', () => {
  it('tells an error once, and then how often it came again', () => {
    const book = createErrorBook<string>(10);

    const news = [1, 2, 3].map((now) => book.isNews('a', 'A', now));

    expect(news).toEqual([true, false, false]);
    expect(book.takeCounts()).toEqual({ repeated: [{ error: 'A', repeats: 2 }], suppressed: 0 });
    expect(book.takeCounts()).toEqual({ repeated: [], suppressed: 0 });
  });

  it('tells no more than so many a minute, and counts the rest', () => {
    const book = createErrorBook<string>(2);

    const news = ['a', 'b', 'c', 'd'].map((kind) => book.isNews(kind, kind, 1_000));
    const later = book.isNews('c', 'c', 61_000);

    expect(news).toEqual([true, true, false, false]);
    expect(later).toBe(true);
    expect(book.takeCounts()).toEqual({ repeated: [], suppressed: 2 });
  });

  it('remembers no more than a hundred kinds', () => {
    const book = createErrorBook<number>(1_000);

    const news = Array.from({ length: 500 }, (_, i) => book.isNews(`${i}`, i, 1_000));

    expect(news.filter(Boolean)).toHaveLength(100);
    expect(book.takeCounts().suppressed).toBe(400);
  });

  it('goes on when the clock is put back', () => {
    const book = createErrorBook<string>(1);
    book.isNews('a', 'a', 1_000_000);

    expect(book.isNews('b', 'b', 1_000)).toBe(true);
  });
});
