import { describe, expect, it } from 'vitest';
import { BROWSER_PRESET, checkEngineOptions, ENGINE_OPTIONS, type EngineOptions } from '../../src/core/options.js';
import { createTracker } from '../../src/index.js';
import { checkOptions } from '../../src/page/check-options.js';
import type { TrackerOptions } from '../../src/page/options.js';
import { openWorkerTracker } from '../../src/worker/tracker.js';
import { bare, membersOf, numbersIn, partOf, read, rowsOf } from './tables.js';

const page = read('docs/options.md');
const names = (rows: { [column: string]: string }[]) => rows.map(({ option }) => bare(option)).sort();

describe('docs/options.md', () => {
  it('has the options of the queue with unit, range, default and what browsers use', () => {
    const rows = rowsOf(partOf(page, 'The queue'), 'option');

    expect(names(rows)).toEqual(Object.keys(ENGINE_OPTIONS).sort());
    for (const row of rows) {
      const option = bare(row.option) as keyof EngineOptions;
      const { min, max, default: value } = ENGINE_OPTIONS[option];
      const inBrowsers = BROWSER_PRESET[option];
      expect([option, ...numbersIn(row.range!)]).toEqual([option, min, max]);
      expect([option, ...numbersIn(row.default!)]).toEqual([option, value]);
      expect([option, ...numbersIn(row['in browsers']!)]).toEqual([
        option,
        ...(inBrowsers === undefined ? [] : [inBrowsers]),
      ]);
      expect(row.unit).toBe(/Ms$/.test(option) ? 'ms' : /Bytes$/.test(option) ? 'bytes' : row.unit);
      expect(row.unit).not.toBe('');
    }
  });

  it.each(Object.entries(ENGINE_OPTIONS))('says the truth of what happens to a wrong %s', (option, { min, max }) => {
    for (const value of [min - 1, max + 1, '1', null]) {
      expect(() => checkEngineOptions({ [option]: value })).toThrow(
        expect.objectContaining({ code: 'invalid-option', message: expect.stringContaining(`\`${option}\``) }),
      );
    }
  });

  it.each([
    ['The tracker', 'src/page/options.ts', 'TrackerOptions'],
    ['The worker it looks for', 'src/page/options.ts', 'ServiceWorkerOptions'],
    ['Your own worker', 'sw/index.ts', 'PetrelWorkerOptions'],
  ])('has the options of "%s" with their defaults', (heading, file, type) => {
    const rows = rowsOf(partOf(page, heading), 'option');
    const members = membersOf(file, type, { own: true });

    expect(names(rows)).toEqual(members.map(({ name }) => name).sort());
    for (const row of rows) {
      const { defaultValue } = members.find(({ name }) => name === bare(row.option))!;
      if (row.default === 'required' || row.default === 'none')
        expect([row.option, defaultValue]).toEqual([row.option, undefined]);
      else expect([row.option, bare(row.default)]).toEqual([row.option, bare(defaultValue)]);
    }
  });

  it('says what throws: in development each wrong option, in production an endpoint that is none', () => {
    const rows = rowsOf(partOf(page, 'The tracker'), 'option');
    const wrong = (option: string) =>
      ({ endpoint: '/events', [option]: option === 'configVersion' ? 'wrong' : 7 }) as unknown as TrackerOptions;
    const throws = (run: (options: TrackerOptions) => unknown, option: string) => {
      try {
        run(wrong(option));
        return false;
      } catch (error) {
        return error instanceof TypeError && error.message.includes(`\`${option}\``);
      }
    };
    const options = rows.map(({ option }) => bare(option));

    expect(options.filter((option) => !throws(checkOptions, option))).toEqual([]);
    const inProduction = rows.flatMap((row) => (row['wrong, in production'] === 'throws' ? [bare(row.option)] : []));
    expect(options.filter((option) => throws(createTracker, option))).toEqual(inProduction);
  });

  it('has the attributes of the script tag', () => {
    const [, read_] = /const \{ ([^}]+) \} = dataset;/.exec(read('src/page/script-tag.ts'))!;
    const rows = rowsOf(partOf(page, 'The script tag'), 'attribute');

    expect(rows.map(({ attribute }) => bare(attribute)).sort()).toEqual(
      read_!
        .split(', ')
        .map((name) => `data-${name}`)
        .sort(),
    );
  });

  it('has the options of a tracker in a worker', () => {
    const members = membersOf('src/worker/options.ts', 'WorkerTrackerOptions', { own: true }).map(({ name }) => name);
    const tracker = names(rowsOf(partOf(page, 'The tracker'), 'option')).filter((name) => name !== 'serviceWorker');
    const more = names(rowsOf(partOf(page, 'In a worker of another kind'), 'option'));
    const open = (options: object) => () =>
      openWorkerTracker({ endpoint: 'https://collect.example/', ...options }, {
        href: 'https://x.example/w.js',
      } as never);

    expect([...tracker, ...more].sort()).toEqual(members.sort());
    expect(open({ serviceWorker: false })).toThrow('`serviceWorker` is not an option');
  });
});
