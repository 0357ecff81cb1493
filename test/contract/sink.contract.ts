import { afterEach, describe, expect, it } from 'vitest';
import { eventId, type Json } from '../../src/core/event.js';
import type { ReceivedDrop, ReceivedEvent, Sink } from '../../src/server/sinks/sink.js';

/** What is stored of an event, as far as every sink can give it back. */
export type StoredEvent = Omit<ReceivedEvent, 'context'> & { context?: { [key: string]: Json } | undefined };

export interface SinkFixture {
  /** A fresh, empty sink. */
  sink: Sink;
  /** What is stored, read past the sink, in order of arrival. */
  events(): Promise<StoredEvent[]>;
  drops(): Promise<ReceivedDrop[]>;
  /** Another sink over the same store, as the next process has it. Left out where the store lives in one object. */
  again?: () => Promise<Sink>;
  dispose?: () => Promise<void> | void;
}

export const SOURCE = 'AAAAAAAAAAAAAAAAAAAAAA';

export function receivedEvent(seq: number, more: Partial<ReceivedEvent> = {}): ReceivedEvent {
  const source = more.source ?? SOURCE;
  return {
    id: eventId(source, seq),
    source,
    seq,
    name: 'click',
    category: 'custom',
    timestamp: 1_795_449_600_000 + seq,
    sentAt: 1_795_449_601_000,
    receivedAt: 1_795_449_602_000,
    properties: { n: seq },
    ...more,
  };
}

const range = (first: number, last: number) =>
  Array.from({ length: last - first + 1 }, (_, i) => receivedEvent(first + i));

