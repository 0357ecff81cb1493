import { eventId } from '../../../core/event.js';
import type { SourceRange } from '../../../core/wire.js';
import { type ReceivedEvent, rangesOf } from '../sink.js';
import { SCHEMA_VERSION, type SqliteDatabase } from './sqlite-file.js';
import { storableText } from './text.js';

/**
 * A table with rowids and a unique index: in a table `WITHOUT ROWID` the wide rows make up the index, and inserts took twice the
 * time (29 000 against 53 000 events/s, rows of 570 bytes).
 */
export const EVENTS_SCHEMA = `
  CREATE TABLE events (
    position INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    source TEXT NOT NULL,
    seq INTEGER NOT NULL,
    name TEXT NOT NULL,
    category TEXT NOT NULL,
    user_id TEXT,
    anonymous_id TEXT,
    session_id TEXT,
    group_id TEXT,
    timestamp INTEGER NOT NULL,
    sent_at INTEGER NOT NULL,
    received_at INTEGER NOT NULL,
    corrected_at INTEGER AS (timestamp + received_at - sent_at),
    batch_id TEXT,
    properties TEXT NOT NULL,
    context TEXT
  );
  CREATE INDEX events_received_at ON events (received_at);
  CREATE TABLE drops (
    source TEXT NOT NULL,
    first INTEGER NOT NULL,
    last INTEGER NOT NULL,
    reason TEXT NOT NULL,
    received_at INTEGER NOT NULL,
    PRIMARY KEY (source, first, last, reason)
  ) WITHOUT ROWID;
  PRAGMA user_version = ${SCHEMA_VERSION};
`;

const EVENT_COLUMNS = [
  'id',
  'source',
  'seq',
  'name',
  'category',
  'user_id',
  'anonymous_id',
  'session_id',
  'group_id',
  'timestamp',
  'sent_at',
  'received_at',
  'batch_id',
  'properties',
  'context',
];

/** One row, with the values of {@link rowOf}. */
export const insertEvents = `INSERT OR IGNORE INTO events (${EVENT_COLUMNS.join(', ')}) VALUES (${EVENT_COLUMNS.map(() => '?').join(', ')})`;

/** Says which numbers are stored. */
export function lookUp(db: SqliteDatabase): (ranges: readonly SourceRange[]) => SourceRange[] {
  // One statement and one row, however many ids: a row for each would take longer than the search.
  const selectStored = db.prepare(
    'SELECT json_group_array(value) AS ids FROM json_each(?) WHERE EXISTS (SELECT 1 FROM events WHERE id = value)',
  );
  return (ranges) => {
    const asked = ranges.map(([source, first, last]) =>
      Array.from({ length: last - first + 1 }, (_, i) => eventId(source, first + i)),
    );
    const { ids } = selectStored.get(JSON.stringify(asked.flat())) as { ids: string };
    const stored = new Set<string>(JSON.parse(ids));
    return ranges.flatMap(([source, first], r) => {
      const seqs = asked[r]!.flatMap((id, i) => (stored.has(id) ? [first + i] : []));
      return rangesOf(source, seqs);
    });
  };
}

/** Contexts as text. The events of a body share one object, so each is written once. */
export function contextWriter(): (context: ReceivedEvent['context']) => string | null {
  let last: ReceivedEvent['context'];
  let text: string | null = null;
  return (context) => {
    if (context !== last) {
      last = context;
      text = context ? JSON.stringify(context) : null;
    }
    return text;
  };
}

export function rowOf(event: ReceivedEvent, contextOf: ReturnType<typeof contextWriter>): unknown[] {
  return [
    storableText(event.id),
    storableText(event.source),
    event.seq,
    storableText(event.name),
    event.category,
    textOrNull(event.userId),
    textOrNull(event.anonymousId),
    textOrNull(event.sessionId),
    textOrNull(event.groupId),
    event.timestamp,
    Math.round(event.sentAt),
    Math.round(event.receivedAt),
    textOrNull(event.batchId),
    JSON.stringify(event.properties),
    contextOf(event.context),
  ];
}

const textOrNull = (text: string | undefined) => (text === undefined ? null : storableText(text));
