/**
 * Both directions of the wire format: `encodeRows`/`encodeColumns` write a body, `expandBody` reads one that nobody vouches for.
 */
import { PetrelError } from './errors.js';
import {
  type AnalyticsEvent,
  type EventCategory,
  eventId,
  type Json,
  MAX_EVENT_BYTES,
  MAX_NAME_LENGTH,
  MAX_PROPERTY_DEPTH,
  type Origin,
  type QueuedEvent,
  SOURCE_PATTERN,
  utf8Length,
} from './event.js';
import { show } from './options.js';
import type { DropReason } from './outcome.js';
import type { Tombstone } from './queue-state.js';
import { scrubContext } from './scrub-url.js';
import {
  type ColumnsBody,
  type EventRow,
  type RowsBody,
  type SourceRange,
  type SourceTail,
  WIRE_VERSION,
  type WireHead,
} from './wire.js';

/** What a sender says about a batch; version and origins are filled in. */
export type HeadInput = Partial<WireHead> & Pick<WireHead, 'sentAt'>;

/** The events as rows: readable, and what can be written without sorting anything. */
export function encodeRows(head: HeadInput, events: readonly QueuedEvent[]): RowsBody {
  const [origins, originOf] = collectOrigins();
  const rows = events.map((event): EventRow => {
    const row: EventRow = [originOf(event.origin), event.seq, Math.round(event.timestamp), event.name];
    if (event.properties !== undefined || event.category) row.push(propertiesOf(event));
    if (event.category) row.push(event.category);
    return row;
  });
  return { ...head, petrel: WIRE_VERSION, form: 'rows', origins, events: rows };
}

/**
 * The events in columns: 100 varied events with 8 properties each gzip to 25 bytes an event, as rows to 34.
 *
 * Tried and not kept, because gzip already does most of it: dictionaries for repeated strings, bit strings for booleans and
 * scaled decimals together save 1 byte more at 100 events and cost bytes below 50; differences between numbers cost bytes.
 */
export function encodeColumns(head: HeadInput, events: readonly QueuedEvent[]): ColumnsBody {
  const [origins, originOf] = collectOrigins();
  const body: ColumnsBody = {
    ...head,
    petrel: WIRE_VERSION,
    form: 'columns',
    origins,
    origin: [],
    seq: [],
    time: [],
    shape: [],
    shapes: [],
    values: [],
  };
  const shapeIndex = new Map<string, number>();
  const lastSeq: number[] = [];
  let lastTime = 0;
  for (const event of events) {
    const origin = originOf(event.origin);
    const runs = body.origin;
    if (runs.length > 0 && runs[runs.length - 2] === origin) runs[runs.length - 1]!++;
    else runs.push(origin, 1);

    body.seq.push(event.seq - (lastSeq[origin] ?? -1) - 1);
    lastSeq[origin] = event.seq;

    const time = Math.round(event.timestamp);
    body.time.push(time - lastTime);
    lastTime = time;

    const properties = propertiesOf(event) ?? {};
    const keys = Object.keys(properties);
    const key = JSON.stringify([event.name, event.category, keys]);
    let index = shapeIndex.get(key);
    if (index === undefined) {
      index = body.shapes.length;
      shapeIndex.set(key, index);
      body.shapes.push({ name: event.name, ...(event.category && { category: event.category }), keys });
      body.values.push(keys.map(() => []));
    }
    body.shape.push(index);
    const columns = body.values[index]!;
    for (let k = 0; k < keys.length; k++) columns[k]!.push(properties[keys[k]!]!);
  }
  return body;
}

/** Positions for origins: one per object, and one for those that are equal although they are copies (each stored record has its own). */
function collectOrigins(): [origins: Origin[], originOf: (origin: Origin) => number] {
  const origins: Origin[] = [];
  const byIdentity = new Map<Origin, number>();
  const byText = new Map<string, number>();
  return [
    origins,
    (origin) => {
      let index = byIdentity.get(origin);
      if (index === undefined) {
        const text = JSON.stringify(origin);
        index = byText.get(text);
        if (index === undefined) {
          index = origins.push(origin) - 1;
          byText.set(text, index);
        }
        byIdentity.set(origin, index);
      }
      return index;
    },
  ];
}

function propertiesOf(event: QueuedEvent): { [key: string]: Json } | null {
  return event.properties === undefined ? null : JSON.parse(event.properties);
}