/** The promises of `Sink`, checked on one implementation. */
export function sinkContract(name: string, makeSink: () => Promise<SinkFixture> | SinkFixture): void {
  describe(`${name} keeps the sink contract`, () => {
    const fixtures: SinkFixture[] = [];
    const make = async () => {
      const fixture = await makeSink();
      fixtures.push(fixture);
      return fixture;
    };
    afterEach(async () => {
      for (const fixture of fixtures.splice(0)) {
        await fixture.sink.close();
        await fixture.dispose?.();
      }
    });

    it('stores an event with everything that is known of it', async () => {
      const { sink, events } = await make();
      const whole = receivedEvent(7, {
        name: 'Ünïcode 😀 "quoted" \'; DROP TABLE events; --',
        category: 'page',
        userId: 'user-1',
        anonymousId: 'anonymous-1',
        sessionId: 'session-1',
        groupId: 'group-1',
        batchId: 'batch-1',
        context: { url: 'https://shop.example/?a=1', campaign: { source: 'x' } },
        properties: { text: 'ß\n"', price: 1.5, nested: { list: [1, null, true] }, empty: '' },
      });

      await sink.write([whole], []);

      expect(await events()).toEqual([whole]);
    });

    it('stores an event of which little is known', async () => {
      const { sink, events } = await make();
      const bare = receivedEvent(1, { properties: {} });

      await sink.write([bare], []);

      expect(await events()).toEqual([bare]);
    });

    it('keeps keys that are dangerous elsewhere, and text that is not whole Unicode, as data', async () => {
      const { sink, events } = await make();
      const properties = JSON.parse(
        '{"__proto__":{"a":1},"constructor":"x","toString":null,"half":"\\ud800","nul":"\\u0000"}',
      );

      await sink.write([receivedEvent(1, { properties })], []);

      expect(JSON.stringify((await events())[0]!.properties)).toBe(JSON.stringify(properties));
    });

    it('stores times far from now and sequence numbers of any size', async () => {
      const { sink, events } = await make();
      const far = [
        receivedEvent(Number.MAX_SAFE_INTEGER, { timestamp: 8.64e15, sentAt: -8.64e15 }),
        receivedEvent(1, { timestamp: -8.64e15, sentAt: 0 }),
      ];

      await sink.write(far, []);

      expect(await events()).toEqual(far);
    });

    it('stores an id once, and says which came again', async () => {
      const { sink, events } = await make();

      const first = await sink.write(range(1, 3), []);
      const second = await sink.write([...range(2, 2), ...range(4, 4), ...range(3, 3)], []);

      expect([first.duplicates, second.duplicates]).toEqual([[], [0, 2]]);
      expect((await events()).map(({ seq }) => seq)).toEqual([1, 2, 3, 4]);
    });

    it('stores an id once that is twice in one batch; the first one wins', async () => {
      const { sink, events } = await make();

      const { duplicates } = await sink.write(
        [receivedEvent(1, { name: 'first' }), receivedEvent(1, { name: 'second' })],
        [],
      );

      expect(duplicates).toEqual([1]);
      expect((await events()).map((event) => event.name)).toEqual(['first']);
    });

    it('tells ids apart that look alike', async () => {
      const { sink, events } = await make();
      const alike = [
        receivedEvent(11, { source: 'aaaaaaaa' }),
        receivedEvent(1, { source: 'aaaaaaaa1' }),
        receivedEvent(11, { source: 'AAAAAAAA' }),
      ];

      const { duplicates } = await sink.write(alike, []);

      expect(duplicates).toEqual([]);
      expect(await events()).toHaveLength(3);
    });

    it('takes writes that overlap, and stores each id once', async () => {
      const { sink, events } = await make();

      const results = await Promise.all(
        Array.from({ length: 8 }, (_, i) => sink.write(range(1 + 10 * i, 40 + 10 * i), [])),
      );

      const stored = await events();
      expect(new Set(stored.map(({ id }) => id)).size).toBe(110);
      expect(stored).toHaveLength(110);
      expect(results.reduce((sum, { duplicates }) => sum + 40 - duplicates.length, 0)).toBe(110);
    });

    it('stores a batch of thousands', async () => {
      const { sink, events } = await make();

      await sink.write(range(1, 5000), []);

      expect(await events()).toHaveLength(5000);
    });

    it('stores drops, each once', async () => {
      const { sink, drops } = await make();
      const drop: ReceivedDrop = { source: SOURCE, first: 3, last: 9, reason: 'queue-full', receivedAt: 5 };

      await sink.write([], [drop, { ...drop, reason: 'expired' }]);
      await sink.write([receivedEvent(1)], [drop]);

      expect(await drops()).toEqual([{ ...drop, reason: 'expired' }, drop]);
    });

    it('says which of some sequence numbers are stored', async () => {
      const { sink } = await make();
      await sink.write([...range(2, 4), ...range(8, 8), receivedEvent(6, { source: 'BBBBBBBBBB' })], []);

      const stored = await sink.has([
        [SOURCE, 1, 9],
        [SOURCE, 3, 3],
        ['BBBBBBBBBB', 1, 5],
        ['BBBBBBBBBB', 6, 10_000],
      ]);

      expect(stored).toEqual([
        [SOURCE, 2, 4],
        [SOURCE, 8, 8],
        [SOURCE, 3, 3],
        ['BBBBBBBBBB', 6, 6],
      ]);
    });

    it('says so for as many as the collector asks at once', async () => {
      const { sink } = await make();
      await sink.write(range(1, 3000), []);
      const every = Array.from({ length: 5000 }, (_, i): [string, number, number] => [SOURCE, i + 1, i + 1]);

      expect(await sink.has([[SOURCE, 1, 10_000]])).toEqual([[SOURCE, 1, 3000]]);
      expect(await sink.has(every)).toEqual(every.slice(0, 3000));
      expect(await sink.has([])).toEqual([]);
    });

    it('may be closed twice', async () => {
      const { sink } = await make();

      await sink.close();
      await sink.close();
    });

    it('has after a restart what it had before, and knows it', async ({ skip }) => {
      const { sink, again, events } = await make();
      if (!again) return skip('its store lives in one object');
      await sink.write(range(1, 3), []);
      await sink.close();

      const next = await again();
      const { duplicates } = await next.write(range(3, 4), []);

      expect(duplicates).toEqual([0]);
      expect(await next.has([[SOURCE, 1, 9]])).toEqual([[SOURCE, 1, 4]]);
      expect(await events()).toHaveLength(4);
      await next.close();
    });

    it('shares its store with another process that writes at the same time', async ({ skip }) => {
      const { sink, again, events } = await make();
      if (!again) return skip('its store lives in one object');
      const other = await again();

      for (let i = 0; i < 20; i++) {
        await Promise.all([sink.write(range(i * 10, i * 10 + 9), []), other.write(range(i * 10 + 5, i * 10 + 14), [])]);
      }

      const stored = await events();
      expect(stored).toHaveLength(205);
      expect(new Set(stored.map(({ id }) => id)).size).toBe(205);
      await other.close();
    });
  });
}
