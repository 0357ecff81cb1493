/**
 * What happened, as the tracker's listeners are told it: the way of the last events, drops, changes of state, errors.
 * Names and numbers only; no property of an event is kept.
 */
import type { DropReason } from '../core/outcome.js';
import type { TrackedEvent, Tracker } from '../page/api.js';

/** The way of one event. Times are in ms since the epoch; one that is missing has not been told. */
export interface EventWay {
  /** Undefined until the event has its number, and for one that was dropped before. */
  seq?: number | undefined;
  name: string;
  trackedAt: number;
  /** In the host's database. */
  storedAt?: number;
  /** The last attempt to send it began. */
  sentAt?: number;
  /** How often it was sent. */
  attempts: number;
  /** The collector has it. */
  deliveredAt?: number;
  droppedAt?: number;
  reason?: DropReason;
  /** The collector's word for why. */
  detail?: string;
  /**
   * When it had left the queue and nobody had said how: the page sent it by itself while it was hidden or left, or the answer came
   * while it was.
   */
  leftAt?: number;
}

/** Something that was told at a time: a state of the host, or an error. */
export interface Note {
  at: number;
  what: string;
  detail?: string | undefined;
}

export interface Journal {
  /** The last events, newest first. */
  events(): EventWay[];
  /** States of the host and errors, newest first. */
  readonly notes: readonly Note[];
  /** Nothing waits in the queue: what was stored and has no end was sent while nobody was listening. */
  drained(): void;
}

/** Events and notes kept, at most. */
const MAX_EVENTS = 50;
const MAX_NOTES = 20;

/** @param changed called whenever something was told */
export function keepJournal(tracker: Tracker, now: () => number, changed: () => void): [Journal, end: () => void] {
  const ways: { way: EventWay; event: TrackedEvent | undefined }[] = [];
  const bySeq = new Map<number, EventWay>();
  const notes: Note[] = [];

  const note = (what: string, detail?: string) => {
    notes.unshift({ at: now(), what, detail });
    notes.splice(MAX_NOTES);
    changed();
  };

  const add = (name: string, event?: TrackedEvent) => {
    const way: EventWay = { name: `${name}`, trackedAt: now(), attempts: 0 };
    ways.unshift({ way, event });
    // After a change of consent the numbers begin anew: only its own.
    for (const { way: old } of ways.splice(MAX_EVENTS)) if (bySeq.get(old.seq!) === old) bySeq.delete(old.seq!);
    return way;
  };

  /** An event is told before it has its name and number for good. */
  const number = () => {
    for (const entry of ways) {
      const { way, event } = entry;
      if (!event) continue;
      way.name = `${event.name}`;
      if (event.seq === undefined) continue;
      way.seq = event.seq;
      bySeq.set(event.seq, way);
      // The properties may go.
      entry.event = undefined;
    }
  };

  /** Writes the same into all of these events that are still known. */
  const mark = (seqs: readonly number[], write: (way: EventWay, at: number) => void) => {
    number();
    for (const seq of seqs) {
      const way = bySeq.get(seq);
      if (way) write(way, now());
    }
    changed();
  };

  const dropped = (way: EventWay, reason: DropReason, detail: string | undefined) => {
    way.droppedAt = now();
    way.reason = reason;
    if (detail !== undefined) way.detail = detail;
  };

  const ends = [
    tracker.on('event', (event) => {
      // Its name is read again later: a listener after this one may change it.
      add(typeof event.name === 'string' ? event.name : '', event);
      changed();
    }),
    tracker.on('stored', ({ seqs }) =>
      mark(seqs, (way, at) => {
        // Also told of what was dropped at the door.
        if (way.droppedAt === undefined) way.storedAt ??= at;
      }),
    ),
    tracker.on('sent', ({ seqs }) =>
      mark(seqs, (way, at) => {
        way.sentAt = at;
        way.attempts++;
      }),
    ),
    tracker.on('delivered', ({ seqs }) =>
      mark(seqs, (way, at) => {
        way.deliveredAt = at;
      }),
    ),
    tracker.on('dropped', ({ seq, name = '', reason, detail }) => {
      number();
      const newest = ways[0];
      // What is dropped before it has a number is dropped in the same call that told of it.
      const same = newest?.event && newest.way.droppedAt === undefined ? newest : undefined;
      const way = (seq !== undefined && bySeq.get(seq)) || same?.way || add(name);
      if (same?.way === way) {
        same.event = undefined;
        if (seq !== undefined) way.seq = seq;
      }
      dropped(way, reason, detail);
      changed();
    }),
    tracker.on('state', ({ state, detail }) => note(state, detail)),
    tracker.on('error', ({ code, message }) => note(`error ${code}`, message)),
  ];

  const journal: Journal = {
    events() {
      number();
      return ways.map(({ way }) => way);
    },
    notes,
    drained() {
      for (const { way } of ways)
        if (way.storedAt !== undefined && way.deliveredAt === undefined && way.droppedAt === undefined)
          way.leftAt ??= now();
    },
  };
  return [
    journal,
    () => {
      for (const end of ends) end();
    },
  ];
}
