/**
 * `petrel/formats/segment`: what Segment, RudderStack and their like take at `POST /v1/batch`.
 * docs/formats.md has the mapping, field by field, and what is lost.
 *
 * @see https://segment.com/docs/connections/sources/catalog/libraries/server/http-api/
 * @packageDocumentation
 */
import type { Json } from '../core/event.js';
import { type Format, type FormatEvent, type FormatHead, isoTime, timeOf } from './lib/format.js';
import { pack, written } from './lib/pack.js';

export type { EncodedEvents, Format, FormatEvent, FormatHead, RefusedEvent } from './lib/format.js';

/** "32 KB per event": 1 024 is what their own client counts by (analytics-node, `MAX_EVENT_SIZE_IN_KB`). */
const MAX_EVENT_BYTES = 32 * 1024;

/** "500 KB per batch": the smaller of the two things a KB may be. */
const MAX_BODY_BYTES = 500_000;

/** Members of a context that mean something to Segment or to the decoder; a page's own of the same name goes into `petrel`. */
const RESERVED = ['library', 'page', 'groupId', 'sessionId', 'petrel'];

/** Of Petrel's context, what Segment has under `page`. */
const PAGE_FIELDS = ['url', 'title', 'referrer'];

/**
 * Segment's batch. Bodies of at most 500 000 bytes; an event of more than 32 KiB is refused as `too-large`.
 *
 * The write key goes into the body (`writeKey`), where browsers can put it without a preflight; receivers that want it in
 * `Authorization: Basic` get it there from a collector that forwards.
 */
export const segment: Format = {
  name: 'segment',
  // As Segment's own browser client does.
  simpleType: 'text/plain;charset=UTF-8',
  encode(events, head) {
    const sentAt = isoTime(head.sentAt);
    return pack(
      written(events, (event) => JSON.stringify(toSegment(event, sentAt, head))),
      'application/json',
      {
        open: JSON.stringify({ sentAt, writeKey: head.key, batch: [] }).slice(0, -2),
        separator: ',',
        close: ']}',
        maxEventBytes: MAX_EVENT_BYTES,
        maxBodyBytes: MAX_BODY_BYTES,
      },
    );
  },
};

function toSegment(event: FormatEvent, sentAt: string | undefined, { sdk }: FormatHead) {
  const { id, source, name, category, userId, groupId, anonymousId, sessionId, properties } = event;
  const { page, own, others } = splitContext(event.context);
  const time = isoTime(timeOf(event));
  const type = typeOf(event);
  // What the receiver has no field for, and a decoder of ours reads back.
  const petrel = {
    ...(type === 'track' ? category !== 'custom' && { category } : name !== type && { name }),
    ...(others && { context: others }),
  };
  return {
    type,
    messageId: id,
    // Segment stores none without either. A page that left before it knew the visitor has at least its own random name.
    ...(userId && { userId }),
    ...((anonymousId || !userId) && { anonymousId: anonymousId || source }),
    ...(type === 'group' && { groupId }),
    ...(type === 'track' && { event: name }),
    ...(type === 'page' && name !== 'page' && { name }),
    // RudderStack reads the second and third, Segment the first.
    ...(time && { timestamp: time, originalTimestamp: time }),
    ...(sentAt && { sentAt }),
    ...(type === 'identify' || type === 'group' ? { traits: properties } : { properties }),
    context: {
      ...own,
      library: { name: 'petrel', ...(sdk !== undefined && { version: sdk }) },
      ...(page && { page }),
      ...(groupId && { groupId }),
      ...(sessionId && { sessionId }),
      petrel: { source, ...petrel },
    },
  };
}

/** A group without its id, or an identify without a user's, would be refused: such an event is `track`, and says what it was. */
function typeOf({ category, userId, groupId }: FormatEvent): 'page' | 'identify' | 'group' | 'track' {
  if (category === 'page') return 'page';
  if (category === 'identify' && userId) return 'identify';
  return category === 'group' && groupId ? 'group' : 'track';
}

type Context = { [key: string]: Json };

/** Sorts a context into Segment's `page`, what stands beside it, and what would be in the way there. */
function splitContext(context: Context = {}): { page?: Context; own: Context; others?: Context } {
  const page: [string, Json][] = [];
  const own: [string, Json][] = [];
  const others: [string, Json][] = [];
  for (const entry of Object.entries(context)) {
    const isPage = PAGE_FIELDS.includes(entry[0]);
    if (isPage && typeof entry[1] === 'string') page.push(entry);
    else (isPage || RESERVED.includes(entry[0]) ? others : own).push(entry);
  }
  return {
    ...(page.length > 0 && { page: Object.fromEntries(page) }),
    own: Object.fromEntries(own),
    ...(others.length > 0 && { others: Object.fromEntries(others) }),
  };
}
