import { describe, expect, it, vi } from 'vitest';
import type { Tracker } from '../../src/page/api.js';
import type { TrackerOptions } from '../../src/page/options.js';
import { shareOf } from '../../src/plugins/lib/hash.js';
import { type SamplingOptions, sampling } from '../../src/plugins/sampling.js';
import { createFakePage, type FakePageOptions, tasks } from '../page/fake-page.js';

/** A browser's storage over several pages. */
function createStorage(kept: { [key: string]: string } = {}) {
  return {
    kept,
    getItem: (key: string) => kept[key] ?? null,
    setItem(key: string, value: string) {
      kept[key] = value;
    },
  };
}

interface Visit {
  storage?: Pick<Storage, 'getItem' | 'setItem'>;
  tracker?: Partial<TrackerOptions>;
  page?: FakePageOptions;
}

/** A page with a tracker that samples. */
function visit(
  options: SamplingOptions,
  { storage = createStorage(), tracker: trackerOptions, page: given }: Visit = {},
) {
  const page = createFakePage(given);
  vi.stubGlobal('localStorage', storage);
  page.answerAll((message) => (message.type === 'stats' ? { type: 'stats', stats: {} as never } : { type: 'stored' }));
  const tracker = page.create(trackerOptions);
  tracker.use(sampling(options));
  return { page, tracker };
}

/** How many of some visits were in. Each of them is seen to be wholly in or out. */
async function countIn(visits: { page: ReturnType<typeof createFakePage>; tracker: Tracker }[]): Promise<number> {
  let taken = 0;
  for (const { page, tracker } of visits) {
    for (const name of ['a', 'b', 'c']) tracker.track(name);
    await tasks();
    const names = page.names().flat();
    expect([[], ['a', 'b', 'c']]).toContainEqual(names);
    if (names.length) taken++;
    tracker.close();
  }
  return taken;
}

describe('sampling', () => {
  it('takes about the share of visitors it is told to, each of them wholly or not at all', async () => {
    const visits = Array.from({ length: 400 }, (_, i) => visit({ rate: 0.25, id: () => `visitor-${i}` }));

    // 100 are expected with a standard deviation of 8.7. The ids are always the same, so chance has no part in it.
    expect(Math.abs((await countIn(visits)) - 100)).toBeLessThan(18);
  });

  it.each([
    [0, 0],
    [1, 20],
  ])('of a rate of %s takes %s of 20', async (rate, taken) => {
    expect(await countIn(Array.from({ length: 20 }, () => visit({ rate })))).toBe(taken);
  });

  it('counts what it leaves out as sampled, without a number, and says the rate of what it takes', async () => {
    const ids = Array.from({ length: 100 }, (_, i) => `visitor-${i}`);
    let id = ids.find((each) => shareOf(each) >= 0.25)!;
    const { page, tracker } = visit({ rate: 0.25, id: () => id });
    tracker.track('a');
    id = ids.find((each) => shareOf(each) < 0.25)!;
    tracker.track('b');
    await tasks();

    expect(page.names()).toEqual([['b']]);
    expect(page.messages('events')[0]!.origins[0]!.context).toMatchObject({ sampleRate: 0.25 });
    expect((await tracker.stats()).page).toMatchObject({ seq: 1, dropped: { sampled: 1 } });
  });

  it('keeps who was in when the rate is raised', async () => {
    const ids = Array.from({ length: 100 }, (_, i) => `visitor-${i}`);
    const takenBy = async (rate: number) => {
      const taken = [];
      for (const id of ids) if (await countIn([visit({ rate, id: () => id })])) taken.push(id);
      return taken;
    };

    const few = await takenBy(0.2);

    expect(few.length).toBeGreaterThan(0);
    expect(await takenBy(0.5)).toEqual(expect.arrayContaining(few));
  });

  it.each([
    [0.3, '2999', ['a']],
    [0.3, '3000', []],
  ])('decides the same on the next page: at %s with lot %s', async (rate, lot, names) => {
    const { page, tracker } = visit({ rate }, { storage: createStorage({ 'petrel.lot': lot }) });

    tracker.track('a');
    await tasks();

    expect(page.names().flat()).toEqual(names);
  });

  it('keeps the lot of those who are out, too', async () => {
    const storage = createStorage();
    const { tracker } = visit({ rate: 0 }, { storage });

    tracker.track('a');
    await tasks();

    expect(storage.kept['petrel.lot']).toMatch(/^\d{1,4}$/);
  });

  it('writes nothing while consent is pending, and the lot it began with when it is granted', async () => {
    const storage = createStorage();
    vi.spyOn(Math, 'random').mockReturnValueOnce(0.1234).mockReturnValue(0.9);
    const { tracker } = visit({ rate: 0.5 }, { storage, tracker: { consent: 'pending' } });
    tracker.track('a');
    await tasks();
    const before = { ...storage.kept };

    tracker.setConsent('granted');
    tracker.track('b');
    await tasks();

    expect([before, storage.kept]).toEqual([{}, { 'petrel.lot': '1234' }]);
  });

  it.each<[string, Visit, SamplingOptions]>([
    ['consent is denied', { tracker: { consent: 'denied' } }, { rate: 0.5 }],
    ['the browser asks for privacy', { page: { gpc: true } }, { rate: 0.5 }],
    ['it is told not to', {}, { rate: 0.5, storage: 'none' }],
    ['the site has an id', {}, { rate: 0.5, id: () => 'u1' }],
  ])('writes nothing where %s', async (_, given, options) => {
    const storage = createStorage();
    const { tracker } = visit(options, { ...given, storage });

    tracker.track('a');
    await tasks();

    expect(storage.kept).toEqual({});
  });

  it.each(['', 'x', '10000', '-1', '{}'])('draws anew where the storage has %j', async (value) => {
    const storage = createStorage({ 'petrel.lot': value });
    vi.spyOn(Math, 'random').mockReturnValue(0.0042);
    const { tracker } = visit({ rate: 0.5 }, { storage });

    tracker.track('a');
    await tasks();

    expect(storage.kept['petrel.lot']).toBe('42');
  });

  it('does without a storage that throws, and without an id that does', async () => {
    const broken = () => {
      throw new Error('forbidden');
    };
    const { page, tracker } = visit({ rate: 1, id: broken }, { storage: { getItem: broken, setItem: broken } });

    tracker.track('a');
    await tasks();

    expect(page.names()).toEqual([['a']]);
    expect((await tracker.stats()).page.failed).toBe(0);
  });

  it('refuses to be made without a rate', () => {
    expect(() => sampling({} as never)).toThrow('petrel/plugins/sampling: `rate` is missing');
  });
});
