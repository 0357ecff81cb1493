import type { DropReason } from '../core/outcome.js';
import { addRange, countRanges, type Ranges } from '../core/ranges.js';
import type { Plugin, TrackedEvent, Tracker } from '../page/api.js';

/** What became of a tracker's numbers. Each number from 1 to `accepted` is in one place, and in one only. Ranges are inclusive. */
export interface TrackerLedger {
  /** The tracker's id: an event's id is `${source}.${number}`. */
  source: string;
  /** The last number. */
  accepted: number;
  /** The collector has them. */
  delivered: Ranges;
  /** Lost after they had their number, by reason. */
  dropped: { [Reason in DropReason]?: Ranges };
  /** In the host's database; they wait, or are on their way. */
  stored: Ranges;
  /** In the page: no host has acknowledged them yet. */
  held: Ranges;
  /**
   * They have left the queue and nobody has said how: the page sent them by itself while it was hidden or left, or the answer came while it was,
   * or they were tracked before the plugin was used. The collector's ledger knows.
   */
  untold: Ranges;
  /** Dropped before they got a number, by reason. */
  refused: { [Reason in DropReason]?: number };
}

/** A plugin that can be asked. */
export interface LedgerPlugin extends Plugin {
  /** Asks the host for its counters, and answers with what is known of each number. Rejects before `tracker.use`. */
  read(): Promise<TrackerLedger>;
}

/**
 * Follows each of a tracker's numbers to its end: accepted, delivered, dropped by reason, waiting. For tests and support; what proves that nothing is
 * missing is the collector's ledger, which has the same numbers. Use it before anything is tracked.
 *
 * It listens to what the host tells of each event, which costs a message more per hand-over. Ranges keep it small however many events there are.
 *
 * @example
 * ```ts
 * const numbers = ledger();
 * tracker.use(numbers);
 * const { accepted, delivered, dropped } = await numbers.read();
 * ```
 */
export function ledger(): LedgerPlugin {
  let tracker: Tracker | undefined;
  /** The last event that was told: it has its number by the time the next one is. */
  let last: TrackedEvent | undefined;
  let highest = 0;
  let stored: Ranges = [];
  let delivered: Ranges = [];
  let dropped: { [Reason in DropReason]?: Ranges } = {};

  const begin = () => {
    stored = [];
    delivered = [];
    dropped = {};
    highest = 0;
  };

  /** After a denied consent or a purge the numbers begin anew, under another source. */
  const look = () => {
    const seq = last?.seq;
    if (seq === undefined) return;
    if (seq <= highest) begin();
    highest = seq;
    last = undefined;
  };

  const plugin: Plugin = (used) => {
    tracker = used;
    used.on('event', (event) => {
      look();
      last = event;
    });
    used.on('stored', ({ seqs }) => {
      look();
      for (const seq of seqs) addRange(stored, seq, seq);
    });
    used.on('delivered', ({ seqs }) => {
      look();
      for (const seq of seqs) addRange(delivered, seq, seq);
    });
    used.on('dropped', ({ seq, reason }) => {
      look();
      if (seq !== undefined) dropped[reason] = addRange(dropped[reason] ?? [], seq, seq);
    });
  };

  return Object.assign(plugin, {
    async read(): Promise<TrackerLedger> {
      if (!tracker) throw new Error('petrel/plugins/ledger: read() before tracker.use()');
      const { page, waiting, inFlight } = await tracker.stats();
      const { source, seq: accepted, unacknowledged } = page;
      look();
      if (accepted < highest) begin();
      let open: Ranges = accepted ? [[1, accepted]] : [];
      for (const ranges of [delivered, ...Object.values(dropped)]) open = subtract(open, ranges);
      // The collector's word stands: a leaving page may have sent what the host gave up.
      const lost = Object.entries(dropped).map(([reason, ranges]) => [reason, subtract(ranges, delivered)] as const);
      const elsewhere = subtract(open, stored);
      // With an empty queue, what was stored has left it.
      const waits = waiting === 0 && inFlight === 0 ? [] : subtract(open, elsewhere);
      // What the page holds are the last of the others.
      const held = lastOf(elsewhere, unacknowledged);
      return {
        source,
        accepted,
        delivered: copy(delivered),
        dropped: Object.fromEntries(lost.filter(([, ranges]) => ranges.length > 0)),
        stored: waits,
        held,
        untold: subtract(subtract(open, waits), held),
        refused: { ...page.dropped },
      };
    },
  });
}

const copy = (ranges: Ranges): Ranges => ranges.map(([first, last]) => [first, last]);

/** The numbers of the first that are not in the second. */
function subtract(ranges: Ranges, less: Ranges): Ranges {
  const left: Ranges = [];
  for (const [first, last] of ranges) {
    let from = first;
    for (const [without, until] of less) {
      if (until < from || without > last) continue;
      if (without > from) left.push([from, without - 1]);
      from = until + 1;
    }
    if (from <= last) left.push([from, last]);
  }
  return left;
}

/** The highest numbers, so many of them. */
function lastOf(ranges: Ranges, count: number): Ranges {
  const found: Ranges = [];
  for (const [first, last] of copy(ranges).reverse()) {
    const missing = count - countRanges(found);
    if (missing > 0) found.unshift([Math.max(first, last - missing + 1), last]);
  }
  return found;
}
