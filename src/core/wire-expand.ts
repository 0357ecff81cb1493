/** The other direction of the wire format: reads a body that nobody vouches for. wire-encode.ts writes them. */
import { PetrelError } from './errors.js';
import {
  type AnalyticsEvent,
  type EventCategory,
  eventId,
  MAX_EVENT_BYTES,
  MAX_NAME_LENGTH,
  MAX_PROPERTY_DEPTH,
  utf8Length,
} from './event.js';
import type { WireHead } from './wire.js';
import {
  checkHead,
  checkOrigin,
  faultOf,
  isObject,
  isSeq,
  isTime,
  listOf,
  malformed,
  numbersOf,
  storable,
  tooMany,
  WORD_PATTERN,
} from './wire-checks.js';

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
