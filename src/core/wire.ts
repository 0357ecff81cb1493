/**
 * The Petrel wire format, version 1: what is POSTed to a collector and what it answers.
 *
 * Body: UTF-8 JSON, sent as `text/plain;charset=UTF-8` (a CORS-simple request, no preflight), gzip when `?enc=gzip` is in the URL.
 * Two forms of one schema. *Rows* is what a leaving page can write without an encoder. *Columns* is what the worker sends:
 * the same values sorted into columns: 72 instead of 172 bytes an event, after gzip 25 instead of 34 (100 varied events with
 * 8 properties). Event ids are not on the wire; they follow from source and seq. wire-encode.ts writes both, wire-expand.ts reads them.
 *
 * Changes are additive within version 1; a collector answers an unknown version with 400 and `unsupported-version`.
 */
import type { EventCategory, Json, Origin } from './event.js';
import type { Tombstone } from './queue-state.js';

export const WIRE_VERSION = 1;

/** Sequence numbers `first` to `last` (inclusive) of one source. */
export type SourceRange = [source: string, first: number, last: number];

/** The highest number that a source is known to have reached, and whether (1) its page is gone, so that no higher one will come. */
export type SourceTail = [source: string, last: number, closed: 0 | 1];

/** What both forms have in common. */
export interface WireHead {
  petrel: typeof WIRE_VERSION;
  /** The write key, where the collector wants one. In the body, because a header would cost a preflight. */
  key?: string;
  /** The batch's id: the same on each attempt. Absent on the exit path. */
  batchId?: string;
  /** 1 for the first attempt. Absent on the exit path. */
  attempt?: number;
  /** Client wall-clock time of this attempt, in ms since the epoch; with the collector's clock it gives the skew. */
  sentAt: number;
  /** Version of the package that made the body. */
  sdk?: string;
  /** Who the events are from; rows and columns point into it. */
  origins: Origin[];
  /** Drops not told before: sequence numbers that will never come, and why. */
  drops?: Tombstone[];
  /** Sequence numbers the sender has a copy of but believes delivered by a leaving page: the answer's `has` says which are. */
  carried?: SourceRange[];
  /**
   * How far sources have come, told once each time it changes: while more waits than the body holds, and when a page is gone, by
   * whoever sends next, maybe days later. So the collector knows what is still to come, and when nothing is.
   */
  tails?: SourceTail[];
}

/**
 * One event as a row: also what the page posts to the host.
 * `origin` is a position in `origins`, `timestamp` is ms since the epoch, `properties` may be left out (null) when empty,
 * `category` when it is `custom`. `priority` is for the host and means nothing to a collector.
 */
export type EventRow = [
  origin: number,
  seq: number,
  timestamp: number,
  name: string,
  properties?: { [key: string]: unknown } | null,
  category?: EventCategory | null,
  priority?: 'low' | 'critical' | null,
];

export interface RowsBody extends WireHead {
  form: 'rows';
  events: EventRow[];
}

/**
 * Events in columns. Event i has `shapes[shape[i]]`, and is the next entry of that shape's value columns.
 * A *shape* is a name, a category and a set of property keys, so that equal things stand side by side.
 */
export interface ColumnsBody extends WireHead {
  form: 'columns';
  /** Runs of equal origin, in event order: [origin, count, origin, count, …]. */
  origin: number[];
  /** Difference to the previous seq of the same origin minus 1 (0 = the next number); the first of an origin stands as it is. */
  seq: number[];
  /** Difference to the previous event's timestamp in ms; the first stands as it is. */
  time: number[];
  /** Position in `shapes`, per event. */
  shape: number[];
  shapes: { name: string; category?: EventCategory; keys: string[] }[];
  /** values[shape][key] = the values of that key, one per event of the shape, in event order. */
  values: Json[][][];
}

/** What is POSTed: one of the two forms. */
export type WireBody = RowsBody | ColumnsBody;

/** Status 200 of a collector: everything in `accepted` and `duplicates` is stored. */
export interface WireAnswer {
  batchId?: string;
  /** Events stored by this request. */
  accepted: number;
  /** Events that had been stored before. */
  duplicates: number;
  /**
   * Events that will never be stored, each with a reason (a `RejectReason` of wire-expand.ts, or the sink's word): by id, and by
   * position in the request's events. The id is `''` where source or seq are such that the event has none.
   */
  rejected: { id: string; index?: number; reason: string }[];
  /** Those of the request's `carried` that are stored. Absent when nothing was asked. */
  has?: SourceRange[];
  /** The collector's clock when it answered, in ms since the epoch. */
  serverTime: number;
}

/** Every other status: `error` is a stable word, `message` says it for people. */
export interface WireError {
  error: string;
  message: string;
  /** With 413: the largest body taken, in bytes. */
  limitBytes?: number;
}
