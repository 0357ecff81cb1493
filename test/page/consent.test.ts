import { describe, expect, it } from 'vitest';
import type { TrackerEvents } from '../../src/page/api.js';
import { createFakePage, pass, tasks } from './fake-page.js';

describe('pending consent', () => {
  it('posts and sends nothing, whatever happens to the page', async () => {
    const page = createFakePage();
    const tracker = page.create({ consent: 'pending' });

    tracker.track('a', null, { priority: 'critical' });
    page.fire('click');
    void tracker.flush();
    page.hide();
    page.show();
    page.leave();
    tracker.close();
    await pass(60_000);

    expect([page.posted, page.sent]).toEqual([[], []]);
    expect(page.load).not.toHaveBeenCalled();
  });

  it('hands over what was tracked meanwhile once it is granted, in order', async () => {
    const page = createFakePage();
    const tracker = page.create({ consent: 'pending' });
    tracker.track('a');
    tracker.identify('u1');
    await pass(60_000);

    tracker.setConsent('granted');
    tracker.track('b');
    await tasks();

    expect(page.names()).toEqual([['a', 'identify', 'b']]);
    expect(page.messages('events')[0]!.events.map(([, seq]) => seq)).toEqual([1, 2, 3]);
  });

  it('keeps 100 events, and counts those beyond', async () => {
    const page = createFakePage();
    const tracker = page.create({ consent: 'pending' });
    const lost: TrackerEvents['dropped'][] = [];
    tracker.on('dropped', (drop) => void lost.push(drop));

    for (let i = 0; i < 103; i++) tracker.track('e');
    tracker.setConsent('granted');
    await tasks();

    expect(page.names()[0]).toHaveLength(100);
    expect(lost.map(({ reason }) => reason)).toEqual(['buffer-full', 'buffer-full', 'buffer-full']);
    const [{ drops, origins }] = page.messages('events') as [ReturnType<typeof page.messages<'events'>>[0]];
    expect(drops).toEqual([[origins[0]!.source, 101, 103, 'buffer-full']]);
  });

  it('posts nothing to a worker that is found after consent was taken back', async () => {
    const page = createFakePage();
    const tracker = page.create();
    tracker.track('a');

    tracker.setConsent('pending');
    await pass(5_000);

    expect(page.posted).toEqual([]);
  });

  it('is what an unknown word stands for', async () => {
    const page = createFakePage();
    const tracker = page.create();
    await tasks();
    const before = page.posted.length;

    tracker.setConsent('rejected' as never);
    tracker.track('a');
    page.leave();
    await pass(5_000);

    expect([page.posted.slice(before), page.sent]).toEqual([[], []]);
    tracker.setConsent('granted');
    await tasks();
    expect(page.names()).toEqual([['a']]);
  });

  it('takes the host away from a tracker that had consent, and gives it back', async () => {
    const page = createFakePage();
    const tracker = page.create();
    page.answerAll();
    tracker.track('a');
    await tasks();

    tracker.setConsent('pending');
    const before = page.posted.length;
    tracker.track('b');
    page.leave();
    await pass(5_000);
    expect([page.posted.slice(before), page.sent]).toEqual([[], []]);
    tracker.setConsent('granted');
    await tasks();

    expect(page.names().flat()).toEqual(['a', 'b']);
  });
});

