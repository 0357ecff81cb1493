import type { EventCategory, Origin, Priority } from '../core/event.js';
import type { EventRow } from '../core/wire.js';
import {
  type DestinationConfig,
  destinationId,
  type EventsMessage,
  type HostMessage,
  type PageMessage,
} from '../protocol.js';
import type { WorkerHost } from './host.js';

/** An event with its number, until the host has it. */
export interface NumberedEvent {
  origin: Origin;
  seq: number;
  timestamp: number;
  name: string;
  properties: unknown;
  category: EventCategory | undefined;
  priority: Priority | undefined;
  posted: boolean;
}

/** Numbers that were given and will never come. */
export type Drops = NonNullable<EventsMessage['drops']>;

/** How long the host may be silent before events are handed to it again, in ms; twice as long each time, up to a minute. */
const SILENCE_MS = 2_000;
const MAX_SILENCE_MS = 60_000;

/** Longest wait for an answer to a question, in ms: as long as a page waits. */
const ANSWER_MS = 30_000;

/** Most events in one message. */
const MAX_MESSAGE = 5_000;

/** A value that no event's properties may have: the host refuses it, says so, and counts it. */
const REFUSED = '' as never;

export interface HandOver {
  /** Everything the host has not stored yet, oldest first. */
  readonly waiting: readonly NumberedEvent[];
  push(event: NumberedEvent): void;
  /** Forgets what waits; returns it. */
  clear(): NumberedEvent[];
  /** Hands over what was not yet. */
  flush(): void;
  tell(message: { type: 'watch' | 'purge' | 'wake'; source?: string; online?: boolean }): void;
  /** The answer to a question; undefined after 30 s without one. Everything pushed before is in the host's store by then. */
  ask<Type extends 'flushed' | 'stats'>(
    type: 'flush' | 'stats',
  ): Promise<Extract<HostMessage, { type: Type }> | undefined>;
  /** Resolves when nothing waits, and after 30 s. */
  settled(): Promise<void>;
  /** The host is gone. */
  stop(): void;
}

/**
 * Events on their way from the tracker to the host of the same thread. As in a page, nothing leaves but by an answer, and what has none is
 * handed over again: the host knows repeats by source and number.
 *
 * @param answered told each answer, with the events it settles
 */
export function createHandOver(
  config: DestinationConfig,
  drops: Drops,
  host: () => WorkerHost | undefined,
  answered: (answer: HostMessage, events: readonly NumberedEvent[]) => void,
): HandOver {
  const to = destinationId(config);
  let waiting: NumberedEvent[] = [];
  let configKnown = false;
  let silenceMs = SILENCE_MS;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let whenEmpty: (() => void)[] = [];

  function settle(events: readonly NumberedEvent[]): void {
    const gone = new Set(events);
    waiting = waiting.filter((event) => !gone.has(event));
    silenceMs = SILENCE_MS;
    if (waiting.length > 0) return;
    clearTimeout(timer);
    timer = undefined;
    for (const done of whenEmpty.splice(0)) done();
  }

  function post(message: object, events: readonly NumberedEvent[], reply: (answer: HostMessage) => void): void {
    const origins: Origin[] = [];
    const rows = events.map(({ origin, seq, timestamp, name, properties, category, priority }) => {
      if (!origins.includes(origin)) origins.push(origin);
      return [origins.indexOf(origin), seq, timestamp, name, properties, category, priority];
    });
    const whole = {
      petrel: 1,
      visible: true,
      to,
      ...(!configKnown && { config }),
      drops,
      origins,
      events: rows,
      ...message,
    };
    host()?.post(whole as unknown as PageMessage & { events: EventRow[] }, (answer) => {
      if (answer.type === 'unknown') configKnown = false;
      // An option that cannot be used is told beside the answer proper.
      else if (answer.type !== 'error') configKnown = true;
      reply(answer);
    });
  }

  function handOver(events: NumberedEvent[]): void {
    try {
      post({ type: 'events' }, events, (answer) => {
        const isStored = answer.type === 'stored';
        if (isStored) settle(events);
        answered(answer, isStored ? events : []);
        if (answer.type === 'unknown') again(events);
      });
    } catch {
      // Something in it cannot be cloned: halved until the culprit is alone.
      const [only] = events;
      if (events.length > 1) {
        const half = events.length >> 1;
        handOver(events.slice(0, half));
        handOver(events.slice(half));
      } else if (only && only.properties !== REFUSED) {
        only.properties = REFUSED;
        handOver(events);
      }
    }
  }

  function again(events: readonly NumberedEvent[]): void {
    for (const event of events) event.posted = false;
    flush();
  }

  function flush(): void {
    if (!host()) return;
    const events = waiting.filter(({ posted }) => !posted);
    for (const event of events) event.posted = true;
    for (let from = 0; from < events.length; from += MAX_MESSAGE) handOver(events.slice(from, from + MAX_MESSAGE));
    if (waiting.length === 0 || timer !== undefined) return;
    timer = setTimeout(() => {
      timer = undefined;
      silenceMs = Math.min(silenceMs * 2, MAX_SILENCE_MS);
      again(waiting);
    }, silenceMs);
  }

  /** Resolves with undefined when `promise` takes too long. */
  const inTime = <T>(promise: Promise<T>): Promise<T | undefined> => {
    let late: ReturnType<typeof setTimeout>;
    const timeout = new Promise<undefined>((resolve) => {
      late = setTimeout(resolve, ANSWER_MS, undefined);
    });
    return Promise.race([promise, timeout]).finally(() => clearTimeout(late));
  };

  const settled = async () => {
    flush();
    if (waiting.length > 0 && host()) await inTime(new Promise<void>((resolve) => whenEmpty.push(resolve)));
  };

  return {
    get waiting() {
      return waiting;
    },
    push: (event) => void waiting.push(event),
    clear() {
      const events = waiting;
      settle(events);
      return events;
    },
    flush,
    tell: (message) => post(message, [], (answer) => answered(answer, [])),
    async ask(type) {
      await settled();
      if (!host()) return undefined;
      const question = () =>
        new Promise<HostMessage>((resolve) =>
          post({ type }, [], (answer) => {
            if (answer.type === 'error') answered(answer, []);
            else resolve(answer);
          }),
        );
      let answer = await inTime(question());
      // The queue was deleted meanwhile: once more, with the configuration.
      if (answer?.type === 'unknown') answer = await inTime(question());
      return answer as never;
    },
    settled,
    stop() {
      clearTimeout(timer);
      timer = undefined;
      whenEmpty = [];
      // The next host has to be handed them again.
      for (const event of waiting) event.posted = false;
    },
  };
}
