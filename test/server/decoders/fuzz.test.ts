import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PetrelError } from '../../../src/core/errors.js';
import { cloudevents } from '../../../src/formats/cloudevents.js';
import type { Format } from '../../../src/formats/lib/format.js';
import { ndjson } from '../../../src/formats/ndjson.js';
import { otlp } from '../../../src/formats/otlp.js';
import { segment } from '../../../src/formats/segment.js';
import { Refusal } from '../../../src/server/refusal.js';
import { anyEvents, SENT_AT } from '../../formats/events.js';
import { decode, request } from './decode.js';

const PATHS = { segment: '/v1/batch', cloudevents: '/', otlp: '/v1/logs', ndjson: '/' } as { [format: string]: string };

/** Something else in the place of any part of a JSON value. */
const anything = fc.oneof(
  fc.jsonValue({ maxDepth: 3 }),
  fc.constantFrom<unknown>(null, {}, [], '', -1, 1e308, '\ud800', '\0', '__proto__', [[[]]], { __proto__: null }),
);

/** Puts `other` in the place of the n-th part of `value`, counted through all of it. */
function mutate(value: unknown, n: { left: number }, other: unknown): unknown {
  if (n.left-- === 0) return other;
  if (Array.isArray(value)) return value.map((member) => mutate(member, n, other));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, mutate(member, n, other)]));
}

/** Every event of a body is taken or rejected, or the whole body is refused; nothing else may happen. */
async function expectOrderly(posted: Request): Promise<void> {
  try {
    const { events, sizes, rejected } = await decode(posted);
    const ids = events.map(({ id }) => id);
    expect(ids.every((id) => id.length > 0 && id.length <= 512)).toBe(true);
    expect(sizes).toHaveLength(events.length);
    const places = rejected.map(({ index }) => index);
    expect([...places].sort((a, b) => a - b)).toEqual(places);
    for (const event of events) {
      expect(event.seq).toBe(0);
      expect(Number.isSafeInteger(event.timestamp)).toBe(true);
      expect(JSON.parse(JSON.stringify(event))).toEqual(event);
      expect(/[\0\p{Surrogate}]/u.test(event.id + event.name + event.source + (event.userId ?? ''))).toBe(false);
    }
  } catch (error) {
    if (!(error instanceof Refusal) && !(error instanceof PetrelError)) throw error;
  }
}

describe.each([segment, cloudevents, otlp, ndjson])('a damaged $name body', (format: Format) => {
  const path = PATHS[format.name]!;

  it('is taken apart or refused, never a crash, when any part of it is something else', async () => {
    await fc.assert(
      fc.asyncProperty(anyEvents, fc.nat({ max: 80 }), anything, async (events, left, other) => {
        const { body, contentType } = format.encode(events, { sentAt: SENT_AT });
        const one = (text: string) => JSON.stringify(mutate(JSON.parse(text), { left }, other)) ?? '';
        const damaged = format === ndjson ? body.trimEnd().split('\n').map(one).join('\n') : one(body);

        await expectOrderly(request(damaged, contentType, path));
      }),
      { numRuns: 200 },
    );
  });

  it('is taken apart or refused, never a crash, when bytes of it are others', async () => {
    await fc.assert(
      fc.asyncProperty(
        anyEvents,
        fc.array(fc.tuple(fc.nat(), fc.nat({ max: 255 })), { maxLength: 8 }),
        async (events, changes) => {
          const { body, contentType } = format.encode(events, { sentAt: SENT_AT });
          const bytes = new TextEncoder().encode(body);
          for (const [at, byte] of changes) bytes[at % bytes.length] = byte;

          await expectOrderly(request(bytes, contentType, path));
        },
      ),
      { numRuns: 100 },
    );
  });
});
