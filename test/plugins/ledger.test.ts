import { describe, expect, it } from 'vitest';
import { countRanges } from '../../src/core/ranges.js';
import { ledger, type TrackerLedger } from '../../src/plugins/ledger.js';
import type { HostMessage } from '../../src/protocol.js';
import { createFakePage, tasks } from '../page/fake-page.js';

/** A page whose worker stores what it is told, and answers with these counters of the queue. */
async function setup() {
  const page = createFakePage();
  let counters = { waiting: 1, inFlight: 0 };
  page.answerAll(({ type }) =>
    type === 'stats' ? { type: 'stats', stats: counters as never } : type === 'watch' ? undefined : { type: 'stored' },
  );
  const tracker = page.create();
  const numbers = ledger();
  tracker.use(numbers);
  await tasks();
  return {
    page,
    tracker,
    numbers,
    async track(count: number) {
      for (let i = 0; i < count; i++) tracker.track('a');
      await tasks();
    },
    tell: (answer: HostMessage) => page.posted.findLast(({ message }) => message.type === 'watch')!.answer(answer),
    queue: (waiting: number, inFlight = 0) => {
      counters = { waiting, inFlight };
    },
  };
}

/** Whether each number is in one place. */
function addsUp({ accepted, delivered, dropped, stored, held, untold }: TrackerLedger): boolean {
  const parts = [delivered, ...Object.values(dropped), stored, held, untold];
  return parts.reduce((sum, ranges) => sum + countRanges(ranges), 0) === accepted;
}

describe('the tracker’s ledger', () => {
  it('says of each number where it is', async () => {
    const { page, tracker, numbers, track, tell } = await setup();
    await track(6);
    tell({ type: 'fate', delivered: [1, 2, 5], dropped: [{ seq: 3, reason: 'refused' }] });
    page.stopAnswering();
    tracker.track('a');
    tracker.track('');
    tracker.track('a');
    await tasks();
    page.answerAll(({ type }) =>
      type === 'stats' ? { type, stats: { waiting: 2, inFlight: 0 } as never } : undefined,
    );

    const read = await numbers.read();

    expect(read).toEqual({
      source: (await tracker.stats()).page.source,
      accepted: 8,
      delivered: [
        [1, 2],
        [5, 5],
      ],
      dropped: { refused: [[3, 3]] },
      stored: [
        [4, 4],
        [6, 6],
      ],
      held: [[7, 8]],
      untold: [],
      refused: { invalid: 1 },
    } satisfies TrackerLedger);
    expect(addsUp(read)).toBe(true);
  });

  it('does not call delivered what has left the queue without a word', async () => {
    const { numbers, track, tell, queue } = await setup();
    await track(3);
    tell({ type: 'fate', delivered: [2] });
    queue(0);

    expect(await numbers.read()).toMatchObject({
      delivered: [[2, 2]],
      stored: [],
      untold: [
        [1, 1],
        [3, 3],
      ],
    });
  });

  it('takes the collector’s word for what the host had given up', async () => {
    const { numbers, track, tell } = await setup();
    await track(2);
    tell({ type: 'fate', dropped: [{ seq: 2, reason: 'expired' }] });
    tell({ type: 'fate', delivered: [2] });

    const read = await numbers.read();

    expect(read).toMatchObject({ delivered: [[2, 2]], dropped: {}, stored: [[1, 1]] });
    expect(addsUp(read)).toBe(true);
  });

  it('takes what is under way for stored', async () => {
    const { numbers, track, queue } = await setup();
    await track(3);
    queue(0, 3);

    expect(await numbers.read()).toMatchObject({ stored: [[1, 3]], untold: [] });
  });

  it('does not know what was tracked before it was used', async () => {
    const page = createFakePage();
    page.answerAll(({ type }) =>
      type === 'stats' ? { type, stats: { waiting: 9, inFlight: 0 } as never } : { type: 'stored' },
    );
    const tracker = page.create();
    const numbers = ledger();
    tracker.track('a');
    await tasks();
    tracker.use(numbers);
    tracker.track('a');
    await tasks();

    expect(await numbers.read()).toMatchObject({ accepted: 2, stored: [[2, 2]], untold: [[1, 1]] });
  });

  it.each([1, 4])('begins anew with the numbers, after %s events and a purge', async (before) => {
    const { tracker, numbers, track, tell } = await setup();
    await track(before);
    tell({ type: 'fate', delivered: [1] });
    const { source } = await numbers.read();

    await tracker.purge();
    const purged = await numbers.read();
    await track(2);
    const read = await numbers.read();

    expect(purged).toMatchObject({ accepted: 0, delivered: [], stored: [], held: [], untold: [] });
    expect(read).toMatchObject({ accepted: 2, delivered: [], stored: [[1, 2]] });
    expect(read.source).not.toBe(source);
  });

  it('adds up whatever order the host tells things in', async () => {
    const { numbers, track, tell, queue } = await setup();
    for (let round = 0; round < 20; round++) {
      await track(1 + (round % 5));
      const { accepted } = await numbers.read();
      tell({ type: 'fate', delivered: [accepted - 1, accepted].filter((seq) => seq > 0 && seq % 3 > 0) });
      tell({
        type: 'fate',
        dropped: [{ seq: accepted - (accepted % 3), reason: 'expired' as const }].filter(({ seq }) => seq),
      });
      queue(round % 2, round % 3);
      expect(addsUp(await numbers.read())).toBe(true);
    }
  });

  it('cannot be read before it is used', async () => {
    await expect(ledger().read()).rejects.toThrow('petrel/plugins/ledger: read() before tracker.use()');
  });
});
