/** The end of an attempt: what becomes of a batch by its outcome, in one transaction. */
import { rework } from './batches.js';
import { append, type Drop, readHead, shed } from './lanes.js';
import type { Outcome } from './outcome.js';
import type { QueueOptions, TakenBatch } from './queue.js';
import type { QueueState, Tail } from './queue-state.js';
import { addRange, contains, type Ranges } from './ranges.js';
import { pauseAfter, REFUSALS_BEFORE_HOLD } from './retry.js';
import { dropTails } from './sources.js';
import type { StoredRecord, StoreTransaction } from './store.js';
import type { SourceRange } from './wire.js';

/**
 * Settles a batch: delivered events are removed, refused ones set aside, and what is left is a new batch at its place. One that is
 * refused as a whole, or too large, is cut in two with new ids, until the bad event is alone. One that failed stays as it is, at the
 * front, and nothing is sent for a while. Returns what was delivered, of the batch and of the carried copies that were asked about.
 */
export async function settle<E>(
  tx: StoreTransaction<E>,
  state: QueueState,
  drop: Drop<E>,
  { limits, clock, identify }: QueueOptions<E>,
  { batch, carriedTo }: TakenBatch<E>,
  outcome: Outcome,
): Promise<E[]> {
  const frozen = state.batches.find(({ id }) => id === batch.id);

  if (outcome.kind === 'delivered' || outcome.kind === 'partial') {
    let done: E[] = [];
    if (frozen && outcome.kind === 'delivered') {
      // Without reading it again: this is every healthy batch.
      done = [...batch.events];
      await tx.removeRecords(frozen.lane, frozen.from, frozen.to);
      state.batches = state.batches.filter((other) => other !== frozen);
    } else if (frozen && outcome.kind === 'partial') {
      const stored = new Set(outcome.delivered);
      const reasons = new Map(outcome.refused.map(({ index, reason }) => [index, reason]));
      done = await rework(
        tx,
        state,
        drop,
        clock,
        frozen,
        (index) => (reasons.has(index) ? 'refused' : stored.has(index) ? 'delivered' : 0),
        (index) => reasons.get(index),
      );
    }
    if (done.length > 0 || batch.size === 0) state.refusals = 0;
    state.failures = 0;
    delete state.blocked;
    // Another batch's 429 stands, although this one got through.
    if (state.pause?.reason === 'backoff' || state.pause?.reason === 'blocked') delete state.pause;
    if (state.batchBytesLimit !== undefined && done.length > 0) {
      state.batchBytesLimit *= 2;
      if (state.batchBytesLimit >= limits.maxBatchBytes) delete state.batchBytesLimit;
    }
    // One that has grown since it was told is told again, whole: telling twice does no harm.
    const told = new Set(batch.drops.map((tombstone) => JSON.stringify(tombstone)));
    state.tombstones = state.tombstones.filter((tombstone) => !told.has(JSON.stringify(tombstone)));
    const ended: Tail[] = [];
    state.tails = (state.tails ?? []).filter((tail) => {
      const told = batch.tails.find(([source, last]) => source === tail.source && last === tail.last);
      if (told) tail.told = tail.last;
      if (told?.[2]) ended.push(tail);
      return !told?.[2];
    });
    await dropTails(tx, ended, clock.now());
    done.push(...(await settleCarried(tx, state, limits, identify, carriedTo, outcome.has ?? [])));
    state.counters.delivered += done.length;
    return done;
  }

  let failure = outcome;
  if (failure.kind === 'refused' || failure.kind === 'too-large') {
    const { kind } = failure;
    const detail = failure.kind === 'refused' ? failure.detail : undefined;
    const isOne = batch.size === 1 && state.refusals < REFUSALS_BEFORE_HOLD;
    if (isOne || batch.size > 1) {
      if (!frozen) return [];
      if (isOne) state.refusals++;
      else if (kind === 'too-large') state.batchBytesLimit = Math.max(1, Math.floor(frozen.bytes / 2));
      const half = frozen.events / 2;
      await rework(
        tx,
        state,
        drop,
        clock,
        frozen,
        (index) => (isOne ? kind : index < half ? 0 : 1),
        () => detail,
      );
      return [];
    }
    // So many single events were refused in a row that the receiver must be taken to refuse everything.
    failure = { kind: 'held', detail: `everything is ${kind}${detail ? `: ${detail}` : ''}` };
  }
  if (frozen) {
    frozen.attempt = batch.attempt;
    delete frozen.sending;
  }
  const now = clock.now();
  // Of several batches that fail together, the first one counts: it is one receiver that is ill, once.
  const again = state.pause?.reason === 'backoff' && state.pause.until > now;
  if (!again) state.failures++;
  const { waitMs, reason } = pauseAfter(failure, state, limits, clock.random());
  if (reason === 'blocked') state.blocked = true;
  if (!again || reason !== 'backoff') {
    const { detail } = failure;
    state.pause = { until: now + waitMs, waitMs, reason, ...(detail !== undefined && { detail }) };
  }
  return [];
}

/** Settles what the receiver was asked about: has it, so it is delivered; has it not, so it waits to be sent. */
async function settleCarried<E>(
  tx: StoreTransaction<E>,
  state: QueueState,
  limits: QueueOptions<E>['limits'],
  identify: QueueOptions<E>['identify'],
  to: number,
  has: SourceRange[],
): Promise<E[]> {
  const stored = new Map<string, Ranges>();
  for (const [source, first, last] of has) stored.set(source, addRange(stored.get(source) ?? [], first, last));
  const asked: StoredRecord<E>[] = [];
  await shed(
    tx,
    state,
    'carried',
    ({ offset, events }) => (offset < to ? events.length : 0),
    (record) => asked.push(record),
  );
  const delivered: E[] = [];
  for (const { events, sizes, at } of asked) {
    const missing: E[] = [];
    const missingSizes: number[] = [];
    for (const [i, event] of events.entries()) {
      const id = identify(event);
      if (id && contains(stored.get(id.source) ?? [], id.seq)) delivered.push(event);
      else {
        missing.push(event);
        missingSizes.push(sizes[i]!);
      }
    }
    await append(tx, state, limits, 'normal', missing, missingSizes, at);
  }
  if (asked.length > 0) await readHead(tx, state, 'normal');
  return delivered;
}
