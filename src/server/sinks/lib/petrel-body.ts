import { createHash } from 'node:crypto';
import { eventId, type Origin, type QueuedEvent, SOURCE_PATTERN } from '../../../core/event.js';
import type { SourceRange, WireHead } from '../../../core/wire.js';
import { encodeColumns } from '../../../core/wire-encode.js';
import type { ReceivedDrop, ReceivedEvent, ReceivedTail } from '../sink.js';

/** What one request to another collector says. */
export interface PetrelContent {
  events: readonly ReceivedEvent[];
  drops?: readonly ReceivedDrop[];
  tails?: readonly ReceivedTail[];
  /** Numbers whose fate is asked for. */
  carried?: readonly SourceRange[];
}

/** The furthest from 1970 a `Date` can be, in ms. */
const MAX_TIME = 8.64e15;

/** The events in Petrel's own wire format. The times are this collector's: the other one knows nothing of the visitors' clocks. */
export function petrelBody(
  { events, drops = [], tails = [], carried }: PetrelContent,
  head: Pick<WireHead, 'sentAt' | 'key' | 'sdk'>,
): string {
  const origins = new Map<string, Origin>();
  return JSON.stringify(
    encodeColumns(
      {
        ...head,
        ...(drops.length > 0 && {
          drops: drops.map(({ source, first, last, reason }) => ({ source, first, last, reason })),
        }),
        ...(tails.length > 0 && { tails: tails.map(({ source, last, closed }) => [source, last, closed ? 1 : 0]) }),
        ...(carried && { carried: [...carried] }),
      },
      events.map((event) => queuedEvent(event, origins)),
    ),
  );
}

function queuedEvent(event: ReceivedEvent, origins: Map<string, Origin>): QueuedEvent {
  const [source, seq] = numberOf(event);
  const { userId, groupId, anonymousId, sessionId, context } = event;
  const origin: Origin = {
    source,
    ...(userId !== undefined && { userId }),
    ...(groupId !== undefined && { groupId }),
    ...(anonymousId !== undefined && { anonymousId }),
    ...(sessionId !== undefined && { sessionId }),
    ...(context && { context }),
  };
  // Written once for all events that share it.
  const text = JSON.stringify(origin);
  const shared = origins.get(text) ?? origin;
  origins.set(text, shared);
  const timestamp = Math.round(event.timestamp + event.receivedAt - event.sentAt);
  return {
    origin: shared,
    seq,
    timestamp: Math.min(Math.max(timestamp, -MAX_TIME), MAX_TIME),
    name: event.name,
    ...(event.category !== 'custom' && { category: event.category }),
    properties: JSON.stringify(event.properties),
  };
}

/**
 * Source and number, from which the other collector makes the id. An event that no tracker numbered becomes number 1 of a source that
 * follows from its id, so that it, too, is stored once however often it is sent on.
 */
function numberOf({ id, source, seq }: ReceivedEvent): [source: string, seq: number] {
  if (seq >= 1 && SOURCE_PATTERN.test(source) && eventId(source, seq) === id) return [source, seq];
  return [createHash('sha256').update(id).digest('base64url').slice(0, 22), 1];
}