/**
 * Why one event of a body was not taken.
 *
 * | reason | meaning |
 * |---|---|
 * | `bad-row` | the row is not an array |
 * | `bad-origin` | it points to no origin, or to one whose source, ids or context are not what they must be |
 * | `bad-seq` | not a whole number from 1 to 2^53 - 1 |
 * | `bad-timestamp` | not a number a `Date` can hold |
 * | `bad-name` | not a string of 1 to 200 characters |
 * | `bad-category` | not a lower-case word |
 * | `bad-properties` | not an object, or a number in it that JSON cannot hold (`1e999`) |
 * | `too-deep` | properties nested deeper than {@link MAX_PROPERTY_DEPTH} |
 * | `too-large` | name and properties are more than `maxEventBytes` |
 */
export type RejectReason =
  | 'bad-row'
  | 'bad-origin'
  | 'bad-seq'
  | 'bad-timestamp'
  | 'bad-name'
  | 'bad-category'
  | 'bad-properties'
  | 'too-deep'
  | 'too-large';

/** An event of a body that was not taken. */
export interface RejectedEvent {
  /** Position in the body's events. */
  index: number;
  /** Its id, or `''` when source or seq are not such that it has one. */
  id: string;
  reason: RejectReason;
}

/** How much {@link expandBody} takes. */
export interface ExpandLimits {
  /** Most events in one body. @defaultValue 10000 */
  maxEvents?: number;
  /** Most bytes of one event: name and JSON of the properties, in UTF-8. @defaultValue 32768 */
  maxEventBytes?: number;
  /**
   * Most bytes of all events together once each is written out whole, with its origin. A small body can name one large context
   * ten thousand times.
   * @defaultValue 67108864
   */
  maxExpandedBytes?: number;
}

/** A body, read. */
export interface ExpandedBody {
  head: WireHead;
  /** In the order of the body. The same id may be there twice. */
  events: AnalyticsEvent[];
  /** Bytes of each event as JSON, its origin included; same length as `events`. */
  sizes: number[];
  rejected: RejectedEvent[];
}

/** Most sequence numbers of `carried` that are looked at in one body; what is beyond is not confirmed, so the sender sends it. */
export const MAX_CARRIED = 10_000;

/** Largest distance from 1970 that a `Date` can hold, in ms. Years 1970 and 9999 are a wrong clock, not a wrong event. */
const MAX_TIME = 8.64e15;

/** Ids are at most this long, in UTF-16 code units; Segment's and RudderStack's limit for a user id is the same order. */
export const MAX_ID_LENGTH = 512;

/** A lower-case word with dashes. New categories and drop reasons come with newer senders, and are kept. */
export const WORD_PATTERN = /^[a-z][a-z0-9-]{0,39}$/;

/** What `JSON.stringify` adds to an event beside its name, properties and origin: keys, digits, quotes. */
export const EVENT_OVERHEAD_BYTES = 120;

/**
 * Reads an untrusted body: a value that came out of `JSON.parse`.
 *
 * One bad event is rejected with a reason and the others are taken; a body that is not built right is refused as a whole,
 * because then nothing in it can be trusted to be what it seems. Time and memory are proportional to the body and the limits.
 * Strings that go into columns (names and ids) get U+FFFD for NUL and for lone surrogates, which databases refuse.
 *
 * @throws {@link PetrelError} `invalid-message` (not a body of this format), `unsupported-version` (of a later one), `too-large`
 */
