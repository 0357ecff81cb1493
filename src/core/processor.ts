/**
 * What runs: takes batches while something is due, a few at a time, and settles each by its outcome.
 */
import type { BatcherOptions } from './batcher.js';
import { type Due, due, type Forced, pausedForMs } from './flush-trigger.js';
import type { FlushReason, Outcome } from './outcome.js';
import type { Changed, Queue, TakenBatch } from './queue.js';
import type { QueueState } from './queue-state.js';

export interface ProcessorOptions<E>
  extends Pick<BatcherOptions<E>, 'clock' | 'limits' | 'deliver' | 'lead' | 'alive'> {
  queue: Queue<E>;
  /** Told of each operation's result, in order. */
  observe: (changed: Changed<E>, delivered?: readonly E[]) => void;
}

export interface Processor {
  /**
   * Sends what is due until nothing is, or until a pause begins. `forced` is asked anew for each batch.
   * One run at a time: the caller sees to it. Rejects only when the store does.
   */
  run(forced: (state: QueueState) => Forced | undefined): Promise<void>;
  /** No further batch is begun. What is under way is settled. */
  stop(): void;
}

export function createProcessor<E>({
  queue,
  clock,
  limits,
  deliver,
  lead,
  alive,
  observe,
}: ProcessorOptions<E>): Processor {
  let stopped = false;
  /** As of the last transaction of this run. */
  let state: QueueState | undefined;

  function observed<T extends Changed<E>>(changed: T, delivered?: readonly E[]): T {
    state = changed.state;
    observe(changed, delivered);
    return changed;
  }

  /** One attempt, to its end: afterwards the batch is gone, cut, or waits at the front. */
  async function attempt(taken: TakenBatch<E>, reason: FlushReason): Promise<void> {
    let outcome: Outcome;
    try {
      outcome = await deliver(taken.batch, reason);
    } catch (error) {
      // A bug in `deliver` must not cost events; the backoff keeps it from spinning.
      outcome = { kind: 'retry', cause: 'server', detail: `deliver threw: ${String(error)}` };
    }
    const result = await queue.settle(taken, outcome);
    observed(result, result.delivered);
  }

  async function drain(forced: (state: QueueState) => Forced | undefined): Promise<void> {
    const underway = new Map<string, Promise<void>>();
    let failure: { error: unknown } | undefined;
    const next = (at: QueueState): Due | undefined => {
      // While the receiver is ill, one probe at a time.
      const slots = at.failures + at.refusals > 0 ? 1 : limits.flushConcurrency;
      if (stopped || failure || underway.size >= slots || pausedForMs(at, clock.now()) > 0) return undefined;
      return due(at, underway.size, forced(at), limits);
    };
    // Not decided on what the batcher saw last: another owner of the store may have sent what it thinks is due.
    state = undefined;
    for (;;) {
      while (!state || next(state)) {
        const { taken, due } = observed(
          await queue.take(next, new Set(underway.keys()), await alive?.().catch(() => undefined)),
        );
        if (!taken) break;
        const { id } = taken.batch;
        underway.set(
          id,
          attempt(taken, due!.reason)
            .catch((error: unknown) => {
              // The store failed to settle: the batch stays in it and is sent again, under the same id.
              failure ??= { error };
            })
            .finally(() => underway.delete(id)),
        );
      }
      if (underway.size === 0) break;
      await Promise.race(underway.values());
    }
    if (failure) throw failure.error;
  }

  return {
    run: (forced) => lead(() => drain(forced)),
    stop() {
      stopped = true;
    },
  };
}
