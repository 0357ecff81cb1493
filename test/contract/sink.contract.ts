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
  /** What is stored of an event, where the store changes something of it. */
  expected?: (event: ReceivedEvent) => StoredEvent;
  /** The engine goes away, and comes back with what it had. Left out where there is nothing that could. */
  outage?: { begin(): Promise<void>; end(): Promise<void> };
  /** The engine hangs: it is there, and answers nothing. */
  hang?: { begin(): void; end(): void };
  /** Makes the store refuse this event for good, whatever else it takes. */
  poison?: (event: ReceivedEvent) => Promise<void>;
  /** What this sink does not promise; docs/sinks.md says so of each. */
  without?: readonly SinkGap[];
  dispose?: () => Promise<void> | void;
}

/** A part of the contract that a kind of store cannot keep. */
export type SinkGap =
  /** Its `duplicates` names only ids that are twice in the same call. Each id is in the store once nevertheless. */
  | 'telling duplicates'
  /** `has` answers that it knows of none. */
  | 'has'
  /** Two processes that are given the same event at the same time both write it; whoever reads tells them apart by id. */
  | 'sharing ids'
  /** The store has no order of arrival. */
  | 'order'
  /** It takes only ids that a tracker made. */
  | 'foreign ids';

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

const bySeq = (a: StoredEvent, b: StoredEvent) => a.seq - b.seq;
const seqsOf = (events: readonly StoredEvent[]) => events.map(({ seq }) => seq);
const asItIs = (event: ReceivedEvent): StoredEvent => event;

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
      const { sink, events, expected = asItIs } = await make();
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

      expect(await events()).toEqual([expected(whole)]);
    });

    it('stores an event of which little is known', async () => {
      const { sink, events, expected = asItIs } = await make();
      const bare = receivedEvent(1, { properties: {} });

      await sink.write([bare], []);

      expect(await events()).toEqual([expected(bare)]);
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
      const { sink, events, expected = asItIs } = await make();
      const far = [
        receivedEvent(Number.MAX_SAFE_INTEGER, { timestamp: 8.64e15, sentAt: -8.64e15 }),
        receivedEvent(1, { timestamp: -8.64e15, sentAt: 0 }),
      ];

      await sink.write(far, []);

      expect((await events()).sort(bySeq)).toEqual(far.map(expected).sort(bySeq));
    });

    it('stores an id once, and says which came again', async () => {
      const { sink, events, without = [] } = await make();

      const first = await sink.write(range(1, 3), []);
      const second = await sink.write([...range(2, 2), ...range(4, 4), ...range(3, 3)], []);

      const told = without.includes('telling duplicates') ? [] : [0, 2];
      expect([first.duplicates, second.duplicates]).toEqual([[], told]);
      expect(seqsOf((await events()).sort(bySeq))).toEqual([1, 2, 3, 4]);
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
      const { sink, events, without = [] } = await make();

      const results = await Promise.all(
        Array.from({ length: 8 }, (_, i) => sink.write(range(1 + 10 * i, 40 + 10 * i), [])),
      );

      const stored = await events();
      expect(new Set(stored.map(({ id }) => id)).size).toBe(110);
      expect(stored).toHaveLength(110);
      const accepted = results.reduce((sum, { duplicates }) => sum + 40 - duplicates.length, 0);
      if (without.includes('telling duplicates')) expect(accepted).toBeGreaterThanOrEqual(110);
      else expect(accepted).toBe(110);
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

    it('says which of some sequence numbers are stored', async ({ skip }) => {
      const { sink, without } = await make();
      if (without?.includes('has')) return skip('it cannot be asked');
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

    it('says so for as many as the collector asks at once', async ({ skip }) => {
      const { sink, without } = await make();
      if (without?.includes('has')) return skip('it cannot be asked');
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
      const { sink, again, events, without = [] } = await make();
      if (!again) return skip('its store lives in one object');
      await sink.write(range(1, 3), []);
      await sink.close();

      const next = await again();
      const { duplicates } = await next.write(range(3, 4), []);

      expect(duplicates).toEqual(without.includes('telling duplicates') ? [] : [0]);
      expect(await next.has([[SOURCE, 1, 9]])).toEqual(without.includes('has') ? [] : [[SOURCE, 1, 4]]);
      expect(await events()).toHaveLength(4);
      await next.close();
    });

    it('shares its store with another process that writes at the same time', async ({ skip }) => {
      const { sink, again, events, without = [] } = await make();
      if (!again) return skip('its store lives in one object');
      const other = await again();

      for (let i = 0; i < 20; i++) {
        await Promise.all([sink.write(range(i * 10, i * 10 + 9), []), other.write(range(i * 10 + 5, i * 10 + 14), [])]);
      }

      const stored = await events();
      if (!without.includes('sharing ids')) expect(stored).toHaveLength(205);
      expect(new Set(stored.map(({ id }) => id)).size).toBe(205);
      await other.close();
    });

    it('has stored a batch at the moment it says so', async () => {
      const { sink, events } = await make();

      for (let batch = 1; batch <= 5; batch++) {
        await sink.write([receivedEvent(batch)], []);
        expect(await events()).toHaveLength(batch);
      }
    });

    it('keeps the order of arrival', async ({ skip }) => {
      const { sink, events, without } = await make();
      if (without?.includes('order')) return skip('its store has none');

      await sink.write([receivedEvent(9), receivedEvent(2), receivedEvent(5)], []);
      await sink.write([receivedEvent(7), receivedEvent(1)], []);

      expect(seqsOf(await events())).toEqual([9, 2, 5, 7, 1]);
    });

    it('keeps numbers as large and as small as they come, and properties as deep and as long', async () => {
      const { sink, events, expected = asItIs } = await make();
      const numbers = [1.7976931348623157e308, -1.7976931348623157e308, 5e-324, 2 ** 53 - 1, 0.1, 1e21, -1];
      let deep: Json = 'bottom';
      for (let level = 1; level < 16; level++) deep = level % 2 ? { deep } : [deep];
      const event = receivedEvent(1, { properties: { numbers, deep, long: 'ü'.repeat(15_000), '': '', 'a.b': {} } });

      await sink.write([event], []);

      expect(await events()).toEqual([expected(event)]);
    });

    it('takes events of clients that number nothing, each id once', async ({ skip }) => {
      const { sink, events, without = [] } = await make();
      if (without.includes('foreign ids')) return skip('it sends on what trackers numbered');
      const ids = ['3f8e-"quoted"', 'b\\.5', '.', 'x.01', 'x.1', "o'clock"];
      const foreign = ids.map((id) => receivedEvent(0, { id }));

      await sink.write(foreign, []);
      await sink.write(foreign.slice(2), []);

      expect((await events()).map(({ id }) => id).sort()).toEqual([...ids].sort());
    });

    it('takes names and ids that are not whole Unicode, if need be with replacement characters', async () => {
      const { sink, events } = await make();
      const hostile = 'a\u0000b\ud800c';

      await sink.write([receivedEvent(1, { name: hostile, userId: hostile, context: { hostile } })], []);

      const [stored] = await events();
      for (const text of [stored?.name, stored?.userId, stored?.context?.hostile]) {
        expect(['a\u0000b\ud800c', 'a\ufffdb\ufffdc', 'a\u0000b\ufffdc']).toContain(text);
      }
    });

    it('takes as many writes at once as anybody makes', async () => {
      const { sink, events } = await make();

      const writes = Array.from({ length: 64 }, (_, i) => sink.write(range(1 + 50 * i, 50 + 50 * i), []));

      expect((await Promise.all(writes)).every(({ duplicates }) => duplicates.length === 0)).toBe(true);
      expect(await events()).toHaveLength(3200);
    });

    it('ends what is under way when it is closed, and takes nothing more', async () => {
      const { sink, events } = await make();
      const acknowledged: number[] = [];
      const writes = Array.from({ length: 10 }, (_, i) =>
        sink.write([receivedEvent(i + 1)], []).then(
          () => acknowledged.push(i + 1),
          () => {},
        ),
      );

      await sink.close();
      await Promise.all(writes);

      expect(seqsOf(await events())).toEqual(expect.arrayContaining(acknowledged));
      await expect(sink.write([receivedEvent(20)], [])).rejects.toMatchObject({ code: 'closed' });
      await expect(sink.has([[SOURCE, 1, 1]])).rejects.toMatchObject({ code: 'closed' });
    });

    it('rejects while the engine is away, and stores each id once when it is back', { timeout: 60_000 }, async ({
      skip,
    }) => {
      const { sink, events, outage } = await make();
      if (!outage) return skip('it has no engine that could be away');
      await sink.write(range(1, 5), []);

      await outage.begin();
      await expect(sink.write(range(4, 8), [])).rejects.toThrow();
      // What `/readyz` asks.
      await expect(sink.ready ? sink.ready() : sink.has([[SOURCE, 1, 1]])).rejects.toThrow();
      await outage.end();

      await untilItWorks(() => sink.write(range(4, 8), []));
      expect(seqsOf((await events()).sort(bySeq))).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    });

    it('can be closed while the engine hangs', { timeout: 60_000 }, async ({ skip }) => {
      const { sink, hang } = await make();
      if (!hang) return skip('it has no engine that could hang');
      await sink.write(range(1, 5), []);

      hang.begin();
      try {
        const write = sink.write(range(6, 8), []).catch((error: Error) => error);
        await sink.close();
        expect(await write).toBeInstanceOf(Error);
      } finally {
        hang.end();
      }
    });

    it('names the event that the store refuses for good, and stores the others', async ({ skip }) => {
      const { sink, events, poison } = await make();
      if (!poison) return skip('its store refuses none');
      await poison(receivedEvent(3));

      const { duplicates, rejected } = await sink.write(range(1, 5), []);

      expect(rejected).toEqual([{ index: 2, reason: expect.any(String) }]);
      expect(duplicates).toEqual([]);
      expect(seqsOf((await events()).sort(bySeq))).toEqual([1, 2, 4, 5]);
    });
  });
}

/** Until it succeeds: an engine that was away takes its time. */
async function untilItWorks(attempt: () => Promise<unknown>): Promise<void> {
  for (let tries = 0; ; tries++) {
    try {
      await attempt();
      return;
    } catch (error) {
      if (tries >= 200) throw error;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}
