/**
 * `petrel/inspector`: an overlay that shows what becomes of a page's events. For development and support, in a page of its own making:
 * nothing else of Petrel loads it.
 * @packageDocumentation
 */
import type { Tracker, TrackerStats } from '../page/api.js';
import { keepJournal } from './journal.js';
import { createPanel } from './panel.js';
import { type InspectorReport, stateOf } from './report.js';
import { count } from './words.js';

export type { EventWay, Note } from './journal.js';
export type { InspectorReport, QueueStateWord } from './report.js';

/** The package's version, put in place by the build. */
declare const __VERSION__: string;

/** An open overlay. */
export interface Inspector {
  /** What it shows now, as `Copy as JSON` writes it. */
  report(): InspectorReport;
  /** Takes it away, with its listeners and timers. */
  close(): void;
}

/** How often the counters are asked for, in ms; folded to the pill less often. Not at all in a hidden page. */
const ASK_MS = 1_000;
const ASK_FOLDED_MS = 5_000;

/** How often the panel is brought up to date, at most, in ms: half a second, so that no second of a countdown is skipped. */
const SHOW_MS = 500;

let open: { tracker: Tracker; inspector: Inspector } | undefined;

/**
 * Opens the overlay for a tracker: queue, batches, the wait for the next attempt, drops and why, answers, and the way of the last events.
 * It is a plugin too, so `petrel.use(openInspector)` opens it for a script tag that is still loading.
 *
 * One at a time: for the same tracker again it is the one that is open, for another tracker the first is closed. Without a document
 * (on a server) it opens nothing. It asks the host for its counters every second, which keeps the worker awake: leave it out of
 * what visitors get, or load it on demand.
 *
 * @example
 * ```ts
 * if (location.hash === '#petrel') {
 *   const { openInspector } = await import('petrel/inspector');
 *   openInspector(tracker);
 * }
 * ```
 */
export function openInspector(tracker: Tracker): Inspector {
  if (open?.tracker === tracker) return open.inspector;
  open?.inspector.close();
  let stats: TrackerStats = { page: { source: '', seq: 0, failed: 0, unacknowledged: 0, dropped: {} } };
  if (typeof document === 'undefined') return { report: () => reportOf(stats, [], []), close() {} };

  let askedAt = 0;
  let asking = false;
  let closed = false;
  let dirty = true;

  const [journal, endJournal] = keepJournal(tracker, Date.now, () => {
    dirty = true;
  });
  const report = () => reportOf(stats, journal.events(), [...journal.notes]);

  const ask = async () => {
    if (asking) return;
    asking = true;
    askedAt = Date.now();
    stats = await tracker.stats();
    asking = false;
    if (stats.waiting === 0 && stats.inFlight === 0 && stats.page.unacknowledged === 0) journal.drained();
    dirty = true;
  };

  const panel = createPanel({
    report,
    close: () => inspector.close(),
    async flush() {
      const { delivered, remaining, pausedBy } = await tracker.flush();
      void ask();
      if (remaining === undefined) return 'No queue has answered.';
      return `${count(delivered ?? 0)} delivered, ${count(remaining)} left${pausedBy ? `: ${pausedBy}` : ''}.`;
    },
  });

  const look = () => {
    if (closed || document.hidden) return;
    if (Date.now() - askedAt >= (panel.folded ? ASK_FOLDED_MS : ASK_MS)) void ask();
    // What waits grows older by itself.
    if (dirty || stats.nextAttemptAt !== undefined || stats.oldestAt !== undefined) panel.update(report());
    dirty = false;
  };
  const timer = setInterval(look, SHOW_MS);
  panel.update(report());
  look();

  const endClose = tracker.on('close', () => inspector.close());
  const inspector: Inspector = {
    report,
    close() {
      if (closed) return;
      closed = true;
      clearInterval(timer);
      endClose();
      endJournal();
      panel.remove();
      if (open?.inspector === inspector) open = undefined;
    },
  };
  open = { tracker, inspector };
  return inspector;
}

function reportOf(stats: TrackerStats, events: InspectorReport['events'], notes: InspectorReport['notes']) {
  return {
    takenAt: Date.now(),
    version: __VERSION__,
    state: stateOf(stats),
    stats,
    events,
    notes,
    userAgent: typeof navigator === 'undefined' ? '' : navigator.userAgent,
  } satisfies InspectorReport;
}
