import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cloudevents } from '../../src/formats/cloudevents.js';
import type { Format, FormatEvent } from '../../src/formats/lib/format.js';
import { ndjson } from '../../src/formats/ndjson.js';
import { otlp } from '../../src/formats/otlp.js';
import { segment } from '../../src/formats/segment.js';
import { decode, request } from '../server/decoders/decode.js';
import { anyEvents, eventOf, SENT_AT } from './events.js';

const HEAD = { sentAt: SENT_AT, key: 'k1', sdk: '1.2.3' };

/** Each format, its address, and what comes back beside the event itself. */
const FORMATS: [format: Format, path: string, added: object][] = [
  [segment, '/v1/batch', { sentAt: SENT_AT, sdk: '1.2.3' }],
  [cloudevents, '/events', {}],
  [otlp, '/v1/logs', { sdk: '1.2.3' }],
  [ndjson, '/events', { sentAt: SENT_AT, sdk: '1.2.3' }],
];

/** As docs/formats.md says: a number is not carried, and no context is as good as an empty one. */
function carried({ context, ...event }: FormatEvent) {
  return { ...event, seq: 0, ...(context && Object.keys(context).length > 0 && { context }) };
}

describe.each(FORMATS)('$name, written by Petrel and read by its collector,', (format, path, added) => {
  it('brings every event back as it was, with its id', async () => {
    await fc.assert(
      fc.asyncProperty(anyEvents, async (events) => {
        const { body, contentType, refused } = format.encode(events, HEAD);

        const decoded = await decode(request(body, contentType, path));

        expect(refused).toEqual([]);
        expect(decoded.format).toBe(format.name);
        expect(decoded.rejected).toEqual([]);
        expect(decoded.events).toEqual(events.map((event) => ({ ...carried(event), ...added })));
        expect(decoded.sizes).toHaveLength(events.length);
      }),
    );
  });

  it('has the size that the collector counts by, within a factor of two', async () => {
    const { body, contentType } = format.encode([eventOf()], HEAD);

    const { events, sizes } = await decode(request(body, contentType, path));

    const bytes = Buffer.byteLength(JSON.stringify(events[0]));
    expect(sizes[0]).toBeGreaterThan(bytes / 2);
    expect(sizes[0]).toBeLessThan(bytes * 2);
  });
});
