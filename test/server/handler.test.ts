import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createCollector } from '../../src/server/handler.js';
import type { CollectorOptions } from '../../src/server/options.js';
import { createMemorySink } from '../../src/server/sinks/memory.js';
import type { Sink } from '../../src/server/sinks/sink.js';
import {
  answerOf,
  columns,
  createGatedSink,
  gzip,
  isSettled,
  post,
  queued,
  refusalOf,
  rows,
  SOURCE,
  setUp,
  URL_OF_COLLECTOR,
} from './support.js';

describe('a batch that is posted', () => {
  it.each([
    ['rows', rows(queued(1, 3)), {}, ''],
    ['columns', columns(queued(1, 3)), {}, ''],
    ['gzip, said in the URL', gzip(columns(queued(1, 3))), {}, '?enc=gzip'],
    ['gzip, said in a header', gzip(rows(queued(1, 3))), { 'content-encoding': 'gzip' }, ''],
    ['gzip, not said at all', gzip(rows(queued(1, 3))), { 'content-type': 'application/octet-stream' }, ''],
    ['what a proxy has inflated on the way', rows(queued(1, 3)), { 'content-encoding': 'gzip' }, '?enc=gzip'],
    ['JSON', rows(queued(1, 3)), { 'content-type': 'application/json' }, ''],
    ['JSON under a form’s label', rows(queued(1, 3)), { 'content-type': 'application/x-www-form-urlencoded' }, ''],
    ['JSON after a byte order mark', `\ufeff${rows(queued(1, 3))}`, {}, ''],
  ])('is stored: %s', async (_, body, headers, query) => {
    const { collector, sink } = setUp();

    const answer = await answerOf(collector(post(body, headers, URL_OF_COLLECTOR + query)));

    expect(answer).toMatchObject({ accepted: 3, duplicates: 0, rejected: [] });
    expect([...sink.events.keys()]).toEqual([`${SOURCE}.1`, `${SOURCE}.2`, `${SOURCE}.3`]);
  });

  it('without a content type is stored', async () => {
    const { collector, sink } = setUp();
    const request = post(rows(queued(1, 3)));
    request.headers.delete('content-type');

    await answerOf(collector(request));

    expect(sink.events.size).toBe(3);
  });

  it('is stored with the times of sending and receiving, and the batch it came with', async () => {
    const { collector, sink, clock } = setUp();

    const answer = await answerOf(collector(post(columns(queued(5, 5), { batchId: 'b9', sentAt: 77 }))));

    expect(answer).toMatchObject({ batchId: 'b9', serverTime: clock.now() });
    expect(sink.events.get(`${SOURCE}.5`)).toMatchObject({
      batchId: 'b9',
      sentAt: 77,
      receivedAt: clock.now(),
      timestamp: 1_795_449_600_000,
      properties: { n: 5 },
    });
  });

  it('is answered only after the sink has committed', async () => {
    const { sink: memory } = setUp();
    const { sink, gates } = createGatedSink(memory);
    const { collector, clock } = setUp({ sink });

    const response = collector(post(rows(queued(1, 3))));
    await clock.settle();

    expect(gates).toHaveLength(1);
    expect(await isSettled(response)).toBe(false);
    gates[0]!('store');
    expect(await answerOf(response)).toMatchObject({ accepted: 3 });
  });

  it('is stored once when it comes again, and called duplicate', async () => {
    const { collector, sink } = setUp();
    await collector(post(rows(queued(1, 3))));

    const answer = await answerOf(collector(post(rows(queued(2, 5)))));

    expect(answer).toMatchObject({ accepted: 2, duplicates: 2 });
    expect(sink.events.size).toBe(5);
  });

  it('with the same event twice stores it once', async () => {
    const { collector, sink } = setUp();

    const answer = await answerOf(collector(post(rows([...queued(1, 2), ...queued(1, 2)]))));

    expect(answer).toMatchObject({ accepted: 2, duplicates: 2 });
    expect(sink.events.size).toBe(2);
  });

  it('with bad events in it loses those, and says which and why', async () => {
    const { collector, sink } = setUp();
    const events = queued(1, 5);
    events[1]!.name = '';
    events[3]!.timestamp = Number.NaN;

    const answer = await answerOf(collector(post(columns(events.filter((_, i) => i !== 3)))));

    expect(answer).toMatchObject({ accepted: 3, rejected: [{ id: `${SOURCE}.2`, index: 1, reason: 'bad-name' }] });
    expect([...sink.events.values()].map(({ seq }) => seq)).toEqual([1, 3, 5]);
  });

  it('of bad events alone is answered', async () => {
    const { collector } = setUp();

    const answer = await answerOf(
      collector(post(JSON.stringify({ petrel: 1, form: 'rows', sentAt: 1, origins: [], events: [1, []] }))),
    );

    expect(answer).toMatchObject({
      accepted: 0,
      rejected: [
        { id: '', index: 0, reason: 'bad-row' },
        { id: '', index: 1, reason: 'bad-origin' },
      ],
    });
  });

  it('with events that the sink will never take names them by their place in the request', async () => {
    const memory = createMemorySink();
    const picky: Sink = {
      ...memory,
      async write(events) {
        const rejected = [...events.keys()]
          .filter((i) => events[i]!.seq === 4)
          .map((index) => ({ index, reason: 'schema' }));
        await memory.write(
          events.filter(({ seq }) => seq !== 4),
          [],
        );
        return { duplicates: [], rejected };
      },
    };
    const { collector } = setUp({ sink: picky });
    const events = queued(1, 5);
    events[0]!.name = '';

    const answer = await answerOf(collector(post(rows(events))));

    expect(answer).toMatchObject({
      accepted: 3,
      rejected: [
        { id: `${SOURCE}.1`, index: 0, reason: 'bad-name' },
        { id: `${SOURCE}.4`, index: 3, reason: 'schema' },
      ],
    });
    expect(memory.events.size).toBe(3);
  });

  it('shares a batch with others that come at the same time', async () => {
    const memory = createMemorySink();
    const { sink, gates, writes } = createGatedSink(memory);
    const { collector, clock } = setUp({ sink, batch: { flushConcurrency: 1 } });
    const first = collector(post(rows(queued(1, 1))));
    await clock.settle();

    const others = [2, 3, 4].map((seq) => collector(post(rows(queued(seq, seq)))));
    await clock.settle();
    gates[0]!('store');
    await clock.settle();
    gates[1]!('store');

    for (const response of [first, ...others]) expect(await answerOf(response)).toMatchObject({ accepted: 1 });
    expect(writes.map((ids) => ids.length)).toEqual([1, 3]);
  });
});

