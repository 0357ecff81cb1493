import { createHash } from 'node:crypto';
import type { ReceivedDrop, ReceivedEvent, ReceivedTail } from '../sink.js';
import type { Placed } from './once-each.js';

/** Version of the messages; a consumer keeps later ones for a later release. */
export const MESSAGE_VERSION = 1;

/** What a message of the stream is, as JSON: some events of a batch, or what is known of sources besides. */
export interface NatsMessage {
  petrel: typeof MESSAGE_VERSION;
  events: ReceivedEvent[];
  drops?: ReceivedDrop[];
  tails?: ReceivedTail[];
  /** Events that came again, and were answered without being sent on. */
  repeated?: number;
}

/** A message ready to be sent. */
export interface Packed {
  partition: number;
  /** What `Nats-Msg-Id` says: the same for the same events in the same order, so that a batch which is sent again is stored once. */
  id: string;
  data: string;
  /** Positions in the batch. */
  indices: number[];
}

/** The events as messages of at most `maxBytes`, each of one partition; and those that alone are larger. */
export function packEvents(
  events: readonly Placed[],
  partitions: number,
  maxBytes: number,
): { messages: Packed[]; tooLarge: number[] } {
  const head = `{"petrel":${MESSAGE_VERSION},"events":[`;
  const tail = ']}';
  const open = new Map<number, { texts: string[]; ids: string[]; indices: number[]; bytes: number }>();
  const messages: Packed[] = [];
  const tooLarge: number[] = [];

  const finish = (partition: number) => {
    const { texts, ids, indices } = open.get(partition)!;
    open.delete(partition);
    messages.push({ partition, id: hashOf(ids), data: head + texts.join() + tail, indices });
  };

  for (const { index, event } of events) {
    const text = JSON.stringify(event);
    const bytes = Buffer.byteLength(text) + 1;
    if (head.length + bytes + tail.length > maxBytes) {
      tooLarge.push(index);
      continue;
    }
    const partition = partitionOf(event.source, partitions);
    const begun = open.get(partition);
    if (begun && begun.bytes + bytes > maxBytes) finish(partition);
    const message = open.get(partition) ?? { texts: [], ids: [], indices: [], bytes: head.length + tail.length };
    open.set(partition, message);
    message.texts.push(text);
    message.ids.push(event.id);
    message.indices.push(index);
    message.bytes += bytes;
  }
  for (const partition of [...open.keys()]) finish(partition);
  return { messages, tooLarge };
}

/** What is known of sources, as a message of its own: a batch that is sent again may bring other news with it. */
export function packNotes(notes: Omit<NatsMessage, 'petrel' | 'events'>): Packed {
  const data = JSON.stringify({ petrel: MESSAGE_VERSION, events: [], ...notes });
  return { partition: 0, id: hashOf([data]), data, indices: [] };
}

/** @throws when it is no message of ours */
export function unpack(text: string): NatsMessage | 'of a later version' {
  const message = JSON.parse(text);
  if (typeof message?.petrel === 'number' && message.petrel > MESSAGE_VERSION) return 'of a later version';
  if (message?.petrel !== MESSAGE_VERSION || !Array.isArray(message.events)) throw new Error('not a message of Petrel');
  return message;
}

const hashOf = (ids: readonly string[]) => createHash('sha256').update(JSON.stringify(ids)).digest('base64url');

/** All events of a source take the same way, so that they stay in order. FNV-1a: cheap, and even over random text. */
export function partitionOf(source: string, partitions: number): number {
  if (partitions === 1) return 0;
  let hash = 0x811c9dc5;
  for (let i = 0; i < source.length; i++) hash = Math.imul(hash ^ source.charCodeAt(i), 0x01000193);
  return (hash >>> 0) % partitions;
}
