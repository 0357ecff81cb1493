/**
 * `petrel/compat/segment`: Segment's browser API over Petrel's tracker, for a site that changes from one to the other by changing an
 * import. docs/migrate-from-segment.md says what is the same and what is not.
 * @packageDocumentation
 */
// Stays an import in the built file: an app that also imports `petrel` has the tracker once.
import { createTracker } from '../index.js';
import type { Properties, Tracker } from '../page/api.js';
import type { TrackerOptions } from '../page/options.js';
import type { Given, SegmentOptions } from './lib/segment-arguments.js';
import { sort, sortTrack } from './lib/segment-arguments.js';

export type { SegmentOptions } from './lib/segment-arguments.js';

/** First argument of {@link AnalyticsBrowser.load}. What else Segment takes there (`cdnURL`, `plugins`, …) is ignored. */
export interface SegmentSettings {
  /** The collector's write key. */
  writeKey: string;
  /**
   * Where events are POSTed, see {@link TrackerOptions.endpoint}.
   * @defaultValue '/events'
   */
  endpoint?: string;
  /** Petrel's other options. */
  petrel?: Omit<TrackerOptions, 'endpoint' | 'key'>;
  [setting: string]: unknown;
}

/** Second argument of {@link AnalyticsBrowser.load}. What else Segment takes there is ignored. */
export interface SegmentInitOptions {
  /** Records a page view at once. */
  initialPageview?: boolean;
  /** Records nothing, ever; calls resolve all the same. */
  disable?: boolean | ((settings: SegmentSettings) => boolean);
  [option: string]: unknown;
}

/** What calls resolve with and callbacks get. */
export interface SegmentContext {
  /** The event in Segment's words. */
  event: { type: string; [field: string]: unknown };
}

/** Called when the event was handed over, with the little that is known of it. */
export type SegmentCallback = (context: SegmentContext) => unknown;

/** A user or a group, as far as this page was told. */
export interface SegmentUser {
  /** What `identify` or `group` was told last; null before. */
  id(): string | null;
  /** What `identify` or `group` was told of them. */
  traits(): Properties;
  /** Always null: the id lives in the worker, where all tabs share it. */
  anonymousId(): null;
}

type Data = object | SegmentCallback | null;
type Options = SegmentOptions | SegmentCallback | null;

/** Arguments of `track`. */
export type TrackArguments = [
  event: string | { event: string; properties?: object },
  properties?: Data,
  options?: Options,
  callback?: SegmentCallback,
];

/** Arguments of `page` and `screen`. */
export type PageArguments = [
  category?: string | Data,
  name?: string | Data,
  properties?: Data,
  options?: Options,
  callback?: SegmentCallback,
];

/** Arguments of `identify` and `group`. */
export type UserArguments = [id?: string | number | Data, traits?: Data, options?: Options, callback?: SegmentCallback];

/** Arguments of `alias`. */
export type AliasArguments = [
  to: string | number,
  from?: string | number | Options,
  options?: Options,
  callback?: SegmentCallback,
];

/** `group`: without arguments the group itself. */
export interface GroupVerb {
  (): SegmentUser & PromiseLike<SegmentUser>;
  (...args: UserArguments): Promise<SegmentContext>;
}

/** What awaiting {@link AnalyticsBrowser.load} gives: the same methods, without a `then`. */
export type Analytics = Omit<AnalyticsBrowser, 'then' | 'load'>;

type Elements = Element | Iterable<Element> | ArrayLike<Element> | null | undefined;
type Of<T> = T | ((element: Element) => T);

// biome-ignore lint/suspicious/noExplicitAny: listeners get what the verb was called with
type Listener = (...args: any[]) => unknown;

/** Someone of whom `identify` or `group` told. */
interface Known {
  id: string | undefined;
  traits: Properties;
}

const nobody = (): Known => ({ id: undefined, traits: {} });

/**
 * Segment's `AnalyticsBrowser`. Its methods are bound, take their arguments in every shape Segment's do, never throw, and return a
 * promise that resolves when the tracker has the event. Nobody has to wait for it: an event tracked before the page is left is sent.
 *
 * @example
 * ```ts
 * import { AnalyticsBrowser } from 'petrel/compat/segment'; // was '@segment/analytics-next'
 *
 * export const analytics = AnalyticsBrowser.load({ writeKey: 'shop', endpoint: 'https://collect.example/events' });
 * analytics.track('Order Completed', { total: 74 });
 * ```
 */
export class AnalyticsBrowser {
  /** Petrel's tracker, for all that Segment has no word for; undefined before `load`. */
  tracker: Tracker | undefined;

