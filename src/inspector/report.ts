import type { TrackerStats } from '../page/api.js';
import type { EventWay, Note } from './journal.js';

/** What the inspector shows, as `Copy as JSON` and {@link Inspector.report} give it. Without any property of an event. */
export interface InspectorReport {
  /** In ms since the epoch. */
  takenAt: number;
  /** Release of the inspector. */
  version: string;
  /** In a word: what the queue does. The words of `on('state')`, and `waiting` (for more, or for their age), `looking` (no host yet). */
  state: QueueStateWord;
  /** As `tracker.stats()` answers. */
  stats: TrackerStats;
  /** The way of the last 50 events of this tracker, newest first. */
  events: EventWay[];
  /** The last 20 states and errors, newest first. */
  notes: Note[];
  userAgent: string;
}

/** See {@link InspectorReport.state}. */
export type QueueStateWord =
  | 'sending'
  | 'idle'
  | 'waiting'
  | 'looking'
  | 'backoff'
  | 'rate-limited'
  | 'held'
  | 'blocked';

/** What the queue does, from its counters. */
export function stateOf({ accepted, pausedBy, inFlight = 0, waiting = 0 }: TrackerStats): QueueStateWord {
  if (accepted === undefined) return 'looking';
  if (pausedBy) return pausedBy;
  if (inFlight > 0) return 'sending';
  return waiting > 0 ? 'waiting' : 'idle';
}

/** Losses by reason: in the queue since its database was made, and in this page before they got there. Most first. */
export function dropsOf({
  droppedByReason = {},
  page,
}: TrackerStats): { reason: string; queue: number; page: number }[] {
  const reasons = new Set([...Object.keys(droppedByReason), ...Object.keys(page.dropped)]);
  return [...reasons]
    .map((reason) => ({
      reason,
      queue: droppedByReason[reason as keyof typeof droppedByReason] ?? 0,
      page: page.dropped[reason as keyof typeof page.dropped] ?? 0,
    }))
    .filter(({ queue, page }) => queue + page > 0)
    .sort((a, b) => b.queue + b.page - (a.queue + a.page));
}
