/** What is known of the sources: which of their numbers got here, and how far they have come. */
import type { QueueState, Tail } from './queue-state.js';
import type { Ranges } from './ranges.js';
import type { StoreTransaction } from './store.js';

/** Pages whose end nobody noticed: a browser that was killed leaves one for each open tab. */
const MAX_TAILS = 50;

const tailOf = (state: QueueState, source: string): Tail | undefined =>
  state.tails?.find((tail) => tail.source === source);

/** The sequence numbers of a source that ever got here. To be changed, and given to {@link keepStored} or {@link noteTail}. */
export async function readStored<E>(tx: StoreTransaction<E>, state: QueueState, source: string): Promise<Ranges> {
  return tailOf(state, source)?.stored ?? (await tx.readSource(source))?.stored ?? [];
}

export async function keepStored<E>(
  tx: StoreTransaction<E>,
  state: QueueState,
  source: string,
  stored: Ranges,
  at: number,
): Promise<void> {
  const tail = tailOf(state, source);
  if (tail) tail.stored = stored;
  else await tx.writeSource(source, { stored, at });
}

/** Notes how far a source has come, and what of it is stored. */
export async function noteTail<E>(
  tx: StoreTransaction<E>,
  state: QueueState,
  source: string,
  stored: Ranges,
  from: string | undefined,
  at: number,
): Promise<void> {
  const others = (state.tails ?? []).filter((tail) => tail.source !== source);
  const tails: Tail[] = [...others, { source, last: stored.at(-1)![1], ...(from && { from }), stored }];
  state.tails = tails.splice(-MAX_TAILS);
  await dropTails(tx, tails, at);
}

/** Ends the tails: what was stored of their sources is known for a while longer. */
export async function dropTails<E>(tx: StoreTransaction<E>, tails: readonly Tail[], at: number): Promise<void> {
  for (const { source, stored } of tails) if (stored) await tx.writeSource(source, { stored, at });
}
