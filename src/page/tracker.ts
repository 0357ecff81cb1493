import type { EventCategory, Origin } from '../core/event.js';
import type { FlushResult } from '../core/event-batcher.js';
import type { DropReason } from '../core/outcome.js';
import type { Stats } from '../core/stats.js';
import type { DestinationConfig, FateMessage } from '../protocol.js';
import type { Consent, EventMap, Properties, Tracker, TrackOptions } from './api.js';
import { exitFlush } from './exit-flush.js';
import { findHost, type LoadRegister } from './host.js';
import { watchLifecycle } from './lifecycle.js';
import { createMicroBuffer } from './micro-buffer.js';
import type { TrackerOptions } from './options.js';
import { createUnacked, type Drops, type PageEvent } from './unacked.js';

/** Most events the page holds until the host takes them. Beyond, new ones are dropped as `buffer-full`. */
const MAX_HELD = 10_000;

/** The same while consent is pending: enough for what a visitor does before answering a banner. */
const MAX_PENDING = 100;

/** How long `flush()` and `stats()` wait for an answer before they ask again, in ms. */
const ASK_AGAIN_MS = 2_000;

/** What browsers have and TypeScript's DOM library does not. */
interface Platform {
  /** Of `navigator`. @see https://www.w3.org/TR/gpc/ */
  globalPrivacyControl?: boolean;
  /** Of `document`. @see https://wicg.github.io/nav-speculation/prerendering.html */
  prerendering?: boolean;
}

type Listener = (detail: never) => unknown;