describe('drops and carried events', () => {
  const drops = [{ source: SOURCE, first: 3, last: 9, reason: 'queue-full' as const }];

  it('stores drops, with events or alone', async () => {
    const { collector, sink, clock } = setUp();

    await answerOf(collector(post(rows([], { drops }))));
    await answerOf(collector(post(rows(queued(1, 1), { drops: [{ ...drops[0]!, reason: 'expired' }, ...drops] }))));

    expect(sink.drops).toEqual([
      { ...drops[0], receivedAt: clock.now() },
      { ...drops[0], reason: 'expired', receivedAt: clock.now() },
    ]);
  });

  it('does not acknowledge a batch whose drops are not stored', async () => {
    const memory = createMemorySink();
    const sink: Sink = {
      ...memory,
      write: (events, told) => (told.length > 0 ? Promise.reject(new Error('disk full')) : memory.write(events, told)),
    };
    const { collector } = setUp({ sink });

    expect(await refusalOf(collector(post(rows(queued(1, 1), { drops }))))).toMatchObject({
      status: 503,
      error: 'sink-failing',
    });
  });

  it('says which of the carried events it has', async () => {
    const { collector } = setUp();
    await collector(post(rows(queued(2, 4))));

    const answer = await answerOf(collector(post(rows([], { carried: [[SOURCE, 1, 9]] }))));

    expect(answer.has).toEqual([[SOURCE, 2, 4]]);
    expect(await answerOf(collector(post(rows([]))))).not.toHaveProperty('has');
  });

  it('answers 503 when it cannot say', async () => {
    const { collector, errors } = setUp({
      sink: { ...createMemorySink(), has: () => Promise.reject(new Error('no such table')) },
    });

    const refusal = await refusalOf(collector(post(rows([], { carried: [[SOURCE, 1, 9]] }))));

    expect(refusal).toMatchObject({ status: 503, error: 'sink-failing' });
    expect(errors).toMatchObject([{ message: 'no such table' }]);
  });
});

