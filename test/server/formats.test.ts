import { describe, expect, it } from 'vitest';
import { cloudevents } from '../../src/formats/cloudevents.js';
import { ndjson } from '../../src/formats/ndjson.js';
import { otlp } from '../../src/formats/otlp.js';
import { segment } from '../../src/formats/segment.js';
import { createCollector } from '../../src/server/handler.js';
import type { CollectorOptions } from '../../src/server/options.js';
import { createMemorySink } from '../../src/server/sinks/memory.js';
import { eventOf, SENT_AT } from '../formats/events.js';
import { createFakeClock } from '../support/fake-clock.js';
import { request } from './decoders/decode.js';
import { answerOf, post, queued, refusalOf, rows } from './support.js';

function setup(options: Partial<CollectorOptions> = {}) {
  const sink = createMemorySink();
  const collector = createCollector({ sink, clock: createFakeClock(), batch: { maxBatchAgeMs: 0 }, ...options });
  return { sink, collector };
}

const encoded = (format: typeof segment, path: string, headers?: Record<string, string>) => {
  const { body, contentType } = format.encode([eventOf({ seq: 1 }), eventOf({ seq: 2 })], {
    sentAt: SENT_AT,
    key: 'k1',
  });
  return request(body, contentType, path, headers);
};

describe('a collector that reads other formats', () => {
  it.each([
    [segment, '/v1/batch', { success: true, accepted: 2, duplicates: 0, rejected: [] }],
    [otlp, '/v1/logs', {}],
    [cloudevents, '/events', { accepted: 2, duplicates: 0, rejected: [], serverTime: expect.any(Number) }],
    [ndjson, '/events', { accepted: 2, duplicates: 0, rejected: [], serverTime: expect.any(Number) }],
  ])('stores a $name request and answers as its clients expect', async (format, path, expected) => {
    const { sink, collector } = setup();

    expect(await answerOf(collector(encoded(format, path)))).toEqual(expected);

    const ids = eventOf().source;
    expect([...sink.events.keys()]).toEqual([`${ids}.1`, `${ids}.2`]);
  });

  it('stores once what comes again, and in which format ever', async () => {
    const { sink, collector } = setup();

    await answerOf(collector(encoded(segment, '/v1/batch')));
    await answerOf(collector(encoded(segment, '/v1/batch')));
    const { accepted, duplicates } = await answerOf(collector(encoded(ndjson, '/events')));

    expect([accepted, duplicates, sink.events.size]).toEqual([0, 2, 2]);
  });

  it('does not take two events for one because neither has a number', async () => {
    const { sink, collector } = setup();
    const line = (id: string) => request(`{"id":"${id}","name":"a"}\n`, 'application/x-ndjson');

    await answerOf(collector(line('x')));
    const { accepted } = await answerOf(collector(line('y')));

    expect([accepted, sink.events.size]).toEqual([1, 2]);
  });

  it.each([
    [segment, '/v1/batch', {}],
    [otlp, '/v1/logs', { authorization: 'Bearer k1' }],
    [cloudevents, '/events?key=k1', {}],
    [ndjson, '/events', { authorization: `Basic ${btoa('k1:')}` }],
  ])('wants the write key of a $name request, and keeps it with the events', async (format, path, headers) => {
    const { sink, collector } = setup({ keys: ['k1', 'k2'] });
    const others = setup({ keys: ['k2'] });

    await answerOf(collector(encoded(format, path, headers as Record<string, string>)));
    const refusal = await refusalOf(others.collector(encoded(format, path, headers as Record<string, string>)));

    expect([...sink.events.values()].map(({ key }) => key)).toEqual(['k1', 'k1']);
    expect([refusal.status, refusal.error]).toEqual([401, 'unknown-key']);
  });

  it("has Segment's and OpenTelemetry's paths beside its own, and no others", async () => {
    const { collector } = setup({ path: '/events' });

    await answerOf(collector(encoded(segment, '/v1/batch')));
    await answerOf(collector(encoded(otlp, '/v1/logs')));
    await answerOf(collector(encoded(ndjson, '/events')));

    expect((await refusalOf(collector(encoded(ndjson, '/elsewhere')))).status).toBe(404);
    expect((await refusalOf(collector(request('{}', 'application/json', '/v1/metrics')))).status).toBe(404);
  });

  it("takes a tracker's own body at whatever path", async () => {
    const { sink, collector } = setup();

    await answerOf(collector(post(rows(queued(1, 3)), {}, 'https://collector.example/v1/batch')));

    expect([...sink.events.values()].map(({ seq }) => seq)).toEqual([1, 2, 3]);
  });

  it('reads only those it is told to', async () => {
    const { collector } = setup({ formats: ['otlp'] });

    await answerOf(collector(encoded(otlp, '/v1/logs')));

    expect((await refusalOf(collector(encoded(segment, '/v1/batch')))).error).toBe('invalid-message');
    expect((await refusalOf(collector(encoded(ndjson, '/events')))).error).toBe('unsupported-type');
    expect(() => setup({ formats: ['xml' as never] })).toThrow(/`formats` must be a list of/);
  });

  it('tells OpenTelemetry what it refused as a partial success', async () => {
    const { collector } = setup();
    const body = JSON.stringify({ resourceLogs: [{ scopeLogs: [{ logRecords: [{ eventName: 'a' }, 7] }] }] });

    expect(await answerOf(collector(request(body, 'application/json', '/v1/logs')))).toEqual({
      partialSuccess: { rejectedLogRecords: '1', errorMessage: 'bad-row' },
    });
  });
});
