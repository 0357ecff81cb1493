import { describe, expect, it, vi } from 'vitest';
import type { QueuedEvent } from '../../src/core/event.js';
import type { EventBatch } from '../../src/core/event-batcher.js';
import type { Outcome } from '../../src/core/outcome.js';
import { otlp } from '../../src/formats/otlp.js';
import { segment } from '../../src/formats/segment.js';
import { createFetchTransport } from '../../src/web/fetch-transport.js';
import { couriersOf, createFormatCourier } from '../../src/web/format-courier.js';
import { createFakeClock } from '../support/fake-clock.js';
import { sampleEvents } from '../support/sample-events.js';

const clock = createFakeClock();

function batchOf(events: QueuedEvent[]): EventBatch<QueuedEvent> {
  return {
    id: 'batch-1',
    events,
    createdAt: 0,
    attempt: 1,
    size: events.length,
    approximateBytes: 1,
    drops: [],
    carried: [],
    tails: [],
  };
}

/** A courier of `format` to an endpoint that answers as told. */
function setup(format: typeof segment, respond: (init: RequestInit) => Response) {
  const fetch = vi.fn(async (_url: string, init: RequestInit) => respond(init));
  const transport = createFetchTransport<QueuedEvent>({
    endpoint: 'https://vendor.example/v1/batch',
    clock,
    fetch: fetch as never,
    idOf: ({ seq }) => `${seq}`,
  });
  const courier = createFormatCourier(format, { clock, key: 'k1' });
  const deliver = (events: QueuedEvent[]): Promise<Outcome> => courier.deliver(batchOf(events), transport);
  const body = (call: number) => JSON.parse(fetch.mock.calls[call]![1].body as string);
  return { fetch, deliver, body };
}

const large = (event: QueuedEvent, bytes: number) => ({ ...event, properties: `{"text":"${'x'.repeat(bytes)}"}` });

describe("a courier of somebody else's format", () => {
  it('delivers a batch in that format, with its key', async () => {
    const { deliver, body, fetch } = setup(segment, () => Response.json({ success: true }));
    const events = sampleEvents(20);

    expect(await deliver(events)).toEqual({ kind: 'delivered' });

    expect(body(0).writeKey).toBe('k1');
    expect(
      body(0).batch.map(({ messageId, event, properties }: Record<string, unknown>) => [messageId, event, properties]),
    ).toEqual(
      events.map(({ origin, seq, name, properties }) => [`${origin.source}.${seq}`, name, JSON.parse(properties!)]),
    );
    expect(fetch.mock.calls[0]![1].headers).toEqual({ 'content-type': 'text/plain;charset=UTF-8' });
  });

  it('delivers as much as one body takes, and says that of the rest nothing is known', async () => {
    const { deliver, body } = setup(segment, () => Response.json({ success: true }));
    const events = sampleEvents(20).map((event) => large(event, 30_000));

    const outcome = await deliver(events);

    const sent = body(0).batch.length;
    expect(sent).toBe(16);
    expect(outcome).toEqual({ kind: 'partial', delivered: [...Array(16).keys()], refused: [] });
  });

  it('sets aside what the format cannot carry, and what is damaged, and delivers the others', async () => {
    const { deliver, body } = setup(segment, () => Response.json({ success: true }));
    const [a, b, c, d] = sampleEvents(4);

    const outcome = await deliver([a!, { ...b!, properties: '{"cut' }, large(c!, 33_000), d!]);

    expect(outcome).toEqual({
      kind: 'partial',
      delivered: [0, 3],
      refused: [
        { index: 1, reason: expect.stringContaining('cannot be encoded') },
        { index: 2, reason: 'too-large' },
      ],
    });
    expect(body(0).batch).toHaveLength(2);
  });

  it('asks nobody when nothing is left to send', async () => {
    const { deliver, fetch } = setup(segment, () => Response.json({}));

    expect(await deliver([large(sampleEvents(1)[0]!, 33_000)])).toEqual({
      kind: 'partial',
      delivered: [],
      refused: [{ index: 0, reason: 'too-large' }],
    });
    expect(await deliver([])).toEqual({ kind: 'delivered' });
    expect(fetch).not.toHaveBeenCalled();
  });

  it.each([
    [503, { kind: 'retry', cause: 'server' }],
    [429, { kind: 'rate-limited' }],
    [401, { kind: 'held' }],
    [413, { kind: 'too-large' }],
    [400, { kind: 'refused' }],
  ])('leaves what %i means to the transport', async (status, expected) => {
    const { deliver } = setup(segment, () => new Response('no', { status }));

    expect(await deliver(sampleEvents(2))).toMatchObject(expected);
  });

  it('counts what a partial success of OTLP refuses', async () => {
    const partialSuccess = { rejectedLogRecords: '1', errorMessage: 'too old' };
    const { deliver } = setup(otlp, () => Response.json({ partialSuccess }));

    expect(await deliver(sampleEvents(3))).toEqual({
      kind: 'partial',
      delivered: [0, 1],
      refused: [{ index: 2, reason: 'too old (1 of 3, it is not said which)' }],
    });
  });

  it("does not take an answer for Petrel's own that only looks like it", async () => {
    const { deliver } = setup(segment, () => Response.json({ accepted: 0, rejected: [{ id: '41', reason: 'x' }] }));

    expect(await deliver(sampleEvents(1))).toEqual({ kind: 'delivered' });
  });

  it('is made for each format by its name, and for nothing that is no format', () => {
    expect(Object.keys(couriersOf([segment, otlp]))).toEqual(['segment', 'otlp']);
    expect(() => couriersOf(['segment' as never])).toThrow('`formats` must be a list of formats, not of "segment"');
  });
});