describe('the same event from two requests at once', () => {
  it('is stored once, and acknowledged to both when it is', async () => {
    const memory = createMemorySink();
    const { sink, gates, writes } = createGatedSink(memory);
    const { collector, clock } = setUp({ sink });

    const exit = collector(post(rows(queued(1, 2))));
    await clock.settle();
    const worker = collector(post(columns(queued(1, 2))));
    await clock.settle();

    expect(await isSettled(worker)).toBe(false);
    gates[0]!('store');
    expect(await answerOf(exit)).toMatchObject({ accepted: 2, duplicates: 0 });
    expect(await answerOf(worker)).toMatchObject({ accepted: 0, duplicates: 2 });
    expect(writes).toEqual([[`${SOURCE}.1`, `${SOURCE}.2`]]);
  });

  it('is acknowledged to neither while its commit fails', async () => {
    const memory = createMemorySink();
    const { sink, gates } = createGatedSink(memory);
    const { collector, clock } = setUp({ sink });
    const exit = collector(post(rows(queued(1, 2))));
    await clock.settle();
    const worker = collector(post(columns(queued(1, 2))));
    await clock.settle();

    gates[0]!('fail');
    await clock.settle();

    expect([await isSettled(exit), await isSettled(worker)]).toEqual([false, false]);
    await clock.advance(1_000);
    gates[1]!('store');
    expect(await answerOf(exit)).toMatchObject({ accepted: 2 });
    expect(await answerOf(worker)).toMatchObject({ duplicates: 2 });
  });

  it('is refused to a crowd of requests that bring it while the sink is slow, to save memory', async () => {
    const { sink, gates } = createGatedSink(createMemorySink());
    const { collector, clock } = setUp({ sink });

    const responses = Array.from({ length: 20 }, () => collector(post(rows(queued(1, 1)))));
    await clock.settle();
    gates[0]!('store');

    const statuses = (await Promise.all(responses)).map(({ status }) => status);
    expect(statuses.filter((status) => status === 200)).toHaveLength(16);
    expect(statuses.filter((status) => status === 429)).toHaveLength(4);
  });
});

