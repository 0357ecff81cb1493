import type { ReceivedEvent } from '../sink.js';
import { type EventRow, eventRow } from './row.js';
import { mayBeUnstorable, storableText } from './text.js';

/** Columns of `events` that are written, with their types. */
const EVENT_COLUMNS = {
  id: 'String',
  source: 'String',
  seq: 'UInt64',
  name: 'String',
  category: 'String',
  user_id: 'Nullable(String)',
  anonymous_id: 'Nullable(String)',
  session_id: 'Nullable(String)',
  group_id: 'Nullable(String)',
  timestamp: 'Int64',
  sent_at: 'Int64',
  received_at: 'Int64',
  batch_id: 'Nullable(String)',
  properties: 'String',
  context: 'Nullable(String)',
  rank: 'UInt64',
};

const list = (columns: Record<string, string>) => Object.keys(columns).join(', ');

/**
 * The statements that make the tables, in a database whose name is quoted already.
 *
 * Rows of one `source` and `id` become one when parts are merged, and with `FINAL`: that of the highest `rank`, which is the one received first.
 * Not partitioned: rows of different partitions are never merged, and the only times by which all copies of an event agree are
 * the visitors' clocks', which say any year.
 */
export const tablesIn = (database: string): string[] => [
  `CREATE DATABASE IF NOT EXISTS ${database}`,
  `CREATE TABLE IF NOT EXISTS ${database}.events (
    ${Object.entries(EVENT_COLUMNS)
      .map(([name, type]) => `${name} ${type}`)
      .join(', ')},
    corrected_at Int64 MATERIALIZED timestamp + received_at - sent_at
  ) ENGINE = ReplacingMergeTree(rank) ORDER BY (source, id)`,
  `CREATE TABLE IF NOT EXISTS ${database}.drops (
    source String, first UInt64, last UInt64, reason String, received_at Int64
  ) ENGINE = ReplacingMergeTree() ORDER BY (source, first, last, reason)`,
];

export const insertEvents = (database: string) =>
  `INSERT INTO ${database}.events (${list(EVENT_COLUMNS)}) FORMAT JSONEachRow`;

export const insertDrops = (database: string) =>
  `INSERT INTO ${database}.drops (source, first, last, reason, received_at) FORMAT JSONEachRow`;

/** Ids among the listed; the sources narrow the search to where they can be. */
export const selectStored = (database: string, sources: string, ids: string) =>
  `SELECT DISTINCT id FROM ${database}.events WHERE source IN (${sources}) AND id IN (${ids}) FORMAT JSONEachRow`;

/** The event's line. Properties and context are JSON text in a column of text, so whatever is in them arrives as it is. */
export function lineOf(event: ReceivedEvent): string {
  const { properties, context, ...texts } = eventRow(event);
  const row = {
    ...texts,
    properties: JSON.stringify(properties),
    ...(context && { context: JSON.stringify(context) }),
    rank: Number.MAX_SAFE_INTEGER - Math.max(0, texts.received_at),
  };
  const line = JSON.stringify(row);
  return mayBeUnstorable(line) ? JSON.stringify(storable(row)) : line;
}

function storable(row: Omit<EventRow, 'properties' | 'context'>): object {
  return Object.fromEntries(
    Object.entries(row).map(([name, value]) => [name, typeof value === 'string' ? storableText(value) : value]),
  );
}
