import { gzipSync } from 'node:zlib';
import { expect } from 'vitest';
import type { QueuedEvent } from '../../src/core/event.js';
import type { WireAnswer, WireError } from '../../src/core/wire.js';
import { encodeColumns, encodeRows, type HeadInput } from '../../src/core/wire-encode.js';
import { createCollector } from '../../src/server/handler.js';
import type { CollectorOptions } from '../../src/server/options.js';
import { createMemorySink } from '../../src/server/sinks/memory.js';
import type { Sink } from '../../src/server/sinks/sink.js';
import { createFakeClock } from '../support/fake-clock.js';

export const URL_OF_COLLECTOR = 'https://collector.example/events';
export const SOURCE = 'AAAAAAAAAAAAAAAAAAAAAA';

export function queued(first: number, last: number, source = SOURCE): QueuedEvent[] {
  const origin = { source };
  return Array.from({ length: last - first + 1 }, (_, i) => ({
    origin,
    seq: first + i,
    timestamp: 1_795_449_600_000 + i,
    name: 'click',
    properties: `{"n":${first + i}}`,
  }));
}

export const rows = (events: QueuedEvent[], head: Partial<HeadInput> = {}) =>
  JSON.stringify(encodeRows({ sentAt: 1_795_449_600_500, ...head }, events));

export const columns = (events: QueuedEvent[], head: Partial<HeadInput> = {}) =>
  JSON.stringify(encodeColumns({ sentAt: 1_795_449_600_500, batchId: 'b1', attempt: 1, ...head }, events));

export const gzip = (text: string) => new Uint8Array(gzipSync(text));

export function post(body: BodyInit | null, headers: Record<string, string> = {}, url = URL_OF_COLLECTOR): Request {
  return new Request(url, {
    method: 'POST',
    body,
    headers: { 'content-type': 'text/plain;charset=UTF-8', ...headers },
    ...(body instanceof ReadableStream && { duplex: 'half' }),
  } as RequestInit);
}

export async function answerOf(response: Response | Promise<Response>): Promise<WireAnswer> {
  const got = await response;
  const text = await got.text();
  expect(`${got.status} ${got.status === 200 ? '' : text}`).toBe('200 ');
  return JSON.parse(text);
}

export async function refusalOf(
  response: Response | Promise<Response>,
): Promise<WireError & { status: number; headers: Headers }> {
  const got = await response;
  expect(got.headers.get('content-type')).toBe('application/json; charset=utf-8');
  expect(got.headers.get('cache-control')).toBe('no-store');
  expect(got.headers.get('x-content-type-options')).toBe('nosniff');
  const body: WireError = await got.json();
  expect(body.message).toMatch(/\w/);
  return { ...body, status: got.status, headers: got.headers };
}

/** A collector over a memory sink, on a clock that stands still. Batches go out at once. */
export function setUp(options: Partial<CollectorOptions> = {}) {
  const clock = createFakeClock();
  const memory = createMemorySink();
  const errors: unknown[] = [];
  const { sink = memory, batch, ...rest } = options;
  const collector = createCollector({
    sink,
    clock,
    batch: { maxBatchAgeMs: 0, ...batch },
    onError: (error) => errors.push(error),
    ...rest,
  });
  return { collector, clock, sink: memory, errors };
}

/** A sink that waits at each write until it is told how it ends: to store, to store and fail, or to fail. */
export function createGatedSink(inner: Sink) {
  const gates: ((fate: 'store' | 'store-and-fail' | 'fail') => void)[] = [];
  const writes: string[][] = [];
  const sink: Sink = {
    ...inner,
    async write(events, drops) {
      writes.push(events.map(({ id }) => id));
      const fate = await new Promise((resolve) => gates.push(resolve));
      if (fate === 'fail') throw new Error('disk full');
      const result = await inner.write(events, drops);
      if (fate === 'store-and-fail') throw new Error('connection lost');
      return result;
    },
  };
  return { sink, gates, writes };
}

/** Whether a promise is settled yet. */
export async function isSettled(promise: Promise<unknown>): Promise<boolean> {
  const open = Symbol();
  return (await Promise.race([promise.catch(() => {}), Promise.resolve(open)])) !== open;
}
