import { describe, expect, it } from 'vitest';
import { bytes, count, countdown, duration } from '../../src/inspector/words.js';

describe('the words of the inspector', () => {
  it.each([
    [0, '0'],
    [999, '999'],
    [1_234_567, '1\u202f234\u202f567'],
  ])('groups the digits of %d', (value, text) => {
    expect(count(value)).toBe(text);
  });

  it.each([
    [0, '0 B'],
    [999, '999 B'],
    [1_000, '1.0 KB'],
    [9_960, '10 KB'],
    [999_600, '1.0 MB'],
    [10_485_760, '10 MB'],
  ])('says %d bytes as people do', (value, text) => {
    expect(bytes(value)).toBe(text);
  });

  it.each([
    [-5_000, '0 ms'],
    [1_240, '1.2 s'],
    [420, '420 ms'],
    [9_960, '10 s'],
    [59_700, '1 min'],
    [185_000, '3 min 5 s'],
    [7_800_000, '2 h 10 min'],
    [532_800_000, '6 d 4 h'],
  ])('says %d ms as people do', (ms, text) => {
    expect(duration(ms)).toBe(text);
  });

  it.each([
    [-1, '0:00'],
    [1, '0:01'],
    [90_000, '1:30'],
    [3_605_000, '1:00:05'],
  ])('counts %d ms down to nothing, and not below', (ms, text) => {
    expect(countdown(ms)).toBe(text);
  });
});
