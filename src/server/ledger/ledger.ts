import type { LedgerCounts } from '../../core/judge.js';
import type { SourceLedger } from '../../core/ledger.js';
import type { ReceivedDrop, ReceivedEvent, ReceivedTail } from '../sinks/sink.js';

/** What a collector learnt, for its ledger. */
export interface LedgerFacts {
  /** Events that are stored. */
  events: readonly ReceivedEvent[];
  /** Positions of those that had been stored before. */
  duplicates: readonly number[];
  drops: readonly ReceivedDrop[];
  tails: readonly ReceivedTail[];
  /** Events that came again and were answered without asking the sink. */
  repeated: number;
}

/** Counts that belong to no source any more, or never did, by day, release and write key. */
export interface TotalsRow {
  /** Days since 1970, UTC. */
  day: number;
  release: string;
  key: string;
  counts: LedgerCounts;
}

/**
 * A collector's book: which numbers of which source it has stored, kept apart from the events themselves, so that the two can be
 * compared. What follows from it is {@link reportLedger}'s to say.
 */
export interface Ledger {
  /** What one ledger is known by, where several are added up. Made with it, at random. */
  readonly id: string;
  /** Up to `limit` sources after `after`, in the order of their names. */
  sources(after: string, limit: number): Promise<[source: string, known: SourceLedger][]>;
  /** One source; undefined when nothing is known of it. */
  source(source: string): Promise<SourceLedger | undefined>;
  /** The sums by day of what was folded: sources of which nothing more can come. */
  totals(): Promise<TotalsRow[]>;
}

/** A ledger that stands beside a sink which keeps none: a stream's, say. */
export interface LedgerStore extends Ledger {
  /**
   * Writes down what was learnt. Called when the sink has stored the events and before the request is answered; what rejects is called
   * again with the same facts.
   */
  record(facts: LedgerFacts): Promise<void>;
  /** Lets go of what it holds. What is recorded stays. */
  close(): Promise<void>;
}