describe('a sink that fails', () => {
  it('once is tried again, and the request waits', async () => {
    const memory = createMemorySink();
    const { sink, gates } = createGatedSink(memory);
    const { collector, clock, errors } = setUp({ sink });
    const response = collector(post(rows(queued(1, 3))));
    await clock.settle();

    gates[0]!('fail');
    await clock.advance(1_000);
    gates[1]!('store');

    expect(await answerOf(response)).toMatchObject({ accepted: 3 });
    expect(errors).toMatchObject([{ message: 'disk full' }]);
  });

  it('after storing is tried again, and stores nothing twice', async () => {
    const memory = createMemorySink();
    const { sink, gates } = createGatedSink(memory);
    const { collector, clock } = setUp({ sink });
    const response = collector(post(rows(queued(1, 3))));
    await clock.settle();

    gates[0]!('store-and-fail');
    await clock.advance(1_000);
    gates[1]!('store');

    expect(await answerOf(response)).toMatchObject({ accepted: 0, duplicates: 3 });
    expect(memory.events.size).toBe(3);
  });

  it('again and again sends everybody away with 503, and stores what was queued when it is back', async () => {
    const memory = createMemorySink();
    let broken = true;
    const sink: Sink = {
      ...memory,
      write: (...args) => (broken ? Promise.reject(new Error('disk full')) : memory.write(...args)),
    };
    const { collector, clock } = setUp({ sink });

    const early = collector(post(rows(queued(1, 3))));
    await clock.advance(1_900);
    expect(await isSettled(early)).toBe(false);
    await clock.advance(4_000);
    const late = collector(post(rows(queued(4, 6))));
    await clock.settle();

    for (const response of [early, late]) {
      const refusal = await refusalOf(response);
      expect(refusal).toMatchObject({ status: 503, error: 'sink-failing' });
      expect(refusal.headers.get('retry-after')).toBe('10');
    }
    expect(collector.state()).toMatchObject({ waitingEvents: 6 });
    broken = false;
    await clock.advance(10_000);
    expect(memory.events.size).toBe(6);
    expect(collector.state()).toEqual({ waitingEvents: 0, waitingBytes: 0, sinkFailures: 0 });
    expect(await answerOf(collector(post(rows(queued(1, 7)))))).toMatchObject({ accepted: 1, duplicates: 6 });
  });

  it('by hanging lets go of the requests in time, and is asked again', async () => {
    const memory = createMemorySink();
    const { sink, gates } = createGatedSink(memory);
    const { collector, clock } = setUp({ sink, ackTimeoutMs: 5_000, sinkTimeoutMs: 7_000 });
    const response = collector(post(rows(queued(1, 3))));

    await clock.advance(5_000);

    const refusal = await refusalOf(response);
    expect(refusal).toMatchObject({ status: 503, error: 'ack-timeout' });
    expect(refusal.headers.get('retry-after')).toBe('5');
    const retry = collector(post(rows(queued(1, 3))));
    await clock.advance(3_000);
    expect(gates).toHaveLength(2);
    gates[1]!('store');
    // New to this one: the request that was sent away does not know.
    expect(await answerOf(retry)).toMatchObject({ accepted: 3, duplicates: 0 });
    expect(memory.events.size).toBe(3);
  });

  it('for so long that events expire here takes them again when they come again', async () => {
    const memory = createMemorySink();
    let broken = true;
    const sink: Sink = {
      ...memory,
      write: (...args) => (broken ? Promise.reject(new Error('disk full')) : memory.write(...args)),
    };
    const { collector, clock } = setUp({ sink, batch: { maxAgeMs: 1_000 } });
    const response = collector(post(rows(queued(1, 3))));
    await clock.advance(60_000);
    expect(await refusalOf(response)).toMatchObject({ status: 503 });
    expect(collector.state().waitingEvents).toBe(0);

    broken = false;
    const again = collector(post(rows(queued(1, 3))));
    await clock.advance(10_000);
    const third = await answerOf(collector(post(rows(queued(1, 3)))));

    expect([200, 503]).toContain((await again).status);
    expect(third).toMatchObject({ accepted: 0, duplicates: 3 });
    expect(memory.events.size).toBe(3);
  });

  it('by throwing instead of rejecting is a sink that fails', async () => {
    const { collector, clock } = setUp({
      sink: {
        ...createMemorySink(),
        write: () => {
          throw new Error('bug');
        },
      },
    });
    const response = collector(post(rows(queued(1, 3))));

    await clock.advance(8_000);

    expect(await refusalOf(response)).toMatchObject({ status: 503 });
  });
});

