import { deflateSync, gzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { decodeBatch } from '../../src/server/decode.js';
import { answerRefusal, refusalOf as toRefusal } from '../../src/server/refusal.js';
import { answerOf, columns, gzip, post, queued, refusalOf, rows, SOURCE, setUp, URL_OF_COLLECTOR } from './support.js';

const utf8 = (text: string) => new TextEncoder().encode(text);
const good = rows(queued(1, 3));
const packed = gzip(good);

/** A body that comes in pieces, without an announced length, and says how much of it was asked for. */
function pieces(chunks: Iterable<Uint8Array>, fail?: Error) {
  let pulled = 0;
  let cancelled = false;
  const iterator = chunks[Symbol.iterator]();
  const stream = new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        const { done, value } = iterator.next();
        if (!done) {
          pulled += value.length;
          controller.enqueue(value);
        } else if (fail) controller.error(fail);
        else controller.close();
      },
      cancel() {
        cancelled = true;
      },
    },
    { highWaterMark: 0 },
  );
  return { stream, pulled: () => pulled, cancelled: () => cancelled };
}

function* endless(): Generator<Uint8Array> {
  for (;;) yield new Uint8Array(65_536).fill(0x20);
}

/** Gzip that inflates to `megabytes` of spaces after `text`: members one after another are one stream. */
function bomb(text: string, megabytes: number): Uint8Array<ArrayBuffer> {
  const member = gzip(' '.repeat(1_000_000));
  return new Uint8Array(Buffer.concat([gzip(text), ...Array.from({ length: megabytes }, () => member)]));
}

const deep = (n: number) => `${'['.repeat(n)}${']'.repeat(n)}`;

