import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { PageMessage } from '../../src/protocol.js';
import { obliging, setup, turn } from './fake-host.js';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

describe('a tracker in a worker', () => {
  it('hands the events of one task over as one message, with where they come from', async () => {
    const { tracker, messages, posted } = setup({ context: { url: 'https://shop.example/', title: 'Shop' } });
    tracker.identify('user-1');
    tracker.track('A', { b: 1 });
    tracker.track('C', null, { priority: 'critical' });
    expect(posted()).toEqual([]);

    await turn();

    expect(posted()).toEqual(['1 identify', '2 A', '3 C']);
    const last = messages.at(-1) as Extract<PageMessage, { type: 'events' }>;
    expect(last.origins).toMatchObject([
      { userId: 'user-1', context: { url: 'https://shop.example/', title: 'Shop', gpc: false } },
    ]);
    expect(last.to).toBe('petrel https://collect.example/in ');
  });

  it('asks at its start for what an earlier life left', () => {
    expect(setup().messages).toMatchObject([{ type: 'wake', config: { endpoint: 'https://collect.example/in' } }]);
  });

  it('hands over again what has no answer, and later each time', async () => {
    const { tracker, answer, posted } = setup();
    answer(() => []);
    tracker.track('A');
    await turn();

    await vi.advanceTimersByTimeAsync(2_000);
    expect(posted()).toEqual(['1 A', '1 A']);
    await vi.advanceTimersByTimeAsync(3_999);
    expect(posted()).toHaveLength(2);
    answer(obliging);
    await vi.advanceTimersByTimeAsync(1);

    expect(posted()).toHaveLength(3);
    expect((await tracker.stats()).page.unacknowledged).toBe(0);
    await vi.advanceTimersByTimeAsync(600_000);
    expect(posted()).toHaveLength(3);
  });

  it('hands over again, with the configuration, when the host does not know it', async () => {
    const { tracker, answer, messages } = setup();
    let unknown = true;
    answer((message) => {
      if (message.type !== 'events' || !unknown) return obliging(message);
      unknown = false;
      return [{ type: 'unknown' }];
    });
    tracker.track('A');

    await turn();

    expect(messages.map(({ type, ...rest }) => [type, 'config' in rest])).toEqual([
      ['wake', true],
      ['events', false],
      ['events', true],
    ]);
    expect((await tracker.stats()).page.unacknowledged).toBe(0);
  });

  it('has the host refuse what cannot be cloned, and the others stored', async () => {
    const { tracker, messages } = setup();
    for (const name of ['A', 'B', 'C', 'D', 'E']) tracker.track(name, name === 'C' ? { run: () => {} } : { ok: true });

    await turn();

    const rows = messages.flatMap((message) => (message.type === 'events' ? message.events : []));
    expect(rows.map(([, seq, , , properties]) => [seq, properties])).toEqual([
      [1, { ok: true }],
      [2, { ok: true }],
      [3, ''],
      [4, { ok: true }],
      [5, { ok: true }],
    ]);
  });

  it('keeps nothing but 100 events in memory while consent is pending, and opens no database', async () => {
    const { tracker, opened, posted, messages } = setup({ consent: 'pending' });
    for (let i = 0; i < 105; i++) tracker.track(`e${i}`);
    await turn();
    expect([opened(), posted().length]).toEqual([0, 0]);

    tracker.setConsent('granted');
    await turn();

    expect(posted()).toHaveLength(100);
    const sent = messages.find(({ type }) => type === 'events') as Extract<PageMessage, { type: 'events' }>;
    expect(sent.drops).toEqual([[sent.origins[0]!.source, 101, 105, 'buffer-full']]);
  });

  it('purges when consent is denied, and numbers anew under another source when it is granted again', async () => {
    const { tracker, messages } = setup();
    tracker.identify('user-1');
    tracker.track('A');
    await turn();
    tracker.setConsent('denied');
    tracker.track('B');
    tracker.identify('user-2');
    tracker.setConsent('granted');
    tracker.track('C');
    await turn();

    const [first, second] = messages.filter(({ type }) => type === 'events') as Extract<
      PageMessage,
      { type: 'events' }
    >[];
    expect(messages.some(({ type }) => type === 'purge')).toBe(true);
    expect(second!.events.map(([, seq, , name]) => [seq, name])).toEqual([[1, 'C']]);
    expect(second!.origins[0]!.source).not.toBe(first!.origins[0]!.source);
    expect(second!.origins[0]).not.toHaveProperty('userId');
    expect((await tracker.stats()).page).toMatchObject({ dropped: { consent: 2 }, consent: 'granted' });
  });

  it('hands over to the next host what the one before had not stored when consent was taken back', async () => {
    const { tracker, answer, posted, closed } = setup();
    answer(() => []);
    tracker.track('A');
    await turn();
    tracker.setConsent('pending');
    answer(obliging);
    expect(closed()).toBe(1);

    tracker.setConsent('granted');
    await turn();

    expect(posted()).toEqual(['1 A', '1 A']);
    expect((await tracker.stats()).page.unacknowledged).toBe(0);
  });

  it('drops what is no event with a reason, and never throws', async () => {
    const { tracker, posted } = setup({}, { gpc: true });
    const dropped: unknown[] = [];
    tracker.on('dropped', ({ reason, name }) => void dropped.push([reason, name]));
    tracker.use(() => {
      throw new Error('a broken plugin');
    });
    tracker.on('event', ({ name }) => (name === 'unwanted' ? false : undefined));
    const call = tracker.track as (...call: unknown[]) => void;

    call('');
    call(7);
    call('x'.repeat(201));
    call('A', 'no properties');
    call('unwanted');
    tracker.identify('user-1');
    call('good');
    await turn();

    expect(dropped).toEqual([
      ['invalid', ''],
      ['invalid', 7],
      ['invalid', 'x'.repeat(201)],
      ['invalid', 'A'],
      ['plugin', 'unwanted'],
      ['consent', 'identify'],
    ]);
    expect(posted()).toEqual(['1 good']);
  });

  it.each([
    ['anonymous', 'granted', true],
    ['ignore', 'granted', false],
    ['off', 'denied', undefined],
  ] as const)('with Global Privacy Control on and `gpc: %s` has consent %s', async (gpc, consent, told) => {
    const { tracker, messages } = setup({ gpc }, { gpc: true });
    tracker.setConsent('granted');
    tracker.track('A');
    await turn();

    const events = messages.flatMap((message) => (message.type === 'events' ? [message] : []));
    expect((await tracker.stats()).page.consent).toBe(consent);
    // The host asks the browser itself only where it is not told.
    expect(events.map(({ origins }) => origins[0]!.context!.gpc)).toEqual(told === undefined ? [] : [told]);
  });

  it('tells its host to do without ids when it is told to', async () => {
    const { messages } = setup({ cookieless: true });

    expect(messages[0]).toMatchObject({ config: { options: { cookieless: true } } });
  });

  it('tells what becomes of its events', async () => {
    const { tracker, replies, messages } = setup();
    const told: unknown[] = [];
    for (const type of ['stored', 'sent', 'delivered', 'dropped', 'state'] as const) {
      tracker.on(type, (detail) => void told.push([type, detail]));
    }
    tracker.track('A');
    await turn();

    const watch = replies[messages.findIndex(({ type }) => type === 'watch')]!;
    watch({ type: 'sent', seqs: [1] });
    watch({ type: 'fate', delivered: [1], dropped: [{ seq: 2, reason: 'refused' }] });
    watch({ type: 'state', state: 'idle' });

    expect(told).toMatchObject([
      ['stored', { seqs: [1] }],
      ['sent', { seqs: [1] }],
      ['dropped', { seq: 2, reason: 'refused' }],
      ['delivered', { seqs: [1] }],
      ['state', { state: 'idle' }],
    ]);
  });

  it('answers flush() and stats() with what it knows when the host is silent for half a minute', async () => {
    const { tracker, answer } = setup();
    answer(() => []);
    const flushed = tracker.flush();

    await vi.advanceTimersByTimeAsync(30_000);

    expect(await flushed).toEqual({ page: expect.objectContaining({ seq: 0, unacknowledged: 0 }) });
  });

  it('closes when everything is stored, and drops what comes later', async () => {
    const { tracker, closed, posted, online, messages } = setup();
    tracker.on('close', () => tracker.track('last'));
    tracker.track('A');
    tracker.close();
    tracker.track('late');
    await turn();
    await vi.advanceTimersByTimeAsync(0);

    expect(posted()).toEqual(['1 A', '2 last']);
    expect(closed()).toBe(1);
    online();
    expect(messages.filter(({ type }) => type === 'wake')).toHaveLength(1);
    expect(vi.getTimerCount()).toBe(0);
  });

  it.each([
    [{ endpoint: '' }, '`endpoint` must be an address with http or https, not ""'],
    [{ endpoint: 'ftp://x.example/' }, '`endpoint` must be an address with http or https, not "ftp://x.example/"'],
    [{ consent: 'maybe' }, '`consent` must be granted, pending or denied, not "maybe"'],
    [{ gpc: 'deny' }, '`gpc` must be anonymous, off or ignore, not "deny"'],
    [{ cookieless: 1 }, '`cookieless` must be true or false, not 1'],
    [{ context: { n: 1 } }, '`context` must be an object of texts, not an object'],
    [{ maxBatchSize: 0 }, '`maxBatchSize` must be a whole number from 1 to 10000, not 0'],
    [{ serviceWorker: false }, '`serviceWorker` is not an option'],
  ])('refuses %j', (options, message) => {
    expect(() => setup(options as never)).toThrow(message);
  });

  it('takes an endpoint relative to the worker’s script', () => {
    expect(setup({ endpoint: '/in' }).messages[0]!.to).toBe('petrel https://shop.example/in ');
  });
});