describe('back-pressure', () => {
  it('refuses what has no room with 429, whole, before anything of it is taken', async () => {
    const memory = createMemorySink();
    const { sink, gates } = createGatedSink(memory);
    const { collector, clock } = setUp({ sink, limits: { maxEvents: 10 }, batch: { maxEvents: 12 } });
    const first = collector(post(rows(queued(1, 10))));
    await clock.settle();

    const refusal = await refusalOf(collector(post(rows(queued(11, 13)))));

    expect(refusal).toMatchObject({ status: 429, error: 'queue-full' });
    expect(refusal.headers.get('retry-after')).toBe('5');
    const fits = collector(post(rows(queued(11, 12))));
    const known = collector(post(rows(queued(1, 10))));
    for (let i = 0; i < 5; i++) {
      await clock.settle();
      gates[i]?.('store');
    }
    expect(await answerOf(first)).toMatchObject({ accepted: 10 });
    expect(await answerOf(fits)).toMatchObject({ accepted: 2 });
    expect(await answerOf(known)).toMatchObject({ duplicates: 10 });
    expect(memory.events.size).toBe(12);
  });

  it('counts bytes as well as events', async () => {
    const { sink } = createGatedSink(createMemorySink());
    const { collector, clock } = setUp({ sink, limits: { maxExpandedBytes: 131_072 }, batch: { maxBytes: 131_072 } });
    const large = (seq: number) => [{ ...queued(seq, seq)[0]!, properties: JSON.stringify({ x: 'x'.repeat(30_000) }) }];

    const taken = [1, 2, 3, 4].map((seq) => collector(post(rows(large(seq)))));
    await clock.settle();

    expect(collector.state().waitingEvents).toBe(4);
    expect(await refusalOf(collector(post(rows(large(5)))))).toMatchObject({ status: 429 });
    await clock.advance(60_000);
    await Promise.all(taken);
  });

  it('limits what is held of bodies that are still coming', async () => {
    const { collector } = setUp({ limits: { maxBodyBytes: 1_048_576, maxReadingBytes: 1_048_576 } });
    const open: ReadableStreamDefaultController<Uint8Array>[] = [];
    const slow = () =>
      new ReadableStream<Uint8Array>({
        start(controller) {
          open.push(controller);
          controller.enqueue(new Uint8Array(600_000).fill(0x20));
        },
      });

    const responses = [collector(post(slow())), collector(post(slow()))];

    expect(await refusalOf(responses[1]!)).toMatchObject({ status: 429, error: 'queue-full' });
    open[0]!.enqueue(new TextEncoder().encode(rows(queued(1, 1))));
    open[0]!.close();
    expect(await answerOf(responses[0]!)).toMatchObject({ accepted: 1 });
    expect(await answerOf(collector(post(' '.repeat(900_000) + rows(queued(2, 2)))))).toMatchObject({ accepted: 1 });
  });

  it('acknowledges nothing that is not stored, and each event to one request as new, whatever the sink does', {
    timeout: 60_000,
  }, async () => {
    const fates = fc.array(fc.constantFrom<'store' | 'store-and-fail' | 'fail'>('store', 'store-and-fail', 'fail'), {
      maxLength: 30,
    });
    const requests = fc.array(
      fc.record({
        first: fc.integer({ min: 1, max: 30 }),
        size: fc.integer({ min: 0, max: 9 }),
        waitMs: fc.nat(3_000),
      }),
      {
        minLength: 1,
        maxLength: 12,
      },
    );
    await fc.assert(
      fc.asyncProperty(fates, requests, async (script, plan) => {
        const memory = createMemorySink();
        const { sink, gates } = createGatedSink(memory);
        const { collector, clock } = setUp({
          sink,
          limits: { maxEvents: 10 },
          batch: { maxEvents: 20, maxBatchSize: 7 },
        });
        let next = 0;
        const openGates = () => {
          for (; next < gates.length; next++) gates[next]!(script[next] ?? 'store');
        };
        const responses: Promise<void>[] = [];
        let acceptedInAll = 0;
        for (const { first, size, waitMs } of plan) {
          const events = queued(first, first + size - 1);
          const check = async (response: Response) => {
            const stored = new Set(memory.events.keys());
            expect([200, 429, 503]).toContain(response.status);
            if (response.status !== 200) return;
            const { accepted, duplicates } = await response.json();
            expect(accepted + duplicates).toBe(events.length);
            for (const { seq } of events) expect(stored).toContain(`${SOURCE}.${seq}`);
            acceptedInAll += accepted;
          };
          responses.push(collector(post(rows(events))).then(check));
          await clock.settle();
          openGates();
          await clock.advance(waitMs);
        }
        for (let i = 0; i < 40; i++) {
          openGates();
          await clock.advance(2_000);
        }
        await Promise.all(responses);

        expect(acceptedInAll).toBeLessThanOrEqual(memory.events.size);
        if (!script.includes('store-and-fail') && !script.includes('fail'))
          expect(acceptedInAll).toBe(memory.events.size);
        expect(collector.state()).toMatchObject({ waitingEvents: 0, waitingBytes: 0 });
      }),
      { numRuns: 40 },
    );
  });
});

