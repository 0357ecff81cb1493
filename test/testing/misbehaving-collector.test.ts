import { Agent, request } from 'node:http';
import { connect } from 'node:net';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ColumnsBody, RowsBody } from '../../src/core/wire.js';
import { encodeColumns } from '../../src/core/wire-encode.js';
import type { CollectorHandler, Fault, MisbehavingCollector } from '../../src/testing/index.js';
import { createMisbehavingCollector } from '../../src/testing/index.js';
import { readBody, withoutEvents } from '../../src/testing/request-record.js';

const SOURCE = 'sourceAAAAAAAAAAAAAAAA';

/** The smallest honest collector: stores each id once and answers as the wire format says. */
function createTinyCollector() {
  const stored = new Map<string, string>();
  const collector: CollectorHandler = async (request) => {
    const gzip = new URL(request.url).searchParams.get('enc') === 'gzip';
    const bytes = gzip ? request.body!.pipeThrough(new DecompressionStream('gzip')) : request.body;
    const body = (await new Response(bytes).json()) as RowsBody;
    let accepted = 0;
    for (const [origin, seq, , name] of body.events) {
      const id = `${body.origins[origin]!.source}.${seq}`;
      if (!stored.has(id)) accepted++;
      stored.set(id, name);
    }
    const answer = { accepted, duplicates: body.events.length - accepted, rejected: [], serverTime: 1 };
    return Response.json(answer, { headers: { 'access-control-allow-origin': '*' } });
  };
  return { collector, rows: () => [...stored].map(([id, name]) => ({ id, name })) };
}

function rowsBody(...names: string[]): RowsBody {
  return {
    petrel: 1,
    sentAt: 1,
    form: 'rows',
    origins: [{ source: SOURCE }],
    events: names.map((name, i) => [0, i + 1, 1_000 + i, name]),
  };
}