  /**
   * Creates the tracker.
   * @throws TypeError when an option cannot be used, see `createTracker`
   */
  static load(settings: SegmentSettings, options?: SegmentInitOptions): AnalyticsBrowser {
    return new AnalyticsBrowser().load(settings, options);
  }

  #listeners = new Map<string, Set<Listener>>();
  #user = nobody();
  #group = nobody();
  /** Calls that came before `load`. Not bounded here: the tracker counts what is too much for it. */
  #early: (() => void)[] | undefined = [];
  #verbose = false;

  /** As the static one, for an instance that has been taking calls already. A second call changes nothing. */
  load = (settings: SegmentSettings, { initialPageview, disable }: SegmentInitOptions = {}): this => {
    if (!this.#early) return this;
    const { writeKey, endpoint = '/events', petrel } = settings;
    const off = typeof disable === 'function' ? disable(settings) : disable;
    if (!off) this.tracker = createTracker({ ...petrel, endpoint, key: writeKey });
    const calls = this.#early;
    this.#early = undefined;
    for (const call of calls) call();
    if (initialPageview) void this.page();
    this.#emit('initialize', [settings]);
    return this;
  };

  /** `track(event, properties?, options?, callback?)` or `track({ event, properties }, options?, callback?)` */
  track = (...args: TrackArguments): Promise<SegmentContext> => {
    const { name, ...given } = sortTrack(args);
    const properties = withContext(given);
    return this.#dispatch({ type: 'track', event: name, properties }, given, [name, properties], (tracker, options) =>
      tracker.track(name as string, properties, options),
    );
  };

  /** `page(category?, name?, properties?, options?, callback?)`; a single string is the name. */
  page = (...args: PageArguments): Promise<SegmentContext> => this.#view('page', args);

  /** As {@link AnalyticsBrowser.page}, recorded as event `screen`. */
  screen = (...args: PageArguments): Promise<SegmentContext> => this.#view('screen', args);