// Everywhere but in Node, bodies are inflated by a stream; both ways have to refuse the same.
describe.each(['zlib', 'a stream'])('a request that is no batch, inflated by %s', (way) => {
  const { getBuiltinModule } = process;
  beforeAll(() => {
    if (way === 'a stream') Object.assign(process, { getBuiltinModule: undefined });
  });
  afterAll(() => {
    Object.assign(process, { getBuiltinModule });
  });

  const set = setUp();
  afterEach(async () => {
    // Whatever it was: nothing of it is stored, nothing of it waits, and the next request is served.
    expect(set.sink.events.size).toBe(0);
    expect(set.sink.drops).toEqual([]);
    expect(set.collector.state()).toEqual({ waitingEvents: 0, waitingBytes: 0, sinkFailures: 0 });
    expect(set.errors).toEqual([]);
    const fresh = setUp();
    expect(await answerOf(fresh.collector(post(good)))).toMatchObject({ accepted: 3 });
  });

  it.each<[string, () => BodyInit | null, Record<string, string>, number, string]>([
    ['no body', () => null, {}, 400, 'empty-body'],
    ['an empty body', () => '', {}, 400, 'empty-body'],
    ['text', () => 'hello', {}, 400, 'invalid-json'],
    ['a form', () => 'data=%7B%7D', { 'content-type': 'application/x-www-form-urlencoded' }, 400, 'invalid-json'],
    ['half of a batch', () => good.slice(0, good.length / 2), {}, 400, 'invalid-json'],
    ['a batch and more', () => `${good}x`, {}, 400, 'invalid-json'],
    ['two batches', () => good + good, {}, 400, 'invalid-json'],
    ['a number', () => '5', {}, 400, 'invalid-message'],
    ['null', () => 'null', {}, 400, 'invalid-message'],
    ['another SDK’s batch', () => '{"batch":[{"type":"track"}],"writeKey":"x"}', {}, 400, 'invalid-message'],
    ['a later version', () => good.replace('"petrel":1', '"petrel":2'), {}, 400, 'unsupported-version'],
    ['version 0', () => good.replace('"petrel":1', '"petrel":0'), {}, 400, 'invalid-message'],
    [
      'columns that do not fit each other',
      () => columns(queued(1, 3)).replace('"time":[', '"time":[1,'),
      {},
      400,
      'invalid-message',
    ],
    ['bytes that are not UTF-8', () => new Uint8Array([0x22, 0xff, 0xfe, 0x22]), {}, 400, 'invalid-encoding'],
    ['UTF-16', () => new Uint8Array(Buffer.from(good, 'utf16le')), {}, 400, 'invalid-json'],
    ['Latin-1', () => new Uint8Array(Buffer.from('{"ß":1}', 'latin1')), {}, 400, 'invalid-encoding'],
    ['gzip of nothing', () => gzip(''), {}, 400, 'invalid-json'],
    ['gzip that ends early', () => packed.slice(0, packed.length - 9), {}, 400, 'invalid-encoding'],
    ['gzip that is only a beginning', () => packed.slice(0, 2), {}, 400, 'invalid-encoding'],
    [
      'gzip with a wrong checksum',
      () => packed.map((byte, i) => (i === packed.length - 6 ? byte ^ 255 : byte)),
      {},
      400,
      'invalid-encoding',
    ],
    ['gzip with something after it', () => new Uint8Array([...packed, 1, 2, 3]), {}, 400, 'invalid-encoding'],
    ['gzip in gzip', () => new Uint8Array(gzipSync(packed)), {}, 400, 'invalid-encoding'],
    [
      'deflate',
      () => new Uint8Array(deflateSync(good)),
      { 'content-encoding': 'deflate' },
      415,
      'unsupported-encoding',
    ],
    ['deflate that is not said', () => new Uint8Array(deflateSync(good)), {}, 400, 'invalid-encoding'],
    ['brotli', () => good, { 'content-encoding': 'br' }, 415, 'unsupported-encoding'],
    ['gzip twice', () => packed, { 'content-encoding': 'gzip, gzip' }, 415, 'unsupported-encoding'],
    ['an HTML page', () => good, { 'content-type': 'text/html' }, 415, 'unsupported-type'],
    ['a multipart form', () => good, { 'content-type': 'multipart/form-data; boundary=x' }, 415, 'unsupported-type'],
    ['an endless content type', () => good, { 'content-type': `x/${'y'.repeat(5000)}` }, 415, 'unsupported-type'],
    ['a body over the limit', () => `${good}${' '.repeat(2_097_152)}`, {}, 413, 'too-large'],
    ['gzip over the limit', () => new Uint8Array([...packed, ...new Uint8Array(2_097_152)]), {}, 413, 'too-large'],
    ['a gzip bomb', () => bomb(good, 60), {}, 413, 'too-large'],
    ['more events than are allowed', () => rows(queued(1, 10_001)), {}, 413, 'too-large'],
    [
      'a count of events far beyond',
      () => columns(queued(1, 3)).replace('"origin":[0,3]', '"origin":[0,4294967296]'),
      {},
      413,
      'too-large',
    ],
    ['a million small objects', () => gzip(`[${'{},'.repeat(1_000_000)}0]`), {}, 413, 'too-large'],
    ['a million brackets', () => gzip(deep(1_000_000)), {}, 400, 'invalid-message'],
    ['some thousand brackets', () => deep(50_000), {}, 400, 'invalid-message'],
    [
      'a million keys',
      () => gzip(`{${Array.from({ length: 500_000 }, (_, i) => `"${i}":0`).join(',')}}`),
      {},
      400,
      'invalid-message',
    ],
  ])('is refused with a status and a word: %s', async (_, body, headers, status, error) => {
    const url = `${URL_OF_COLLECTOR}?enc=gzip`;

    expect(await refusalOf(set.collector(post(body(), headers, url)))).toMatchObject({ status, error });
  });

  it('because its body breaks off is refused', async () => {
    const { stream } = pieces([utf8(good.slice(0, 50))], new Error('ECONNRESET'));

    expect(await refusalOf(set.collector(post(stream)))).toMatchObject({ status: 400, error: 'aborted' });
  });

  it('without an end is read up to the limit, and no further', async () => {
    const body = pieces(endless());

    expect(await refusalOf(set.collector(post(body.stream)))).toMatchObject({
      status: 413,
      error: 'too-large',
      limitBytes: 2_097_152,
    });
    expect(body.pulled()).toBeLessThan(2_097_152 + 2 * 65_536);
    expect(body.cancelled()).toBe(true);
  });

  it('that announces too much is not read at all', async () => {
    const body = pieces(endless());

    expect(await refusalOf(set.collector(post(body.stream, { 'content-length': '99999999' })))).toMatchObject({
      status: 413,
    });

    expect(body.pulled()).toBe(0);
    expect(body.cancelled()).toBe(true);
  });

  it('of a type that is not taken is not read either', async () => {
    const body = pieces(endless());

    await refusalOf(set.collector(post(body.stream, { 'content-type': 'video/mp4' })));

    expect(body.pulled()).toBe(0);
    expect(body.cancelled()).toBe(true);
  });

  it('names the limit of what a body may inflate to, and stops inflating there', async () => {
    // 200 MB in 200 KB: inflated whole, this would take a while, and the memory.
    const body = bomb(good, 200);
    const before = process.memoryUsage().arrayBuffers;

    const refusal = await refusalOf(set.collector(post(body)));

    expect(refusal).toMatchObject({ status: 413, limitBytes: 8_388_608 });
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(50_000_000);
  });

  it('does not repeat what it was, in case it was private', async () => {
    const refusal = await refusalOf(set.collector(post('{"password":"hunter2"')));

    expect(JSON.stringify(refusal)).not.toContain('hunter2');
  });
});

describe('large but honest bodies', () => {
  it('of some megabytes are taken', { timeout: 30_000 }, async () => {
    const { collector, sink } = setUp();
    const text = 'x'.repeat(600);
    const events = queued(1, 8000).map((event) => ({
      ...event,
      properties: JSON.stringify({ text, list: [[1], { a: '[{"\\' }] }),
    }));

    expect(await answerOf(collector(post(gzip(rows(events)))))).toMatchObject({ accepted: 8000 });
    expect(sink.events.get(`${SOURCE}.1`)!.properties).toEqual({ text, list: [[1], { a: '[{"\\' }] });
  });
});

describe('decodeBatch', () => {
  it('gives the events of a request to those who store them by other means', async () => {
    const { head, events, rejected } = await decodeBatch(post(gzip(columns(queued(1, 2), { key: 'pk' }))));

    expect(head).toMatchObject({ key: 'pk', batchId: 'b1' });
    expect(events.map(({ id }) => id)).toEqual([`${SOURCE}.1`, `${SOURCE}.2`]);
    expect(rejected).toEqual([]);
  });

  it('keeps the limits it is given, and its errors make answers', async () => {
    const error = await decodeBatch(post(rows(queued(1, 3))), { maxEvents: 2 }).catch((reason: unknown) => reason);

    const response = answerRefusal(toRefusal(error));

    expect(response.status).toBe(413);
    expect(await response.json()).toEqual({ error: 'too-large', message: '`events` has more than 2 entries' });
  });
});
