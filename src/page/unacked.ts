import type { Origin } from '../core/event.js';
import type { EventRow } from '../core/wire.js';
import {
  type DestinationConfig,
  destinationId,
  type EventsMessage,
  type HostMessage,
  type PageMessage,
} from '../protocol.js';
import type { TrackedEvent } from './api.js';
import type { EngineHost } from './host.js';

/** An event with its number, until a host has acknowledged it. */
export interface PageEvent extends TrackedEvent {
  origin: Origin;
  seq: number;
  /**
   * What was done with it: nothing yet, {@link POSTED}, {@link SENT}, or the time when a hidden page posted it.
   * So what is far in the past needs no care at an exit.
   */
  handled?: number | undefined;
  /** Somebody has it. */
  done?: boolean;
}

/** Numbers that were given and will never come: `[source, first, last, reason]`. */
export type Drops = NonNullable<EventsMessage['drops']>;

/** A message, without what all have in common. */
interface Message {
  type: PageMessage['type'];
  carried?: boolean;
  online?: boolean;
  source?: string;
}

/** It was posted to the host, which will answer. Later than any time, so it is never far in the past. */
const POSTED = 9e15;

/** The leaving page sent it by itself, and waits for nothing. */
export const SENT = 1;

/** How long a host may be silent, in ms. A stopped worker wakes in 10 to 110 ms; one transaction takes a few more. */
const SILENCE_MS = 2_000;

/**
 * Wait after the page is shown again, before what is unanswered is handed over again, in ms: answers to the requests of the exit come
 * late (Chromium within 300 ms), and WebKit's worker takes the page for hidden for a moment longer.
 */
const RETURN_MS = 500;

/** Most events a hidden page remembers: it gets no answers, and what it posted longer ago counts as stored. */
const MAX_HIDDEN = 1_000;

/** A value that none of an event's members may have. */
const REFUSED = '' as never;

/** Events as rows, with their origins beside them: what messages to the host and bodies to the collector carry. */
export function pack(events: PageEvent[]) {
  const origins: Origin[] = [];
  const rows = events.map(({ origin, seq, timestamp, name, properties, category, priority }): unknown[] => [
    (origins.indexOf(origin) + 1 || origins.push(origin)) - 1,
    seq,
    timestamp,
    name,
    properties,
    category,
    priority,
  ]);
  return { origins, events: rows as EventRow[] };
}

/** Does it with both halves; not, and returns 0, if there is only one event. */
export function halve(events: PageEvent[], each: (half: PageEvent[]) => void): number {
  const half = events.length >> 1;
  if (half) {
    each(events.slice(0, half));
    each(events.slice(half));
  }
  return half;
}

/**
 * All events that no host has acknowledged, oldest first, whether they are on their way or held until they are posted.
 *
 * Nothing leaves but by an answer, so an event is in here, or the host has it in its database. What has no answer is
 * posted again: once after 2 s of silence, whenever the page comes back into view, and to the next host. The host knows repeats
 * by source and seq.
 *
 * One timer serves it all: silence while something is unanswered, else the host's wish to be woken, else none.
 *
 * @param drops numbers that will never come. Told with every message: the host counts each of them once
 * @param answered told each answer, with the events it settles
 * @param silent called when the host does not answer
 */
export function createUnacked(
  config: DestinationConfig,
  drops: Drops,
  answered: (answer: HostMessage, events: PageEvent[]) => void,
  silent: () => void,
) {
  const to = destinationId(config);
  let waiting: PageEvent[] = [];
  let host: EngineHost | undefined;
  let configKnown = false;
  let timer: ReturnType<typeof setTimeout> | undefined;
  /** What had waited longest when the timer was set for it. */
  let oldest: PageEvent | undefined;
  let silences = 0;
  /** When the host wants to be woken, in ms since the epoch; NaN when it does not. */
  let wakeAt = Number.NaN;

  const setTimer = (ms = SILENCE_MS) => {
    clearTimeout(timer);
    oldest = waiting[0];
    if (host && !document.hidden) timer = setTimeout(look, ms);
  };

  // Only when the timer ends, so that a message costs none: is what had waited longest then still waiting, is the host to be woken?
  const look = () => {
    const ms = waiting[0] ? (waiting[0] === oldest ? 0 : SILENCE_MS) : wakeAt - Date.now();
    oldest = undefined;
    if (ms > 0) setTimer(ms);
    else if (ms <= 0) {
      if (++silences < 2) repost();
      else if (silences < 3) silent();
    }
  };

  /** Takes events out; returns those that were still in. */
  const remove = (events: PageEvent[]) => {
    const found = events.filter((event) => !event.done);
    for (const event of found) event.done = true;
    waiting = waiting.filter((event) => !event.done);
    return found;
  };

  const post = (message: Message, events: PageEvent[] = [], done?: (answer: HostMessage) => void) => {
    try {
      host?.post(
        {
          petrel: 1,
          visible: !document.hidden,
          to,
          config: configKnown ? undefined : config,
          drops,
          ...message,
          ...pack(events),
        } as PageMessage,
        (answer) => {
          const type = answer.type;
          configKnown = type !== 'unknown';
          // Settles nothing: a report on earlier events, or what leaves this message to be posted again.
          if (!done && type !== 'stored') return answered(answer, []);
          silences = 0;
          if (type === 'stored') wakeAt = Date.now() + answer.wakeInMs!;
          answered(answer, remove(events));
          done?.(answer);
        },
      );
    } catch {
      // Something in it cannot be cloned.
      if (!halve(events, (half) => post(message, half)))
        for (const event of events)
          if (event.properties !== REFUSED) {
            // Like this the host refuses it, says so, and counts it.
            event.properties = event.category = event.priority = REFUSED;
            post(message, events);
          }
    }
    if (!oldest) setTimer();
  };

  /** Posts what is held, if there is a host. */
  const flush = () => {
    const events = waiting.filter((event) => !event.handled);
    if (!host || !events.length) return;
    for (const event of events) event.handled = document.hidden ? Date.now() : POSTED;
    if (document.hidden) waiting.splice(0, waiting.length - MAX_HIDDEN);
    post({ type: 'events' }, events);
  };

  /** Posts everything again that is unanswered; a mere `wake` when there is nothing. */
  const repost = () => {
    setTimer();
    for (const event of waiting) event.handled = undefined;
    if (waiting.length) flush();
    else if (!document.hidden) post({ type: 'wake' });
  };

  /** The host to use from now on; undefined when there is none. */
  const attach = (next?: EngineHost) => {
    host?.close?.();
    host = next;
    configKnown = false;
    repost();
  };

  /** The page is in view again. */
  const back = () => {
    silences = -1;
    wakeAt = 0;
    setTimer(RETURN_MS);
  };

  // A tuple, because names of locals shrink to a letter and names of members do not.
  return [flush, post, remove, repost, attach, back, () => waiting, () => host] as const;
}