describe('closing', () => {
  it('stores what is queued, acknowledges it, refuses what comes, and closes the sink', async () => {
    const memory = createMemorySink();
    const { sink, gates } = createGatedSink(memory);
    const calls: string[] = [];
    const { collector, clock } = setUp({ sink: { ...sink, close: async () => void calls.push('closed') } });
    const queuedBefore = collector(post(rows(queued(1, 3))));
    await clock.settle();

    const closing = collector.close();
    const late = collector(post(rows(queued(4, 4))));
    gates[0]!('store');
    await closing;

    expect(await answerOf(queuedBefore)).toMatchObject({ accepted: 3 });
    const refusal = await refusalOf(late);
    expect(refusal).toMatchObject({ status: 503, error: 'closing' });
    expect(refusal.headers.get('retry-after')).toBe('5');
    expect(calls).toEqual(['closed']);
    await collector.close();
    expect(calls).toEqual(['closed']);
  });

  it('does not wait longer for the sink than it may, and acknowledges nothing then', async () => {
    const { sink } = createGatedSink(createMemorySink());
    const { collector, clock } = setUp({ sink, closeTimeoutMs: 3_000 });
    const response = collector(post(rows(queued(1, 3))));
    await clock.settle();

    const closing = collector.close();
    await clock.advance(3_000);
    await closing;

    expect(await refusalOf(response)).toMatchObject({ status: 503, error: 'closing' });
  });

  it('leaves no timer behind', async () => {
    const { collector, clock } = setUp();
    await collector(post(rows(queued(1, 3))));

    await collector.close();

    expect(clock.pending).toBe(0);
  });
});

describe('keys', () => {
  it('are asked for in the body, and any of several is good', async () => {
    const { collector, sink } = setUp({ keys: ['pk_old', 'pk_new'] });

    for (const [key, seq] of [
      ['pk_old', 1],
      ['pk_new', 2],
    ] as const) {
      await answerOf(collector(post(rows(queued(seq, seq), { key }))));
    }

    expect(sink.events.size).toBe(2);
  });

  it.each([
    ['no key', rows(queued(1, 1)), 'the body has no write key'],
    ['another key', rows(queued(1, 1), { key: 'pk_neW' }), 'the write key is not known'],
    ['a longer key', rows(queued(1, 1), { key: 'pk_new1' }), 'the write key is not known'],
    ['a key that is no string', '{"key":["pk_new"]}', 'the write key is not known'],
    ['no object', 'null', 'the body has no write key'],
  ])('are not satisfied by %s', async (_, body, message) => {
    const { collector, sink } = setUp({ keys: ['pk_old', 'pk_new'] });

    expect(await refusalOf(collector(post(body)))).toMatchObject({ status: 401, error: 'unknown-key', message });
    expect(sink.events.size).toBe(0);
  });
});

describe('paths and methods', () => {
  it('answers on its path alone, when it has one', async () => {
    const { collector } = setUp({ path: '/events' });

    expect(await answerOf(collector(post(rows(queued(1, 1)))))).toMatchObject({ accepted: 1 });
    expect(await refusalOf(collector(post(rows(queued(2, 2)), {}, 'https://collector.example/event')))).toMatchObject({
      status: 404,
      error: 'not-found',
    });
  });

  it.each(['GET', 'PUT', 'DELETE', 'PATCH'])('refuses %s, and says what is allowed', async (method) => {
    const { collector } = setUp();

    const refusal = await refusalOf(collector(new Request(URL_OF_COLLECTOR, { method })));

    expect(refusal).toMatchObject({ status: 405, error: 'method-not-allowed' });
    expect(refusal.headers.get('allow')).toBe('POST, OPTIONS');
  });

  it('tells a health check how the sink does', async () => {
    const { collector } = setUp({ path: '/events' });

    const response = await collector(new Request('https://collector.example/healthz'));

    expect(response.status).toBe(200);
    expect(await response.json()).toEqual({ status: 'ok', waitingEvents: 0, waitingBytes: 0, sinkFailures: 0 });
  });
});