export function expandBody(body: unknown, limits: ExpandLimits = {}): ExpandedBody {
  const { maxEvents = 10_000, maxEventBytes = MAX_EVENT_BYTES, maxExpandedBytes = 67_108_864 } = limits;
  if (!isObject(body)) throw malformed('body', 'an object', body);
  const head = checkHead(body, maxEvents);
  const origins = (body.origins as unknown[]).map(checkOrigin);

  const events: AnalyticsEvent[] = [];
  const sizes: number[] = [];
  const rejected: RejectedEvent[] = [];
  let expandedBytes = 0;

  const take = (
    index: number,
    position: unknown,
    seq: unknown,
    timestamp: unknown,
    name: unknown,
    category: unknown,
    properties: unknown,
  ) => {
    const origin = Number.isSafeInteger(position) ? origins[position as number] : undefined;
    const goodSeq = isSeq(seq);
    const reject = (reason: RejectReason) => {
      rejected.push({ index, id: goodSeq && origin?.source ? eventId(origin.source, seq) : '', reason });
    };
    if (!origin?.fields) return reject('bad-origin');
    if (!goodSeq) return reject('bad-seq');
    if (!isTime(timestamp)) return reject('bad-timestamp');
    if (typeof name !== 'string' || name.length === 0 || name.length > MAX_NAME_LENGTH) return reject('bad-name');
    if (category != null && (typeof category !== 'string' || !WORD_PATTERN.test(category)))
      return reject('bad-category');
    if (properties != null && !isObject(properties)) return reject('bad-properties');
    const fault = properties == null ? undefined : faultOf(properties, MAX_PROPERTY_DEPTH);
    if (fault) return reject(fault);
    const bytes = utf8Length(name) + (properties == null ? 2 : utf8Length(JSON.stringify(properties)));
    if (bytes > maxEventBytes) return reject('too-large');

    const size = bytes + origin.bytes + EVENT_OVERHEAD_BYTES;
    expandedBytes += size;
    if (expandedBytes > maxExpandedBytes) {
      throw new PetrelError('too-large', `the events are more than ${maxExpandedBytes} bytes when written out whole`);
    }
    sizes.push(size);
    events.push({
      id: eventId(origin.fields.source, seq),
      seq,
      name: storable(name),
      category: (category ?? 'custom') as EventCategory,
      timestamp: Math.round(timestamp),
      properties: (properties ?? {}) as AnalyticsEvent['properties'],
      ...origin.fields,
    });
  };

  if (body.form === 'rows') {
    const rows = listOf('events', body.events, maxEvents);
    for (let i = 0; i < rows.length; i++) {
      const row = rows[i];
      if (Array.isArray(row)) take(i, row[0], row[1], row[2], row[3], row[5], row[4]);
      else rejected.push({ index: i, id: '', reason: 'bad-row' });
    }
  } else if (body.form === 'columns') {
    expandColumns(body, maxEvents, take);
  } else {
    throw malformed('form', '"rows" or "columns"', body.form);
  }
  return { head, events, sizes, rejected };
}

const OWN_PROPERTY = { enumerable: true, configurable: true, writable: true };

/** Calls `take` for each event of a body in columns, after checking that the columns fit each other. */
function expandColumns(
  body: { [key: string]: unknown },
  maxEvents: number,
  take: (
    i: number,
    o: unknown,
    seq: unknown,
    at: unknown,
    name: unknown,
    category: unknown,
    properties: unknown,
  ) => void,
): void {
  const runs = listOf('origin', body.origin, 2 * maxEvents);
  if (runs.length % 2 !== 0) throw malformed('origin', 'pairs of origin and count', runs);
  let count = 0;
  for (let r = 0; r < runs.length; r += 2) {
    const run = runs[r + 1];
    if (!Number.isSafeInteger(run) || (run as number) < 1)
      throw malformed(`origin[${r + 1}]`, 'a count of 1 or more', run);
    count += run as number;
    if (count > maxEvents) throw tooMany('events', maxEvents);
  }
  const seqs = numbersOf('seq', body.seq, count);
  const times = numbersOf('time', body.time, count);
  const shapeOf = numbersOf('shape', body.shape, count);
  const shapes = listOf('shapes', body.shapes, maxEvents).map((shape, s) => {
    if (!isObject(shape)) throw malformed(`shapes[${s}]`, 'an object', shape);
    const keys = shape.keys;
    if (!Array.isArray(keys) || !keys.every((key) => typeof key === 'string') || new Set(keys).size !== keys.length) {
      throw malformed(`shapes[${s}].keys`, 'an array of different strings', keys);
    }
    return { name: shape.name, category: shape.category, keys: keys as string[], events: 0 };
  });
  for (let i = 0; i < count; i++) {
    const shape = shapes[shapeOf[i]!];
    if (!shape) throw malformed(`shape[${i}]`, 'a position in `shapes`', shapeOf[i]);
    shape.events++;
  }
  const values = body.values;
  if (!Array.isArray(values) || values.length !== shapes.length) {
    throw malformed('values', `an array of ${shapes.length}, as many as \`shapes\``, values);
  }
  for (let s = 0; s < shapes.length; s++) {
    const { keys, events } = shapes[s]!;
    const columns: unknown = values[s];
    if (!Array.isArray(columns) || columns.length !== keys.length) {
      throw malformed(`values[${s}]`, `an array of ${keys.length}, as many as the shape has keys`, columns);
    }
    for (let k = 0; k < columns.length; k++) {
      const column: unknown = columns[k];
      if (!Array.isArray(column) || column.length !== events) {
        throw malformed(`values[${s}][${k}]`, `an array of ${events}, as many as events have the shape`, column);
      }
    }
  }

  const next = shapes.map(() => 0);
  const lastSeq = new Map<unknown, number>();
  let time = 0;
  let i = 0;
  for (let r = 0; r < runs.length; r += 2) {
    const origin = runs[r];
    for (let end = i + (runs[r + 1] as number); i < end; i++) {
      const seq = (lastSeq.get(origin) ?? -1) + 1 + seqs[i]!;
      lastSeq.set(origin, seq);
      time += times[i]!;
      const s = shapeOf[i]!;
      const { name, category, keys } = shapes[s]!;
      const at = next[s]!++;
      const properties: { [key: string]: unknown } = {};
      for (let k = 0; k < keys.length; k++) {
        const key = keys[k]!;
        const value: unknown = values[s][k][at];
        // Assigning to `__proto__` would set the prototype; here it is a key like any other, as JSON.parse has it.
        if (key === '__proto__') Object.defineProperty(properties, key, { value, ...OWN_PROPERTY });
        else properties[key] = value;
      }
      take(i, origin, seq, time, name, category, properties);
    }
  }
}

