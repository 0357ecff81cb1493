import { describe, expect, it } from 'vitest';
import type { TrackerEvents } from '../../src/page/api.js';
import { createFakePage, pass, tasks } from './fake-page.js';

const numbers = (count: number) => Array.from({ length: count }, (_, i) => `e${i}`);

describe('the tracker', () => {
  it('posts what was tracked before the worker was found, in order and in one message', async () => {
    const page = createFakePage();
    const tracker = page.create();

    tracker.track('first', { at: 1 });
    tracker.page();
    tracker.identify('u1', { plan: 'pro' });
    tracker.group('g1');
    tracker.track('last');
    await tasks();

    expect(page.names()).toEqual([['first', 'page', 'identify', 'group', 'last']]);
    const [message] = page.messages('events');
    expect(message!.events.map(([, seq]) => seq)).toEqual([1, 2, 3, 4, 5]);
    expect(message!.events.map((row) => row[5])).toEqual([undefined, 'page', 'identify', 'group', undefined]);
    expect(message!.origins.map(({ userId, groupId }) => [userId, groupId])).toEqual([
      [undefined, undefined],
      ['u1', undefined],
      ['u1', 'g1'],
    ]);
    expect(message!.events.map(([origin]) => origin)).toEqual([0, 0, 1, 2, 2]);
  });

  it('posts the calls of one task as one message, and those of 100 ms as another', async () => {
    const page = createFakePage();
    const tracker = page.create();
    await tasks();
    page.answerAll();

    tracker.track('a');
    tracker.track('b');
    await tasks();
    expect(page.names()).toEqual([['a', 'b']]);

    for (const name of numbers(5)) {
      await pass(10);
      tracker.track(name);
    }
    await pass(59);
    expect(page.names()).toHaveLength(1);
    await pass(30);

    expect(page.names()).toEqual([['a', 'b'], numbers(5)]);
  });

  it.each(['click', 'submit', 'navigate'] as const)('does not wait for company after %s', async (what) => {
    const page = createFakePage();
    const tracker = page.create();
    await tasks();
    page.answerAll();
    tracker.track('a');
    await pass(1);
    tracker.track('b');
    await tasks();
    expect(page.names()).toEqual([['a']]);

    if (what === 'navigate') page.navigate();
    else page.fire(what);

    expect(page.names()).toEqual([['a'], ['b']]);
    tracker.track('c');
    await tasks();
    expect(page.names()).toEqual([['a'], ['b'], ['c']]);
  });

  it('posts a critical event at the end of its task', async () => {
    const page = createFakePage();
    const tracker = page.create();
    await tasks();
    tracker.track('a');
    await tasks();

    tracker.track('b');
    tracker.track('c', null, { priority: 'critical' });
    await tasks();

    expect(page.names()).toEqual([['a'], ['b', 'c']]);
  });

  it('posts its configuration until a first answer, and again when the worker does not know it', async () => {
    const page = createFakePage();
    const tracker = page.create({ key: 'k', maxBatchSize: 7 });
    tracker.track('a');
    await tasks();
    const [first] = page.posted;
    expect(page.messages('events')[0]!.config).toMatchObject({
      endpoint: 'https://shop.example/events',
      key: 'k',
      format: 'petrel',
      options: { maxBatchSize: 7 },
    });

    first!.answer({ type: 'stored' });
    await pass(200);
    tracker.track('b');
    await tasks();
    expect(page.messages('events')[1]!.config).toBeUndefined();
    page.posted.at(-1)!.answer({ type: 'unknown' });
    await pass(4_000);

    expect(page.names()).toEqual([['a'], ['b'], ['b']]);
    expect(page.messages('events')[2]!.config).toMatchObject({ key: 'k' });
  });

  it('tells what is stored, and what the worker dropped', async () => {
    const page = createFakePage();
    const tracker = page.create();
    const stored: number[][] = [];
    const dropped: TrackerEvents['dropped'][] = [];
    tracker.on('stored', ({ seqs }) => void stored.push(seqs));
    tracker.on('dropped', (drop) => void dropped.push(drop));
    tracker.track('a');
    tracker.track('b');
    await tasks();

    page.posted
      .find(({ message }) => message.type === 'events')!
      .answer({
        type: 'stored',
        dropped: [{ seq: 2, reason: 'too-large', detail: '40000 bytes' }],
      });

    expect(stored).toEqual([[1, 2]]);
    expect(dropped).toEqual([{ seq: 2, reason: 'too-large', detail: '40000 bytes' }]);
    expect((await stats(page, tracker)).page).toMatchObject({ seq: 2, unacknowledged: 0 });
  });

  it('watches its events only when somebody listens to their fate', async () => {
    const page = createFakePage();
    const tracker = page.create();
    await tasks();
    tracker.on('stored', () => {});
    tracker.on('event', () => {});
    await tasks();
    expect(page.messages('watch')).toEqual([]);
    const delivered: number[][] = [];

    tracker.on('delivered', ({ seqs }) => void delivered.push(seqs));
    page.posted.at(-1)!.answer({ type: 'fate', delivered: [1, 2] });

    expect(page.messages('watch')).toHaveLength(1);
    expect(delivered).toEqual([[1, 2]]);
  });

  it('stops telling a listener that was taken away', async () => {
    const page = createFakePage();
    const tracker = page.create();
    const seen: string[] = [];
    const off = tracker.on('event', ({ name }) => void seen.push(name));
    tracker.track('a');

    off();
    off();
    tracker.track('b');

    expect(seen).toEqual(['a']);
  });

  it('posts again what had no answer for two seconds, and looks for another host when that is silent too', async () => {
    const page = createFakePage();
    const tracker = page.create();
    tracker.track('a');
    await tasks();

    await pass(1_999);
    expect(page.names()).toEqual([['a']]);
    await pass(1);
    expect(page.names()).toEqual([['a'], ['a']]);
    expect(page.load).not.toHaveBeenCalled();
    await pass(2_000);

    expect(page.load).toHaveBeenCalledTimes(1);
    expect(page.names()).toEqual([['a'], ['a'], ['a']]);
  });

  it('wakes the worker when it asked for it, and has no timer when it did not', async () => {
    const page = createFakePage();
    const tracker = page.create();
    await tasks();
    page.answerAll();
    tracker.track('a');
    await pass(2_000);
    expect(page.timers()).toBe(0);

    page.answerAll(() => ({ type: 'stored', wakeInMs: 60_000 }));
    tracker.track('b');
    await pass(2_000);
    const wakes = page.messages('wake').length;
    page.answerAll();
    await pass(57_000);
    expect(page.messages('wake')).toHaveLength(wakes);
    await pass(2_000);

    expect(page.messages('wake')).toHaveLength(wakes + 1);
    await pass(2_000);
    expect(page.timers()).toBe(0);
  });

  it('does not lose the others to an event that cannot be cloned, and has the worker count it', async () => {
    const page = createFakePage();
    const tracker = page.create();
    await tasks();

    tracker.track('a');
    tracker.track('bad', { callback: () => {} });
    tracker.track('c');
    await tasks();

    const rows = page.messages('events').flatMap(({ events }) => events);
    expect(rows.map(([, seq, , name]) => [seq, name])).toEqual([
      [1, 'a'],
      [2, 'bad'],
      [3, 'c'],
    ]);
    expect(rows[1]![4]).toBe('');
  });

  it('takes 10 000 events in one task, and counts those beyond as numbers that will never come', async () => {
    const page = createFakePage();
    const tracker = page.create();
    const lost: TrackerEvents['dropped'][] = [];
    tracker.on('dropped', (drop) => void lost.push(drop));

    for (let i = 0; i < 10_003; i++) tracker.track('e', { i });
    await tasks();

    expect(page.names().map((names) => names.length)).toEqual([10_000]);
    expect(lost.map(({ reason, seq }) => [reason, seq])).toEqual([
      ['buffer-full', 10_001],
      ['buffer-full', 10_002],
      ['buffer-full', 10_003],
    ]);
    const { source, seq } = (await stats(page, tracker)).page;
    expect(seq).toBe(10_003);
    for (const { message, answer } of page.posted) if (message.type === 'events') answer({ type: 'stored' });
    tracker.track('later');
    await pass(200);
    expect(page.names().at(-1)).toEqual(['later']);
    expect(page.messages('events').at(-1)!.drops).toEqual([[source, 10_001, 10_003, 'buffer-full']]);
  });

  it('copies properties when it is called', async () => {
    const page = createFakePage();
    const tracker = page.create();
    const properties = { total: 1 };

    tracker.track('a', properties);
    properties.total = 2;
    await tasks();

    expect(page.messages('events')[0]!.events[0]![4]).toEqual({ total: 1 });
  });

  it('says where each event came from, when the address changes between two', async () => {
    const page = createFakePage();
    const tracker = page.create();

    tracker.track('a');
    page.location.href = 'https://shop.example/next';
    page.document.title = 'Next';
    tracker.track('b');
    await tasks();

    const [{ origins, events }] = page.messages('events') as [ReturnType<typeof page.messages<'events'>>[0]];
    expect(events.map(([origin]) => origins[origin]!.context!.url)).toEqual([
      'https://shop.example/a?b=1',
      'https://shop.example/next',
    ]);
    expect(origins[1]!.source).toBe(origins[0]!.source);
  });

  it('forgets user and group on reset', async () => {
    const page = createFakePage();
    const tracker = page.create();
    tracker.identify('u1');
    tracker.group('g1');

    tracker.reset();
    tracker.track('a');
    await tasks();

    const { origins, events } = page.messages('events')[0]!;
    const { userId, groupId } = origins[events[2]![0]]!;
    expect([userId, groupId]).toEqual([undefined, undefined]);
  });

  it('adds what `setContext` said to where events come from, until it is taken away', async () => {
    const page = createFakePage();
    const tracker = page.create();

    tracker.track('a');
    tracker.setContext({ release: '7', test: 'b', url: 'mine' });
    tracker.setContext({ test: undefined });
    tracker.setContext({ cyclic: cyclic() });
    tracker.track('b');
    tracker.reset();
    tracker.track('c');
    await tasks();

    const { origins, events } = page.messages('events')[0]!;
    const contexts = events.map(([origin]) => origins[origin]!.context);
    const own = { url: 'https://shop.example/a?b=1', title: 'A', referrer: 'https://search.example/' };
    expect(contexts).toEqual([own, { release: '7', ...own }, { release: '7', ...own }]);
  });

  it('does nothing in a prerendered page until it is shown', async () => {
    const page = createFakePage({ prerendering: true });
    const tracker = page.create();
    tracker.track('a');
    await pass(10_000);
    expect([page.posted, page.sent]).toEqual([[], []]);

    page.document.prerendering = false;
    page.fire('prerenderingchange');
    await tasks();

    expect(page.names()).toEqual([['a']]);
  });

  it('waits for the page to load before it makes a worker', async () => {
    const page = createFakePage({ worker: false, readyState: 'interactive' });
    const tracker = page.create();
    tracker.track('a');
    await pass(5_000);
    expect(page.load).not.toHaveBeenCalled();

    page.fire('load');
    await tasks();

    expect(page.load).toHaveBeenCalledTimes(1);
    expect(page.names()).toEqual([['a']]);
  });
});

