/**
 * `petrel/sinks/nats-consumer`: brings what `petrel/sinks/nats` put into a stream into a store.
 * @packageDocumentation
 */
import type { JsMsg } from '@nats-io/jetstream';
import { checkNumber } from '../../core/options.js';
import { createGroupCommit } from './lib/group-commit.js';
import { type NatsStreamOptions, openNats } from './lib/nats-connection.js';
import { type NatsMessage, unpack } from './lib/nats-message.js';
import type { Sink } from './sink.js';

/** Options of {@link consumeNats}. */
export interface NatsConsumerOptions extends NatsStreamOptions {
  /** The store. Closed with the consumer. */
  sink: Sink;
  /**
   * Name under which the server remembers what is done. Processes that give the same share the work.
   * @defaultValue 'petrel-store'
   */
  durable?: string;
  /** Only this partition (0 to 999), for as many consumers as there are, each with a `durable` of its own. Default: all. */
  partition?: number;
  /**
   * Most events in one write (1 to 100 000); a message is not divided. What arrives during a write is written together.
   * @defaultValue 2000
   */
  maxBatchEvents?: number;
  /**
   * Most messages that are handed out and not yet stored, over all processes of one `durable` (1 to 10 000): each may be as large as the server takes.
   * @defaultValue 64
   */
  maxPending?: number;
  /**
   * How long a message may be in a process's hands until it is given to another, in milliseconds (1 000 to 3 600 000): longer than a write takes.
   * @defaultValue 60000
   */
  ackWaitMs?: number;
  /**
   * How soon what the store did not take is given out again, in milliseconds (10 to 3 600 000).
   * @defaultValue 1000
   */
  retryMs?: number;
  /**
   * Told when the store failed, of events it refuses for good, and of messages that are none of Petrel's; the latter two are taken off the stream, so
   * whoever wants to keep them does it here. Must not throw.
   */
  onError?: (error: unknown, data?: string) => void;
}

/** A consumer at work. */
export interface NatsConsumer {
  /** What it did since it began. */
  state(): { stored: number; duplicates: number; rejected: number; unreadable: number; redelivered: number };
  /** Ends the write under way, leaves the rest to the next process, closes the store. */
  close(): Promise<void>;
}

/** A message of a later release waits for one that can read it. */
const LATER_VERSION_MS = 60_000;

/**
 * Connects, and writes the stream's messages to the store, for ever. A message is acknowledged when its events are stored: one that a killed process
 * held is given out again, and the store knows its events by their ids.
 *
 * @throws PetrelError `invalid-option`; `store-unavailable` when packages, server or stream cannot be used.
 *
 * @example
 * ```ts
 * const consumer = await consumeNats({ servers: 'nats://localhost:4222', sink: await createPostgresSink({ url }) });
 * ```
 */
export async function consumeNats(options: NatsConsumerOptions): Promise<NatsConsumer> {
  const { sink, durable = 'petrel-store', partition, onError = () => {} } = options;
  const { maxBatchEvents = 2_000, maxPending = 64, ackWaitMs = 60_000, retryMs = 1_000 } = options;
  if (partition !== undefined) checkNumber('partition', partition, { min: 0, max: 999 });
  checkNumber('maxBatchEvents', maxBatchEvents, { min: 1, max: 100_000 });
  checkNumber('maxPending', maxPending, { min: 1, max: 10_000 });
  checkNumber('ackWaitMs', ackWaitMs, { min: 1_000, max: 3_600_000 });
  checkNumber('retryMs', retryMs, { min: 10, max: 3_600_000 });
  const { connection, manager, packages, stream, subject } = await openNats(options);
  const state = { stored: 0, duplicates: 0, rejected: 0, unreadable: 0, redelivered: 0 };

  await manager.consumers.add(stream, {
    durable_name: durable,
    ack_policy: 'explicit',
    ack_wait: ackWaitMs * 1_000_000,
    max_ack_pending: maxPending,
    ...(partition !== undefined && { filter_subject: `${subject}.${partition}` }),
  });
  const consumer = await packages.jetstream.jetstream(connection).consumers.get(stream, durable);
  const messages = await consumer.consume({ max_messages: maxPending });
  const commits = createGroupCommit<JsMsg>(async (group) => {
    for (const portion of portions(group.flatMap(read), maxBatchEvents)) await store(portion);
  });
  const reading = (async () => {
    for await (const message of messages) {
      if (message.redelivered) state.redelivered++;
      void commits.add(message);
    }
  })();
  let closing: Promise<void> | undefined;

  interface Readable {
    message: JsMsg;
    content: NatsMessage;
  }

  function read(message: JsMsg): Readable[] {
    const text = message.string();
    try {
      const content = unpack(text);
      if (content !== 'of a later version') return [{ message, content }];
      message.nak(LATER_VERSION_MS);
    } catch (error) {
      state.unreadable++;
      onError(error, text);
      message.term();
    }
    return [];
  }

  async function store(portion: Readable[]): Promise<void> {
    const events = portion.flatMap(({ content }) => content.events);
    const drops = portion.flatMap(({ content }) => content.drops ?? []);
    const tails = portion.flatMap(({ content }) => content.tails ?? []);
    const repeated = portion.reduce((sum, { content }) => sum + (content.repeated ?? 0), 0);
    try {
      const { duplicates, rejected = [] } = await sink.write(events, drops, { tails, repeated });
      state.duplicates += duplicates.length;
      state.rejected += rejected.length;
      state.stored += events.length - duplicates.length - rejected.length;
      for (const { index, reason } of rejected) {
        onError(new Error(`the store refuses an event for good: ${reason}`), JSON.stringify(events[index]));
      }
      for (const { message } of portion) message.ack();
    } catch (error) {
      onError(error);
      for (const { message } of portion) message.nak(retryMs);
    }
  }

  async function close(): Promise<void> {
    await messages.close();
    await reading;
    await commits.idle();
    // Acknowledgements are messages too, and go out with the last bytes.
    await connection.drain();
    await sink.close();
  }

  return {
    state: () => ({ ...state }),
    close() {
      closing ??= close();
      return closing;
    },
  };
}

/** Messages that are written together: in their order, at least one, else with at most `maxEvents` events. */
function portions<T extends { content: NatsMessage }>(all: T[], maxEvents: number): T[][] {
  const result: T[][] = [];
  let events = 0;
  for (const one of all) {
    const more = one.content.events.length;
    if (result.length === 0 || events + more > maxEvents) {
      result.push([]);
      events = 0;
    }
    result.at(-1)!.push(one);
    events += more;
  }
  return result;
}