describe('a misbehaving collector', () => {
  let door: MisbehavingCollector;
  let now: number;
  let waits: number[];

  beforeEach(async () => {
    now = 1_000_000;
    waits = [];
    door = await createMisbehavingCollector({
      ...createTinyCollector(),
      clock: {
        now: () => now,
        setTimeout: (callback, ms) => {
          waits.push(ms);
          now += ms;
          setImmediate(callback);
        },
      },
    });
  });

  afterEach(() => door.close());

  const post = (body: RowsBody | ColumnsBody | string, query = ''): Promise<Response> =>
    fetch(`${door.origin}/v1/events${query}`, {
      method: 'POST',
      body: typeof body === 'string' ? body : JSON.stringify(body),
      headers: { 'content-type': 'text/plain;charset=UTF-8', origin: 'https://shop.example' },
    });

  it('passes a body to the collector and records what it carried', async () => {
    const response = await post({ ...rowsBody('a', 'b'), batchId: 'batch-1', attempt: 2 });

    expect(await response.json()).toMatchObject({ accepted: 2, duplicates: 0 });
    expect(door.requests).toMatchObject([
      {
        number: 1,
        form: 'rows',
        batchId: 'batch-1',
        attempt: 2,
        ids: [`${SOURCE}.1`, `${SOURCE}.2`],
        names: ['a', 'b'],
        origin: 'https://shop.example',
        status: 200,
        stored: true,
        accepted: 2,
        aborted: false,
      },
    ]);
    await door.expectExactlyOnce(['a', 'b'], { by: 'name' });
    await door.expectExactlyOnce([`${SOURCE}.1`, `${SOURCE}.2`]);
  });

  it('reads gzip and columns', async () => {
    const columns: ColumnsBody = {
      petrel: 1,
      sentAt: 1,
      form: 'columns',
      origins: [{ source: SOURCE }, { source: 'sourceBBBBBBBBBBBBBBBB' }],
      origin: [0, 3, 1, 1, 0, 1],
      seq: [5, 0, 2, 9, 1],
      time: [1_000, 1, 0, 1, 5],
      shape: [0, 1, 0, 1, 1],
      shapes: [
        { name: 'view', keys: ['path'] },
        { name: 'buy', keys: [] },
      ],
      values: [[['/a', '/b']], []],
    };
    door.misbehave({ kind: 'status', status: 503 });

    await fetch(`${door.origin}/v1/events?enc=gzip`, { method: 'POST', body: gzipSync(JSON.stringify(columns)) });

    expect(door.requests).toMatchObject([
      {
        form: 'columns',
        gzip: true,
        ids: [`${SOURCE}.5`, `${SOURCE}.6`, `${SOURCE}.9`, 'sourceBBBBBBBBBBBBBBBB.9', `${SOURCE}.11`],
        names: ['view', 'buy', 'view', 'buy', 'buy'],
      },
    ]);
  });

  it('takes one event out of columns and passes the others on as they are', async () => {
    const origin = { source: SOURCE };
    const columns = encodeColumns({ sentAt: 5, batchId: 'b', carried: [[SOURCE, 1, 2]] }, [
      { origin, seq: 1, timestamp: 1, name: 'a', properties: '{"__proto__":1,"x":[2]}' },
      { origin, seq: 2, timestamp: 2, name: 'bad', category: 'page' },
      { origin, seq: 3, timestamp: 3, name: 'c', category: 'page' },
    ]);
    const body = readBody(Buffer.from(JSON.stringify(columns)), false)!;

    const rest = withoutEvents(body, (name) => name === 'bad');

    expect(JSON.parse(JSON.stringify(rest))).toEqual(
      JSON.parse(
        `{"petrel":1,"form":"rows","sentAt":5,"batchId":"b","carried":[["${SOURCE}",1,2]],"origins":[{"source":"${SOURCE}"}],
          "events":[[0,1,1,"a",{"__proto__":1,"x":[2]},null],[0,3,3,"c",{},"page"]]}`,
      ),
    );
  });

  it('records a body it cannot read as such, and asks the collector all the same', async () => {
    const response = await post('{"not": "ours"');

    expect(response.status).toBe(502);
    expect(door.requests).toMatchObject([{ form: 'other', ids: [] }]);
  });

  it('answers a status so many times, after so many requests, without asking the collector', async () => {
    door.misbehave({ kind: 'status', status: 503 }, { skip: 1, times: 2 });

    const statuses = [];
    for (const name of ['a', 'b', 'c', 'd']) statuses.push((await post(rowsBody(name))).status);

    expect(statuses).toEqual([200, 503, 503, 200]);
    expect(door.requests.map(({ stored }) => stored)).toEqual([true, false, false, true]);
  });

  it('misbehaves for a time', async () => {
    door.misbehave({ kind: 'status', status: 500 }, { forMs: 10_000 });

    const before = await post(rowsBody('a'));
    now += 10_000;
    const after = await post(rowsBody('a'));

    expect([before.status, after.status]).toEqual([500, 200]);
  });

  it('meets the same requests whenever the seed is the same', async () => {
    const run = async (): Promise<number[]> => {
      const handle = door.misbehave({ kind: 'status', status: 500 }, { probability: 0.3, seed: 7 });
      const statuses = [];
      for (let i = 0; i < 20; i++) statuses.push((await post(rowsBody('a'))).status);
      handle.end();
      return statuses;
    };

    const first = await run();
    const second = await run();

    expect(second).toEqual(first);
    expect(new Set(first)).toEqual(new Set([200, 500]));
  });

  it('sends Retry-After as seconds, as a date, or as nonsense, and hides it from other origins when asked', async () => {
    door.misbehave({ kind: 'status', status: 429, retryAfter: 7 }, { times: 1 });
    door.misbehave({ kind: 'status', status: 429, retryAfter: new Date(0) }, { times: 1 });
    door.misbehave({ kind: 'status', status: 503, retryAfter: 'soon', exposed: false }, { times: 1 });
    door.misbehave({ kind: 'status', status: 503, cors: false }, { times: 1 });

    const answers = [];
    for (let i = 0; i < 4; i++) {
      const { headers } = await post(rowsBody('a'));
      answers.push([
        headers.get('retry-after'),
        headers.get('access-control-expose-headers'),
        headers.get('access-control-allow-origin'),
      ]);
    }

    expect(answers).toEqual([
      ['7', 'Retry-After, Date', 'https://shop.example'],
      ['Thu, 01 Jan 1970 00:00:00 GMT', 'Retry-After, Date', 'https://shop.example'],
      ['soon', null, 'https://shop.example'],
      [null, null, null],
    ]);
  });

  it('loses the answer of a body that is stored', async () => {
    for (const fault of [{ kind: 'reset', stored: true }, { kind: 'truncate' }] satisfies Fault[]) {
      door.misbehave(fault, { times: 1 });
      const lost = post(rowsBody('a', 'b')).then((response) => response.text());
      await expect(lost).rejects.toThrow();
    }

    expect(door.requests).toMatchObject([
      { stored: true, accepted: 2, aborted: false },
      { stored: true, duplicates: 2, status: 200, aborted: false },
    ]);
    expect(door.requests[0]?.status).toBeUndefined();
    await door.expectExactlyOnce(['a', 'b'], { by: 'name' });
  });

  it('resets before anything is stored', async () => {
    door.misbehave({ kind: 'reset' });

    await expect(post(rowsBody('a'))).rejects.toThrow();

    expect(await door.rows()).toEqual([]);
  });

  it('takes a request and never answers it; the record shows when the client gave up', async () => {
    door.misbehave({ kind: 'silence', stored: true });
    const patience = new AbortController();
    const arrived = door.arrival();
    const ended = door.end();
    const lost = fetch(`${door.origin}/`, {
      method: 'POST',
      body: JSON.stringify(rowsBody('a')),
      signal: patience.signal,
    });
    await arrived;

    patience.abort();

    await expect(lost).rejects.toThrow();
    expect(await ended).toMatchObject({ stored: true, aborted: true, faults: ['no answer after storing'] });
    expect((await ended).status).toBeUndefined();
  });

  it('is late before and after storing, and adds delays up', async () => {
    door.misbehave({ kind: 'delay', ms: 300 });
    door.misbehave({ kind: 'delay', ms: 200, stored: true });
    door.misbehave({ kind: 'delay', ms: 100 });

    const response = await post(rowsBody('a'));

    expect(response.status).toBe(200);
    expect(waits).toEqual([300, 100, 200]);
    expect(door.requests[0]!.endedAt! - door.requests[0]!.at).toBe(600);
  });

  it('sends the answer slowly', async () => {
    door.misbehave({ kind: 'drip', ms: 1_000 });

    const response = await post(rowsBody('a'));

    expect(await response.json()).toMatchObject({ accepted: 1 });
    expect(waits.length).toBeGreaterThan(40);
    expect(waits.reduce((sum, ms) => sum + ms)).toBeCloseTo(1_000);
  });

  it('refuses connections while it is down, and is back at the same address', async () => {
    await post(rowsBody('a'));

    await door.down();
    await expect(post(rowsBody('b'))).rejects.toThrow();
    await door.up();
    const response = await post(rowsBody('b'));

    expect(response.status).toBe(200);
    expect(door.requests).toHaveLength(2);
  });

  it('refuses bodies over a limit and tells the limit', async () => {
    door.misbehave({ kind: 'limit', bytes: 500 });

    const small = await post(rowsBody('a'));
    const large = await post(rowsBody('b'.repeat(500)));

    expect(small.status).toBe(200);
    expect(large.status).toBe(413);
    expect(await large.json()).toMatchObject({ error: 'too-large', limitBytes: 500 });
  });

  it('refuses one event and stores the others', async () => {
    door.misbehave({ kind: 'poison', name: 'bad', reason: 'schema' });

    const response = await post(rowsBody('a', 'bad', 'b'));

    expect(await response.json()).toMatchObject({
      accepted: 2,
      rejected: [{ id: `${SOURCE}.2`, index: 1, reason: 'schema' }],
    });
    expect((await door.rows()).map(({ name }) => name)).toEqual(['a', 'b']);
  });

  it('refuses the whole body because of one event', async () => {
    door.misbehave({ kind: 'poison', name: 'bad', answer: 400 });

    const statuses = [(await post(rowsBody('a', 'bad'))).status, (await post(rowsBody('a'))).status];

    expect(statuses).toEqual([400, 200]);
    expect(await door.rows()).toHaveLength(1);
  });

  it('answers something else than the collector did', async () => {
    door.misbehave({ kind: 'answer', body: '<html>', contentType: 'text/html' }, { times: 1 });
    door.misbehave({ kind: 'answer', body: '{}', stored: false }, { times: 1 });

    const first = await (await post(rowsBody('a'))).text();
    const second = await (await post(rowsBody('b'))).text();

    expect([first, second]).toEqual(['<html>', '{}']);
    expect((await door.rows()).map(({ name }) => name)).toEqual(['a']);
  });

  it('leaves preflights to the collector', async () => {
    door.misbehave({ kind: 'status', status: 503 });

    const response = await fetch(`${door.origin}/`, { method: 'OPTIONS' });

    expect(response.status).toBe(502); // The tiny collector has no answer to it, which proves that it was asked.
  });

  it('counts how many requests were under way at once', async () => {
    door.misbehave({ kind: 'silence' });
    const arrivals = Promise.all([
      door.arrival(({ names }) => names[0] === 'a'),
      door.arrival(({ names }) => names[0] === 'b'),
    ]);
    const lost = Promise.allSettled([post(rowsBody('a')), post(rowsBody('b'))]);
    await arrivals;

    await door.down();
    await lost;
    await door.up();
    door.behave();
    await post(rowsBody('c'));

    expect(door.mostAtOnce).toBe(2);
  });

  it('recognises a request on a connection that was used before', async () => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const exchange = (body: RowsBody): Promise<unknown> =>
      new Promise((done) => {
        const sent = request(door.origin, { method: 'POST', agent }, (response) => response.resume().on('end', done));
        sent.end(JSON.stringify(body));
      });

    await exchange(rowsBody('a'));
    await exchange(rowsBody('b'));
    agent.destroy();

    expect(door.requests.map(({ reused }) => reused)).toEqual([false, true]);
  });

  it('records a client that goes away in the middle of its body', async () => {
    const { hostname, port } = new URL(door.origin);
    const ended = door.end();
    const socket = connect(Number(port), hostname);

    socket.write('POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n{"petrel"', () => socket.destroy());

    expect(await ended).toMatchObject({ form: 'other', stored: false, aborted: true });
  });

  it('says which events are lost and doubled, and how each went over the wire', async () => {
    await post(rowsBody('a'));
    await post({ ...rowsBody('a'), origins: [{ source: 'sourceBBBBBBBBBBBBBBBB' }] });
    door.misbehave({ kind: 'status', status: 503 }, { times: 1 });
    await post(rowsBody('b'));

    const compare = door.expectExactlyOnce(['a', 'b', 'c'], { by: 'name' });

    await expect(compare).rejects.toThrow(
      [
        '3 events expected once each: 2 lost, 1 doubled (2 rows, 3 requests).',
        '  lost     b: on the wire 1 times: #3 rows 1 events → 503 not stored (status 503)',
        '  lost     c: never on the wire',
        `  doubled  a: 2 rows, ids ${SOURCE}.1, sourceBBBBBBBBBBBBBBBB.1; on the wire 2 times:`,
      ].join('\n'),
    );
    expect(door.timesOnWire('a')).toBe(2);
  });

  it('waits for an event that is still to come', async () => {
    const there = door.expectExactlyOnce(['a'], { by: 'name', withinMs: 5_000 });

    await post(rowsBody('a'));

    await there;
  });

  it.each([
    [{ kind: 'explode' } as unknown as Fault, {}, '`kind` must be one of status, '],
    [{ kind: 'status', status: 99 } as Fault, {}, '`status` must be a whole number from 200 to 599, not 99'],
    [{ kind: 'delay', ms: -1 } as Fault, {}, '`ms` must be'],
    [{ kind: 'silence' } as Fault, { probability: 2 }, '`probability` must be a number from 0 to 1, not 2'],
    [{ kind: 'silence' } as Fault, { times: 0.5 }, '`times` must be a whole number'],
  ])('refuses a fault that cannot be: %j %j', (fault, scope, message) => {
    expect(() => door.misbehave(fault, scope)).toThrow(message);
  });
});

describe('in front of a running collector', () => {
  it('passes on to its path, with the query of the request', async () => {
    const { collector, rows } = createTinyCollector();
    const seen: string[] = [];
    const behind = await createMisbehavingCollector({
      collector: (request) => {
        seen.push(new URL(request.url).pathname + new URL(request.url).search);
        return collector(request);
      },
      rows,
    });
    const door = await createMisbehavingCollector({ collector: `${behind.origin}/v1/events`, rows });

    const body = gzipSync(JSON.stringify(rowsBody('a')));
    const response = await fetch(`${door.origin}/?enc=gzip`, { method: 'POST', body });

    expect(await response.json()).toMatchObject({ accepted: 1 });
    expect(seen).toEqual(['/v1/events?enc=gzip']);
    expect(response.headers.get('access-control-allow-origin')).toBe('*');
    await door.close();
    await behind.close();
  });

  it('refuses a collector that is neither a function nor a URL', async () => {
    const made = createMisbehavingCollector({ collector: 'nowhere', rows: () => [] });

    await expect(made).rejects.toThrow('`collector` must be a function or a URL, not "nowhere"');
  });
});
