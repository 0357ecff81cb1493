import { describe, expect, it } from 'vitest';
import type { Plugin, TrackerEvents } from '../../src/page/api.js';
import { createFakePage, tasks } from './fake-page.js';

describe('a plugin', () => {
  it('sees each event before it is numbered, and may change or drop it', async () => {
    const page = createFakePage();
    const tracker = page.create();
    const lost: TrackerEvents['dropped'][] = [];
    tracker.on('dropped', (drop) => void lost.push(drop));

    tracker.use((own) => {
      own.on('event', (event) => {
        event.properties = { ...event.properties, added: true };
        event.name = event.name.toUpperCase();
      });
      own.on('event', ({ name }) => name !== 'B' && undefined);
      own.on('event', ({ name }) => (name === 'B' ? false : undefined));
    });
    for (const name of ['a', 'b', 'c']) tracker.track(name, { name });
    await tasks();

    expect(page.messages('events')[0]!.events.map((row) => [row[1], row[3], row[4]])).toEqual([
      [1, 'A', { name: 'a', added: true }],
      [2, 'C', { name: 'c', added: true }],
    ]);
    expect(lost.map(({ reason, seq }) => [reason, seq])).toEqual([['plugin', undefined]]);
  });

  it('may say that what it drops is sampled out', async () => {
    const page = createFakePage();
    const tracker = page.create();
    tracker.on('event', (event) => {
      event.reason = 'sampled';
      return event.name !== 'b' && undefined;
    });

    tracker.track('a');
    tracker.track('b');
    tracker.close();

    expect((await tracker.stats()).page).toMatchObject({ seq: 1, dropped: { sampled: 1 } });
  });

  it('that throws costs no event and reaches nobody', async () => {
    const page = createFakePage();
    const tracker = page.create();

    tracker.use(() => {
      throw new Error('at once');
    });
    tracker.use((own) => {
      own.on('event', () => {
        throw new Error('later');
      });
      own.on('stored', () => {
        throw new Error('much later');
      });
      own.on('close', () => {
        throw new Error('at the end');
      });
    });
    page.answerAll();
    tracker.track('a');
    await tasks();
    tracker.close();

    expect(page.names()).toEqual([['a']]);
    expect((await tracker.stats()).page).toMatchObject({ unacknowledged: 0, dropped: {}, failed: 4 });
    expect(page.logged).toEqual([]);
  });

  it.each([
    ['a name that is no text', (event: TrackerEvents['event']) => void Object.assign(event, { name: 7 })],
    ['no name', (event: TrackerEvents['event']) => void Object.assign(event, { name: ' ' })],
  ])('that makes %s of an event has it dropped as invalid', async (_, spoil) => {
    const page = createFakePage();
    const tracker = page.create();
    tracker.on('event', spoil);

    tracker.track('a');
    await tasks();

    expect(page.names()).toEqual([]);
    tracker.close();
    expect((await tracker.stats()).page.dropped).toEqual({ invalid: 1 });
  });

  it.each([
    ['nothing', undefined],
    ['text', 'false'],
    ['a promise', Promise.resolve(false)],
    ['null', null],
  ])('that answers %s drops nothing', async (_, answer) => {
    const page = createFakePage();
    const tracker = page.create();
    tracker.on('event', (() => answer) as never);

    tracker.track('a');
    await tasks();

    expect(page.names()).toEqual([['a']]);
  });

  it('may track from within its listener', async () => {
    const page = createFakePage();
    const tracker = page.create();
    const echo: Plugin = (own) => void own.on('event', ({ name }) => void (name === 'a' && own.track('echo')));
    tracker.use(echo);

    tracker.track('a');
    await tasks();

    expect(page.names()).toEqual([['echo', 'a']]);
  });
});

describe('debug', () => {
  it('writes what listeners are told, and what they throw, to the console', () => {
    const page = createFakePage();
    const tracker = page.create({ debug: true });
    const error = new Error('plugin');
    tracker.on('event', () => {
      throw error;
    });

    tracker.track('a');
    tracker.track('');

    expect(page.logged.map(([, what]) => what)).toEqual(['event', error, 'event', error, 'dropped']);
  });
});
