import { describe, expect, it } from 'vitest';
import { createFakePage, pass, tasks } from './fake-page.js';

/** A page whose worker is there, and has answered once. */
async function opened() {
  const page = createFakePage();
  const tracker = page.create({ key: 'k' });
  page.answerAll();
  tracker.track('stored');
  await tasks();
  page.stopAnswering();
  await pass(200);
  return { page, tracker };
}

describe('a page that is left', () => {
  it('sends what is unacknowledged by itself, and leaves a copy with the worker', async () => {
    const { page, tracker } = await opened();
    tracker.track('a', { at: 1 });
    tracker.page();

    page.leave();

    expect(page.sent).toHaveLength(1);
    const [{ by, body }] = page.sent as [(typeof page.sent)[0]];
    expect(by).toBe('fetch');
    expect(body).toMatchObject({ petrel: 1, form: 'rows', key: 'k', sentAt: Date.now() });
    expect(body.events.map(([, seq, , name]) => [seq, name])).toEqual([
      [2, 'a'],
      [3, 'page'],
    ]);
    const copy = page.messages('events').at(-1)!;
    expect(copy).toMatchObject({
      carried: true,
      events: body.events.map((row) => row.map((cell) => cell ?? undefined)),
    });
  });

  it('sends nothing that the worker has acknowledged', async () => {
    const { page } = await opened();

    page.leave();
    await pass(5_000);

    expect(page.sent).toEqual([]);
  });

  it('sends nothing twice, however often it is left', async () => {
    const { page, tracker } = await opened();
    tracker.track('a');

    page.leave();
    page.leave();
    page.fire('pagehide');

    expect(page.sentNames()).toEqual([['a']]);
  });

  it('sends at once what its own exit listeners track', async () => {
    const { page, tracker } = await opened();
    page.fire('pagehide');

    tracker.track('bye');
    await tasks();

    expect(page.sentNames()).toEqual([['bye']]);
  });

  it('hands over, and does not send, when it is only hidden', async () => {
    const { page, tracker } = await opened();
    tracker.track('a');

    page.hide();

    expect(page.sent).toEqual([]);
    expect(page.names().at(-1)).toEqual(['a']);
  });

  it('sends what it posted within the last second before it was left, hidden first', async () => {
    const { page, tracker } = await opened();
    tracker.track('a');
    page.hide();

    await pass(900);
    page.fire('pagehide');

    expect(page.sentNames()).toEqual([['a']]);
  });

  it('does not send what it posted while hidden, longer ago', async () => {
    const { page, tracker } = await opened();
    page.hide();
    tracker.track('a');
    await pass(1_100);

    page.fire('pagehide');

    expect(page.names().at(-1)).toEqual(['a']);
    expect(page.sent).toEqual([]);
  });

  it('sends when hidden, where it has no host', async () => {
    const page = createFakePage({ worker: false, readyState: 'loading' });
    page.create().track('a');
    await tasks();

    page.hide();

    expect(page.sentNames()).toEqual([['a']]);
  });

  it('goes on with beacons when its 60 kB of keepalive are used up, and with the worker when those are refused', async () => {
    const { page, tracker } = await opened();
    const large = { text: 'x'.repeat(29_500) };
    for (const name of ['a', 'b', 'c', 'd']) tracker.track(name, large);
    page.refuseBeacons();

    page.leave();

    expect(page.sent.map(({ by }) => by)).toEqual(['fetch']);
    expect(page.sentNames()).toEqual([['a', 'b']]);
    expect(page.names().slice(-2)).toEqual([
      ['a', 'b'],
      ['c', 'd'],
    ]);
    expect(
      page
        .messages('events')
        .slice(-2)
        .map(({ carried }) => carried),
    ).toEqual([true, false]);
  });

  it('gives the budget back when its requests end', async () => {
    const { page, tracker } = await opened();
    const large = { text: 'x'.repeat(50_000) };
    tracker.track('a', large);
    page.leave();
    await page.sent[0]!.end(true);
    page.show();

    tracker.track('b', large);
    page.leave();

    expect(page.sent.map(({ by }) => by)).toEqual(['fetch', 'fetch']);
  });

  it('sends the others beside an event that is no JSON, which goes to the worker to be counted', async () => {
    const { page, tracker } = await opened();
    tracker.track('a');
    tracker.track('bad', { size: 1n });
    tracker.track('c');

    page.leave();

    expect(page.sentNames().flat()).toEqual(['a', 'c']);
    const bad = page.messages('events').filter(({ events }) => events.some((row) => row[3] === 'bad'));
    expect(bad.map(({ carried }) => carried)).toEqual([false]);
  });

  it('hands over again when it is back what nobody has confirmed, but not what the collector did', async () => {
    const { page, tracker } = await opened();
    tracker.track('a');
    page.leave();
    tracker.track('b');
    await tasks();
    expect(page.sentNames()).toEqual([['a'], ['b']]);
    const before = page.messages('events').length;

    page.show();
    await page.sent[0]!.end(true);
    await page.sent[1]!.end(false);
    await pass(499);
    expect(page.messages('events')).toHaveLength(before);
    await pass(2_001);

    expect(page.names().slice(before)).toEqual([['b']]);
  });

  it('goes by the worker alone in another format', async () => {
    const page = createFakePage();
    const tracker = page.create({ format: 'segment' });
    await tasks();
    tracker.track('a');
    tracker.track('b');

    page.leave();

    expect(page.sent).toEqual([]);
    expect(page.messages('events').at(-1)).toMatchObject({ carried: false });
  });
});

describe('close', () => {
  it('sends what is not stored, and leaves no timer and no listener', async () => {
    const { page, tracker } = await opened();
    tracker.track('a');
    await tasks();
    tracker.track('b');
    const closed: string[] = [];
    tracker.on('close', () => void closed.push('closed'));

    tracker.close();
    tracker.close();
    await tasks();

    expect(page.sentNames()).toEqual([['a', 'b']]);
    expect(closed).toEqual(['closed']);
    expect(page.timers()).toBe(0);
    expect(page.listenersGone()).toBe(true);
  });

  it('counts what is tracked afterwards, and answers flush and stats at once', async () => {
    const { page, tracker } = await opened();
    tracker.close();
    const before = page.posted.length;

    tracker.track('late');
    tracker.identify('u1');
    await pass(1_000);

    expect(await tracker.stats()).toMatchObject({ page: { seq: 1, dropped: { closed: 2 } } });
    expect(await tracker.flush()).toMatchObject({ page: { seq: 1 } });
    expect(page.posted).toHaveLength(before);
  });

  it('lets go of a host that comes too late', async () => {
    const page = createFakePage();
    const tracker = page.create();

    tracker.close();
    await pass(3_000);

    expect(page.posted).toEqual([]);
    expect(page.timers()).toBe(0);
  });
});
