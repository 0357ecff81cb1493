import type { EventCategory, Priority } from '../core/event.js';
import type { FlushResult } from '../core/event-batcher.js';
import type { DropReason } from '../core/outcome.js';
import type { HostStats } from '../protocol.js';

/** Whatever a page wants to say about an event. What JSON cannot say is refused or left out; at most 32 KB. */
export interface Properties {
  [key: string]: unknown;
}

/**
 * Event names and the properties each takes, checked at compile time.
 *
 * @example
 * ```ts
 * interface MyEvents {
 *   'Signed Up': { plan: 'free' | 'pro' };
 *   'Menu Opened': undefined;
 * }
 * const petrel = createTracker<MyEvents>({ endpoint: '/events' });
 * petrel.track('Signed Up', { plan: 'pro' });
 * petrel.track('Menu Opened');
 * ```
 */
export type EventMap<Events> = { [Name in keyof Events]: object | undefined };

/** What `createTracker` takes without a type argument: any name, any properties. */
export interface AnyEvents {
  [name: string]: Properties | undefined;
}

/** Third argument of {@link Tracker.track}. */
export interface TrackOptions {
  /**
   * How much the event matters. `critical` events leave first, and are handed over at once instead of within 100 ms;
   * `low` ones are the first to go when the queue is full.
   * @defaultValue 'normal'
   */
  priority?: Priority;
  /**
   * What kind of event it is; pipelines map it to their own kinds.
   * @defaultValue 'custom'
   */
  category?: EventCategory;
  /**
   * When it happened, in ms since the epoch.
   * @defaultValue `Date.now()`
   */
  timestamp?: number;
}

/** `granted`: events are stored and sent. `pending`: up to 100 wait in memory. `denied`: events are dropped. */
export type Consent = 'granted' | 'pending' | 'denied';

/** An event on its way through the plugins, which may change it. */
export interface TrackedEvent {
  /** 1 to 200 characters. */
  name: string;
  /** A copy of what the caller passed, one level deep. */
  properties?: Properties | null | undefined;
  /** When it happened, in ms since the epoch. */
  timestamp: number;
  category?: EventCategory | undefined;
  priority?: Priority | undefined;
  /**
   * What it is counted as if a listener drops it.
   * @defaultValue 'plugin'
   */
  reason?: Extract<DropReason, 'plugin' | 'sampled'> | undefined;
  /** The number it gets when all listeners have seen it, and none dropped it. */
  readonly seq?: number | undefined;
}

/**
 * Adds to a tracker: listens to `event` to see, change or drop events, and to `close` to clean up after itself.
 * What it throws, then or later in a listener, never reaches the page and never costs an event.
 *
 * @example
 * ```ts
 * const release: Plugin = (tracker) => {
 *   tracker.on('event', (event) => {
 *     event.properties = { ...event.properties, release: '2026.11' };
 *   });
 * };
 * ```
 */
export type Plugin = (tracker: Tracker) => void;

/** What listeners are told. */
export interface TrackerEvents {
  /** Before the event gets its number, in the order of the listeners. One that returns `false` drops it, counted as `plugin` or what it wrote as `reason`. */
  event: TrackedEvent;
  /** The host has these in its database, so neither the tab nor the browser can lose them, or has dropped them with a reason. */
  stored: { seqs: number[] };
  /** The host begins an attempt to deliver these; a retry is told again. Only while there is a listener to `delivered` as well. */
  sent: { seqs: number[] };
  /**
   * The collector has these. What the page sent by itself while it was being left is not told; `stats()` and the collector know.
   */
  delivered: { seqs: number[] };
  /** Lost, and why. Without `seq`: refused before it got a number. `name` as far as it is known here. */
  dropped: { reason: DropReason; seq?: number | undefined; name?: string | undefined; detail?: string | undefined };
  /** What the host is doing: `sending`, `idle`, or why nothing is sent. */
  state: {
    state: 'sending' | 'idle' | 'backoff' | 'rate-limited' | 'held' | 'blocked';
    detail?: string | undefined;
  };
  /** The host could not do what it was asked, or found an option that it cannot use. Nothing is lost by that. */
  error: { code: string; message: string };
  /** {@link Tracker.close} was called. */
  close: undefined;
}