/** `createTracker` without the knowledge of where the chunk is: the entries add that. */
export function openTracker<Events extends EventMap<Events>>(
  {
    endpoint,
    key,
    serviceWorker = {},
    format = 'petrel',
    consent: initialConsent = 'granted',
    gpc,
    configVersion: version = 0,
    debug,
    ...options
  }: TrackerOptions,
  load: LoadRegister,
): Tracker<Events> {
  /** From the start on a server, where there is no page. */
  let closed = !globalThis.document;
  const config = {
    endpoint: closed || new URL(endpoint, location.href).href,
    key,
    format,
    // What cannot be cloned would keep every message from being posted.
    options: JSON.parse(JSON.stringify(options)),
    version,
  } as DestinationConfig;
  /** The visitor asks for privacy and the site listens; false: it does not. */
  const anonymous = gpc !== 'ignore' && !closed && (navigator as Platform).globalPrivacyControl;
  const dropped: Partial<Record<DropReason, number>> = {};
  const drops: Drops = [];
  const abort = new AbortController();
  /** Never changed in place: a listener may add and remove listeners. */
  let listeners: (readonly [type: string, listener: Listener])[] = [];
  let consent: Consent;
  let source = randomId();
  let seq = 0;
  /** What `call` caught. */
  let failed = 0;
  let who: { userId?: string; groupId?: string } = {};
  let context: object;
  let origin: Origin | undefined;
  let finding: Promise<void> | undefined;
  let watching = false;
  /** A `pagehide` came and the page is not back: it sends by itself. */
  let left: boolean | undefined;

  /** Calls what is not ours: nothing it throws may reach the page. */
  const call = (listener: Listener, detail?: unknown) => {
    try {
      return listener(detail as never);
    } catch (error) {
      failed++;
      if (debug) console.debug('petrel', error);
    }
  };

  /** Tells the listeners. Returns how many said `false`. */
  const emit = (type: string, detail?: unknown) => {
    if (debug) console.debug('petrel', type, detail);
    return listeners.filter(([wanted, listener]) => wanted === type && call(listener, detail) === false).length;
  };

  const drop = (reason: DropReason, name?: string, seq?: number) => {
    // One more; `-~undefined` is 1.
    dropped[reason] = -~dropped[reason]!;
    emit('dropped', { reason, seq, name });
  };

  const find = (worker: typeof serviceWorker) => {
    finding ??= findHost(worker, () => consent === 'granted' && !closed, load)
      .catch(() => undefined)
      .then((host) => {
        finding = undefined;
        // Meanwhile there may be nothing that may be stored any more.
        if (closed || consent === 'pending') host?.close?.();
        else attach(host);
        tell();
      });
  };

  /** Looks for a host, once there may be one: a prerendered page may never be seen. */
  const begin = () => {
    if (consent !== 'pending' && !(document as Platform).prerendering && !hasHost()) find(serviceWorker);
  };

  const [flush, post, remove, repost, attach, back, unacknowledged, hasHost] = createUnacked(
    config,
    drops,
    (answer, events) => {
      const { dropped = [], delivered } = answer as FateMessage;
      for (const loss of dropped) emit('dropped', loss);
      if (delivered) emit('delivered', { seqs: delivered });
      emit(answer.type, { seqs: events.map((event) => event.seq), ...answer });
    },
    () => find(false),
  );

  /** The page sends what is unacknowledged, and posts copies. */
  const exit = () => {
    if (consent === 'granted') exitFlush(unacknowledged(), config, post, remove);
  };

  const [due, open] = createMicroBuffer(() => {
    if (left) exit();
    else flush();
    tell();
  });

  /** What a worker forgets when it is stopped, and a new one never knew. */
  const tell = () => {
    if (watching) post({ type: 'watch', source });
    if (consent === 'denied') post({ type: 'purge' });
  };

  /** Where an event comes from; one object as long as it stays the same. */
  const currentOrigin = () => {
    const url = location.href;
    const title = document.title;
    if (origin?.context?.url !== url || origin.context.title !== title)
      origin = {
        source,
        ...who,
        context: { ...context, url, title, referrer: document.referrer, gpc: anonymous },
      } as Origin;
    return origin;
  };

  const track = (
    name: string,
    properties?: Properties | null,
    options?: TrackOptions | null,
    field?: keyof typeof who | '',
    id?: string,
  ) => {
    try {
      const {
        timestamp = Date.now(),
        category = field == null ? undefined : (name as EventCategory),
        priority,
      } = options ?? {};
      const event = { name, properties: properties && { ...properties }, timestamp, category, priority } as PageEvent;
      if (closed) return drop('closed', name);
      if (consent === 'denied' || (anonymous && field === 'userId')) return drop('consent', name);
      if (field) {
        who = { ...who, [field]: id && `${id}` };
        origin = undefined;
      }
      if (emit('event', event)) return drop(event.reason ?? 'plugin', name);
      if (!event.name.trim() || event.name[200] || typeof (properties ?? {}) !== 'object') return drop('invalid', name);
      const waiting = unacknowledged();
      if (waiting.length >= (consent === 'granted' ? MAX_HELD : MAX_PENDING)) {
        const run = drops.at(-1);
        if (run?.[2] === seq) run[2]++;
        else drops.push([source, seq + 1, seq + 1, 'buffer-full']);
        return drop('buffer-full', name, ++seq);
      }
      event.origin = currentOrigin();
      event.seq = ++seq;
      waiting.push(event);
      due(left || document.hidden || priority === 'critical');
    } catch {
      // A getter threw, or the name is no string.
      drop('invalid', name);
    }
  };

  /** Asks the host until it answers; once in a hidden page, which gets no answers. Empty without a host or an answer. */
  const ask = async (type: 'flush' | 'stats' | 'purge') => {
    open();
    await finding;
    let answer: { result?: FlushResult; stats?: Stats } | undefined;
    while (!answer && hasHost())
      answer = await new Promise((resolve) => {
        post({ type }, [], resolve as (answer: object) => void);
        // A worker that is being replaced takes messages and does not answer.
        setTimeout(resolve, ASK_AGAIN_MS, document.hidden && {});
      });
    return {
      ...answer?.result,
      ...answer?.stats,
      page: { source, seq, failed, unacknowledged: unacknowledged().length, dropped: { ...dropped }, consent },
    };
  };

  /** Drops what waits in the page. Who is tracked after this is somebody else. */
  const forget = () => {
    for (const { name } of remove(unacknowledged())) drop('consent', name);
    source = randomId();
    seq = drops.length = 0;
    tracker.reset();
  };

  const tracker: Tracker<Events> = {
    track: track as Tracker<Events>['track'],
    page: (properties, options) => track('page', properties, options, ''),
    identify: (userId, traits) => track('identify', traits, null, 'userId', userId),
    group: (groupId, traits) => track('group', traits, null, 'groupId', groupId),
    reset() {
      who = {};
      origin = undefined;
    },
    setContext: (more) =>
      void call(() => {
        context = JSON.parse(JSON.stringify({ ...context, ...more }));
        origin = undefined;
      }),
    flush: () => ask('flush'),
    stats: () => ask('stats'),
    purge() {
      forget();
      return ask('purge');
    },
    setConsent(next) {
      if (closed) return;
      consent = anonymous && gpc === 'off' ? 'denied' : next === 'granted' || next === 'denied' ? next : 'pending';
      if (consent === 'denied') forget();
      tell();
      if (consent !== 'granted') attach();
      begin();
    },
    use: (plugin) => void call(plugin as Listener, tracker),
    on(type, listener) {
      const entry = [type, listener as Listener] as const;
      listeners = [...listeners, entry];
      watching ||= ['delivered', 'dropped', 'state'].includes(type);
      tell();
      return () => {
        listeners = listeners.filter((other) => other !== entry);
      };
    },
    close() {
      if (closed) return;
      exit();
      open();
      emit('close');
      closed = true;
      abort.abort();
      attach();
    },
  };

  if (!closed) {
    watchLifecycle(
      abort.signal,
      open,
      (gone) => {
        left ||= gone;
        if (left || !hasHost()) exit();
        else repost();
      },
      () => {
        left = false;
        back();
        begin();
      },
      () => {
        post({ type: 'wake', online: true });
        begin();
      },
      begin,
    );
  }
  tracker.setConsent(initialConsent);
  return tracker;
}

/** 128 random bits in at most 40 digits. `crypto.randomUUID` does not exist on http: pages. */
const randomId = () => crypto.getRandomValues(new Uint32Array(4)).join('');