function checkHead(body: { [key: string]: unknown }, maxEvents: number): WireHead {
  const { petrel, key, batchId, attempt, sentAt, sdk, origins, drops, carried, tails } = body;
  if (petrel !== WIRE_VERSION) {
    if (!Number.isSafeInteger(petrel) || (petrel as number) < 1) throw malformed('petrel', 'the version', petrel);
    throw new PetrelError(
      'unsupported-version',
      `version ${petrel} of the wire format is not known here, only ${WIRE_VERSION}`,
    );
  }
  if (!isTime(sentAt)) throw malformed('sentAt', 'a time in ms since the epoch', sentAt);
  const head: WireHead = {
    petrel,
    sentAt,
    // Each origin is checked by itself, see checkOrigin.
    origins: listOf('origins', origins, maxEvents) as Origin[],
  };
  if (key != null) head.key = checkText('key', key);
  if (batchId != null) head.batchId = checkText('batchId', batchId);
  if (sdk != null) head.sdk = checkText('sdk', sdk);
  if (attempt != null) {
    if (!isSeq(attempt)) throw malformed('attempt', 'a whole number from 1', attempt);
    head.attempt = attempt;
  }
  if (drops != null) head.drops = listOf('drops', drops, maxEvents).map(checkDrop);
  if (carried != null) head.carried = limitRanges(listOf('carried', carried, maxEvents).map(checkRange));
  if (tails != null) head.tails = listOf('tails', tails, maxEvents).map(checkTail);
  return head;
}

function checkTail(tail: unknown, i: number): SourceTail {
  if (!Array.isArray(tail) || !isRange(tail[0], 1, tail[1])) {
    throw malformed(`tails[${i}]`, '[source, last, closed]', tail);
  }
  return [tail[0], tail[1], tail[2] === 1 ? 1 : 0];
}

function checkDrop(drop: unknown, i: number): Tombstone {
  if (!isObject(drop)) throw malformed(`drops[${i}]`, 'an object', drop);
  const { source, first, last, reason } = drop;
  if (!isRange(source, first, last)) throw malformed(`drops[${i}]`, 'a source, and `first` not above `last`', drop);
  if (typeof reason !== 'string' || !WORD_PATTERN.test(reason)) throw malformed(`drops[${i}].reason`, 'a word', reason);
  return { source: source as string, first: first as number, last: last as number, reason: reason as DropReason };
}

function checkRange(range: unknown, i: number): SourceRange {
  if (!Array.isArray(range) || !isRange(range[0], range[1], range[2])) {
    throw malformed(`carried[${i}]`, '[source, first, last]', range);
  }
  return [range[0], range[1], range[2]];
}

