/**
 * `petrel/formats/ndjson`: one JSON object a line, with the columns of Petrel's tables.
 * docs/formats.md has the mapping, field by field, and what is lost.
 *
 * @see https://github.com/ndjson/ndjson-spec
 * @packageDocumentation
 */
import { type Format, type FormatEvent, timeOf } from './lib/format.js';
import { pack, written } from './lib/pack.js';

export type { EncodedEvents, Format, FormatEvent, FormatHead, RefusedEvent } from './lib/format.js';

/** Twice the largest event: its origin may be as large again. */
const MAX_EVENT_BYTES = 131_072;

/** Lines have no limit in all; 1 MiB is what servers and gateways take unless told otherwise. */
const MAX_BODY_BYTES = 1_000_000;

/**
 * Lines of JSON, as ClickHouse (`JSONEachRow`), DuckDB (`read_json`), Vector and BigQuery read them. Times are ms since the epoch, columns
 * without a value are left out.
 */
export const ndjson: Format = {
  name: 'ndjson',
  encode: (events, { sentAt, sdk }) =>
    pack(
      written(events, (event) => JSON.stringify(toLine(event, sentAt, sdk))),
      'application/x-ndjson',
      { open: '', separator: '\n', close: '\n', maxEventBytes: MAX_EVENT_BYTES, maxBodyBytes: MAX_BODY_BYTES },
    ),
  /** A Petrel collector says by position which lines it refuses. */
  refusedBy(answer, _events, taken) {
    const rejected = (answer as { rejected?: unknown } | null | undefined)?.rejected;
    if (!Array.isArray(rejected)) return [];
    return rejected.flatMap((one: { index?: unknown; reason?: unknown } | null) => {
      const index = taken[one?.index as number];
      return index === undefined ? [] : [{ index, reason: String(one?.reason) }];
    });
  },
};

function toLine(event: FormatEvent, sentAt: number, sdk: string | undefined) {
  const { id, source, seq, name, category, userId, anonymousId, sessionId, groupId, properties, context } = event;
  return {
    id,
    source,
    seq,
    name,
    category,
    user_id: userId,
    anonymous_id: anonymousId,
    session_id: sessionId,
    group_id: groupId,
    timestamp: timeOf(event),
    sent_at: Math.round(sentAt),
    received_at: event.receivedAt,
    sdk,
    properties,
    context,
  };
}
