import { describe, expect, it } from 'vitest';
import type { RequestRecord } from '../../src/server/request-record.js';
import type { Sink } from '../../src/server/sinks/sink.js';
import { readOpenMetrics } from './openmetrics.js';
import { answerOf, createGatedSink, post, queued, refusalOf, rows, setUp, URL_OF_COLLECTOR } from './support.js';

const TOKEN = 'a-token-of-some-length';
const get = (path: string, headers: Record<string, string> = {}) =>
  new Request(`https://collector.example${path}`, { headers });
const body = (first: number, last = first, key?: string) => rows(queued(first, last), key === undefined ? {} : { key });

describe('readiness', () => {
  const ask = async (collector: (request: Request) => Promise<Response>) => {
    const response = await collector(get('/readyz'));
    return [response.status, ((await response.json()) as { status: string }).status];
  };

  it('is said while the sink answers', async () => {
    const { collector } = setUp();

    expect(await ask(collector)).toEqual([200, 'ready']);
  });

  it('ends when the collector is told to drain, while it still serves', async () => {
    const { collector } = setUp();

    collector.drain();

    expect(await ask(collector)).toEqual([503, 'draining']);
    expect(await answerOf(collector(post(body(1))))).toMatchObject({ accepted: 1 });
    expect((await collector(get('/healthz'))).status).toBe(200);
  });

  it('ends when the sink fails or hangs, comes back with it, and is not asked for more than once a second', async () => {
    const { sink: memory } = setUp();
    let has: Sink['has'] = memory.has;
    let asked = 0;
    const sink: Sink = {
      ...memory,
      has: (ranges) => {
        asked++;
        return has(ranges);
      },
    };
    const { collector, clock } = setUp({ sink });
    expect(await ask(collector)).toEqual([200, 'ready']);
    has = () => {
      throw new Error('gone');
    };

    expect(await ask(collector)).toEqual([200, 'ready']);
    await clock.advance(1_000);
    expect(await ask(collector)).toEqual([503, 'sink-failing']);
    has = () => new Promise(() => {});
    await clock.advance(1_000);
    const answer = ask(collector);
    await clock.advance(900);
    expect(await answer).toEqual([503, 'sink-failing']);
    has = memory.has;
    await clock.advance(1_000);
    expect(await ask(collector)).toEqual([200, 'ready']);
    expect(asked).toBe(4);
  });

  it('is the sink’s own to say, where it can', async () => {
    const { sink: memory } = setUp();
    let away = true;
    const ready = async () => {
      if (away) throw new Error('the server is away');
    };
    const { collector, clock } = setUp({ sink: { ...memory, ready } });

    expect(await ask(collector)).toEqual([503, 'sink-failing']);
    away = false;
    await clock.advance(1_000);
    expect(await ask(collector)).toEqual([200, 'ready']);
  });

  it('ends while events wait for a sink that does not store, although it can be read', async () => {
    const { sink: memory } = setUp();
    let fails = true;
    const sink: Sink = {
      ...memory,
      write: async (...args) => {
        if (fails) throw new Error('read-only');
        return memory.write(...args);
      },
    };
    const { collector, clock } = setUp({ sink });
    const refused = collector(post(body(1)));
    await clock.advance(3_000);

    expect((await refused).status).toBe(503);
    expect(await ask(collector)).toEqual([503, 'sink-failing']);
    fails = false;
    await clock.advance(10_000);
    expect(await ask(collector)).toEqual([200, 'ready']);
  });
});

describe('the id of a request', () => {
  it('is taken over from the proxy, and is in the answer and the record', async () => {
    const records: RequestRecord[] = [];
    const { collector } = setUp({ onRequest: (record) => records.push(record) });

    const { headers } = await collector(post(body(1), { 'x-request-id': 'abc-1' }));

    expect(headers.get('x-request-id')).toBe('abc-1');
    expect(headers.get('access-control-expose-headers')).toContain('X-Request-Id');
    expect(records).toMatchObject([{ id: 'abc-1', status: 200 }]);
  });

  it.each([undefined, '', 'with space', 'ü', '"quoted"', 'x'.repeat(129)])(
    'is made where it has none to use: %s',
    async (given) => {
      const { collector } = setUp();
      const request = () => post(body(1), given === undefined ? {} : { 'x-request-id': given });

      const ids = [await collector(request()), await collector(request())].map(({ headers }) =>
        headers.get('x-request-id'),
      );

      expect(ids[0]).toMatch(/^[\w-]+$/);
      expect(ids[1]).not.toBe(ids[0]);
      expect(ids).not.toContain(given);
    },
  );

  it('is in every answer, whatever it is', async () => {
    const { collector } = setUp({ metrics: 'open' });
    const requests = [
      post('nonsense'),
      get('/healthz'),
      get('/metrics'),
      get('/nowhere'),
      new Request(URL_OF_COLLECTOR, { method: 'OPTIONS' }),
    ];

    for (const request of requests) expect((await collector(request)).headers.get('x-request-id')).toMatch(/\w/);
  });
});

describe('the record of a request', () => {
  it('says what became of it, and nothing of what was in it', async () => {
    const records: RequestRecord[] = [];
    const { collector, clock } = setUp({ keys: ['k'], onRequest: (record) => records.push(record) });
    await collector(post(body(1, 2, 'k'), { origin: 'https://shop.example' }));
    await collector(post(body(2, 3, 'k')));
    await collector(post(body(1, 1, 'guess')));
    await clock.settle();

    expect(records).toEqual([
      {
        id: expect.any(String),
        method: 'POST',
        path: '/events',
        origin: 'https://shop.example',
        key: 'k',
        status: 200,
        ms: 0,
        accepted: 2,
        duplicates: 0,
        rejected: 0,
      },
      expect.objectContaining({ accepted: 1, duplicates: 1 }),
      { id: expect.any(String), method: 'POST', path: '/events', status: 401, ms: 0, error: 'unknown-key' },
    ]);
  });
});

