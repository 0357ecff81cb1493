/**
 * What a wire format of other people's pipelines is to Petrel: a pure function from events to a body. The same in the worker, in the
 * page and in a collector that forwards.
 */
import type { AnalyticsEvent } from '../../core/event.js';

/** An event to be sent on, from a browser's queue or from a collector. */
export interface FormatEvent extends AnalyticsEvent {
  /** The collector's clock when it came in, in ms since the epoch. */
  receivedAt?: number;
  /** The client's clock when it sent it, in ms since the epoch. With `receivedAt` it corrects `timestamp`: see `timeOf`. */
  sentAt?: number;
}

/** What is said about all events of a body. */
export interface FormatHead {
  /** The sender's clock now, in ms since the epoch. */
  sentAt: number;
  /** The receiver's write key, where the format has a place for it in the body. */
  key?: string;
  /** Version of Petrel that sends. */
  sdk?: string;
}

/** An event that a format, or its receiver, will never take. */
export interface RefusedEvent {
  /** Position in the events given to `encode`. */
  index: number;
  /** A word, or the receiver's sentence. */
  reason: string;
}

/** Events as a body. */
export interface EncodedEvents {
  /** What to POST; `''` when no event is in it, and nothing is to be sent. */
  body: string;
  /** The media type to send it as. */
  contentType: string;
  /** Positions of the events in the body, ascending. What is neither here nor in `refused` did not fit: encode it next. */
  taken: number[];
  refused: RefusedEvent[];
}

/**
 * A wire format to send events in.
 *
 * @example
 * ```ts
 * import { segment } from 'petrel/formats/segment';
 *
 * const { body, contentType, taken, refused } = segment.encode(events, { sentAt: Date.now(), key: 'write key' });
 * ```
 */
export interface Format {
  /** What the page's option `format` says. */
  readonly name: string;
  /** A media type that the format's receivers take as well, and that browsers send without asking first (a preflight). */
  readonly simpleType?: string;
  /** Puts as many of the events into one body as the receiver takes at once, in their order. Never throws for an event. */
  encode(events: readonly FormatEvent[], head: FormatHead): EncodedEvents;
  /**
   * Of the events that were sent (`taken`), those that a 2xx answer refuses for good. `answer` is the body as JSON, undefined when
   * it is none. Absent: a 2xx takes all.
   */
  refusedBy?(answer: unknown, events: readonly FormatEvent[], taken: readonly number[]): RefusedEvent[];
}

/**
 * When the event happened, in ms since the epoch: by the collector's clock where it is known how far the client's is off, else by the
 * client's.
 */
export function timeOf({ timestamp, receivedAt, sentAt }: FormatEvent): number {
  return Math.round(receivedAt === undefined || sentAt === undefined ? timestamp : timestamp + receivedAt - sentAt);
}

/** Years 0000 to 9999, the ones RFC 3339 has. */
const [FIRST_TIME, LAST_TIME] = [-62_167_219_200_000, 253_402_300_799_999];

/** The time as RFC 3339 has it; undefined for a year that it has not: a clock that is wrong by thousands of years. */
export function isoTime(ms: number): string | undefined {
  return ms >= FIRST_TIME && ms <= LAST_TIME ? new Date(ms).toISOString() : undefined;
}
