/** What goes when the queue is over its bounds. */
import { readFrozen, rework } from './batches.js';
import type { Clock } from './clock.js';
import { type Drop, EVICTION_ORDER, readHead, shed, usage } from './lanes.js';
import type { QueueState } from './queue-state.js';
import type { StoreTransaction } from './store.js';

/**
 * Drops what is over the bounds, oldest of the lowest priority: to the event, or by whole records and batches, which writes nothing
 * but the state and so works in a store that is full. In each lane the batches come first, being older than what waits; only one that
 * is being sent at this moment is spared. What is left of a batch is another batch, with a new id.
 */
export async function evict<E>(
  tx: StoreTransaction<E>,
  state: QueueState,
  drop: Drop<E>,
  clock: Clock,
  keep: { maxEvents: number; maxBytes: number },
  unit: 'event' | 'record',
): Promise<void> {
  const kept = usage(state);
  const over = () => kept.events > keep.maxEvents || kept.bytes > keep.maxBytes;
  /** How many of the events of these sizes have to go. */
  const excess = (sizes: readonly number[]): number => {
    let gone = 0;
    while (gone < sizes.length && (over() || (gone > 0 && unit === 'record'))) {
      kept.events--;
      kept.bytes -= sizes[gone++]!;
    }
    return gone;
  };
  const reason = unit === 'event' ? 'queue-full' : 'storage';
  for (const lane of EVICTION_ORDER) {
    for (const batch of state.batches) {
      if (batch.lane !== lane || batch.sending || !over()) continue;
      const gone = excess((await readFrozen(tx, state, batch)).flatMap(({ sizes }) => sizes));
      await rework(tx, state, drop, clock, batch, (index) => (index < gone ? reason : 0));
    }
    if (!over()) return;
    await shed(
      tx,
      state,
      lane,
      ({ sizes }) => excess(sizes),
      ({ events }) => drop(events, reason),
    );
    await readHead(tx, state, lane);
  }
}