describe('flush and stats', () => {
  it('post what waits, and answer with what the worker says', async () => {
    const page = createFakePage();
    const tracker = page.create();
    await tasks();
    tracker.track('a');
    await tasks();
    tracker.track('b');

    const flushed = tracker.flush();
    await tasks();
    expect(page.names()).toEqual([['a'], ['b']]);
    page.posted.at(-1)!.answer({ type: 'flushed', result: { delivered: 2 } as never });

    expect(await flushed).toMatchObject({ delivered: 2, page: { seq: 2, unacknowledged: 2 } });
  });

  it('ask again when the worker was replaced meanwhile', async () => {
    const page = createFakePage();
    const tracker = page.create();
    await tasks();

    const asked = tracker.stats();
    await pass(2_000);
    expect(page.messages('stats')).toHaveLength(2);
    page.posted.at(-1)!.answer({ type: 'stats', stats: { waiting: 3 } as never });

    expect(await asked).toMatchObject({ waiting: 3 });
  });

  it('answer with the page’s own counters where there is no host', async () => {
    const page = createFakePage({ worker: false });
    page.load.mockRejectedValue(new Error('blocked'));
    const tracker = page.create();
    tracker.track('');
    tracker.track('a');

    expect(await tracker.stats()).toEqual({
      page: {
        source: expect.any(String),
        seq: 1,
        failed: 0,
        unacknowledged: 1,
        dropped: { invalid: 1 },
        consent: 'granted',
      },
    });
  });
});

function cyclic(): object {
  const value: { self?: object } = {};
  value.self = value;
  return value;
}

/** The counters, from a worker that knows none. */
async function stats(page: ReturnType<typeof createFakePage>, tracker: ReturnType<typeof page.create>) {
  const asked = tracker.stats();
  await tasks();
  page.posted.at(-1)!.answer({ type: 'stats', stats: {} as never });
  return asked;
}