describe('options', () => {
  const sink = createMemorySink();
  it.each<[object | null, string]>([
    [null, '`options` must be an object, not null'],
    [{}, '`sink` must be a Sink (no `write`), not undefined'],
    [{ sink: { write() {}, has() {} } }, '`sink` must be a Sink (no `close`), not an object'],
    [{ sink, port: 80 }, '`port` is not an option'],
    [{ sink, keys: [] }, '`keys` must be a list of one or more strings of 1 to 512 characters, not an array'],
    [{ sink, keys: 'pk' }, '`keys` must be a list of one or more strings of 1 to 512 characters, not "pk"'],
    [{ sink, keys: [''] }, '`keys` must be a list of one or more strings of 1 to 512 characters, not an array'],
    [{ sink, path: 'events' }, '`path` must be a path that begins with "/", not "events"'],
    [
      { sink, origins: 'https://a.example' },
      '`origins` must be "*", a function, or origins such as "https://shop.example", not "https://a.example"',
    ],
    [
      { sink, origins: ['https://a.example/'] },
      '`origins` must be "*", a function, or origins such as "https://shop.example", not "https://a.example/"',
    ],
    [
      { sink, limits: { maxBodyBytes: 0 } },
      '`limits.maxBodyBytes` must be a whole number from 1024 to 67108864, not 0',
    ],
    [{ sink, limits: { maxEvents: 1.5 } }, '`limits.maxEvents` must be a whole number from 1 to 100000, not 1.5'],
    [{ sink, limits: { maxBytes: 5 } }, '`limits.maxBytes` is not an option'],
    [{ sink, limits: 5 }, '`limits` must be an object, not 5'],
    [{ sink, batch: { maxBatchSize: 0 } }, '`maxBatchSize` must be a whole number from 1 to 10000, not 0'],
    [{ sink, batch: { size: 5 } }, '`size` is not an option'],
    [{ sink, batch: { maxEvents: 10 } }, '`batch.maxEvents` must be at least `limits.maxEvents` (10000), not 10'],
    [
      { sink, batch: { maxBytes: 5000 } },
      '`batch.maxBytes` must be at least `limits.maxExpandedBytes` (16777216), not 5000',
    ],
    [{ sink, ackTimeoutMs: 5 }, '`ackTimeoutMs` must be a whole number from 100 to 600000, not 5'],
    [{ sink, sinkTimeoutMs: '5' }, '`sinkTimeoutMs` must be a whole number from 100 to 600000, not "5"'],
    [{ sink, closeTimeoutMs: -1 }, '`closeTimeoutMs` must be a whole number from 0 to 600000, not -1'],
    [{ sink, onRequest: 5 }, '`onRequest` must be a function, not 5'],
    [{ sink, rates: 5 }, '`rates` must be an object, not 5'],
    [{ sink, rates: { perAddress: 0 } }, '`rates.perAddress` must be a whole number from 1 to 100000, not 0'],
    [{ sink, rates: { perKeyBurst: 5 } }, '`rates.perKeyBurst` means nothing without `rates.perKey`'],
    [{ sink, rates: { perPage: 5 } }, '`rates.perPage` is not an option'],
    [{ sink, privacy: { ip: 'hash' } }, '`privacy.ip` must be drop or truncate or keep, not "hash"'],
    [{ sink, privacy: { dnt: 'x' } }, '`privacy.dnt` is not an option'],
    [{ sink, trustProxy: 11 }, '`trustProxy` must be a whole number from 0 to 10, not 11'],
    [{ sink, metrics: 'short' }, '`metrics` must be "open", or a string of 16 to 512 characters'],
    [{ sink, onError: 5 }, '`onError` must be a function, not 5'],
  ])('are checked at once: %j', (options, message) => {
    expect(() => createCollector(options as CollectorOptions)).toThrow(
      expect.objectContaining({ code: 'invalid-option', message }),
    );
  });
});
