import type { EventBatch } from './event-batcher.js';

/** An encoded batch, ready for a transport. */
export interface Payload {
  body: string | Uint8Array;
  /** The media type to send it as. */
  contentType: string;
  /** Set when the body is compressed; sent as a query parameter where a header would cost a preflight. */
  encoding?: 'gzip';
}

/** Turns a batch into bytes. Called once per attempt, so it may stamp the time of sending. */
export interface Encoder<E> {
  /** What goes on the wire. If it throws, something in the batch is damaged: it is halved until that is alone. */
  encode(batch: EventBatch<E>): Payload | Promise<Payload>;
}