/** The ranges up to {@link MAX_CARRIED} sequence numbers in all. */
function limitRanges(ranges: SourceRange[]): SourceRange[] {
  let room = MAX_CARRIED;
  const kept: SourceRange[] = [];
  for (const [source, first, last] of ranges) {
    if (room <= 0) break;
    const end = Math.min(last, first + room - 1);
    room -= end - first + 1;
    kept.push([source, first, end]);
  }
  return kept;
}

/** An origin as its events get it; without `fields` when it is bad. */
interface CheckedOrigin {
  source?: string;
  fields?: Origin;
  bytes: number;
}

const BAD_ORIGIN: CheckedOrigin = { bytes: 0 };

function checkOrigin(origin: unknown): CheckedOrigin {
  if (!isObject(origin)) return BAD_ORIGIN;
  const { source, context } = origin;
  if (typeof source !== 'string' || !SOURCE_PATTERN.test(source)) return BAD_ORIGIN;
  const fields: Origin = { source };
  for (const field of ['userId', 'groupId', 'anonymousId', 'sessionId'] as const) {
    const value = origin[field];
    if (value == null) continue;
    if (typeof value !== 'string' || value.length > MAX_ID_LENGTH) return { source, bytes: 0 };
    fields[field] = storable(value);
  }
  if (context != null) {
    if (!isObject(context) || faultOf(context, MAX_PROPERTY_DEPTH)) return { source, bytes: 0 };
    fields.context = scrubContext(context as { [key: string]: Json });
  }
  const bytes = utf8Length(JSON.stringify(fields));
  return bytes > MAX_EVENT_BYTES ? { source, bytes: 0 } : { source, fields, bytes };
}

/** What is wrong with a value that is to be JSON, if anything. Goes no deeper than `depth`, so hostile nesting cannot exhaust the stack. */
export function faultOf(value: unknown, depth: number): 'bad-properties' | 'too-deep' | undefined {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return undefined;
  if (typeof value === 'number') return Number.isFinite(value) ? undefined : 'bad-properties';
  if (typeof value !== 'object') return 'bad-properties';
  if (depth === 0) return 'too-deep';
  const members = Array.isArray(value) ? value : Object.values(value);
  for (let i = 0; i < members.length; i++) {
    const fault = faultOf(members[i], depth - 1);
    if (fault) return fault;
  }
  return undefined;
}

/** The text, fit for a text column: PostgreSQL refuses NUL, and no encoder of UTF-8 has a lone surrogate. */
export function storable(text: string): string {
  return text.replace(/\0|\p{Surrogate}/gu, '\ufffd');
}

function isObject(value: unknown): value is { [key: string]: unknown } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isSeq(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 1;
}

export function isTime(value: unknown): value is number {
  return typeof value === 'number' && Math.abs(value) <= MAX_TIME;
}

function isRange(source: unknown, first: unknown, last: unknown): boolean {
  return typeof source === 'string' && SOURCE_PATTERN.test(source) && isSeq(first) && isSeq(last) && first <= last;
}

function checkText(where: string, value: unknown): string {
  if (typeof value !== 'string' || value.length === 0 || value.length > MAX_ID_LENGTH) {
    throw malformed(where, `a string of 1 to ${MAX_ID_LENGTH} characters`, value);
  }
  return storable(value);
}

function listOf(where: string, value: unknown, max: number): unknown[] {
  if (!Array.isArray(value)) throw malformed(where, 'an array', value);
  if (value.length > max) throw tooMany(where, max);
  return value;
}

function numbersOf(where: string, value: unknown, count: number): number[] {
  if (!Array.isArray(value) || value.length !== count) {
    throw malformed(where, `an array of ${count}, as many as \`origin\` counts`, value);
  }
  const bad = value.findIndex((number) => !Number.isFinite(number));
  if (bad !== -1) throw malformed(`${where}[${bad}]`, 'a number', value[bad]);
  return value;
}

function malformed(where: string, expected: string, value: unknown): PetrelError {
  const found = Array.isArray(value) ? `an array of ${value.length}` : show(value);
  return new PetrelError('invalid-message', `\`${where}\` must be ${expected}, not ${found}`);
}

function tooMany(where: string, max: number): PetrelError {
  return new PetrelError('too-large', `\`${where}\` has more than ${max} entries`);
}
