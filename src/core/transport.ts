import type { Payload } from './encoder.js';
import type { EventBatch } from './event-batcher.js';
import type { Outcome } from './outcome.js';

/** Carries a payload to its receiver. Never throws for what the network or the receiver does: that is an {@link Outcome}. */
export interface Transport<E> {
  send(payload: Payload, batch: EventBatch<E>): Promise<Outcome>;
}
