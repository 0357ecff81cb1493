import { describe, expect, it, vi } from 'vitest';
import type { Origin, QueuedEvent } from '../../src/core/event.js';
import { createMemoryStore } from '../../src/core/memory-store.js';
import type { Store } from '../../src/core/store.js';
import type { EventRow } from '../../src/core/wire.js';
import { expandBody } from '../../src/core/wire-expand.js';
import type { DestinationConfig, HostMessage } from '../../src/protocol.js';
import { destinationId } from '../../src/protocol.js';
import { createHostEngine, type Formats, type HostEngine, type HostEngineOptions } from '../../src/web/engine.js';
import { createLeader } from '../../src/web/leader.js';
import { createMemoryMetaStore } from '../../src/web/meta-store.js';
import { createPetrelEncoder } from '../../src/web/petrel-encoder.js';
import { createFakeClock } from '../support/fake-clock.js';
import { createFakeLocks } from '../support/fake-locks.js';
import { createFaultyStore } from '../support/faulty-store.js';

const SOURCE = 'source-of-page-1';
const ORIGIN: Origin = { source: SOURCE, context: { url: 'https://site.example/' } };

const configOf = (more: Partial<DestinationConfig> = {}): DestinationConfig => ({
  endpoint: 'https://collector.example/in',
  format: 'petrel',
  options: {},
  version: 0,
  ...more,
});

const CONFIG = configOf();
const TO = destinationId(CONFIG);

const row = (seq: number, name = `event ${seq}`, ...more: unknown[]): EventRow =>
  [0, seq, 1_700_000_000_000, name, ...more] as EventRow;

const events = (seqs: number[], more: object = {}) => ({
  petrel: 1,
  type: 'events',
  to: TO,
  origins: [ORIGIN],
  events: seqs.map((seq) => row(seq)),
  ...more,
});

/** An engine with a network that answers as told, and what outlives it when it is restarted. */
function setup(options: Partial<HostEngineOptions> = {}) {
  const clock = createFakeClock();
  const stores = new Map<string, Store<QueuedEvent>>();
  const meta = createMemoryMetaStore();
  const requests: { url: string; seqs: number[]; body: ReturnType<typeof expandBody> }[] = [];
  let respond: () => Response | Promise<Response> = () =>
    Response.json({ accepted: 0, duplicates: 0, rejected: [], serverTime: 0 });

  const fetch = async (url: string, { body }: RequestInit) => {
    const expanded = expandBody(JSON.parse(body as string));
    requests.push({ url, seqs: expanded.events.map(({ seq }) => seq), body: expanded });
    return respond();
  };
  const openStore = (to: string) => {
    const store = stores.get(to) ?? createMemoryStore<QueuedEvent>();
    stores.set(to, store);
    // A handle of its own each time, as with a database.
    return { transact: store.transact, close() {} } as Store<QueuedEvent>;
  };
  /** An engine in a process of its own: when that is killed, its timers and requests are no more. */
  const start = () => {
    const killed = new AbortController();
    const alive = <T>(value: T) => (killed.signal.aborted ? new Promise<never>(() => {}) : value);
    const started = createHostEngine({
      kind: 'worker',
      clock: {
        ...clock,
        setTimeout: (callback, ms) => clock.setTimeout(() => killed.signal.aborted || callback(), ms),
      },
      openStore,
      meta,
      fetch: (async (url: string, init: RequestInit) => alive(await alive(fetch(url, init)))) as never,
      lead: (_name, run) => run(),
      formats: { petrel: ({ key }, clock) => createPetrelEncoder({ clock, key }) },
      awakeMs: 15_000,
      ...options,
    });
    return { started, kill: () => killed.abort() };
  };
  let current = start();
  /** The engine that runs now. */
  const engine: HostEngine = {
    receive: (...message) => current.started.receive(...message),
    wakeAll: (online) => current.started.wakeAll(online),
    quiet: () => current.started.quiet(),
    close: () => current.started.close(),
  };
  /** The answers to a message; complete when everything that needs no time is done. */
  const post = async (message: unknown, visible?: () => Promise<boolean>, client?: string): Promise<HostMessage[]> => {
    const answers: HostMessage[] = [];
    void engine.receive(message, (answer) => answers.push(answer), visible, client);
    await clock.settle();
    return answers;
  };

  return {
    clock,
    meta,
    requests,
    engine,
    post,
    respond(how: typeof respond) {
      respond = how;
    },
    /** The worker was killed, and started again. */
    restart() {
      current.kill();
      current = start();
    },
    /** A second owner of the same queues: another tab, or the next version of the worker. */
    another: () => start().started,
    async stats() {
      const [answer] = await post({ petrel: 1, type: 'stats', to: TO });
      return (answer as Extract<HostMessage, { type: 'stats' }>).stats;
    },
  };
}

