/** Events at the host's door: what a page posted, checked and measured once, as it will be stored and sent. */
import {
  type EventCategory,
  MAX_EVENT_BYTES,
  MAX_NAME_LENGTH,
  MAX_PROPERTY_DEPTH,
  type Origin,
  type Priority,
  type QueuedEvent,
  SOURCE_PATTERN,
  utf8Length,
} from '../core/event.js';
import type { DropReason } from '../core/outcome.js';
import type { Tombstone } from '../core/queue-state.js';
import { scrubContext } from '../core/scrub-url.js';
import { isObject, isSeq, isWord } from './guards.js';

/** The collector refuses longer ones. */
const MAX_ID_LENGTH = 512;

/** Furthest from 1970 that a `Date` can be, in ms. */
const MAX_TIME = 8.64e15;

/** No page loses more of one kind in one go; without a bound a wrong number would spoil the counters for ever. */
const MAX_DROP_RUN = 1_000_000;

/** What the columns of an event cost beside name and properties: seq, time, shape. A rough mean of measured bodies before gzip. */
const EVENT_OVERHEAD_BYTES = 16;

/** An event of a message that is not taken. */
export interface DoorDrop {
  /** Undefined when the row does not say whose event it is. */
  source: string | undefined;
  seq: number;
  reason: DropReason;
  detail: string;
}

export interface CheckedEvents {
  /** By priority, in the order in which they are to be stored. */
  taken: [priority: Priority, events: QueuedEvent[]][];
  drops: DoorDrop[];
}

/**
 * Sorts the rows of a message into events to store and events to drop. Nothing in a row can make it throw.
 * `add` says what the host knows about the origin of events beyond what the page does.
 */
export function checkEvents(
  origins: readonly unknown[],
  rows: readonly unknown[],
  add: (origin: Origin) => Partial<Origin> = () => ({}),
): CheckedEvents {
  const checkedOrigins = origins.map((origin) => {
    const checked = checkOrigin(origin);
    return checked && { ...checked, ...add(checked) };
  });
  const taken: Record<Priority, QueuedEvent[]> = { critical: [], normal: [], low: [] };
  const drops: DoorDrop[] = [];
  for (const row of rows) {
    const [position, seq, timestamp, name, properties, category, priority]: unknown[] = Array.isArray(row) ? row : [];
    const origin = Number.isInteger(position) ? checkedOrigins[position as number] : undefined;
    const refuse = (detail: string, reason: DropReason = 'invalid') => {
      // Without a number nobody can be told which one it was.
      if (isSeq(seq)) drops.push({ source: origin?.source, seq, reason, detail });
    };
    if (!origin || !isSeq(seq)) {
      refuse('no source');
      continue;
    }
    if (typeof name !== 'string' || name.length < 1 || name.length > MAX_NAME_LENGTH) {
      refuse(`name: not 1 to ${MAX_NAME_LENGTH} characters`);
      continue;
    }
    if (typeof timestamp !== 'number' || !(Math.abs(timestamp) <= MAX_TIME)) {
      refuse('timestamp: not a time');
      continue;
    }
    if (category != null && !isWord(category)) {
      refuse('category: not a lower-case word');
      continue;
    }
    const event: QueuedEvent = { origin, seq, timestamp, name };
    if (category != null && category !== 'custom') event.category = category as EventCategory;
    if (properties != null) {
      let text: string | undefined;
      try {
        text = JSON.stringify(properties);
      } catch (error) {
        // Cyclic, a BigInt, or nested deeper than the stack.
        refuse(`properties: ${String(error)}`);
        continue;
      }
      if (text?.[0] !== '{') {
        refuse('properties: not an object');
        continue;
      }
      if (depthOf(text) > MAX_PROPERTY_DEPTH) {
        refuse(`properties: deeper than ${MAX_PROPERTY_DEPTH}`);
        continue;
      }
      if (text !== '{}') event.properties = text;
    }
    const bytes = sizeOfEvent(event) - EVENT_OVERHEAD_BYTES;
    if (bytes > MAX_EVENT_BYTES) {
      refuse(`${bytes} bytes`, 'too-large');
      continue;
    }
    taken[priority === 'critical' || priority === 'low' ? priority : 'normal'].push(event);
  }
  return {
    taken: (['critical', 'normal', 'low'] as const).flatMap((priority): CheckedEvents['taken'] =>
      taken[priority].length > 0 ? [[priority, taken[priority]]] : [],
    ),
    drops,
  };
}

/** The drops a page tells of: `[source, first, last, reason]`. */
export function checkDrops(drops: readonly unknown[]): Tombstone[] {
  return drops.flatMap((drop): Tombstone[] => {
    const [source, first, last, reason]: unknown[] = Array.isArray(drop) ? drop : [];
    if (!isSource(source) || !isSeq(first) || !isSeq(last) || !isWord(reason)) return [];
    return first <= last && last - first < MAX_DROP_RUN ? [{ source, first, last, reason: reason as DropReason }] : [];
  });
}

/** Bytes an event adds to a batch. */
export function sizeOfEvent({ name, properties = '' }: QueuedEvent): number {
  return EVENT_OVERHEAD_BYTES + utf8Length(name) + utf8Length(properties);
}

/** Whether something read back from the store is what {@link checkEvents} makes. */
export function isQueuedEvent(value: unknown): value is QueuedEvent {
  const { origin, seq, timestamp, name, properties } = (value ?? {}) as Partial<QueuedEvent>;
  return (
    isSource(origin?.source) &&
    isSeq(seq) &&
    typeof timestamp === 'number' &&
    typeof name === 'string' &&
    (properties === undefined || typeof properties === 'string')
  );
}

/**
 * The origin with what is sound in it: a part that the collector would refuse, with every event of the page, is left out.
 * Undefined without a source: nothing of it could be told apart.
 */
function checkOrigin(origin: unknown): Origin | undefined {
  if (!isObject(origin) || !isSource(origin.source)) return undefined;
  const checked: Origin = { source: origin.source };
  for (const field of ['userId', 'groupId'] as const) {
    const id = origin[field];
    if (typeof id === 'string' && id.length <= MAX_ID_LENGTH) checked[field] = id;
  }
  if (isObject(origin.context)) {
    try {
      const text = JSON.stringify(origin.context);
      const room = MAX_EVENT_BYTES - utf8Length(JSON.stringify(checked)) - 200;
      if (depthOf(text) < MAX_PROPERTY_DEPTH && utf8Length(text) <= room)
        checked.context = scrubContext(JSON.parse(text));
    } catch {
      // Not JSON: the events are worth more than where they come from.
    }
  }
  return checked;
}

const isSource = (value: unknown): value is string => typeof value === 'string' && SOURCE_PATTERN.test(value);

/** How deep JSON text is nested: 1 for `{}`. By its brackets, because a recursion over the value can exhaust the stack. */
function depthOf(json: string): number {
  let depth = 0;
  let deepest = 0;
  let quoted = false;
  for (let i = 0; i < json.length; i++) {
    const unit = json.charCodeAt(i);
    if (quoted) {
      if (unit === 0x5c /* \ */) i++;
      else if (unit === 0x22 /* " */) quoted = false;
    } else if (unit === 0x22) quoted = true;
    else if (unit === 0x7b /* { */ || unit === 0x5b /* [ */) deepest = Math.max(deepest, ++depth);
    else if (unit === 0x7d /* } */ || unit === 0x5d /* ] */) depth--;
  }
  return deepest;
}
