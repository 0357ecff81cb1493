import { describe, expect, it, vi } from 'vitest';
import type { EventBatch } from '../../src/core/event-batcher.js';
import { createFetchTransport } from '../../src/web/fetch-transport.js';
import { createFakeClock } from '../support/fake-clock.js';

const ENDPOINT = 'https://collector.example/in';
const payload = { body: '{}', contentType: 'text/plain;charset=UTF-8' };

function batchOf(...events: string[]): EventBatch<string> {
  return {
    id: 'batch-1',
    events,
    createdAt: 0,
    attempt: 1,
    size: events.length,
    approximateBytes: 10,
    drops: [],
    carried: [],
    tails: [],
  };
}

const answer = (given: object) => Response.json({ accepted: 1, duplicates: 0, rejected: [], serverTime: 1, ...given });

/** A transport whose network answers as told. */
function transport(respond: (url: string, init: RequestInit) => Response | Promise<Response>, onLine?: () => boolean) {
  const clock = createFakeClock({ start: Date.parse('2026-11-23T10:00:00Z') });
  const fetch = vi.fn(async (url: string, init: RequestInit) => respond(url, init));
  const { send } = createFetchTransport<string>({
    endpoint: ENDPOINT,
    clock,
    fetch: fetch as never,
    idOf: (event) => event,
    ...(onLine && { onLine }),
  });
  return { clock, fetch, send };
}

