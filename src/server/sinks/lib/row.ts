import type { Json } from '../../../core/event.js';
import type { ReceivedDrop, ReceivedEvent } from '../sink.js';

/** An event as a flat record: the columns of every table, and the members of every line, that sinks write. */
export interface EventRow {
  id: string;
  source: string;
  seq: number;
  name: string;
  category: string;
  user_id?: string;
  anonymous_id?: string;
  session_id?: string;
  group_id?: string;
  /** By the client's clock, in ms since the epoch, as `sent_at`. */
  timestamp: number;
  sent_at: number;
  /** By the collector's clock, in ms since the epoch. */
  received_at: number;
  batch_id?: string;
  properties: { [key: string]: Json };
  context?: { [key: string]: Json };
}

/** A drop as a flat record. */
export interface DropRow {
  source: string;
  first: number;
  last: number;
  reason: string;
  received_at: number;
}

/** The event's record. What is not known is left out. */
export function eventRow(event: ReceivedEvent): EventRow {
  return {
    id: event.id,
    source: event.source,
    seq: event.seq,
    name: event.name,
    category: event.category,
    ...(event.userId !== undefined && { user_id: event.userId }),
    ...(event.anonymousId !== undefined && { anonymous_id: event.anonymousId }),
    ...(event.sessionId !== undefined && { session_id: event.sessionId }),
    ...(event.groupId !== undefined && { group_id: event.groupId }),
    timestamp: event.timestamp,
    sent_at: Math.round(event.sentAt),
    received_at: Math.round(event.receivedAt),
    ...(event.batchId !== undefined && { batch_id: event.batchId }),
    properties: event.properties,
    ...(event.context !== undefined && { context: event.context }),
  };
}

export function dropRow({ source, first, last, reason, receivedAt }: ReceivedDrop): DropRow {
  return { source, first, last, reason, received_at: Math.round(receivedAt) };
}
