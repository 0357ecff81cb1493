import { describe, expect, it } from 'vitest';
import type { QueuedEvent } from '../../src/core/event.js';
import type { PrivacyOptions } from '../../src/server/privacy.js';
import { answerOf, post, queued, rows, SOURCE, setUp } from './support.js';

const ADDRESS = '192.0.2.77';
const who = { source: SOURCE, userId: 'u', anonymousId: 'a', sessionId: 's', groupId: 'g', context: { url: '/x' } };
const known = (first: number, last: number): QueuedEvent[] =>
  queued(first, last).map((event) => ({ ...event, origin: who }));

function send(privacy: PrivacyOptions | undefined, headers: Record<string, string> = {}, events = known(1, 2)) {
  const set = setUp(privacy && { privacy });
  const answer = answerOf(set.collector(post(rows(events), headers), { address: ADDRESS }));
  return { ...set, answer };
}

describe('the address of a visitor', () => {
  it('is not stored, unless one asks for it', async () => {
    const { sink, answer } = send(undefined);
    await answer;

    expect(JSON.stringify([...sink.events.values()])).not.toContain('192.0');
  });

  it.each([
    ['truncate', '192.0.2.0'],
    ['keep', ADDRESS],
  ] as const)('is stored in the context with `%s`', async (ip, stored) => {
    const { sink, answer } = send({ ip });
    await answer;

    const [first, second] = [...sink.events.values()];
    expect(first!.context).toEqual({ url: '/x', ip: stored });
    expect(second!.context).toBe(first!.context);
  });

  it('makes a context where there was none', async () => {
    const { sink, answer } = send({ ip: 'keep' }, {}, queued(1, 1));
    await answer;

    expect([...sink.events.values()][0]!.context).toEqual({ ip: ADDRESS });
  });

  it('is in the record of a request only as far as it is stored', async () => {
    const records: unknown[] = [];
    const onRequest = (record: unknown) => void records.push(record);

    for (const ip of ['drop', 'truncate', 'keep'] as const) {
      const { collector } = setUp({ onRequest, privacy: { ip } });
      await collector(post(rows(queued(1, 1))), { address: ADDRESS });
    }

    expect(JSON.stringify(records[0])).not.toContain('192.0');
    expect(records.slice(1)).toMatchObject([{ address: '192.0.2.0' }, { address: ADDRESS }]);
  });
});

describe('a visitor with Global Privacy Control', () => {
  const gpc = { 'sec-gpc': '1' };

  it('is counted, and not known again', async () => {
    const { sink, answer } = send({ ip: 'keep' }, gpc);

    expect(await answer).toMatchObject({ accepted: 2, rejected: [] });
    for (const event of sink.events.values()) {
      expect(event).not.toHaveProperty('userId');
      expect(event).not.toHaveProperty('anonymousId');
      expect(event).not.toHaveProperty('sessionId');
      expect(event.context).toEqual({ url: '/x', gpc: true });
      expect(event.groupId).toBe('g');
    }
  });

  it('is not identified: such events are rejected by their place, and their neighbours stored', async () => {
    const events = known(1, 3).map((event) => (event.seq === 2 ? { ...event, category: 'identify' as const } : event));
    const { sink, answer } = send(undefined, gpc, events);

    expect(await answer).toMatchObject({
      accepted: 2,
      rejected: [{ id: `${SOURCE}.2`, index: 1, reason: 'consent' }],
    });
    expect([...sink.events.values()].map(({ seq }) => seq)).toEqual([1, 3]);
  });

  it.each<[string, PrivacyOptions, Record<string, string>]>([
    ['`ignore`', { gpc: 'ignore' }, gpc],
    ['a header that does not say 1', {}, { 'sec-gpc': '0' }],
  ])('is as others with %s', async (_, privacy, headers) => {
    const { sink, answer } = send(privacy, headers);
    await answer;

    expect([...sink.events.values()][0]).toMatchObject({ userId: 'u', anonymousId: 'a', sessionId: 's' });
  });
});
