import type { IncomingMessage } from 'node:http';
import { gunzipSync } from 'node:zlib';
import type { EventCategory, Json, Origin } from '../core/event.js';
import { eventId } from '../core/event.js';
import type { Tombstone } from '../core/queue-state.js';
import type { ColumnsBody, EventRow, RowsBody, SourceRange, WireBody } from '../core/wire.js';

/** What a request was, and what became of it. Filled in while it is handled. */
export interface RecordedRequest {
  /** 1 for the first request since the start. */
  readonly number: number;
  /** When it began, in ms since the epoch. */
  readonly at: number;
  readonly method: string;
  /** Path and query. */
  readonly path: string;
  /** The `Origin` header: which site sent it. */
  readonly origin?: string;
  readonly contentType?: string;
  /** Bytes of the body as sent. */
  readonly bytes: number;
  /** Whether the body was gzip. */
  readonly gzip: boolean;
  /** Whether the connection had carried a request before. Browsers repeat a request by themselves when such a connection breaks. */
  readonly reused: boolean;
  /** `other`: no Petrel body, or a broken one; the members below are empty then. */
  readonly form: 'rows' | 'columns' | 'other';
  readonly batchId?: string;
  readonly attempt?: number;
  readonly sentAt?: number;
  /** Ids of the events it carried, in order. */
  readonly ids: readonly string[];
  /** Names of the events it carried, in order. */
  readonly names: readonly string[];
  /** What it asked the collector about. */
  readonly carried: readonly SourceRange[];
  /** What it said was dropped. */
  readonly drops: readonly Tombstone[];
  /** The faults that met it, in words. */
  faults: readonly string[];
  /** The status that was answered; undefined while, or when, nothing was. */
  status?: number;
  /** Whether the collector was asked and said 2xx: everything it did not refuse is in its database. */
  stored: boolean;
  /** What the collector said of it, before a fault replaced it. */
  accepted?: number;
  duplicates?: number;
  rejected?: readonly { id: string; reason: string }[];
  /** The client went away before it had the answer. */
  aborted: boolean;
  /** When the exchange ended, in ms since the epoch; undefined while it lasts. */
  endedAt?: number;
}

/** A body, read as far as a test needs it. */
export interface ReadBody {
  head: Pick<WireBody, 'batchId' | 'attempt' | 'sentAt' | 'origins' | 'drops' | 'carried'> & Partial<WireBody>;
  form: 'rows' | 'columns';
  rows: EventRow[];
}

/**
 * Reads a Petrel body into rows; undefined when it is none, so that a proxy can record what it does not understand.
 * Kept apart from the collector's decoder on purpose: a fault there would otherwise look right here.
 */
export function readBody(bytes: Uint8Array, gzip: boolean): ReadBody | undefined {
  try {
    const text = new TextDecoder().decode(gzip ? gunzipSync(bytes) : bytes);
    const body = JSON.parse(text) as WireBody;
    if (typeof body !== 'object' || body === null || !Array.isArray(body.origins)) return undefined;
    if (body.form === 'rows') return { head: body, form: 'rows', rows: body.events };
    if (body.form === 'columns') return { head: body, form: 'columns', rows: rowsOf(body) };
  } catch {
    // Not gzip, not JSON, or not columns: a body of another kind, which is an answer here and no failure.
  }
  return undefined;
}

export function idsOf(origins: readonly Origin[], rows: readonly EventRow[]): string[] {
  return rows.map((row) => eventId(origins[row[0]]?.source ?? '?', row[1]));
}

/** The same body without the events that `drop` names, as rows: what a proxy passes on. */
export function withoutEvents(body: ReadBody, drop: (name: string) => boolean): RowsBody {
  const { petrel, key, batchId, attempt, sentAt, sdk, origins, drops, carried } = body.head;
  const rest = { key, batchId, attempt, sdk, drops, carried };
  return {
    petrel: petrel ?? 1,
    sentAt,
    origins,
    ...(Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== undefined)) as Partial<RowsBody>),
    form: 'rows',
    events: body.rows.filter((row) => !drop(row[3])),
  };
}

function rowsOf(body: ColumnsBody): EventRow[] {
  const rows: EventRow[] = [];
  const next = body.shapes.map(() => 0);
  const lastSeq: number[] = [];
  let time = 0;
  let i = 0;
  for (let run = 0; run < body.origin.length; run += 2) {
    const origin = body.origin[run]!;
    for (let n = 0; n < body.origin[run + 1]!; n++, i++) {
      const seq = (lastSeq[origin] ?? -1) + 1 + body.seq[i]!;
      lastSeq[origin] = seq;
      time = i === 0 ? body.time[i]! : time + body.time[i]!;
      const shape = body.shape[i]!;
      const { name, category, keys } = body.shapes[shape]!;
      const entry = next[shape]!++;
      // From entries, because a key may be `__proto__`.
      const properties = Object.fromEntries(
        keys.map((key, k): [string, Json] => [key, body.values[shape]![k]![entry]!]),
      );
      rows.push([origin, seq, time, name, properties, (category ?? null) as EventCategory | null]);
    }
  }
  return rows;
}

/** What is known of a request once its body has been read. */
export function recordOf(
  req: IncomingMessage,
  bytes: Uint8Array,
  at: number,
  reused: boolean,
  number: number,
): RecordedRequest {
  const path = req.url ?? '/';
  // By its first bytes, as the collector does: labels lie, and no JSON begins like this.
  const gzip = bytes[0] === 0x1f && bytes[1] === 0x8b;
  const body = req.method === 'POST' ? readBody(bytes, gzip) : undefined;
  const { origin } = req.headers;
  const contentType = req.headers['content-type'];
  return {
    number,
    at,
    method: req.method ?? 'GET',
    path,
    ...(origin !== undefined && { origin }),
    ...(contentType !== undefined && { contentType }),
    bytes: bytes.length,
    gzip,
    reused,
    form: body?.form ?? 'other',
    ...(body?.head.batchId !== undefined && { batchId: body.head.batchId }),
    ...(body?.head.attempt !== undefined && { attempt: body.head.attempt }),
    ...(body?.head.sentAt !== undefined && { sentAt: body.head.sentAt }),
    ids: body ? idsOf(body.head.origins, body.rows) : [],
    names: body ? body.rows.map((row) => row[3]) : [],
    carried: body?.head.carried ?? [],
    drops: body?.head.drops ?? [],
    faults: [],
    stored: false,
    aborted: false,
  };
}

/** The whole body, or what came of it. */
export async function readAll(req: IncomingMessage): Promise<{ bytes: Buffer<ArrayBuffer>; complete: boolean }> {
  const chunks: Buffer[] = [];
  try {
    for await (const chunk of req) chunks.push(chunk as Buffer);
    return { bytes: Buffer.concat(chunks), complete: true };
  } catch {
    // The client went away in the middle of its body: recorded as aborted.
    return { bytes: Buffer.concat(chunks), complete: false };
  }
}
