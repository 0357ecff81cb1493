import type { DropReason } from './outcome.js';
import type { FrozenBatch, PauseReason, QueueState } from './queue-state.js';

/**
 * Counters of one queue since its database was made, under one law, at every moment and after every crash:
 *
 *     accepted = delivered + dropped + waiting + inFlight
 */
export interface Stats {
  /** Events the host stored (or dropped at its door, with a reason). */
  accepted: number;
  /** Events the receiver has: accepted by it, or known to it before. */
  delivered: number;
  /** Events lost, all reasons together. */
  dropped: number;
  droppedByReason: Partial<Record<DropReason, number>>;
  /** Events stored and not in a batch. */
  waiting: number;
  /** Events in a batch that is being sent or waits for its next attempt. */
  inFlight: number;
  /** The batches they are in, in the order in which they leave. */
  batches: BatchStats[];
  /** When the oldest of what waits was stored, in ms since the epoch; of what is in a batch, when that was made. */
  oldestAt?: number;
  /** Size of what is waiting and in flight, in bytes of encoded events. */
  bytes: number;
  /** Refused events kept for inspection (already counted in `dropped`). */
  quarantined: number;
  /** Failed attempts in a row. */
  failures: number;
  /** Nothing is sent before this time (ms since the epoch), and why. */
  nextAttemptAt?: number;
  pausedBy?: PauseReason;
  /** The last failure in words. */
  lastFailure?: string;
}

/** A batch on its way: see {@link Stats.batches}. */
export type BatchStats = Pick<FrozenBatch, 'id' | 'events' | 'bytes' | 'createdAt' | 'attempt'>;

/** Adds up the state. */
export function statsOf(state: QueueState): Stats {
  const lanes = (['low', 'normal', 'critical', 'carried'] as const).map((lane) => state.waiting[lane]);
  const dropped = Object.values(state.counters.dropped).reduce((sum, n) => sum + n, 0);
  const oldest = [...lanes.flatMap((lane) => lane.oldestAt || []), ...state.batches.map((batch) => batch.createdAt)];
  return {
    accepted: state.counters.accepted,
    delivered: state.counters.delivered,
    dropped,
    droppedByReason: { ...state.counters.dropped },
    waiting: lanes.reduce((sum, lane) => sum + lane.events, 0),
    inFlight: state.batches.reduce((sum, batch) => sum + batch.events, 0),
    batches: state.batches.map(({ id, events, bytes, createdAt, attempt }) => ({
      id,
      events,
      bytes,
      createdAt,
      attempt,
    })),
    ...(oldest.length > 0 && { oldestAt: Math.min(...oldest) }),
    bytes:
      lanes.reduce((sum, lane) => sum + lane.bytes, 0) + state.batches.reduce((sum, batch) => sum + batch.bytes, 0),
    quarantined: state.waiting.quarantine.events,
    failures: state.failures,
    ...(state.pause && {
      nextAttemptAt: state.pause.until,
      pausedBy: state.pause.reason,
      ...(state.pause.detail !== undefined && { lastFailure: state.pause.detail }),
    }),
  };
}
