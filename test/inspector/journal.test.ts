import { describe, expect, it } from 'vitest';
import { keepJournal } from '../../src/inspector/journal.js';
import { dropsOf, stateOf } from '../../src/inspector/report.js';
import { wayInWords } from '../../src/inspector/sections.js';
import type { Tracker, TrackerEvents, TrackerStats } from '../../src/page/api.js';

/** A tracker that says what it is told to say. */
function setup() {
  const listeners = new Map<string, Set<(detail: never) => unknown>>();
  let time = 1_000;
  let changes = 0;
  const tracker = {
    on(type: string, listener: (detail: never) => unknown) {
      listeners.set(type, (listeners.get(type) ?? new Set()).add(listener));
      return () => listeners.get(type)!.delete(listener);
    },
  } as unknown as Tracker;
  const [journal, end] = keepJournal(
    tracker,
    () => time,
    () => changes++,
  );
  let seq = 0;
  const tell = <Type extends keyof TrackerEvents>(type: Type, detail: TrackerEvents[Type]) => {
    time += 100;
    for (const listener of listeners.get(type) ?? []) listener(detail as never);
  };
  return {
    journal,
    end,
    tell,
    changes: () => changes,
    listening: () => [...listeners.values()].reduce((sum, { size }) => sum + size, 0),
    /** As the tracker does: the listeners first, then the number. */
    track(name: string) {
      const event: { name: string; timestamp: number; seq?: number } = { name, timestamp: time };
      tell('event', event);
      event.seq = ++seq;
      return event;
    },
    /** Dropped by a plugin, before it has a number. */
    drop(name: string) {
      tell('event', { name, timestamp: time });
      tell('dropped', { reason: 'plugin', name });
    },
    restartNumbers: () => {
      seq = 0;
    },
  };
}

const PAGE: TrackerStats['page'] = { source: 's', seq: 0, failed: 0, unacknowledged: 0, dropped: {} };

describe('the journal of the inspector', () => {
  it('follows an event from track() to the acknowledgement', () => {
    const { journal, track, tell } = setup();

    track('Signed Up');
    expect(wayInWords(journal.events()[0]!)).toBe('tracked');
    tell('stored', { seqs: [1] });
    expect(wayInWords(journal.events()[0]!)).toBe('stored after 100 ms');
    tell('sent', { seqs: [1] });
    expect(wayInWords(journal.events()[0]!)).toBe('sent');
    tell('sent', { seqs: [1] });
    tell('delivered', { seqs: [1] });

    expect(journal.events()).toEqual([
      {
        name: 'Signed Up',
        seq: 1,
        trackedAt: 1_100,
        storedAt: 1_200,
        sentAt: 1_400,
        attempts: 2,
        deliveredAt: 1_500,
      },
    ]);
    expect(wayInWords(journal.events()[0]!)).toBe('acknowledged after 400 ms, sent 2 times');
  });

  it('reads the name when all plugins have seen the event', () => {
    const { journal, track } = setup();

    track('old').name = 'new';

    expect(journal.events()).toMatchObject([{ name: 'new', seq: 1 }]);
  });

  it('puts a drop to its event, whether or not it had a number, and one nobody announced in a row of its own', () => {
    const { journal, track, drop, tell } = setup();
    track('first');
    drop('second');
    track('third');

    tell('dropped', { reason: 'refused', seq: 1, detail: 'bad-name' });
    tell('dropped', { reason: 'closed', name: 'fourth' });
    tell('dropped', { reason: 'queue-full', seq: 99 });

    expect(journal.events().map((way) => `${way.seq} ${way.name}: ${wayInWords(way)}`)).toEqual([
      'undefined : dropped: queue-full',
      'undefined fourth: dropped: closed',
      '2 third: tracked',
      'undefined second: dropped: plugin',
      '1 first: dropped: refused (bad-name)',
    ]);
  });

  it('keeps the last 50 events, and knows each by its number also after the numbers began anew', () => {
    const { journal, track, tell, restartNumbers } = setup();
    for (let i = 0; i < 60; i++) track(`event ${i}`);
    expect(journal.events()).toHaveLength(50);
    restartNumbers();
    for (let i = 0; i < 49; i++) track(`again ${i}`);

    tell('delivered', { seqs: [1, 30] });

    const delivered = journal.events().filter(({ deliveredAt }) => deliveredAt !== undefined);
    expect(delivered.map(({ name }) => name)).toEqual(['again 29', 'again 0']);
  });

  it('says of what left an empty queue unseen that it left, and of nothing else', () => {
    const { journal, track, drop, tell } = setup();
    track('stored');
    track('delivered');
    track('held in the page');
    drop('dropped');
    tell('stored', { seqs: [1, 2] });
    tell('delivered', { seqs: [2] });

    journal.drained();

    expect(journal.events().filter(({ leftAt }) => leftAt !== undefined)).toMatchObject([{ name: 'stored' }]);
  });

  it('notes states and errors, and takes its listeners away in the end', () => {
    const { journal, tell, end, listening, changes } = setup();

    tell('state', { state: 'backoff', detail: 'HTTP 503' });
    tell('error', { code: 'invalid-option', message: '`maxEvents` …' });

    expect(journal.notes).toEqual([
      { at: 1_200, what: 'error invalid-option', detail: '`maxEvents` …' },
      { at: 1_100, what: 'backoff', detail: 'HTTP 503' },
    ]);
    expect(changes()).toBe(2);
    end();
    expect(listening()).toBe(0);
  });
});

describe('the report of the inspector', () => {
  it.each<[Partial<TrackerStats>, string]>([
    [{}, 'looking'],
    [{ accepted: 0, waiting: 0, inFlight: 0 }, 'idle'],
    [{ accepted: 1, waiting: 1, inFlight: 0 }, 'waiting'],
    [{ accepted: 1, waiting: 0, inFlight: 1 }, 'sending'],
    [{ accepted: 1, waiting: 0, inFlight: 1, pausedBy: 'held' }, 'held'],
  ])('calls %j %s', (stats, word) => {
    expect(stateOf({ ...stats, page: PAGE })).toBe(word);
  });

  it('adds up the losses of queue and page by reason, most first', () => {
    const stats: TrackerStats = {
      droppedByReason: { expired: 2, invalid: 1, refused: 0 },
      page: { ...PAGE, dropped: { invalid: 4 } },
    };

    expect(dropsOf(stats)).toEqual([
      { reason: 'invalid', queue: 1, page: 4 },
      { reason: 'expired', queue: 2, page: 0 },
    ]);
  });
});
