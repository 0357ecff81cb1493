import type { Clock } from '../core/clock.js';
import { Refusal } from './refusal.js';
import { eventRow } from './sinks/lib/row.js';
import type { ReceivedEvent, Sink } from './sinks/sink.js';

/** Which events to follow: those that have all of these. */
export type TailFilter = Partial<Record<(typeof PARAMETERS)[number], string>>;

const PARAMETERS = ['name', 'category', 'source', 'user'] as const;

/** Who follows what is stored. */
export interface Tail {
  /** The sink, its newly stored events shown to whoever follows. */
  observe(sink: Sink): Sink;
  /**
   * A stream of JSON lines: an event each, as sinks write them; `{"missed":n}` where the reader was too slow for n of them; an empty
   * line now and then, so that both ends notice a dead connection. Begins with what is stored from now on.
   *
   * @throws {@link Refusal} `invalid-query`; `queue-full` when there are too many
   */
  follow(query: URLSearchParams): Response;
  /** Ends all streams. */
  end(): void;
}

/** Lines that wait for a slow reader. */
const MAX_WAITING = 1_000;

/** Each costs a copy of every event. */
const MAX_FOLLOWERS = 16;

/** Proxies close what is silent for a minute. */
const HEARTBEAT_MS = 15_000;

interface Follower {
  filter: TailFilter;
  missed: number;
  stream: ReadableStreamDefaultController<Uint8Array>;
}

export function createTail(clock: Clock): Tail {
  const followers = new Set<Follower>();
  const encoder = new TextEncoder();
  let heartbeat: unknown;

  function beat(): void {
    heartbeat = clock.setTimeout(() => {
      for (const follower of followers) say(follower, '\n');
      beat();
    }, HEARTBEAT_MS);
  }

  function leave(follower: Follower): void {
    followers.delete(follower);
    if (followers.size === 0) clock.clearTimeout(heartbeat);
  }

  function say(follower: Follower, line: string): void {
    const { stream } = follower;
    if ((stream.desiredSize ?? 0) <= 0) {
      if (line !== '\n') follower.missed++;
      return;
    }
    if (follower.missed > 0) stream.enqueue(encoder.encode(`{"missed":${follower.missed}}\n`));
    follower.missed = 0;
    stream.enqueue(encoder.encode(line));
  }

  function show(events: readonly ReceivedEvent[]): void {
    for (const event of events) {
      let line: string | undefined;
      for (const follower of followers) {
        if (!fits(event, follower.filter)) continue;
        line ??= `${JSON.stringify(eventRow(event))}\n`;
        say(follower, line);
      }
    }
  }

  return {
    observe: (sink) => ({
      async write(events, ...notes) {
        const result = await sink.write(events, ...notes);
        if (followers.size > 0) {
          const known = new Set([...result.duplicates, ...(result.rejected ?? []).map(({ index }) => index)]);
          show(events.filter((_, index) => !known.has(index)));
        }
        return result;
      },
      has: (ranges) => sink.has(ranges),
      ...(sink.ledger && { ledger: sink.ledger }),
      close: () => sink.close(),
    }),
    follow(query) {
      const filter: TailFilter = {};
      for (const [name, value] of query) {
        const known = PARAMETERS.find((parameter) => parameter === name);
        if (!known || value === '') {
          const message = `the parameter \`${name.slice(0, 40)}\` must be one of ${PARAMETERS.join(', ')}, with a value`;
          throw new Refusal('invalid-query', message);
        }
        filter[known] = value;
      }
      if (followers.size >= MAX_FOLLOWERS) {
        throw new Refusal('queue-full', `${MAX_FOLLOWERS} are following already`, { retryAfterMs: HEARTBEAT_MS });
      }
      let follower: Follower;
      const body = new ReadableStream<Uint8Array>(
        {
          start(stream) {
            follower = { filter, missed: 0, stream };
            followers.add(follower);
            if (followers.size === 1) beat();
          },
          cancel: () => leave(follower),
        },
        { highWaterMark: MAX_WAITING },
      );
      return new Response(body, {
        headers: { 'Content-Type': 'application/x-ndjson; charset=utf-8', 'Cache-Control': 'no-store' },
      });
    },
    end() {
      for (const follower of followers) {
        leave(follower);
        follower.stream.close();
      }
    },
  };
}

function fits(event: ReceivedEvent, { name, category, source, user }: TailFilter): boolean {
  return (
    (name === undefined || event.name === name) &&
    (category === undefined || event.category === category) &&
    (source === undefined || event.source === source) &&
    (user === undefined || event.userId === user)
  );
}
