import type { EventCategory } from '../../src/core/event.js';
import type { EventRow } from '../../src/server/sinks/lib/row.js';
import type { StoredEvent } from '../contract/sink.contract.js';

/** The event that a record of a table or a line of a file stands for. Columns without a value may be null. */
export function storedEvent(row: { [K in keyof EventRow]: EventRow[K] | null }): StoredEvent {
  return {
    id: row.id!,
    source: row.source!,
    seq: Number(row.seq),
    name: row.name!,
    category: row.category as EventCategory,
    timestamp: Number(row.timestamp),
    sentAt: Number(row.sent_at),
    receivedAt: Number(row.received_at),
    properties: row.properties!,
    ...(row.user_id != null && { userId: row.user_id }),
    ...(row.anonymous_id != null && { anonymousId: row.anonymous_id }),
    ...(row.session_id != null && { sessionId: row.session_id }),
    ...(row.group_id != null && { groupId: row.group_id }),
    ...(row.batch_id != null && { batchId: row.batch_id }),
    ...(row.context != null && { context: row.context }),
  };
}
