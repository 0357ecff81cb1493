import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import type { QueuedEvent } from '../../src/core/event.js';
import type { EventBatch } from '../../src/core/event-batcher.js';
import { expandBody } from '../../src/core/wire-expand.js';
import { createGzipEncoder } from '../../src/web/gzip-encoder.js';
import { createPetrelEncoder } from '../../src/web/petrel-encoder.js';
import { createFakeClock } from '../support/fake-clock.js';
import { sampleEvents } from '../support/sample-events.js';

const clock = createFakeClock();

function batchOf(events: QueuedEvent[], more: Partial<EventBatch<QueuedEvent>> = {}): EventBatch<QueuedEvent> {
  return {
    id: 'batch-1',
    events,
    createdAt: 0,
    attempt: 3,
    size: events.length,
    approximateBytes: 1,
    drops: [],
    carried: [],
    tails: [],
    ...more,
  };
}

describe('the petrel encoder', () => {
  it('writes what the collector reads back, with who and when', async () => {
    const events = sampleEvents(20);
    const payload = await createPetrelEncoder({ clock, key: 'k1' }).encode(
      batchOf(events, {
        drops: [{ source: 'source-1', first: 1, last: 2, reason: 'invalid' }],
        carried: [['source-1', 3, 4]],
        tails: [['source-1', 24, 1]],
      }),
    );

    const body = JSON.parse(payload.body as string);
    const { head, events: read, rejected } = expandBody(body);

    expect(payload.contentType).toBe('text/plain;charset=UTF-8');
    expect(head).toMatchObject({
      key: 'k1',
      batchId: 'batch-1',
      attempt: 3,
      sentAt: clock.now(),
      sdk: '0.0.0-test',
      drops: [{ source: 'source-1', first: 1, last: 2, reason: 'invalid' }],
      carried: [['source-1', 3, 4]],
      tails: [['source-1', 24, 1]],
    });
    expect(rejected).toEqual([]);
    expect(read.map((event) => [event.seq, event.name, event.properties])).toEqual(
      events.map((event) => [event.seq, event.name, JSON.parse(event.properties!)]),
    );
  });

  it('leaves out what there is nothing of', async () => {
    const { body } = await createPetrelEncoder({ clock }).encode(batchOf(sampleEvents(1)));

    expect(Object.keys(JSON.parse(body as string))).not.toEqual(
      expect.arrayContaining([expect.stringMatching(/^(key|drops|carried)$/)]),
    );
  });
});

describe('the gzip encoder', () => {
  const inner = createPetrelEncoder({ clock });

  it('compresses a batch to what gunzip gives back', async () => {
    const batch = batchOf(sampleEvents(100));

    const payload = await createGzipEncoder(inner).encode(batch);

    const plain = (await inner.encode(batch)).body as string;
    expect(payload).toMatchObject({ encoding: 'gzip', contentType: 'text/plain;charset=UTF-8' });
    expect(gunzipSync(payload.body as Uint8Array).toString()).toBe(plain);
    expect(payload.body.length).toBeLessThan(plain.length / 2);
  });

  it('leaves a small body as it is', async () => {
    const payload = await createGzipEncoder(inner).encode(batchOf(sampleEvents(1)));

    expect(payload.encoding).toBeUndefined();
    expect(typeof payload.body).toBe('string');
  });

  it('sends plain where the browser cannot compress, or fails to', async () => {
    const batch = batchOf(sampleEvents(100));
    const failing = class {
      constructor() {
        throw new TypeError('unsupported');
      }
    } as never;

    for (const Compression of [null as never, failing]) {
      const payload = await createGzipEncoder(inner, Compression).encode(batch);
      expect(payload).toEqual(await inner.encode(batch));
    }
  });
});
