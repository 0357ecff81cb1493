/** When a batch is due, and why. Pure: state in, decision out. */
import type { EngineOptions } from './options.js';
import type { FlushReason } from './outcome.js';
import type { QueueState } from './queue-state.js';
import type { Lane } from './store.js';

/** The lanes that are sent, in order. */
const SENT: readonly Lane[] = ['critical', 'normal', 'low'];

/** Something is to be sent now. */
export interface Due {
  reason: FlushReason;
  /** Where the next batch may be taken from, first choice first. */
  lanes: readonly Lane[];
  /** Whether drops and carried events are worth a request of their own. */
  report: boolean;
}

/** Up to where everything is to be sent without further conditions. */
export interface Forced {
  /** Offset after the last event that is forced out. */
  until: number;
  reason: FlushReason;
}

/** What is due now, but for a pause; undefined when nothing is. `underway` = batches being sent at the moment. */
export function due(
  state: QueueState,
  underway: number,
  forced: Forced | undefined,
  options: Required<EngineOptions>,
): Due | undefined {
  if (state.batches.length > underway) return { reason: 'retry', lanes: [], report: false };
  if (forced) {
    const lanes = SENT.filter((lane) => state.waiting[lane].events > 0 && state.head[lane] < forced.until);
    const carried = state.waiting.carried.events > 0 && state.head.carried < forced.until;
    const report = carried || (forced.reason !== 'age' && state.tombstones.length > 0);
    if (lanes.length > 0 || (report && underway === 0)) return { reason: forced.reason, lanes, report };
  }
  if (state.waiting.critical.events > 0) return { reason: 'priority', lanes: ['critical'], report: false };
  const waiting = SENT.map((lane) => state.waiting[lane]);
  const events = waiting.reduce((sum, lane) => sum + lane.events, 0);
  if (events === 0) return undefined;
  if (events >= options.maxBatchSize) return { reason: 'size', lanes: SENT, report: false };
  const bytes = waiting.reduce((sum, lane) => sum + lane.bytes, 0);
  const maxBytes = Math.min(options.maxBatchBytes, state.batchBytesLimit ?? Number.POSITIVE_INFINITY);
  if (bytes >= maxBytes) return { reason: 'bytes', lanes: SENT, report: false };
  return undefined;
}

/**
 * When the age trigger fires, in ms since the epoch: `maxBatchAgeMs` after the oldest waiting event was added; undefined when nothing waits.
 * An event added "in the future" (the clock was set back) is due at once.
 */
export function ageDueAt(state: QueueState, now: number, options: Required<EngineOptions>): number | undefined {
  let oldest: number | undefined;
  for (const lane of [...SENT, 'carried'] as const) {
    const { events, oldestAt } = state.waiting[lane];
    if (events > 0 && (oldest === undefined || oldestAt < oldest)) oldest = oldestAt;
  }
  if (oldest === undefined) return undefined;
  return oldest > now ? now : oldest + options.maxBatchAgeMs;
}

/** How long nothing may be sent, in ms; 0 when there is no pause. A clock set back does not make it longer than it was meant. */
export function pausedForMs(state: QueueState, now: number): number {
  if (!state.pause) return 0;
  return Math.max(0, Math.min(state.pause.until - now, state.pause.waitMs));
}
