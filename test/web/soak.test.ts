/**
 * An hour of a busy site, in seconds: pages come and go without a word, the collector is down for ten minutes of every twenty. The clock
 * is not real, everything else is: the engine, its store, and (as far as a database in JavaScript is one) IndexedDB.
 */
import 'fake-indexeddb/auto';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, it } from 'vitest';
import type { QueuedEvent } from '../../src/core/event.js';
import { createMemoryStore } from '../../src/core/memory-store.js';
import type { Store } from '../../src/core/store.js';
import { destinationId, type HostMessage } from '../../src/protocol.js';
import { isQueuedEvent } from '../../src/web/check-event.js';
import { createHostEngine, type HostEngineOptions } from '../../src/web/engine.js';
import { createIdbDatabase } from '../../src/web/idb-database.js';
import { createIdbStore } from '../../src/web/idb-store.js';
import { createLeader } from '../../src/web/leader.js';
import { createIdbMetaStore, createMemoryMetaStore } from '../../src/web/meta-store.js';
import { dumpDatabase } from '../support/database-dump.js';
import { createFakeClock } from '../support/fake-clock.js';
import { createFakeLocks } from '../support/fake-locks.js';
import { freshName } from './idb-store.fixture.js';

const MINUTE = 60_000;
const MAX_EVENTS = 500;
const CONFIG = {
  endpoint: 'https://collector.example/in',
  format: 'petrel',
  options: { maxEvents: MAX_EVENTS },
  version: 0,
};
const TO = destinationId(CONFIG);

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

function heapUsed(): number {
  for (let i = 0; i < 3; i++) collectGarbage();
  return process.memoryUsage().heapUsed;
}

/** A browser with pages, and a collector that is down for the second half of every twenty minutes. */
function browse(storage: Pick<HostEngineOptions, 'openStore' | 'meta'>, clock = createFakeClock()) {
  const began = clock.now();
  const locks = createFakeLocks();
  let requests = 0;
  const isDown = () => (clock.now() - began) % (20 * MINUTE) >= 10 * MINUTE;
  const open: string[] = [];
  const engine = createHostEngine({
    ...storage,
    kind: 'worker',
    clock,
    fetch: (async () => {
      requests++;
      if (isDown()) throw new TypeError('refused');
      return new Response(null, { status: 204 });
    }) as typeof fetch,
    lead: createLeader(locks as unknown as LockManager),
    clients: async () => open,
    awakeMs: 15_000,
  });
  const post = async (message: object, client: string, expected = 1) => {
    const answers: HostMessage[] = [];
    // A page that watches is told on and on: to keep that would be a leak of the test's own.
    const keep = (answer: HostMessage) => answers.length < expected && answers.push(answer);
    void engine.receive({ petrel: 1, to: TO, ...message }, keep, undefined, client);
    for (let i = 0; i < 500 && answers.length < expected; i++) await clock.settle();
    return answers;
  };
  let page = 0;
  let seq = 0;
  /** Ten events every four seconds; a new page every three minutes. `watch` looks in each minute. */
  async function spend(minutes: number, watch: () => Promise<void> | void = () => {}) {
    for (let tick = 0; tick < minutes * 15; tick++) {
      if (tick % 45 === 0) {
        page++;
        seq = 0;
        open.splice(0, open.length, `client-${page}`);
      }
      const source = `source-of-page-${page}`;
      const context = { url: `https://site.example/${page}` };
      const events = Array.from({ length: 10 }, () => [
        0,
        ++seq,
        clock.now(),
        `event ${seq % 7}`,
        { n: seq, text: 'x'.repeat(40) },
      ]);
      const config = seq === 10 ? CONFIG : undefined;
      if (config) await post({ type: 'watch', source, config }, open[0]!, 0);
      const answers = await post({ type: 'events', origins: [{ source, context }], events, config }, open[0]!);
      expect(answers).toMatchObject([{ type: 'stored' }]);
      await clock.advance(4_000);
      if (tick % 15 === 14) await watch();
    }
  }
  return { engine, clock, locks, spend, requests: () => requests, post };
}

it('keeps its memory flat', async () => {
  const stores = new Map<string, Store<QueuedEvent>>();
  const { engine, spend, requests } = browse({
    openStore(to) {
      const store = stores.get(to) ?? createMemoryStore<QueuedEvent>();
      stores.set(to, store);
      return { transact: store.transact, close() {} };
    },
    meta: createMemoryMetaStore(),
  });

  await spend(20);
  // What is kept grows in each of the parts; what the compiler and the collector of garbage do, does not.
  const grown: number[] = [];
  for (let part = 0; part < 3; part++) {
    const before = heapUsed();
    await spend(15);
    grown.push(heapUsed() - before);
  }

  expect(requests()).toBeGreaterThan(60);
  expect(Math.min(...grown), 'bytes in a quarter of an hour, in which 2 250 events went through').toBeLessThan(300_000);
  await engine.close();
}, 240_000);

it('keeps its database bounded, and leaves neither timer nor lock when it is closed', async () => {
  const name = freshName();
  const clock = createFakeClock();
  const database = createIdbDatabase({ name, clock });
  const { engine, locks, spend, post } = browse(
    {
      openStore: (queue) => createIdbStore({ database, queue, isEvent: isQueuedEvent }),
      meta: createIdbMetaStore(database),
    },
    clock,
  );
  const bytes: number[] = [];
  let waited = 0;

  await spend(60, async () => {
    const dump = await dumpDatabase(name);
    const records = dump.stores.records!.entries.map(([, value]) => value as { events: unknown[] });
    const events = records.reduce((sum, record) => sum + record.events.length, 0);
    expect(events).toBeLessThanOrEqual(MAX_EVENTS);
    waited = Math.max(waited, events);
    bytes.push(JSON.stringify(dump).length);
  });
  const [answer] = await post({ type: 'stats' }, 'client-1');

  expect(waited, 'the outages fill it').toBeGreaterThan(MAX_EVENTS * 0.9);
  const [first, ...later] = [0, 20, 40].map((minute) => Math.max(...bytes.slice(minute, minute + 20)));
  expect(Math.max(...later), 'its largest size, in bytes of JSON').toBeLessThan(first! * 1.15);
  expect(answer).toMatchObject({ type: 'stats', stats: { accepted: 9_000, batches: expect.any(Array) } });

  await engine.close();
  database.close();
  expect(clock.pending).toBe(0);
  expect({ held: locks.held, waiting: locks.waiting }).toEqual({ held: [], waiting: 0 });
  indexedDB.deleteDatabase(name);
}, 240_000);