describe('the metrics', () => {
  const read = async (collector: (request: Request) => Promise<Response>, headers = {}) => {
    const response = await collector(get('/metrics', headers));
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toBe('application/openmetrics-text; version=1.0.0; charset=utf-8');
    return readOpenMetrics(await response.text());
  };
  const values = (families: Awaited<ReturnType<typeof read>>, name: string) =>
    Object.fromEntries(
      families.get(name)!.samples.map(({ labels, value }) => [Object.values(labels).join(' '), value]),
    );

  it('are OpenMetrics from the first request on', async () => {
    const { collector } = setUp({ metrics: 'open' });

    const families = await read(collector);

    for (const [name, { help }] of families) {
      expect(name).toMatch(/^petrel_[a-z_]+$/);
      expect(help).toMatch(/^[A-Z1].*\.$/);
    }
    expect(values(families, 'petrel_waiting_events')).toEqual({ '': 0 });
  });

  it('count requests, events, bytes and writes', async () => {
    const { collector } = setUp({ metrics: 'open', keys: ['k'] });
    const first = body(1, 3, 'k');
    await collector(post(first));
    await collector(post(body(3, 4, 'k')));
    await collector(post(body(5)));
    await collector(post(rows([{ ...queued(6, 6)[0]!, name: '' }], { key: 'k' })));
    await collector(post('nonsense'));

    const families = await read(collector);

    expect(values(families, 'petrel_requests')).toEqual({ 200: 3, '401 unknown-key': 1, '400 invalid-json': 1 });
    expect(values(families, 'petrel_events')).toEqual({ accepted: 4, duplicate: 1, rejected: 1 });
    expect(values(families, 'petrel_sink_writes')).toEqual({ stored: 2, failed: 0 });
    expect(values(families, 'petrel_body_bytes')['']).toBeGreaterThan(first.length);
    expect(values(families, 'petrel_request_seconds')).toMatchObject({ '+Inf': 5 });
  });

  it('tell what waits, for how long the sink takes, and that it fails', async () => {
    const { sink: memory } = setUp();
    const { sink, gates } = createGatedSink(memory);
    const { collector, clock } = setUp({ metrics: 'open', sink });
    const answer = collector(post(body(1, 3)));
    await clock.settle();

    expect(values(await read(collector), 'petrel_waiting_events')).toEqual({ '': 3 });
    await clock.advance(700);
    gates.shift()!('fail');
    await clock.settle();
    expect(values(await read(collector), 'petrel_sink_failures')).toEqual({ '': 1 });
    await clock.advance(1_000);
    gates.shift()!('store');
    await answer;

    const families = await read(collector);
    expect(values(families, 'petrel_sink_writes')).toEqual({ stored: 1, failed: 1 });
    expect(values(families, 'petrel_sink_write_seconds')).toMatchObject({ '0.5': expect.any(Number), '1.0': 2 });
    expect(values(families, 'petrel_sink_failures')).toEqual({ '': 0 });
    expect(values(families, 'petrel_waiting_events')).toEqual({ '': 0 });
  });

  it('are nobody’s without the option, and with a token only for who has it', async () => {
    expect((await setUp().collector(get('/metrics'))).status).toBe(405);
    const { collector } = setUp({ metrics: TOKEN });

    expect(await refusalOf(collector(get('/metrics')))).toMatchObject({ status: 401, error: 'unknown-token' });
    expect((await read(collector, { authorization: `Bearer ${TOKEN}` })).size).toBeGreaterThan(5);
  });
});

describe('options that change while it runs', () => {
  it('hold for requests that begin then, and leave those under way alone', async () => {
    const { sink: memory } = setUp();
    const { sink, gates } = createGatedSink(memory);
    const { collector, clock } = setUp({ sink, keys: ['old', 'new'] });
    const before = collector(post(body(1, 1, 'old')));
    await clock.settle();

    collector.update({ keys: ['new'], origins: ['https://shop.example'], limits: { maxEvents: 2 } });

    expect((await collector(post(body(2, 2, 'old')))).status).toBe(401);
    expect((await collector(post(body(2, 4, 'new')))).status).toBe(413);
    expect((await collector(post(body(2, 2, 'new'), { origin: 'https://other.example' }))).status).toBe(403);
    gates.shift()!('store');
    expect((await before).status).toBe(200);
  });

  it('stay as they were when one of them is wrong', async () => {
    const { collector } = setUp({ keys: ['old'] });

    expect(() => collector.update({ keys: ['new'], limits: { maxEvents: 0 } })).toThrow('`limits.maxEvents`');
    expect(() => collector.update({ sink: {} } as never)).toThrow('`sink` cannot be changed');

    expect((await collector(post(body(1, 1, 'old')))).status).toBe(200);
    expect((await collector(post(body(1, 1, 'new')))).status).toBe(401);
  });

  it('become their defaults when they are named without a value', async () => {
    const { collector } = setUp({ keys: ['old'] });

    collector.update({ keys: undefined });

    expect((await collector(post(body(1)))).status).toBe(200);
  });

  it('are no amnesty for who comes too often', async () => {
    const rates = { perAddress: 1, perAddressBurst: 1 };
    const { collector } = setUp({ rates });
    const send = async (seq: number) => (await collector(post(body(seq)), { address: '192.0.2.1' })).status;
    await send(1);

    collector.update({ rates: { ...rates }, origins: '*' });
    expect(await send(2)).toBe(429);
    collector.update({ rates: { ...rates, perAddress: 2 } });

    expect(await send(2)).toBe(200);
  });
});