describe('the fetch transport', () => {
  it('posts a request that needs no preflight and carries no cookie', async () => {
    const { fetch, send } = transport(() => answer({}));

    await send(payload, batchOf('a'));

    const [url, init] = fetch.mock.calls[0]!;
    expect(url).toBe(ENDPOINT);
    expect(init).toMatchObject({
      method: 'POST',
      body: '{}',
      credentials: 'omit',
      headers: { 'content-type': 'text/plain;charset=UTF-8' },
    });
    expect(init.keepalive).toBeFalsy();
  });

  it.each([
    ['https://c.example/in', 'https://c.example/in?enc=gzip'],
    ['https://c.example/in?a=1', 'https://c.example/in?a=1&enc=gzip'],
    ['https://c.example/in?a=1#x', 'https://c.example/in?a=1&enc=gzip#x'],
  ])('names a compressed body in the address %s', async (endpoint, expected) => {
    const fetch = vi.fn(async () => answer({}));
    const { send } = createFetchTransport<string>({
      endpoint,
      clock: createFakeClock(),
      fetch: fetch as never,
      idOf: String,
    });

    await send({ ...payload, encoding: 'gzip' }, batchOf('a'));

    expect(fetch.mock.calls[0]).toMatchObject([expected, {}]);
  });

  it('takes a 2xx for the whole batch, when it is an answer and when it is anything else', async () => {
    const bodies = [
      answer({ accepted: 2 }),
      answer({ accepted: 0, duplicates: 2 }),
      new Response(null, { status: 204 }),
      new Response('', { status: 202 }),
      new Response('ok'),
      new Response('<!doctype html>'),
      Response.json({ success: true }),
      Response.json(null),
      Response.json([]),
      Response.json({ accepted: 'all', rejected: {} }),
    ];
    for (const response of bodies) {
      const { send } = transport(() => response);
      expect(await send(payload, batchOf('a', 'b'))).toEqual({ kind: 'delivered' });
    }
  });

  it('sorts out what the collector rejected, by id', async () => {
    const rejected = [{ id: 'b', reason: 'bad-name' }, { id: 'never sent', reason: 'bad-name' }, null];
    const { send } = transport(() => answer({ accepted: 2, rejected }));

    expect(await send(payload, batchOf('a', 'b', 'c'))).toEqual({
      kind: 'partial',
      delivered: [0, 2],
      refused: [{ index: 1, reason: 'bad-name' }],
    });
  });

  it('passes on which carried events the collector has, and nothing that is not a range', async () => {
    const has = [['source-1', 1, 4], ['source-1', 9, 2], 'all', ['source-2', 'one', 2]];
    const { send } = transport(() => answer({ has }));

    expect(await send(payload, batchOf())).toEqual({ kind: 'delivered', has: [['source-1', 1, 4]] });
  });

  it.each([
    ['3', 3_000],
    ['0', 1_000],
    ['999999999', 86_400_000],
    ['Mon, 23 Nov 2026 10:00:30 GMT', 30_000],
    ['Mon, 23 Nov 2036 10:00:00 GMT', 86_400_000],
  ])('waits as a 429 asks: Retry-After %s', async (header, retryAfterMs) => {
    const { send } = transport(() => new Response('', { status: 429, headers: { 'retry-after': header } }));

    expect(await send(payload, batchOf('a'))).toMatchObject({ kind: 'rate-limited', retryAfterMs });
  });

  it('measures a date against the clock of the server that sent it', async () => {
    const headers = { 'retry-after': 'Mon, 23 Nov 2026 08:00:30 GMT', date: 'Mon, 23 Nov 2026 08:00:00 GMT' };
    const { send } = transport(() => new Response('', { status: 503, headers }));

    expect(await send(payload, batchOf('a'))).toMatchObject({ kind: 'rate-limited', retryAfterMs: 30_000 });
  });

  it('takes a Retry-After that is none for none', async () => {
    for (const header of ['-5', 'soon', '']) {
      const { send } = transport(() => new Response('', { status: 429, headers: { 'retry-after': header } }));
      expect(await send(payload, batchOf('a'))).toEqual({ kind: 'rate-limited', detail: 'HTTP 429' });
    }
  });

  it('reads how large a body may be out of a 413', async () => {
    const { send } = transport(() =>
      Response.json({ error: 'too-large', message: 'too much', limitBytes: 1000 }, { status: 413 }),
    );
    expect(await send(payload, batchOf('a'))).toEqual({ kind: 'too-large', limitBytes: 1000 });

    const silent = transport(() => Response.json({ limitBytes: 'few' }, { status: 413 }));
    expect(await silent.send(payload, batchOf('a'))).toEqual({ kind: 'too-large' });
  });

  it('says in words what a collector refused, and cuts them short', async () => {
    const { send } = transport(() =>
      Response.json({ error: 'invalid-message', message: 'x'.repeat(10_000) }, { status: 400 }),
    );

    const outcome = await send(payload, batchOf('a'));

    expect(outcome.kind).toBe('refused');
    expect((outcome as { detail: string }).detail).toMatch(/^HTTP 400: invalid-message: xxx/);
    expect((outcome as { detail: string }).detail).toHaveLength(200);
  });

  it('keeps everything for a collector that is older than it', async () => {
    const { send } = transport(() => Response.json({ error: 'unsupported-version', message: '' }, { status: 400 }));

    expect(await send(payload, batchOf('a'))).toMatchObject({ kind: 'held' });
  });

  it('does not take the page behind a redirect for a delivery', async () => {
    const redirected = (response: Response) => Object.defineProperty(response, 'redirected', { value: true });
    const login = transport(() => redirected(new Response('<title>Sign in</title>')));
    const collector = transport(() => redirected(answer({})));

    expect(await login.send(payload, batchOf('a'))).toMatchObject({ kind: 'held' });
    expect(await collector.send(payload, batchOf('a'))).toEqual({ kind: 'delivered' });
  });

  it('says that nobody answered, when the browser is online', async () => {
    const refuse = () => Promise.reject(new TypeError('Failed to fetch'));

    expect(await transport(refuse).send(payload, batchOf('a'))).toEqual({
      kind: 'retry',
      cause: 'network',
      unanswered: true,
      detail: 'TypeError: Failed to fetch',
    });
    expect(await transport(refuse, () => false).send(payload, batchOf('a'))).not.toHaveProperty('unanswered');
  });

  it('tries again when the answer breaks off', async () => {
    const broken = () =>
      new Response(
        new ReadableStream({
          start(controller) {
            controller.enqueue(new TextEncoder().encode('{"accepted":'));
            controller.error(new TypeError('network error'));
          },
        }),
      );
    const { send } = transport(broken);

    const outcome = await send(payload, batchOf('a'));

    expect(outcome).toMatchObject({ kind: 'retry', cause: 'network' });
    expect(outcome).not.toHaveProperty('unanswered');
  });

  it('gives up after 15 s without the whole answer', async () => {
    const hang = (_url: string, { signal }: RequestInit) =>
      new Promise<Response>((_, reject) => signal!.addEventListener('abort', () => reject(signal!.reason)));
    const { clock, send } = transport(hang);

    const sending = send(payload, batchOf('a'));
    await clock.advance(14_999);
    expect(clock.pending).toBe(1);
    await clock.advance(1);

    expect(await sending).toMatchObject({ kind: 'retry', cause: 'timeout' });
  });

  it('leaves no timer behind', async () => {
    const { clock, send } = transport(() => answer({}));

    await send(payload, batchOf('a'));

    expect(clock.pending).toBe(0);
  });
});
