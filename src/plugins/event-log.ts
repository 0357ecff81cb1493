import type { Plugin, TrackedEvent } from '../page/api.js';
import { checkOptions, flag, type Rule } from './lib/check-options.js';

/** Options of {@link eventLog}. */
export interface EventLogOptions {
  /**
   * Whether the properties of events are written. Without them names and numbers alone are.
   * @defaultValue true
   */
  properties?: boolean;
}

/** The way of one event. Times are in ms since the epoch. */
interface Way {
  event: TrackedEvent;
  trackedAt: number;
  storedAt?: number;
  sentAt?: number;
  attempts: number;
}

/** Most events whose way is remembered. Of one that was forgotten only the number is written. */
const MAX_WAYS = 1_000;

const rules: { [option: string]: Rule } = { properties: flag };

/**
 * Writes the way of each event to the console, for people to read: a group for what was tracked in one task, a line when the host has stored it and
 * for each attempt to send it, and a group with the whole way of each event when the collector has it. Losses are warnings, with the reason, and so is
 * what keeps the queue from sending.
 *
 * In development builds `debug: true` brings it. It listens to what the host tells of each event, which costs a message more per hand-over.
 *
 * @throws TypeError for an option that is none, or has a wrong value.
 * @example
 * ```ts
 * if (location.hash === '#petrel') {
 *   const { eventLog } = await import('petrel/plugins/event-log');
 *   tracker.use(eventLog());
 * }
 * ```
 */
export function eventLog(options: EventLogOptions = {}): Plugin {
  checkOptions('event-log', options, rules);
  const { properties = true } = options;

  return (tracker) => {
    /** Told, and not yet with its number. */
    let fresh: Way[] = [];
    const ways = new Map<number, Way>();
    let isPaused = false;

    /** Has the number, once the task is over: until then other listeners may change the event. */
    const number = () => {
      const tracked = fresh.filter(({ event }) => event.seq !== undefined);
      fresh = [];
      if (!tracked.length) return;
      for (const way of tracked) ways.set(way.event.seq!, way);
      for (const seq of ways.keys()) {
        if (ways.size <= MAX_WAYS) break;
        ways.delete(seq);
      }
      console.groupCollapsed(
        `petrel tracked ${numbersOf(tracked.map(({ event }) => event.seq!))}: ${namesOf(tracked)}`,
      );
      for (const { event } of tracked) {
        console.log(`#${event.seq} ${event.name}`, ...(properties && event.properties ? [event.properties] : []));
      }
      console.groupEnd();
    };

    /** Those of these events that are remembered. */
    const known = (seqs: readonly number[]) => {
      number();
      return seqs.flatMap((seq) => ways.get(seq) ?? []);
    };

    tracker.on('event', (event) => {
      if (!fresh.length) queueMicrotask(number);
      fresh.push({ event, trackedAt: Date.now(), attempts: 0 });
    });
    tracker.on('stored', ({ seqs }) => {
      for (const way of known(seqs)) way.storedAt ??= Date.now();
      if (seqs.length) console.log(`petrel stored ${numbersOf(seqs)}`);
    });
    tracker.on('sent', ({ seqs }) => {
      const sent = known(seqs);
      for (const way of sent) {
        way.sentAt = Date.now();
        way.attempts++;
      }
      const attempt = Math.max(...sent.map(({ attempts }) => attempts));
      console.log(`petrel sent ${numbersOf(seqs)}${attempt > 1 ? `, attempt ${attempt}` : ''}`);
    });
    tracker.on('delivered', ({ seqs }) => {
      const now = Date.now();
      const delivered = known(seqs);
      console.groupCollapsed(`petrel delivered ${numbersOf(seqs)}: ${namesOf(delivered)}`);
      for (const way of delivered) console.log(wayOf(way, now));
      console.groupEnd();
      for (const seq of seqs) ways.delete(seq);
    });
    tracker.on('dropped', ({ reason, seq, name, detail }) => {
      // Before it had a number, it is dropped in the same call that told of it.
      if (seq === undefined && fresh.at(-1)?.event.seq === undefined) fresh.pop();
      const [way] = seq === undefined ? [] : known([seq]);
      ways.delete(seq!);
      const what = [seq !== undefined && `#${seq}`, way?.event.name ?? (name || '(no name)')].filter(Boolean).join(' ');
      console.warn(`petrel dropped ${what}: ${[reason, detail].filter(Boolean).join(', ')}`);
    });
    tracker.on('state', ({ state, detail }) => {
      const pauses = state !== 'sending' && state !== 'idle';
      if (pauses) console.warn(`petrel waits: ${[state, detail].filter(Boolean).join(', ')}`);
      else if (isPaused) console.log('petrel goes on');
      isPaused = pauses;
    });
    tracker.on('error', ({ code, message }) => console.error(`petrel error ${code}: ${message}`));
  };
}

/** `#7 Added: stored +8 ms, sent +5.0 s in attempt 2, delivered +5.1 s`. */
function wayOf({ event, trackedAt, storedAt, sentAt, attempts }: Way, deliveredAt: number): string {
  const steps = [
    storedAt !== undefined && `stored ${after(storedAt)}`,
    sentAt !== undefined && `sent ${after(sentAt)}${attempts > 1 ? ` in attempt ${attempts}` : ''}`,
    `delivered ${after(deliveredAt)}`,
  ];
  return `#${event.seq} ${event.name}: ${steps.filter(Boolean).join(', ')}`;

  function after(at: number): string {
    const ms = at - trackedAt;
    return ms < 1_000 ? `+${ms} ms` : `+${(ms / 1_000).toFixed(1)} s`;
  }
}

/** `#7`, or `#7–#9, #12`. */
function numbersOf(seqs: readonly number[]): string {
  const runs: [first: number, last: number][] = [];
  for (const seq of [...seqs].sort((a, b) => a - b)) {
    const run = runs.at(-1);
    if (run && seq <= run[1] + 1) run[1] = seq;
    else runs.push([seq, seq]);
  }
  return runs.map(([first, last]) => (first === last ? `#${first}` : `#${first}–#${last}`)).join(', ');
}

/** `Added ×3, Opened`. */
function namesOf(ways: readonly Way[]): string {
  const counts = new Map<string, number>();
  for (const { event } of ways) counts.set(event.name, (counts.get(event.name) ?? 0) + 1);
  return [...counts].map(([name, count]) => (count > 1 ? `${name} ×${count}` : name)).join(', ');
}
