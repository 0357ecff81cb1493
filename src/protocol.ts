/**
 * The messages between a page and its host (the service worker, or the in-page engine): all that the two know of each other.
 *
 * The page posts a {@link PageMessage} and passes one MessagePort with it; every answer to that message comes back on that port.
 * A port per message survives worker restarts, needs no registry, and stays invisible to the site's own `message` listeners.
 * The host answers only while the page is visible: posting to a hidden page costs it its place in Firefox's bfcache.
 * So a page must not wait for an answer while hidden, and hands over again what is unanswered when it is back.
 *
 * Both sides may be of different releases (an updated page meets an older worker): changes are additive, unknown members
 * are ignored, an unknown `type` is answered with `error`, and a message of a higher `petrel` version as well.
 */

import type { Origin } from './core/event.js';
import type { FlushResult } from './core/event-batcher.js';
import type { DropReason, Outcome } from './core/outcome.js';
import type { Stats } from './core/stats.js';
import type { EventRow } from './core/wire.js';

export const PROTOCOL_VERSION = 1;

/** What a queue is for: endpoint + key + format name one destination, with its own queue, bounds and backoff. */
export interface DestinationConfig {
  /** Absolute URL events are POSTed to. */
  endpoint: string;
  /** Write key. */
  key?: string;
  /** Name of the wire format. */
  format: string;
  /**
   * The options the host checks and applies (ranges and defaults are in core/options.ts). Raw, as the developer wrote them.
   * When two pages differ, the one with the higher `version` wins, whichever comes last.
   */
  options: { [option: string]: unknown };
  /** Version of this configuration, given by the developer. */
  version: number;
}

/** A destination's id: what makes two of them different, in one string. Computed alike by page and host. */
export function destinationId({ endpoint, key = '', format }: DestinationConfig): string {
  return `${format} ${endpoint} ${key}`;
}

interface Message {
  petrel: typeof PROTOCOL_VERSION;
  /** The destination's id, see {@link destinationId}. */
  to: string;
  /** The page sees itself as visible: believed where the browser still takes a page for hidden that is back from its cache. */
  visible?: boolean;
}

/** Page → host: events, oldest first. Answered by `stored`, `unknown` or `error`. */
export interface EventsMessage extends Message {
  type: 'events';
  origins: Origin[];
  events: EventRow[];
  /** With the first message of a page, and again after `unknown`. */
  config?: DestinationConfig;
  /** The page sent these itself while leaving: store them, but ask the collector before sending them. */
  carried?: boolean;
  /** Numbered events the page had to drop: sequence range and reason. */
  drops?: [source: string, first: number, last: number, reason: DropReason][];
}

/** Page → host: look whether something is due (page shown, online again, `wakeAt` reached). Answered by `stored`. */
export interface WakeMessage extends Message {
  type: 'wake';
  config?: DestinationConfig;
  /** The network is said to be back: try now in spite of a backoff (not in spite of a Retry-After). */
  online?: boolean;
}

/** Page → host: send everything now. Answered by `flushed`. */
export interface FlushMessage extends Message {
  type: 'flush';
}

/** Page → host. Answered by `stats`. */
export interface StatsMessage extends Message {
  type: 'stats';
}

/** Page → host: forget everything that is stored for this destination; counted under `consent`. Answered by `stored`. */
export interface PurgeMessage extends Message {
  type: 'purge';
}

/** Page → host: tell me, on this port, when events of this source are delivered or dropped, and when the host's state changes. */
export interface WatchMessage extends Message {
  type: 'watch';
  source: string;
}

export type PageMessage = EventsMessage | WakeMessage | FlushMessage | StatsMessage | PurgeMessage | WatchMessage;

/** Host → page: the transaction is complete. */
export interface StoredMessage {
  type: 'stored';
  /** When the page should send `wake`, in ms from now; absent when nothing waits. */
  wakeInMs?: number;
  /** Why nothing is being sent at the moment, if so. */
  paused?: string;
  /** Of the events in the message, those that were not taken. */
  dropped?: { seq: number; reason: DropReason; detail?: string }[];
}

/** Host → page: no config is stored for this destination; post the message again with one. Nothing was stored. */
export interface UnknownMessage {
  type: 'unknown';
}

export interface FlushedMessage {
  type: 'flushed';
  result: FlushResult;
}

export interface StatsAnswer {
  type: 'stats';
  stats: HostStats;
}

/** Counters of a queue, and who keeps it. */
export interface HostStats extends Stats {
  host: HostInfo;
}

/** Who keeps the queue. */
export interface HostInfo {
  /** `worker`: the service worker. `page`: the engine beside the tracker (in the page, or in a worker that tracks), with IndexedDB. `memory`: the same without it, lost with the page. */
  kind: 'worker' | 'page' | 'memory';
  /** Its release. The page may be of another one while an update is under way. */
  version: string;
  /** How its last attempts ended, oldest first; at most 10, since it was started. */
  attempts: Attempt[];
}

/** One attempt to deliver a batch, and what came of it. */
export interface Attempt {
  /** When it ended, in ms since the epoch. */
  at: number;
  /** How long it took, in ms. */
  ms: number;
  batch: string;
  /** Events in the batch. */
  events: number;
  /** 1 for the batch's first. */
  attempt: number;
  outcome: Outcome['kind'];
  /** The failure in words. */
  detail?: string;
}

/** Host → page, on a `watch` port: what became of events of that source. */
export interface FateMessage {
  type: 'fate';
  delivered?: number[];
  dropped?: { seq: number; reason: DropReason; detail?: string }[];
}

/** Host → page, on a `watch` port: an attempt to send these begins. */
export interface SentMessage {
  type: 'sent';
  seqs: number[];
}

/** Host → page, on a `watch` port. */
export interface StateMessage {
  type: 'state';
  /** `sending`, or why nothing is sent. */
  state: 'sending' | 'idle' | 'backoff' | 'rate-limited' | 'held' | 'blocked';
  detail?: string;
}

/** Host → page: the message could not be done. Nothing was stored. */
export interface ErrorMessage {
  type: 'error';
  code: string;
  message: string;
}

export type HostMessage =
  | StoredMessage
  | UnknownMessage
  | FlushedMessage
  | StatsAnswer
  | FateMessage
  | SentMessage
  | StateMessage
  | ErrorMessage;
