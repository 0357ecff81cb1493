/** A value that survives `JSON.parse(JSON.stringify(value))`. */
export type Json = string | number | boolean | null | Json[] | { [key: string]: Json };

/** What kind of event it is. `custom` is what `track()` makes; plugins and the other verbs use the rest. */
export type EventCategory =
  | 'custom'
  | 'page'
  | 'identify'
  | 'group'
  | 'interaction'
  | 'performance'
  | 'error'
  | 'exposure';

/** All categories, for checks at the doors. */
export const EVENT_CATEGORIES: readonly EventCategory[] = [
  'custom',
  'page',
  'identify',
  'group',
  'interaction',
  'performance',
  'error',
  'exposure',
];

/** How much an event matters: the order of leaving (critical first, and at once) and of eviction (low first). */
export type Priority = 'low' | 'normal' | 'critical';

/**
 * What is the same for many events: where they come from. Written once per batch on the wire.
 * Events of one message share one object; structured clone (IndexedDB, postMessage) keeps it shared.
 */
export interface Origin {
  /** One tracker instance: 128 random bits. @see SOURCE_PATTERN */
  source: string;
  userId?: string;
  groupId?: string;
  /** Random id of the browser, owned by the host. Absent when the event left by the page before it was known. */
  anonymousId?: string;
  sessionId?: string;
  /** The page: url, referrer, title, language, screen, campaign. */
  context?: { [key: string]: Json };
}

/** An event as the collector and its sinks see it: flat, whole, with its id. */
export interface AnalyticsEvent extends Origin {
  /** `${source}.${seq}`: the same on every path the event takes. See {@link eventId}. */
  id: string;
  /** Number of the event within its source: 1, 2, 3 … without gaps. */
  seq: number;
  /** 1 to 200 characters. */
  name: string;
  category: EventCategory;
  /** Client wall-clock time of `track()`, in ms since the epoch. */
  timestamp: number;
  properties: { [key: string]: Json };
}

/** Longest event name, in UTF-16 code units. */
export const MAX_NAME_LENGTH = 200;

/** Largest event, in bytes of its JSON (UTF-8): Segment and RudderStack refuse more, so no pipeline gets less than we took. */
export const MAX_EVENT_BYTES = 32_768;

/** Deepest nesting of properties that the collector takes. */
export const MAX_PROPERTY_DEPTH = 16;

/** The id of an event, whichever path it takes. Injective, because a source has no dot. */
export function eventId(source: string, seq: number): string {
  return `${source}.${seq}`;
}

/** What a source looks like: 8 to 64 characters of base64url. Trackers make up to 40 digits. */
export const SOURCE_PATTERN = /^[A-Za-z0-9_-]{8,64}$/;

/** Bytes of `text` in UTF-8; a lone surrogate counts 3, as the replacement character it becomes. */
export function utf8Length(text: string): number {
  let bytes = text.length;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit < 0x80) continue;
    if (unit < 0x800) bytes += 1;
    else if (unit >= 0xd800 && unit < 0xdc00 && (text.charCodeAt(i + 1) & 0xfc00) === 0xdc00) {
      bytes += 2;
      i++;
    } else bytes += 2;
  }
  return bytes;
}

/**
 * An event as it waits in the host's queue. Properties are JSON text: checked and measured once at the door, cheap to clone,
 * and a retry sends exactly what was stored.
 */
export interface QueuedEvent {
  /** Shared by the events of one message. */
  origin: Origin;
  seq: number;
  /** Client wall-clock time of `track()`, in ms since the epoch. */
  timestamp: number;
  name: string;
  /** Left out when `custom`. */
  category?: EventCategory;
  /** JSON text of the properties; left out when there are none. */
  properties?: string;
}
