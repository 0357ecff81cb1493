import type { Payload } from './encoder.js';
import type { EventBatch } from './event-batcher.js';
import type { Outcome } from './outcome.js';

/** Carries a payload to its receiver. Never throws for what the network or the receiver does: that is an {@link Outcome}. */
export interface Transport<E> {
  /** `judge` says what the body of a 2xx answer means, as JSON (undefined: it is none), where the payload is not in Petrel's format. */
  send(payload: Payload, batch: EventBatch<E>, judge?: (answer: unknown) => Outcome): Promise<Outcome>;
}

/** Delivers a batch where there is more to it than to send what an encoder makes of all of it. */
export interface Courier<E> {
  /** Delivers the batch by as many requests as it takes, and says how it ended as a whole. Must not throw. */
  deliver(batch: EventBatch<E>, transport: Transport<E>): Promise<Outcome>;
}
