import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import Libsql from 'libsql';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createMemorySink } from '../../../src/server/sinks/memory.js';
import { createNatsSink, type NatsSinkOptions } from '../../../src/server/sinks/nats.js';
import { consumeNats, type NatsConsumer, type NatsConsumerOptions } from '../../../src/server/sinks/nats-consumer.js';
import type { Sink } from '../../../src/server/sinks/sink.js';
import { receivedEvent, sinkContract } from '../../contract/sink.contract.js';
import { compileServer, linkPackages } from '../../support/compile.js';
import { describeEngine } from '../../support/engines/describe-engine.js';
import { findNats, type Nats, startNats } from '../../support/engines/nats.js';
import { startStallingProxy } from '../../support/engines/stalling-proxy.js';
import { runScript } from '../../support/run-script.js';

const range = (first: number, last: number) =>
  Array.from({ length: last - first + 1 }, (_, i) => receivedEvent(first + i));

describeEngine('NATS', findNats(), (program) => {
  let nats: Nats;
  let streams = 0;
  const newStream = () => ({ stream: `S${++streams}`, subject: `s${streams}` });
  const toClose: { close(): Promise<void> }[] = [];
  beforeAll(async () => {
    nats = await startNats(program);
  }, 90_000);
  afterAll(() => nats?.dispose());
  afterEach(async () => {
    for (const one of toClose.splice(0).reverse()) await one.close();
  });

  const open = async (options: Partial<NatsSinkOptions>): Promise<Sink> => {
    const sink = await createNatsSink({ servers: nats.url, ackTimeoutMs: 1_000, ...options });
    toClose.push(sink);
    return sink;
  };
  const consume = async (options: Partial<NatsConsumerOptions> & { sink: Sink }): Promise<NatsConsumer> => {
    const consumer = await consumeNats({ servers: nats.url, retryMs: 20, ackWaitMs: 2_000, ...options });
    toClose.push(consumer);
    return consumer;
  };

  /** Until no consumer has anything left to do. */
  async function caughtUp(stream: string): Promise<void> {
    const connection = await connect({ servers: nats.url });
    try {
      const manager = await jetstreamManager(connection);
      for (;;) {
        let open = 0;
        for await (const { num_pending, num_ack_pending } of manager.consumers.list(stream)) {
          open += num_pending + num_ack_pending;
        }
        if (open === 0) return;
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    } finally {
      await connection.close();
    }
  }

  async function messagesIn(stream: string): Promise<number> {
    const connection = await connect({ servers: nats.url });
    try {
      return (await (await jetstreamManager(connection)).streams.info(stream)).state.messages;
    } finally {
      await connection.close();
    }
  }

  sinkContract('the NATS sink, with a consumer,', async () => {
    const place = newStream();
    const proxy = await startStallingProxy(nats.port);
    const servers = nats.url.replace(String(nats.port), String(proxy.port));
    const openSink = () => createNatsSink({ servers, ackTimeoutMs: 1_000, closeTimeoutMs: 300, ...place });
    const store = createMemorySink();
    const sink = await openSink();
    const consumer = await consumeNats({ servers: nats.url, sink: store, retryMs: 20, ackWaitMs: 2_000, ...place });
    return {
      sink,
      again: openSink,
      events: async () => {
        await caughtUp(place.stream);
        return [...store.events.values()];
      },
      drops: async () => {
        await caughtUp(place.stream);
        return [...store.drops].sort((a, b) => (a.reason < b.reason ? -1 : 1));
      },
      outage: { begin: nats.kill, end: nats.start },
      hang: proxy,
      without: ['telling duplicates', 'has'],
      async dispose() {
        await consumer.close();
        await proxy.close();
      },
    };
  });

  describe('the NATS sink', () => {
    it('stores a batch that is written again once in the stream, and says so', async () => {
      const place = newStream();
      const sink = await open(place);

      const first = await sink.write(range(1, 50), []);
      const second = await sink.write(range(1, 50), []);

      expect(first.duplicates).toEqual([]);
      expect(second.duplicates).toEqual([...range(1, 50).keys()]);
      expect(await messagesIn(place.stream)).toBe(1);
    });

    it('divides what is larger than the server takes, and rejects an event that is so alone', async () => {
      const place = newStream();
      const sink = await open(place);
      const store = createMemorySink();
      const large = (seq: number, length: number) => receivedEvent(seq, { properties: { x: 'x'.repeat(length) } });

      const { rejected } = await sink.write(
        [large(1, 700_000), large(2, 1_100_000), large(3, 700_000), large(4, 9)],
        [],
      );

      expect(rejected).toEqual([{ index: 1, reason: 'too-large' }]);
      expect(await messagesIn(place.stream)).toBe(2);
      await consume({ ...place, sink: store });
      await caughtUp(place.stream);
      expect([...store.events.values()].map(({ seq }) => seq)).toEqual([1, 3, 4]);
    });

    it('spreads sources over partitions, each with a consumer of its own', async () => {
      const place = newStream();
      const sink = await open({ ...place, partitions: 3 });
      const events = Array.from({ length: 300 }, (_, i) => receivedEvent(1 + (i % 5), { source: `source-${i % 60}` }));
      const stores = [createMemorySink(), createMemorySink(), createMemorySink()];

      await sink.write(events, []);
      await Promise.all(
        stores.map((store, partition) => consume({ ...place, sink: store, partition, durable: `p${partition}` })),
      );
      await caughtUp(place.stream);

      const sources = stores.map((store) => new Set([...store.events.values()].map(({ source }) => source)));
      expect(sources.every(({ size }) => size > 5)).toBe(true);
      expect(sources.reduce((sum, { size }) => sum + size, 0)).toBe(60);
    });

    it('brings drops, tails and repeats to the ledger of the store', async () => {
      const place = newStream();
      const sink = await open(place);
      const store = createMemorySink();
      const { source } = receivedEvent(1);
      await sink.write([receivedEvent(1)], [{ source, first: 2, last: 3, reason: 'expired', receivedAt: 5 }], {
        tails: [{ source, last: 4, closed: true, receivedAt: 5 }],
        repeated: 7,
      });

      await consume({ ...place, sink: store });
      await caughtUp(place.stream);

      expect(store.drops).toMatchObject([{ first: 2, last: 3, reason: 'expired' }]);
      expect(await store.ledger?.source(source)).toMatchObject({ ended: 4, dropped: { expired: [[2, 3]] } });
    });

    it('fails when the stream is full, and throws nothing away', async () => {
      const place = newStream();
      const sink = await open({ ...place, maxStreamBytes: 1_048_576 });
      let stored = 0;

      const fill = async () => {
        for (; stored < 100; stored++) {
          await sink.write([receivedEvent(stored + 1, { properties: { x: 'x'.repeat(100_000) } })], []);
        }
      };

      await expect(fill()).rejects.toThrow(/maximum bytes exceeded/);
      expect(await messagesIn(place.stream)).toBe(stored);
      const store = createMemorySink();
      await consume({ ...place, sink: store });
      await caughtUp(place.stream);
      await sink.write([receivedEvent(100)], []);
      await caughtUp(place.stream);
      expect(store.events.size).toBe(stored + 1);
    });

    it('refuses a stream that is somebody else’s', async () => {
      const { stream } = newStream();
      await open({ stream, subject: 'theirs' });

      await expect(open({ stream, subject: 'ours' })).rejects.toMatchObject({
        code: 'store-unavailable',
        message: `the stream ${stream} cannot be used: it is there, and takes theirs.* instead of ours.*`,
      });
    });

    it('says why it cannot connect', async () => {
      await expect(createNatsSink({ servers: 'nats://127.0.0.1:1' })).rejects.toMatchObject({
        code: 'store-unavailable',
        message: expect.stringMatching(/^the stream PETREL cannot be used: .+/),
      });
    });
  });

  describe('the NATS consumer', () => {
    it('gives a message out again until its store takes it', async () => {
      const place = newStream();
      const store = createMemorySink();
      const errors: unknown[] = [];
      let failures = 3;
      const faulty: Sink = {
        ...store,
        write: async (...batch) => {
          const result = await store.write(...batch);
          // Stored, and not told: the hardest of failures.
          if (failures-- > 0) throw new Error('the store is away');
          return result;
        },
      };
      await (await open(place)).write(range(1, 10), []);

      const consumer = await consume({ ...place, sink: faulty, onError: (error) => errors.push(error) });
      await caughtUp(place.stream);

      expect(store.events.size).toBe(10);
      expect(errors).toHaveLength(3);
      expect(consumer.state()).toMatchObject({ stored: 0, duplicates: 10, redelivered: 3 });
    });

    it('takes a message that is no JSON off the stream and hands it over, and keeps one of a later release', async () => {
      const place = newStream();
      await open(place);
      const unreadable: (string | undefined)[] = [];
      const connection = await connect({ servers: nats.url });
      connection.publish(`${place.subject}.0`, 'rubbish');
      connection.publish(`${place.subject}.0`, '{"petrel":2,"events":"compressed"}');
      await connection.drain();

      const consumer = await consume({
        ...place,
        sink: createMemorySink(),
        onError: (_, data) => unreadable.push(data),
      });
      while ((await messagesIn(place.stream)) > 1) await new Promise((resolve) => setTimeout(resolve, 20));

      expect(unreadable).toEqual(['rubbish']);
      expect(consumer.state()).toMatchObject({ unreadable: 1, stored: 0 });
    });

    it('loses and doubles nothing when server and consumer are killed under load', { timeout: 120_000 }, async () => {
      const place = newStream();
      const folder = mkdtempSync(join(tmpdir(), 'petrel-nats-consumer-'));
      toClose.push({ close: async () => rmSync(folder, { recursive: true, force: true }) });
      compileServer(folder);
      linkPackages(folder);
      const path = join(folder, 'events.db');
      const script = `
        import { consumeNats } from './src/server/sinks/nats-consumer.js';
        import { createSqliteSink } from './src/server/sinks/sqlite.js';
        const [, servers, place, path] = process.argv;
        const sink = await createSqliteSink({ path });
        await consumeNats({ servers, ...JSON.parse(place), sink, ackWaitMs: 1000, maxBatchEvents: 100, retryMs: 20 });
        process.send('consuming');
      `;
      const start = async () => {
        const running = await runScript(folder, script, nats.url, JSON.stringify(place), path);
        toClose.push({ close: async () => running.kill() });
        return running;
      };
      const sink = await open(place);
      const count = () => {
        const db = new Libsql(path);
        const [row] = db.prepare('SELECT count(*) AS n, count(DISTINCT id) AS ids FROM events').all();
        db.close();
        return row;
      };
      let consumer = await start();

      let attempts = 0;
      const total = 400;
      for (let batch = 0; batch < total; batch++) {
        if (batch === 100 || batch === 300) {
          consumer.kill();
          consumer = await start();
        }
        if (batch === 200) {
          await nats.kill();
          // What is under way in this moment is stored or not; nobody knows.
          setTimeout(() => void nats.start(), 200);
        }
        for (;;) {
          attempts++;
          try {
            await sink.write(range(1 + batch * 20, 20 + batch * 20), []);
            break;
          } catch {
            await new Promise((resolve) => setTimeout(resolve, 50));
          }
        }
      }
      await caughtUp(place.stream);

      expect(attempts).toBeGreaterThan(total);
      expect(count()).toEqual({ n: total * 20, ids: total * 20 });
    });
  });
});

describe('the NATS sink, before it connects', () => {
  it.each([
    [{ servers: [] }, /`servers` must be a server such as/],
    [{ servers: 'x', stream: 'a b' }, /`stream` must match/],
    [{ servers: 'x', subject: 'a.>' }, /`subject` must match/],
    [{ servers: 'x', retention: 'interest' }, /`retention` must be "workqueue" or "limits", not "interest"/],
    [{ servers: 'x', partitions: 0 }, /`partitions` must be a whole number from 1 to 1000, not 0/],
    [{ servers: 'x', replicas: 9 }, /`replicas` must be a whole number from 1 to 5, not 9/],
  ])('refuses the options %j', async (options, message) => {
    await expect(createNatsSink(options as never)).rejects.toThrow(message);
  });

  it('refuses the options of a consumer', async () => {
    const consume = (options: object) => consumeNats({ servers: 'x', sink: createMemorySink(), ...options });

    await expect(consume({ partition: -1 })).rejects.toThrow(
      /`partition` must be a whole number from 0 to 999, not -1/,
    );
    await expect(consume({ maxPending: 0 })).rejects.toThrow(/`maxPending` must be a whole number from 1 to 10000/);
  });
});
