import type { Clock } from '../core/clock.js';
import { Refusal } from './refusal.js';

/** What became of a request's events: every one of them is in one of the three. */
export interface Receipt {
  accepted: number;
  duplicates: number;
  rejected: { id: string; index: number; reason: string }[];
}

/** A request that waits for its last event. */
export interface WaitingRequest {
  receipt: Receipt;
  /** Events whose fate is open. */
  open: number;
  /** It was answered. Its events may still be on their way. */
  answered: boolean;
  resolve: (receipt: Receipt) => void;
  reject: (refusal: Refusal) => void;
}

/** The requests that are not answered yet. */
export interface WaitingRequests {
  /** A request that settles once: stored, refused, or late. */
  open(events: number): { request: WaitingRequest; receipt: Promise<Receipt> };
  /** Nobody is kept waiting any more. */
  refuseAll(why: () => Refusal): void;
}

/** How soon to come back when too much waits. Trackers spread themselves over some time beyond it. */
export const FULL_RETRY_MS = 5_000;

export function createWaitingRequests({
  clock,
  ackTimeoutMs,
}: {
  clock: Pick<Clock, 'setTimeout' | 'clearTimeout'>;
  ackTimeoutMs: number;
}): WaitingRequests {
  const waiting = new Set<WaitingRequest>();
  return {
    open(events) {
      let request!: WaitingRequest;
      const receipt = new Promise<Receipt>((resolve, reject) => {
        const timer = clock.setTimeout(() => {
          request.reject(
            new Refusal('ack-timeout', `not stored within ${ackTimeoutMs} ms`, { retryAfterMs: FULL_RETRY_MS }),
          );
        }, ackTimeoutMs);
        const end = () => {
          clock.clearTimeout(timer);
          waiting.delete(request);
          request.answered = true;
        };
        request = {
          receipt: { accepted: 0, duplicates: 0, rejected: [] },
          open: events,
          answered: false,
          resolve: (value) => {
            end();
            resolve(value);
          },
          reject: (refusal) => {
            end();
            reject(refusal);
          },
        };
        waiting.add(request);
      });
      // It may be refused before anybody looks at the promise.
      receipt.catch(() => {});
      return { request, receipt };
    },

    refuseAll(why) {
      for (const request of [...waiting]) request.reject(why());
    },
  };
}
