/**
 * `petrel/sinks/nats`: a NATS JetStream, for more events than one database takes, and for stores that may be away. What is in it is
 * brought into another sink by `petrel/sinks/nats-consumer`. Needs `@nats-io/transport-node` and `@nats-io/jetstream`.
 *
 * docs/sinks.md says what is stored once, and where.
 * @packageDocumentation
 */
import { PetrelError } from '../../core/errors.js';
import { checkNumber } from '../../core/options.js';
import { type NatsStreamOptions, openNats } from './lib/nats-connection.js';
import { type Packed, packEvents, packNotes } from './lib/nats-message.js';
import { onceEach } from './lib/once-each.js';
import type { Sink } from './sink.js';

export type { NatsStreamOptions } from './lib/nats-connection.js';

/** Options of {@link createNatsSink}. */
export interface NatsSinkOptions extends NatsStreamOptions {
  /**
   * Over how many subjects sources are spread (1 to 1 000), so that as many consumers can keep the order of each source. The
   * same in all collectors.
   * @defaultValue 1
   */
  partitions?: number;
  /**
   * Longest the server may take to acknowledge a message, in milliseconds (100 to 600 000). Then the write fails; what had been stored is known by its
   * id when it comes again.
   * @defaultValue 5000
   */
  ackTimeoutMs?: number;
  /**
   * How long `close()` waits for writes under way, in milliseconds (0 to 600 000).
   * @defaultValue 5000
   */
  closeTimeoutMs?: number;
}

/** Of a message's largest size, what is kept for its headers, in bytes. */
const HEADER_BYTES = 1_024;

/**
 * Connects, and makes the stream where there is none. A batch is one message (more only where it is larger than the server takes, or for several
 * partitions), acknowledged when the stream has stored it.
 *
 * **Once in the store, not in the stream**: a batch that is written again is told by its `Nats-Msg-Id` for as long as the server remembers it; events that
 * come again in another batch are told by the store the consumer writes to. `has` knows of none: senders send those events again.
 *
 * @throws PetrelError `invalid-option`; `store-unavailable` when packages, server or stream cannot be used.
 */
export async function createNatsSink(options: NatsSinkOptions): Promise<Sink> {
  const { partitions = 1, ackTimeoutMs = 5_000, closeTimeoutMs = 5_000 } = options;
  checkNumber('partitions', partitions, { min: 1, max: 1_000 });
  checkNumber('ackTimeoutMs', ackTimeoutMs, { min: 100, max: 600_000 });
  checkNumber('closeTimeoutMs', closeTimeoutMs, { min: 0, max: 600_000 });
  const { connection, packages, stream, subject } = await openNats(options);
  const client = packages.jetstream.jetstream(connection);
  const underway = new Set<Promise<unknown>>();
  let closing: Promise<void> | undefined;

  function refuseWhenClosed(): void {
    if (closing) throw new PetrelError('closed', 'the sink is closed');
  }

  /** Whether the stream had it before. */
  async function publish({ partition, id, data }: Packed): Promise<boolean> {
    const { duplicate } = await client.publish(`${subject}.${partition}`, data, {
      msgID: id,
      timeout: ackTimeoutMs,
      // Not to be acknowledged by another stream that somebody has given the subject.
      expect: { streamName: stream },
    });
    return duplicate;
  }

  return {
    async write(events, drops, { tails, repeated } = { tails: [], repeated: 0 }) {
      refuseWhenClosed();
      const { first, duplicates } = onceEach(events);
      const maxBytes = (connection.info?.max_payload ?? 1_048_576) - HEADER_BYTES;
      const { messages, tooLarge } = packEvents(first, partitions, maxBytes);
      if (drops.length + tails.length + repeated > 0)
        messages.push(packNotes({ drops: [...drops], tails: [...tails], repeated }));
      const work = Promise.all(messages.map(publish));
      underway.add(work);
      try {
        const known = await work;
        messages.forEach(({ indices }, i) => {
          if (known[i]) duplicates.push(...indices);
        });
      } finally {
        underway.delete(work);
      }
      return {
        duplicates: duplicates.sort((a, b) => a - b),
        ...(tooLarge.length > 0 && { rejected: tooLarge.map((index) => ({ index, reason: 'too-large' })) }),
      };
    },

    async has() {
      refuseWhenClosed();
      return [];
    },

    async ready() {
      refuseWhenClosed();
      const manager = await packages.jetstream.jetstreamManager(connection, { timeout: ackTimeoutMs, checkAPI: false });
      await manager.streams.info(stream);
    },

    close() {
      closing ??= close();
      return closing;
    },
  };

  async function close(): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, closeTimeoutMs);
    });
    await Promise.race([Promise.allSettled(underway), late]);
    clearTimeout(timer);
    // What is still under way fails now.
    await connection.close();
  }
}
