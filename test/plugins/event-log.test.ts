import { describe, expect, it, vi } from 'vitest';
import { createTracker } from '../../src/index.development.js';
import { type EventLogOptions, eventLog } from '../../src/plugins/event-log.js';
import type { HostMessage } from '../../src/protocol.js';
import { createFakePage, pass, tasks } from '../page/fake-page.js';

/** A page with a tracker that logs, and what it has written; two blanks for each group a line is in. */
async function setup(options: EventLogOptions = {}) {
  const page = createFakePage();
  const lines: string[] = [];
  let depth = 0;
  const write =
    (level: string) =>
    (text: string, ...more: unknown[]) =>
      void lines.push([`${'  '.repeat(depth)}${level}${text}`, ...more.map((each) => JSON.stringify(each))].join(' '));
  vi.spyOn(console, 'log').mockImplementation(write(''));
  vi.spyOn(console, 'warn').mockImplementation(write('! '));
  vi.spyOn(console, 'error').mockImplementation(write('!! '));
  vi.spyOn(console, 'groupCollapsed').mockImplementation((text: string) => {
    write('> ')(text);
    depth++;
  });
  vi.spyOn(console, 'groupEnd').mockImplementation(() => {
    depth--;
  });
  page.answerAll((message) => (message.type === 'events' ? { type: 'stored' } : undefined));
  const tracker = page.create();
  tracker.use(eventLog(options));
  await tasks();
  const watch = page.posted.find(({ message }) => message.type === 'watch')!;
  return { page, tracker, lines, tell: (answer: HostMessage) => watch.answer(answer) };
}

describe('the event log', () => {
  it('writes the way of each event: tracked, stored, sent, delivered', async () => {
    const { tracker, lines, tell } = await setup();

    tracker.track('Added', { sku: 'a' });
    tracker.track('Added', { sku: 'b' });
    tracker.track('Opened');
    await tasks();
    await pass(5_000);
    tell({ type: 'sent', seqs: [1, 2, 3] });
    await pass(100);
    tell({ type: 'fate', delivered: [1, 2, 3] });

    expect(lines).toEqual([
      '> petrel tracked #1–#3: Added ×2, Opened',
      '  #1 Added {"sku":"a"}',
      '  #2 Added {"sku":"b"}',
      '  #3 Opened',
      'petrel stored #1–#3',
      'petrel sent #1–#3',
      '> petrel delivered #1–#3: Added ×2, Opened',
      '  #1 Added: stored +0 ms, sent +5.0 s, delivered +5.1 s',
      '  #2 Added: stored +0 ms, sent +5.0 s, delivered +5.1 s',
      '  #3 Opened: stored +0 ms, sent +5.0 s, delivered +5.1 s',
    ]);
  });

  it('says what keeps the queue from sending, and in which attempt an event got through', async () => {
    const { tracker, lines, tell } = await setup();
    tracker.track('Added');
    await tasks();
    lines.length = 0;

    tell({ type: 'sent', seqs: [1] });
    tell({ type: 'state', state: 'backoff', detail: 'network error' });
    tell({ type: 'sent', seqs: [1] });
    tell({ type: 'state', state: 'sending' });
    tell({ type: 'state', state: 'idle' });
    tell({ type: 'fate', delivered: [1] });

    expect(lines).toEqual([
      'petrel sent #1',
      '! petrel waits: backoff, network error',
      'petrel sent #1, attempt 2',
      'petrel goes on',
      '> petrel delivered #1: Added',
      '  #1 Added: stored +0 ms, sent +0 ms in attempt 2, delivered +0 ms',
    ]);
  });

  it('warns of what is lost, with its name and reason, wherever it is lost', async () => {
    const { tracker, lines, tell } = await setup({ properties: false });
    tracker.on('event', ({ name }) => name !== 'Unwanted' && undefined);

    tracker.track('Unwanted');
    tracker.track('Added', { sku: 'a' });
    tracker.track('');
    await tasks();
    tell({ type: 'fate', dropped: [{ seq: 1, reason: 'refused', detail: 'no such product' }] });
    tell({ type: 'error', code: 'invalid-option', message: '`maxEvents` must be a number' });

    expect(lines).toEqual([
      '! petrel dropped Unwanted: plugin',
      '! petrel dropped (no name): invalid',
      '> petrel tracked #1: Added',
      '  #1 Added',
      'petrel stored #1',
      '! petrel dropped #1 Added: refused, no such product',
      '!! petrel error invalid-option: `maxEvents` must be a number',
    ]);
  });

  it('loses sight of no event when others are dropped in the same task', async () => {
    const { tracker, lines } = await setup();

    tracker.track('Added');
    tracker.identify('u1');
    tracker.setConsent('denied');
    tracker.track('Late');
    tracker.setConsent('granted');
    tracker.track('Again');
    await tasks();

    expect(lines.slice(0, 3)).toEqual([
      '! petrel dropped Added: consent',
      '! petrel dropped identify: consent',
      '! petrel dropped Late: consent',
    ]);
    expect(lines).toContain('  #1 Again');
  });

  it('comes with `debug` in development builds, and not without', async () => {
    for (const debug of [true, false]) {
      const { lines } = await setup();
      createTracker({ endpoint: '/events', debug }).track('Added');
      await tasks();

      expect(lines.filter((line) => line.startsWith('>'))).toEqual(debug ? ['> petrel tracked #1: Added'] : []);
    }
  });

  it('writes the name that other listeners have given', async () => {
    const { tracker, lines } = await setup();
    tracker.on('event', (event) => {
      event.name = 'Renamed';
    });

    tracker.track('Added');
    await tasks();

    expect(lines[0]).toBe('> petrel tracked #1: Renamed');
  });
});