const down = () => Promise.reject(new TypeError('Failed to fetch'));

describe('the host engine', () => {
  it('stores, answers, and delivers when the batch is due', async () => {
    const { clock, post, requests } = setup();

    const answers = await post(events([1, 2], { config: CONFIG }));

    expect(answers).toEqual([{ type: 'stored', wakeInMs: 20_000 }]);
    expect(requests).toEqual([]);
    await clock.advance(5_000);
    expect(requests).toMatchObject([{ url: CONFIG.endpoint, seqs: [1, 2] }]);
    expect(requests[0]!.body.events[0]).toMatchObject({
      id: `${SOURCE}.1`,
      name: 'event 1',
      category: 'custom',
      timestamp: 1_700_000_000_000,
      context: { url: 'https://site.example/' },
    });
  });

  it('tells the collector with the next batch that a page is gone, and how far it came', async () => {
    const there = ['page-1'];
    const { post, requests, restart } = setup({ clients: async () => there });
    await post(events([1, 2], { config: CONFIG }), undefined, 'page-1');
    await post({ petrel: 1, type: 'flush', to: TO });
    there[0] = 'page-2';
    restart();

    await post(events([1], { origins: [{ source: 'source-of-page-2' }] }), undefined, 'page-2');
    await post({ petrel: 1, type: 'flush', to: TO });

    expect(requests.map(({ body }) => body.head.tails)).toEqual([undefined, [[SOURCE, 2, 1]]]);
  });

  it('asks for the configuration of a destination it does not know, and stores nothing', async () => {
    const { post, requests } = setup();

    expect(await post(events([1]))).toEqual([{ type: 'unknown' }]);
    expect(await post({ petrel: 1, type: 'stats', to: TO })).toEqual([{ type: 'unknown' }]);

    const [stored] = await post(events([2], { config: CONFIG }));
    expect(stored).toMatchObject({ type: 'stored' });
    await post({ petrel: 1, type: 'flush', to: TO });
    expect(requests).toMatchObject([{ seqs: [2] }]);
  });

  it('remembers the configuration over a restart', async () => {
    const { post, requests, restart } = setup();
    await post(events([1], { config: configOf({ options: { maxBatchSize: 3 } }) }));

    restart();
    await post(events([2, 3]));

    expect(requests).toMatchObject([{ seqs: [1, 2, 3] }]);
  });

  it('takes a repeated message once', async () => {
    const { clock, post, requests } = setup();
    await post(events([1, 2], { config: CONFIG }));
    await post(events([2, 3]));
    await clock.advance(5_000);
    await post(events([1, 2, 3]));
    await clock.advance(60_000);

    expect(requests.flatMap(({ seqs }) => seqs)).toEqual([1, 2, 3]);
  });

  it('keeps destinations apart', async () => {
    const { post, requests } = setup();
    const other = configOf({ key: 'k2', endpoint: 'https://other.example/in' });
    await post(events([1], { config: CONFIG }));
    await post(events([1, 2], { config: other, to: destinationId(other) }));

    await post({ petrel: 1, type: 'flush', to: TO });
    expect(requests).toMatchObject([{ url: 'https://collector.example/in', seqs: [1] }]);
    await post({ petrel: 1, type: 'flush', to: destinationId(other) });
    expect(requests[1]).toMatchObject({ url: 'https://other.example/in', seqs: [1, 2] });
    expect(requests[1]!.body.head.key).toBe('k2');
  });

  it('keeps the configuration with the higher version, whichever comes last', async () => {
    const { clock, post, requests } = setup();
    await post(events([1], { config: configOf({ version: 2, options: { maxBatchSize: 2 } }) }));
    await post(events([2], { config: configOf({ version: 1, options: { maxBatchSize: 50 } }) }));
    expect(requests).toMatchObject([{ seqs: [1, 2] }]);

    await post(events([3], { config: configOf({ version: 3, options: { maxBatchSize: 3 } }) }));
    await post(events([4]));
    expect(requests).toHaveLength(1);
    await post(events([5]));

    expect(requests[1]).toMatchObject({ seqs: [3, 4, 5] });
    await clock.advance(60_000);
    expect(requests).toHaveLength(2);
  });

  it('takes the page that came last at its word when nobody counts versions', async () => {
    const { post, requests } = setup();
    await post(events([1], { config: configOf({ options: { maxBatchSize: 50 } }) }));
    await post(events([2], { config: configOf({ options: { maxBatchSize: 2 } }) }));

    expect(requests).toMatchObject([{ seqs: [1, 2] }]);
  });

  it('says what is wrong with an option, and loses nothing for it', async () => {
    const { post, requests } = setup();
    const options = { maxBatchSize: 2, maxBatchAgeMs: -1, colour: 'red' };

    const answers = await post(events([1, 2], { config: configOf({ options }) }));

    expect(answers).toMatchObject([
      { type: 'error', code: 'invalid-option', message: expect.stringContaining('maxBatchAgeMs') },
      { type: 'error', code: 'invalid-option', message: expect.stringContaining('colour') },
      { type: 'stored' },
    ]);
    expect(requests).toMatchObject([{ seqs: [1, 2] }]);
  });

  it('leaves a format it does not know to a newer release', async () => {
    const { post, meta, clock, engine } = setup();
    const config = configOf({ format: 'of-tomorrow' });

    expect(await post(events([1], { config, to: destinationId(config) }))).toMatchObject([
      { type: 'error', code: 'invalid-option', message: expect.stringContaining('of-tomorrow') },
    ]);
    await meta.update(`config ${destinationId(config)}`, () => config);
    expect(await post(events([1], { config: CONFIG }))).toMatchObject([{ type: 'stored' }]);
    await clock.advance(10_000);
    expect(await engine.quiet()).toBeUndefined();
  });

  it('delivers by the courier of a format, also of one that is put in later', async () => {
    const delivered: number[] = [];
    const formats: Formats = {};
    const { post, clock } = setup({ formats });
    const config = configOf({ format: 'of-tomorrow' });
    const message = events([1, 2], { config, to: destinationId(config) });

    expect(await post(message)).toMatchObject([{ type: 'error' }]);
    formats['of-tomorrow'] = () => ({
      async deliver(batch) {
        delivered.push(...batch.events.map(({ seq }) => seq));
        return { kind: 'delivered' };
      },
    });
    expect(await post(message)).toMatchObject([{ type: 'stored' }]);
    await clock.advance(10_000);

    expect(delivered).toEqual([1, 2]);
  });

  it('drops a bad event with its reason, keeps its neighbours, and tells the collector', async () => {
    const { post, requests, stats } = setup();
    const cyclic: { self?: unknown } = {};
    cyclic.self = cyclic;

    const answers = await post({
      ...events([], { config: CONFIG }),
      events: [row(1), row(2, ''), row(3, 'cyclic', cyclic), row(4, 'long', { text: 'x'.repeat(40_000) }), row(5)],
    });

    expect(answers).toMatchObject([
      {
        type: 'stored',
        dropped: [
          { seq: 2, reason: 'invalid', detail: expect.stringContaining('name') },
          { seq: 3, reason: 'invalid', detail: expect.stringContaining('circular') },
          { seq: 4, reason: 'too-large', detail: '40015 bytes' },
        ],
      },
    ]);
    expect(await stats()).toMatchObject({
      accepted: 5,
      dropped: 3,
      waiting: 2,
      droppedByReason: { invalid: 2, 'too-large': 1 },
    });
    await post({ petrel: 1, type: 'flush', to: TO });
    expect(requests[0]).toMatchObject({ seqs: [1, 5] });
    expect(requests[0]!.body.head.drops).toEqual([
      { source: SOURCE, first: 2, last: 3, reason: 'invalid' },
      { source: SOURCE, first: 4, last: 4, reason: 'too-large' },
    ]);
  });

  it('counts a bad event once, however often it is posted', async () => {
    const { post, stats } = setup();
    const message = {
      ...events([], { config: CONFIG }),
      events: [row(1, ''), row(2)],
      drops: [[SOURCE, 3, 4, 'plugin']],
    };

    await post(message);
    await post(message);

    expect(await stats()).toMatchObject({ accepted: 4, waiting: 1, droppedByReason: { invalid: 1, plugin: 2 } });
  });

  it("passes the page's own drops on", async () => {
    const { post, requests } = setup();
    await post(events([3], { config: CONFIG, drops: [[SOURCE, 1, 2, 'sampled'], ['?', 1, 2, 'sampled'], 'nonsense'] }));
    await post({ petrel: 1, type: 'flush', to: TO });

    expect(requests[0]!.body.head.drops).toEqual([{ source: SOURCE, first: 1, last: 2, reason: 'sampled' }]);
  });

  it('sends critical events at once, and before the others', async () => {
    const { clock, post, requests } = setup();
    await post({
      ...events([], { config: CONFIG }),
      events: [row(1), row(2, 'pay', null, null, 'critical'), row(3, 'scroll', null, null, 'low')],
    });

    expect(requests).toMatchObject([{ seqs: [2] }]);
    await clock.advance(5_000);
    expect(requests.flatMap(({ seqs }) => seqs)).toEqual([2, 1, 3]);
  });

  it('asks about carried events before it sends any of them', async () => {
    const { clock, post, requests, respond } = setup();
    respond(() => Response.json({ accepted: 0, duplicates: 0, rejected: [], has: [[SOURCE, 1, 2]], serverTime: 0 }));

    await post(events([1, 2, 3], { config: CONFIG, carried: true }));
    await clock.advance(20_000);

    expect(requests[0]).toMatchObject({ seqs: [] });
    expect(requests[0]!.body.head.carried).toEqual([[SOURCE, 1, 3]]);
    expect(requests[1]).toMatchObject({ seqs: [3] });
    expect(requests).toHaveLength(2);
  });

  it('does not answer a hidden page', async () => {
    const { post, requests, clock } = setup();

    expect(await post(events([1], { config: CONFIG }), async () => false)).toEqual([]);

    await clock.advance(5_000);
    expect(requests).toMatchObject([{ seqs: [1] }]);
  });

  it('survives a page that is gone', async () => {
    const { engine, clock, requests } = setup();
    const gone = () => {
      throw new Error('the port is closed');
    };

    const received = engine.receive(events([1], { config: CONFIG }), gone, () => Promise.reject(new Error('gone')));
    await clock.advance(5_000);

    expect(await received).toBeUndefined();
    expect(requests).toHaveLength(1);
  });

  it('flushes when asked, and says what came of it', async () => {
    const { post, requests } = setup();
    await post(events([1, 2], { config: CONFIG }));

    expect(await post({ petrel: 1, type: 'flush', to: TO })).toEqual([
      { type: 'flushed', result: { delivered: 2, dropped: 0, remaining: 0 } },
    ]);
    expect(requests).toHaveLength(1);
  });

  it('tells of a pause, and when to wake it', async () => {
    const { clock, post, respond } = setup();
    respond(() => new Response('', { status: 429, headers: { 'retry-after': '60' } }));
    await post(events([1], { config: CONFIG }));
    await clock.advance(5_000);

    const [answer] = await post(events([2]));

    expect(answer).toMatchObject({ type: 'stored', paused: 'rate-limited' });
    expect((answer as { wakeInMs: number }).wakeInMs).toBeGreaterThanOrEqual(60_000);
    expect((answer as { wakeInMs: number }).wakeInMs).toBeLessThanOrEqual(66_000);
  });

  it('may sleep as soon as nothing is due in 15 s, and says when to wake it', async () => {
    const { clock, engine, respond, requests, post } = setup();
    respond(() => new Response('', { status: 429, headers: { 'retry-after': '60' } }));
    let sleeps: number | undefined | 'awake' = 'awake';
    void engine
      .receive(events([1], { config: CONFIG }), () => {})
      .then((due) => {
        sleeps = due;
      });

    await clock.advance(4_999);
    expect(sleeps).toBe('awake');
    await clock.advance(1);
    expect(sleeps).toBeGreaterThanOrEqual(60_000);

    respond(() => Response.json({}));
    await clock.advance(70_000);
    await post({ petrel: 1, type: 'wake', to: TO });
    expect(requests.map(({ seqs }) => seqs)).toEqual([[1], [1]]);
    expect(await engine.quiet()).toBeUndefined();
  });

  it('tries again soon when the network is back, but not before a Retry-After has passed', async () => {
    const online = { petrel: 1, type: 'wake', to: TO, online: true };
    const { clock, post, requests, respond } = setup();
    respond(down);
    await post(events([1], { config: configOf({ options: { maxRetries: 0, maxDelayMs: 300_000 } }) }));
    await clock.advance(5_000);
    const tried = requests.length;

    respond(() => new Response('', { status: 429, headers: { 'retry-after': '600' } }));
    await post(online);
    await clock.advance(1_000);
    expect(requests).toHaveLength(tried + 1);
    await post(online);
    await clock.advance(10_000);

    expect(requests).toHaveLength(tried + 1);
  });

  it('makes no attempt for a hidden page, which sends its configuration with each message for want of an answer', async () => {
    const { clock, post, requests, respond } = setup();
    respond(() => new Response(null, { status: 503 }));
    await post(events([1], { config: CONFIG }));
    await clock.advance(20_000);
    const asked = requests.length;

    for (let seq = 2; seq < 6; seq++) {
      await post(events([seq], { config: CONFIG, visible: false }), async () => false);
      await clock.advance(6_000);
    }

    // The long waits go on: none of them is cut.
    expect(requests.length - asked).toBeLessThanOrEqual(2);
    await post(events([9], { config: CONFIG }));
    await clock.advance(1_000);
    expect(requests.length - asked).toBeGreaterThan(0);
  });

  it('tells a watching page what became of its events, and what the host does', async () => {
    const { clock, post, engine, respond } = setup();
    const told: HostMessage[] = [];
    await post(events([1, 2, 3], { config: CONFIG }));
    void engine.receive({ petrel: 1, type: 'watch', to: TO, source: SOURCE }, (answer) => told.push(answer));
    void engine.receive({ petrel: 1, type: 'watch', to: TO, source: 'another-source' }, (answer) => told.push(answer));
    respond(() =>
      Response.json({
        accepted: 2,
        duplicates: 0,
        rejected: [{ id: `${SOURCE}.2`, reason: 'bad-name' }],
        serverTime: 0,
      }),
    );

    await clock.advance(5_000);

    expect(told).toContainEqual({ type: 'sent', seqs: [1, 2, 3] });
    expect(told).toContainEqual({ type: 'fate', delivered: [1, 3] });
    expect(told).toContainEqual({ type: 'fate', dropped: [{ seq: 2, reason: 'refused', detail: 'bad-name' }] });
    const states = told.flatMap((message) => (message.type === 'state' ? [message.state] : []));
    expect(states).toEqual(['sending', 'sending', 'idle', 'idle']);
  });

  it('tells in its counters which batches are on their way, how the last attempts ended, and who it is', async () => {
    const { clock, post, respond, stats } = setup();
    respond(() => Response.json({ error: 'busy' }, { status: 503 }));
    await post(events([1, 2], { config: CONFIG }));
    const storedAt = clock.now();
    expect(await stats()).toMatchObject({ batches: [], oldestAt: storedAt, host: { attempts: [] } });

    await clock.advance(5_000);

    const { batches, host, oldestAt } = await stats();
    expect(batches).toMatchObject([{ events: 2, attempt: host.attempts.length }]);
    expect(oldestAt).toBe(batches[0]!.createdAt);
    expect(host).toMatchObject({ kind: 'worker', version: '0.0.0-test' });
    expect(host.attempts[0]).toMatchObject({
      batch: batches[0]!.id,
      events: 2,
      attempt: 1,
      outcome: 'retry',
      detail: 'HTTP 503: busy',
    });
    await clock.advance(3_600_000);
    expect((await stats()).host.attempts).toHaveLength(10);
  });

  it('purges: nothing more leaves, and all of it is counted', async () => {
    const { clock, post, requests, stats } = setup();
    await post(events([1, 2], { config: CONFIG }));

    expect(await post({ petrel: 1, type: 'purge', to: TO })).toEqual([{ type: 'stored' }]);

    await clock.advance(60_000);
    expect(requests.flatMap(({ seqs }) => seqs)).toEqual([]);
    expect(await stats()).toMatchObject({ accepted: 2, droppedByReason: { consent: 2 }, waiting: 0 });
  });

  it('delivers what an earlier worker left, also to an endpoint no page uses any more', async () => {
    const { clock, post, requests, respond, restart } = setup();
    const old = configOf({ endpoint: 'https://old.example/in' });
    respond(down);
    await post(events([1], { config: old, to: destinationId(old) }));
    await clock.advance(5_000);

    restart();
    respond(() => Response.json({}));
    await post(events([1], { config: CONFIG }));
    await clock.advance(600_000);

    expect(requests.filter(({ url }) => url === CONFIG.endpoint)).toMatchObject([{ seqs: [1] }]);
    const late = requests.filter(({ url }) => url === old.endpoint);
    expect(late.length).toBeGreaterThan(1);
    expect(late.at(-1)).toMatchObject({ seqs: [1] });
  });

  it('shares its queues with another owner: each event goes once, and neither spins', async () => {
    const { clock, another, engine, post, requests } = setup({ lead: createLeader(createFakeLocks()) });
    const other = another();
    await post(events([1], { config: CONFIG }));
    void other.receive(events([2], { config: CONFIG }), () => {});
    await clock.settle();

    await clock.advance(60_000);

    expect(requests.flatMap(({ seqs }) => seqs).sort()).toEqual([1, 2]);
    expect(await engine.quiet()).toBeUndefined();
    expect(await other.quiet()).toBeUndefined();
    expect(clock.pending).toBe(0);
  });

  it('delivers without a page, at an alarm', async () => {
    const { clock, engine, post, requests, respond, restart } = setup();
    respond(down);
    await post(events([1], { config: configOf({ options: { maxRetries: 0, maxDelayMs: 300_000 } }) }));
    await clock.advance(5_000);
    const tried = requests.length;
    restart();
    respond(() => Response.json({}));

    const woken = engine.wakeAll(true);
    await clock.advance(2_000);

    expect(await woken).toBeUndefined();
    expect(requests).toHaveLength(tried + 1);
  });

  it('sets aside an event that cannot be encoded, and sends the others', async () => {
    const failing = {
      petrel: () => ({
        encode: ({ events }: { events: readonly QueuedEvent[] }) => {
          if (events.some(({ seq }) => seq === 3)) throw new SyntaxError('damaged');
          return {
            body: JSON.stringify({
              petrel: 1,
              form: 'rows',
              sentAt: 0,
              origins: [ORIGIN],
              events: events.map(({ seq, name }) => [0, seq, 0, name]),
            }),
            contentType: 'text/plain',
          };
        },
      }),
    };
    const { clock, post, requests, stats } = setup({ formats: failing });
    await post(events([1, 2, 3, 4, 5], { config: CONFIG }));
    await clock.advance(60_000);

    expect(requests.flatMap(({ seqs }) => seqs).sort()).toEqual([1, 2, 4, 5]);
    expect(await stats()).toMatchObject({ delivered: 4, dropped: 1, droppedByReason: { refused: 1 }, quarantined: 1 });
  });

  it('answers with the error when the store fails, and takes the events when it works again', async () => {
    const store = createFaultyStore(createMemoryStore<QueuedEvent>());
    const { clock, post, requests } = setup({ openStore: () => store });
    store.always({ kind: 'fail', code: 'store-unavailable' });
    expect(await post(events([1], { config: CONFIG }))).toMatchObject([{ type: 'error', code: 'store-unavailable' }]);

    store.always(undefined);
    expect(await post(events([1], { config: CONFIG }))).toMatchObject([{ type: 'stored' }]);

    await clock.advance(5_000);
    expect(requests.flatMap(({ seqs }) => seqs)).toEqual([1]);
  });

  it.each(['crash', 'crash-after-commit'] as const)(
    'delivers every event although the worker is killed (%s) in any one of its transactions',
    async (kind) => {
      let killed = 0;
      for (let transaction = 0; ; transaction++) {
        const store = createFaultyStore(createMemoryStore<QueuedEvent>());
        let handle = store;
        store.at(transaction, { kind });
        const { clock, post, requests, restart, stats } = setup({ openStore: () => handle });
        const message = events([1, 2, 3, 4, 5], { config: CONFIG, drops: [[SOURCE, 6, 7, 'sampled']] });
        const [answer] = await post(message);
        await post({ petrel: 1, type: 'flush', to: TO });
        await clock.advance(20_000);
        if (!store.dead) break; // all of them were tried
        killed++;

        handle = store.restart();
        restart();
        // What was not acknowledged is handed over again by the page, what was is the worker's.
        await post(answer?.type === 'stored' ? { petrel: 1, type: 'wake', to: TO } : message);
        await clock.advance(60_000);

        expect(new Set(requests.flatMap(({ seqs }) => seqs))).toEqual(new Set([1, 2, 3, 4, 5]));
        expect(await stats()).toMatchObject({ accepted: 7, delivered: 5, dropped: 2, waiting: 0, inFlight: 0 });
      }
      expect(killed).toBeGreaterThan(4);
    },
  );

  it('does not need to keep the configuration', async () => {
    const { clock, post, requests } = setup({
      meta: { read: async () => new Map(), update: () => Promise.reject(new Error('no')) },
    });
    expect(await post(events([1], { config: CONFIG }))).toMatchObject([{ type: 'stored' }]);
    expect(await post(events([2]))).toMatchObject([{ type: 'stored' }]);
    await clock.advance(5_000);
    expect(requests).toMatchObject([{ seqs: [1, 2] }]);
  });

  it('ignores damaged configurations it finds', async () => {
    const { meta, post } = setup();
    for (const [i, damaged] of [null, 'text', {}, { ...CONFIG, endpoint: 7 }, configOf({ key: 'other' })].entries()) {
      await meta.update(i % 2 ? `config ${TO}` : `config ${i}`, () => damaged);
    }

    expect(await post(events([1]))).toEqual([{ type: 'unknown' }]);
  });

  it('adds the ids of browser and visit to what it stores, and forgets them with a purge', async () => {
    const { clock, post, requests } = setup();
    await post(events([1], { config: CONFIG, origins: [{ ...ORIGIN, anonymousId: 'forged' }] }));
    await clock.advance(5_000);
    await post({ petrel: 1, type: 'purge', to: TO });
    await post(events([2]));
    await clock.advance(5_000);

    const [before, after] = requests.map(({ body }) => body.events[0]!);
    expect(before).toMatchObject({
      anonymousId: expect.stringMatching(/^id-/),
      sessionId: expect.stringMatching(/^id-/),
    });
    expect(after!.anonymousId).toMatch(/^id-/);
    expect(after!.anonymousId).not.toBe(before!.anonymousId);
  });

  it('makes up no id for a visitor who asks for privacy, unless the page says otherwise', async () => {
    const { clock, meta, post, requests } = setup({ gpc: () => true });
    const origin = (gpc?: boolean) => ({ source: `source-${gpc}`, context: { ...(gpc !== undefined && { gpc }) } });
    await post(events([1], { config: CONFIG, origins: [origin()] }));
    await post(events([2], { origins: [origin(true)] }));
    expect([...(await meta.read()).keys()]).toEqual([`config ${TO}`]);
    await post(events([3], { origins: [origin(false)] }));
    await clock.advance(5_000);

    const ids = requests.flatMap(({ body }) =>
      body.events.map(({ anonymousId, sessionId }) => [anonymousId, sessionId]),
    );
    expect(ids).toEqual([
      [undefined, undefined],
      [undefined, undefined],
      [expect.any(String), expect.any(String)],
    ]);
  });

  it('makes up and keeps no id where the site does without', async () => {
    const { clock, meta, post, requests } = setup();
    const answer = await post(
      events([1], {
        config: { ...CONFIG, options: { ...CONFIG.options, cookieless: true } },
        origins: [{ source: 'source-1' }],
      }),
    );
    await clock.advance(5_000);

    expect(answer).toMatchObject([{ type: 'stored' }]);
    expect([...(await meta.read()).keys()]).toEqual([`config ${TO}`]);
    const [event] = requests.flatMap(({ body }) => body.events);
    expect([event!.anonymousId, event!.sessionId]).toEqual([undefined, undefined]);
  });

  it('leaves messages alone that are not its own', async () => {
    const { engine } = setup();
    const reply = vi.fn();
    for (const data of [
      null,
      undefined,
      7,
      'petrel',
      [],
      {},
      { type: 'events' },
      { petrel: '1', type: 'wake' },
      { petrel: 1 },
    ]) {
      expect(await engine.receive(data, reply)).toBeUndefined();
    }
    expect(reply).not.toHaveBeenCalled();
  });

  it.each([
    ['a later protocol', { petrel: 2, type: 'wake', to: TO }],
    ['an unknown type', { petrel: 1, type: 'dance', to: TO }],
    ['no destination', { petrel: 1, type: 'wake' }],
    ['a huge destination', { petrel: 1, type: 'wake', to: 'x'.repeat(5_000) }],
    ['no events', { petrel: 1, type: 'events', to: TO, origins: [] }],
    ['events that are none', events([], { events: 'all', config: CONFIG })],
    ['more events than a page holds', events([], { events: new Array(20_001), config: CONFIG })],
    ['a watch without a source', { petrel: 1, type: 'watch', to: TO }],
    ['a configuration of another destination', events([1], { config: configOf({ key: 'other' }) })],
    ['a relative endpoint', events([1], { to: 'petrel /in ', config: configOf({ endpoint: '/in' }) })],
    [
      'an endpoint that is no web address',
      events([1], { to: 'petrel data:x ', config: configOf({ endpoint: 'data:x' }) }),
    ],
    ['options that are none', events([1], { config: configOf({ options: null as never }) })],
    ['a version that is none', events([1], { config: configOf({ version: Number.NaN }) })],
  ])('refuses %s, and stores nothing', async (_, message) => {
    const { post, clock, requests } = setup();

    expect(await post(message)).toMatchObject([{ type: 'error', code: 'invalid-message' }]);

    await clock.advance(60_000);
    expect(requests).toEqual([]);
  });

  it('stops when it is closed', async () => {
    const { clock, engine, post, requests } = setup();
    await post(events([1], { config: CONFIG }));

    await engine.close();

    await clock.advance(60_000);
    expect(requests).toEqual([]);
    expect(clock.pending).toBe(0);
  });

  it('stays awake for every message until the last event is delivered', async () => {
    const { clock, engine, requests } = setup();
    const slept: string[] = [];
    const asleep = (name: string, message: unknown) =>
      engine.receive(message, () => {}).then((dueInMs) => slept.push(`${name} ${dueInMs}`));
    void asleep('first', events([1], { config: CONFIG }));
    await clock.advance(4_999);

    void asleep('second', events([2, 3]));
    await clock.settle();
    expect(slept).toEqual([]);
    await clock.advance(1);

    expect(requests.map(({ seqs }) => seqs)).toEqual([[1, 2, 3]]);
    expect(slept).toEqual(['first undefined', 'second undefined']);
  });

  it('does no more for a message while a hundred others wait for their batch', async () => {
    const clock = createFakeClock();
    let looks = 0;
    const now = () => {
      looks++;
      return clock.now();
    };
    const { post } = setup({ clock: { ...clock, now } });
    await post(events([1], { config: { ...CONFIG, options: { maxBatchSize: 1_000 } } }));
    const looksFor = async (seq: number) => {
      const before = looks;
      await post(events([seq]));
      return looks - before;
    };
    const second = await looksFor(2);

    for (let seq = 3; seq <= 100; seq++) await post(events([seq]));

    expect(await looksFor(101)).toBe(second);
  });
});