describe('denied consent', () => {
  it('drops what waits and what comes, each counted, and purges what is stored', async () => {
    const page = createFakePage();
    const tracker = page.create();
    const lost: TrackerEvents['dropped'][] = [];
    tracker.on('dropped', (drop) => void lost.push(drop));
    await tasks();
    tracker.track('a');

    tracker.setConsent('denied');
    tracker.track('b');
    page.leave();
    await pass(5_000);

    expect(lost.map(({ name, reason }) => [name, reason])).toEqual([
      ['a', 'consent'],
      ['b', 'consent'],
    ]);
    expect(page.messages('purge').length).toBeGreaterThan(0);
    expect([page.messages('events'), page.sent]).toEqual([[], []]);
  });

  it('purges what an earlier visit stored, by the worker that is there, and makes none', async () => {
    const there = createFakePage();
    there.create({ consent: 'denied' });
    await tasks();
    expect(there.messages('purge')).toHaveLength(1);

    const none = createFakePage({ worker: false });
    none.create({ consent: 'denied' });
    await pass(5_000);
    expect(none.load).not.toHaveBeenCalled();
  });

  it('is somebody else when it is granted later', async () => {
    const page = createFakePage();
    const tracker = page.create();
    page.answerAll();
    tracker.identify('u1');
    await tasks();
    const before = page.messages('events')[0]!.origins[0]!.source;

    tracker.setConsent('denied');
    tracker.setConsent('granted');
    tracker.track('b');
    await pass(200);

    const { origins, events } = page.messages('events').at(-1)!;
    expect(events.map(([, seq, , name]) => [seq, name])).toEqual([[1, 'b']]);
    expect(origins[0]!.source).not.toBe(before);
    expect(origins[0]!.userId).toBeUndefined();
  });

  it('remembers no user', async () => {
    const page = createFakePage();
    const tracker = page.create({ consent: 'denied' });

    tracker.identify('u1');
    tracker.setConsent('granted');
    tracker.track('a');
    await tasks();

    expect(page.messages('events')[0]!.origins[0]!.userId).toBeUndefined();
  });

  it('does not ask the plugins', () => {
    const page = createFakePage();
    const tracker = page.create({ consent: 'denied' });
    const seen: unknown[] = [];
    tracker.on('event', (event) => void seen.push(event));

    tracker.track('a');

    expect(seen).toEqual([]);
  });
});

describe('purge', () => {
  it('drops what waits, has the worker delete what it has, and goes on as somebody else', async () => {
    const page = createFakePage();
    const tracker = page.create();
    page.answerAll();
    tracker.identify('u1');
    await pass(200);
    const [first] = page.messages('events');
    page.stopAnswering();
    page.hide();
    page.show();
    tracker.track('waits');

    page.answerAll();
    const { page: counted } = await tracker.purge();
    tracker.track('after');
    await pass(200);

    expect(page.messages('purge')).toHaveLength(1);
    expect(counted).toMatchObject({ seq: 0, unacknowledged: 0, dropped: { consent: 1 } });
    const last = page.messages('events').at(-1)!;
    expect(last.events.map(([, seq, , name]) => [seq, name])).toEqual([[1, 'after']]);
    expect(last.origins[0]!.source).not.toBe(first!.origins[0]!.source);
    expect(last.origins[0]!.userId).toBeUndefined();
  });

  it('forgets in the page alone while consent is pending', async () => {
    const page = createFakePage();
    const tracker = page.create({ consent: 'pending' });
    tracker.track('a');

    await tracker.purge();

    expect(page.posted).toEqual([]);
    expect((await tracker.stats()).page).toMatchObject({ seq: 0, unacknowledged: 0, dropped: { consent: 1 } });
  });
});

describe('Global Privacy Control', () => {
  it('turns the tracker off with the policy `off`, whatever consent there is, and purges', async () => {
    const page = createFakePage({ gpc: true });
    const tracker = page.create({ gpc: 'off' });

    tracker.track('a');
    tracker.setConsent('granted');
    tracker.track('b');
    page.leave();
    await pass(5_000);

    expect([page.messages('events'), page.sent]).toEqual([[], []]);
    expect(page.messages('purge').length).toBeGreaterThan(0);
  });

  it('is nothing to a browser that does not have it', async () => {
    const page = createFakePage();
    const tracker = page.create({ gpc: 'off' });

    tracker.identify('u1');
    await tasks();

    expect(page.messages('events')[0]!.origins[0]!.userId).toBe('u1');
  });

  it('keeps the user id out of every event, by default', async () => {
    const page = createFakePage({ gpc: true });
    const tracker = page.create();

    tracker.identify('u1');
    tracker.track('a');
    await tasks();

    expect(page.names()).toEqual([['a']]);
    expect(page.messages('events')[0]!.origins[0]).toMatchObject({ context: { gpc: true } });
    expect(page.messages('events')[0]!.origins[0]!.userId).toBeUndefined();
    tracker.close();
    expect((await tracker.stats()).page.dropped).toEqual({ consent: 1 });
  });

  it('makes no difference with the policy `ignore`', async () => {
    const page = createFakePage({ gpc: true });
    const tracker = page.create({ gpc: 'ignore' });

    tracker.identify('u1');
    await tasks();

    // The worker knows the browser's setting too, and is told that it does not count.
    expect(page.messages('events')[0]!.origins[0]).toMatchObject({ userId: 'u1', context: { gpc: false } });
  });
});