/** This tracker's own counters. */
export interface PageStats {
  /** The tracker's id. An event's id is `${source}.${seq}`. */
  source: string;
  /** Number of the last event. */
  seq: number;
  /** Events no host has acknowledged yet. */
  unacknowledged: number;
  /** How often plugins and listeners threw. */
  failed: number;
  /** Events dropped before they reached a host, by reason. */
  dropped: Partial<Record<DropReason, number>>;
  /** The consent there is at the moment: `denied` as well where {@link TrackerOptions.gpc} is `off` and the signal is on. Not told on a server. */
  consent?: Consent | undefined;
}

/** Counters of the whole queue, over all tabs and visits, as far as there is a host that knows them; and this tracker's own. */
export interface TrackerStats extends Partial<HostStats> {
  page: PageStats;
}

/** What became of {@link Tracker.flush}; without a host only the page's counters. */
export interface FlushReport extends Partial<FlushResult> {
  page: PageStats;
}

/** Properties need not be given where all of them are optional, or where there are none. */
type TrackArguments<P> = undefined extends P
  ? [properties?: P | null, options?: TrackOptions]
  : object extends P
    ? [properties?: P | null, options?: TrackOptions]
    : [properties: P, options?: TrackOptions];

/** What `createTracker` returns. None of its methods throws or blocks, whatever they are called with. */
// biome-ignore lint/suspicious/noExplicitAny: a plugin takes any tracker, whatever its events
export interface Tracker<Events extends EventMap<Events> = any> {
  /**
   * Records an event. Returns at once; nothing in it touches the network, storage or JSON.
   * `properties` are copied one level deep: what lies deeper must not change in the next 100 ms.
   * An event that cannot be taken is dropped with a reason, see {@link TrackerEvents.dropped}.
   */
  track<Name extends keyof Events & string>(name: Name, ...rest: TrackArguments<Events[Name]>): void;
  /** Records a page view: event `page` of category `page`. Address, referrer and title go with every event anyway. */
  page(properties?: Properties | null, options?: Omit<TrackOptions, 'category'>): void;
  /**
   * Says who the user is: recorded as event `identify`, and part of every event from now on, until {@link Tracker.reset} or until
   * consent is denied. Nothing is remembered while it is denied.
   * Where the browser has Global Privacy Control it is dropped as `consent`, unless {@link TrackerOptions.gpc} says otherwise.
   */
  identify(userId: string, traits?: Properties | null): void;
  /** Says which account or company the user acts for: recorded as event `group`, and part of every event from now on. */
  group(groupId: string, traits?: Properties | null): void;
  /** Forgets user and group, as at a log-out. What {@link Tracker.setContext} said stays. */
  reset(): void;
  /**
   * Adds to the `context` of every event from now on: the release, the experiment, the plan. Written once per batch, so it costs next to
   * nothing per event. A value of `undefined` takes a field away; what JSON cannot say is left out. The page's own `url`, `title` and
   * `referrer` cannot be replaced. For properties of a part of the page, see `withProperties` in `petrel/plugins/with-properties`.
   */
  setContext(context: Properties): void;
  /**
   * Sends all that waits, now. Resolves when the attempt has ended, whether or not it succeeded; after 30 s without an answer,
   * as in a page that is hidden, with what the page knows.
   */
  flush(): Promise<FlushReport>;
  /** Counters of the queue and of this tracker. After 30 s without an answer only the tracker's own. */
  stats(): Promise<TrackerStats>;
  /**
   * Deletes what is stored for this endpoint on this device, ids included, and what waits in this page, counted as `consent`. What is tracked
   * afterwards has new ids. Consent stays as it is; while it is `pending` there is no host to ask, so only the page forgets.
   */
  purge(): Promise<TrackerStats>;
  /**
   * Changes the consent. `denied` also deletes what is stored for this endpoint, counted as `consent`, and what is tracked after
   * a later `granted` has a new source, so that nothing joins the two. What is none of the three words is as `pending`.
   */
  setConsent(consent: Consent): void;
  /** Adds a plugin. */
  use(plugin: Plugin): void;
  /**
   * Listens to what becomes of this tracker's events. With a listener to `delivered`, `dropped` or `state` the host reports on
   * each of its events, which costs a second message per hand-over.
   * @returns a function that ends it
   */
  // biome-ignore lint/suspicious/noConfusingVoidType: most listeners return nothing
  on<Type extends keyof TrackerEvents>(type: Type, listener: (detail: TrackerEvents[Type]) => false | void): () => void;
  /**
   * Sends what is not yet stored, as at an exit, and takes all listeners and timers away. What is tracked later is dropped as `closed`.
   */
  close(): void;
}
