import type { AnalyticsEvent } from '../../core/event.js';
import type { Tombstone } from '../../core/queue-state.js';
import type { SourceRange } from '../../core/wire.js';
import type { Ledger } from '../ledger/ledger.js';

/** An event as the collector hands it to a sink. */
export interface ReceivedEvent extends AnalyticsEvent {
  /** The collector's clock when the request began, in ms since the epoch. */
  receivedAt: number;
  /**
   * The client's clock when it sent the request, in ms since the epoch. `timestamp` stays the client's as well; in the
   * collector's time the event happened at `timestamp + receivedAt - sentAt`, whatever the client's clock says, and however
   * long the event waited: `sentAt` is stamped anew for each attempt.
   */
  sentAt: number;
  /** The batch it came with. Absent when the page sent it while leaving. */
  batchId?: string;
  /** Version of the tracker that sent it, where it says so. */
  sdk?: string;
  /** The write key it was sent with. */
  key?: string;
}

/** Sequence numbers of a source that will never come, and why, as the collector hands them to a sink. */
export interface ReceivedDrop extends Tombstone {
  /** The collector's clock when the request began, in ms since the epoch. */
  receivedAt: number;
}

/** How far a source is known to have come, as the collector hands it to a sink that keeps a ledger. */
export interface ReceivedTail {
  source: string;
  /** The highest number its tracker gave. */
  last: number;
  /** The page is gone: no higher one will come. */
  closed: boolean;
  /** The collector's clock when the request began, in ms since the epoch. */
  receivedAt: number;
}

/** What a sink that keeps a ledger writes down with a batch, besides the batch. */
export interface SinkNotes {
  tails: readonly ReceivedTail[];
  /** Events that came again, and were answered without asking the sink. */
  repeated: number;
}

/** What became of a written batch. */
export interface SinkResult {
  /** Positions of the events whose id was stored before (also earlier in the same call). All others are new, or rejected. */
  duplicates: readonly number[];
  /** Events that this sink will never take, each with a word for why. Not for failures that may pass: those throw. */
  rejected?: readonly { index: number; reason: string }[];
}

/**
 * Where a collector puts events.
 *
 * The contract is test/contract/sink.contract.ts; every sink runs it:
 * - `write` resolves when everything in it would survive the death of the process; the collector answers 200 then.
 * - An id is stored once, however often and at however many times at once it is written. The first one wins.
 * - `write` rejects when it is not known to be stored. It is called again with the same events, so it may have stored any of them.
 * - Calls may overlap, as many as the collector's `flushConcurrency`.
 */
export interface Sink {
  /** Stores events and drops. Either may be empty. `notes` are for the ledger of a sink that keeps one. */
  write(events: readonly ReceivedEvent[], drops: readonly ReceivedDrop[], notes?: SinkNotes): Promise<SinkResult>;
  /**
   * Which of these sequence numbers are stored: ranges within the given ones, in their order. The collector asks for at most
   * 10 000 numbers at once.
   */
  has(ranges: readonly SourceRange[]): Promise<SourceRange[]>;
  /**
   * Rejects when nothing can be stored at the moment, for `/readyz`. Optional: without it `has` is asked, so a sink whose `has` does not ask
   * its engine needs it.
   */
  ready?(): Promise<void>;
  /** The ledger this sink keeps: written in the same transactions as the events, where it has such. Optional. */
  readonly ledger?: Ledger;
  /** Lets go of everything. What is stored stays. */
  close(): Promise<void>;
}

/** Ascending sequence numbers of one source as ranges. */
export function rangesOf(source: string, seqs: Iterable<number>): SourceRange[] {
  const ranges: SourceRange[] = [];
  for (const seq of seqs) {
    const last = ranges.at(-1);
    if (last && last[2] === seq - 1) last[2] = seq;
    else ranges.push([source, seq, seq]);
  }
  return ranges;
}