  /** `identify(userId?, traits?, options?, callback?)`. Traits add up until `reset` or another user. */
  identify = (...args: UserArguments): Promise<SegmentContext> => {
    const given = sort(args);
    this.#user = know(this.#user, given);
    const { id, traits } = this.#user;
    return this.#dispatch({ type: 'identify', userId: id, traits }, given, [id ?? null, traits], (tracker, options) =>
      id === undefined
        ? tracker.track('identify', traits, { ...options, category: 'identify' })
        : tracker.identify(id, traits),
    );
  };

  /** `group(groupId?, traits?, options?, callback?)`; without arguments the group itself. */
  group = ((...args: UserArguments) => {
    if (args.length === 0) return asUser(this.#group);
    const given = sort(args);
    this.#group = know(this.#group, given);
    const { id, traits } = this.#group;
    return this.#dispatch({ type: 'group', groupId: id, traits }, given, [id ?? null, traits], (tracker, options) =>
      id === undefined ? tracker.track('group', traits, { ...options, category: 'group' }) : tracker.group(id, traits),
    );
  }) as GroupVerb;

  /** `alias(to, from?, options?, callback?)`: recorded as event `alias`. `from` is the user known so far when it is left out. */
  alias = (...args: AliasArguments): Promise<SegmentContext> => {
    const given = sort(args);
    const [userId, previousId = this.#user.id] = given.strings;
    return this.#dispatch(
      { type: 'alias', userId, previousId },
      given,
      [userId, given.strings[1] ?? null],
      (tracker, options) => tracker.track('alias', { userId, previousId }, { ...options, category: 'identify' }),
    );
  };

  /** Forgets user and group. */
  reset = (): void => {
    this.#user = nobody();
    this.#group = nobody();
    this.#whenLoaded(() => this.tracker?.reset());
    this.#emit('reset', []);
  };

  /** Who was identified in this page: directly, or awaited. */
  user = (): SegmentUser & PromiseLike<SegmentUser> => asUser(this.#user);

  /** Resolves, after calling back, once `load` was called. */
  ready = (callback?: () => unknown): Promise<void> =>
    new Promise((resolve) => {
      this.#whenLoaded(() => {
        resolve();
        if (callback) queueMicrotask(callback);
      });
    });

  /**
   * Listens to a verb: `track` (event, properties, options), `page` and `screen` (category, name, properties, options), `identify` and
   * `group` (id, traits, options), `alias` (to, from, options), `reset`, `initialize` (settings).
   */
  on = (verb: string, listener: Listener): this => {
    const listeners = this.#listeners.get(verb) ?? new Set();
    this.#listeners.set(verb, listeners.add(listener));
    return this;
  };

  /** As `on`, for the next call alone. */
  once = (verb: string, listener: Listener): this => {
    const one: Listener = (...args) => this.#listeners.get(verb)?.delete(one) && listener(...args);
    return this.on(verb, one);
  };

  /** Ends what `on` or `once` began. */
  off = (verb: string, listener: Listener): this => {
    this.#listeners.get(verb)?.delete(listener);
    return this;
  };

  /** Records an event whenever one of the links is clicked. They are followed at once: nothing has to be waited for. */
  trackLink = (links: Elements, event: Of<string>, properties?: Of<Properties>): void =>
    this.#watch('click', links, event, properties);

  /** The same for forms that are submitted. */
  trackForm = (forms: Elements, event: Of<string>, properties?: Of<Properties>): void =>
    this.#watch('submit', forms, event, properties);

  /** Another name of `trackLink`. */
  trackClick = this.trackLink;
  /** Another name of `trackForm`. */
  trackSubmit = this.trackForm;

  /** Writes each call to the console. Petrel's own story of an event is told with `petrel: { debug: true }`. */
  debug = (on = true): this => {
    this.#verbose = on;
    return this;
  };

  /** Does nothing: callbacks do not wait for the network. */
  timeout = (_ms: number): void => {};

  /** `const [analytics] = await AnalyticsBrowser.load(…)`, as with Segment's. */
  // biome-ignore lint/suspicious/noThenProperty: Segment's is awaitable
  then = <R>(done: (loaded: [Analytics, SegmentContext]) => R | PromiseLike<R>): Promise<R> =>
    this.ready().then(() => {
      // All methods are bound. With a `then`, an async function could not return it.
      const { then: _then, load: _load, ...analytics } = this;
      return done([analytics as Analytics, { event: { type: 'load' } }]);
    });

  #view(type: 'page' | 'screen', args: unknown[]): Promise<SegmentContext> {
    const given = sort(args);
    const [name = null, category = null] = given.strings.slice(0, 2).reverse();
    const properties = {
      ...withContext(given),
      ...(name !== null && { name }),
      ...(category !== null && { category }),
    };
    return this.#dispatch(
      { type, name, category, properties },
      given,
      [category, name, properties],
      (tracker, options) =>
        type === 'page' ? tracker.page(properties, options) : tracker.track('screen', properties, options),
    );
  }

  /** What all verbs have in common: the time is that of the call, whenever the tracker comes. */
  #dispatch(
    event: SegmentContext['event'],
    { options, callback }: Given,
    told: unknown[],
    hand: (tracker: Tracker, options: { timestamp: number }) => void,
  ): Promise<SegmentContext> {
    // NaN where it is no time, absent or not.
    const timestamp = +new Date(options.timestamp as string) || Date.now();
    return new Promise((resolve) => {
      this.#whenLoaded(() => {
        if (this.#verbose) console.debug('analytics', event);
        if (this.tracker) hand(this.tracker, { timestamp });
        resolve({ event });
        if (callback) queueMicrotask(() => callback({ event } as never));
        this.#emit(event.type, [...told, options]);
      });
    });
  }

  #whenLoaded(call: () => void): void {
    if (this.#early) this.#early.push(call);
    else call();
  }

  #emit(verb: string, args: unknown[]): void {
    // Later, for listeners that come in the same task; and each by itself, so that what one throws is its own.
    queueMicrotask(() => {
      for (const listener of this.#listeners.get(verb) ?? []) queueMicrotask(() => listener(...args));
    });
  }

  #watch(
    type: 'click' | 'submit',
    elements: Elements,
    event: Of<string>,
    properties: Of<Properties> | undefined,
  ): void {
    const list = !elements
      ? []
      : 'addEventListener' in elements
        ? [elements]
        : Array.from(elements as Iterable<Element>);
    for (const element of list) {
      const of = <T>(given: Of<T>): T => (typeof given === 'function' ? (given as (e: Element) => T)(element) : given);
      element.addEventListener(type, () => void this.track(of(event), of(properties ?? {})));
    }
  }
}

/** Another id is another person: nothing of the first is left. */
function know(known: Known, { strings: [id = known.id], data }: Given): Known {
  return { id, traits: known.id !== undefined && id !== known.id ? data : { ...known.traits, ...data } };
}

function asUser({ id, traits }: Known): SegmentUser & PromiseLike<SegmentUser> {
  const user: SegmentUser = { id: () => id ?? null, traits: () => traits, anonymousId: () => null };
  return Object.assign(Promise.resolve({ ...user }), user);
}

function withContext({ data, options: { context } }: Given): Properties {
  return context ? { ...data, context } : data;
}
