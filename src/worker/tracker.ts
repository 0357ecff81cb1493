import { type EventCategory, type Json, MAX_NAME_LENGTH, type Origin } from '../core/event.js';
import type { DropReason } from '../core/outcome.js';
import type { Consent, EventMap, Properties, TrackedEvent, Tracker, TrackOptions } from '../page/api.js';
import type { HostMessage } from '../protocol.js';
import { createHandOver, type Drops, type NumberedEvent } from './hand-over.js';
import type { WorkerHost } from './host.js';
import { readOptions, type WorkerTrackerOptions } from './options.js';

/** Most events held until the host has them, and while consent is pending: as in a page. */
const MAX_HELD = 10_000;
const MAX_PENDING = 100;

type Listener = (detail: never) => unknown;

/** What the surroundings are: `self` of a worker, and how it opens a host. */
export interface WorkerScope {
  /** Address of the worker's script. */
  href: string;
  gpc: boolean;
  openHost(): WorkerHost;
  /** Calls `listener` when the network is said to be back. Returns a function that ends it. */
  onOnline(listener: () => void): () => void;
}

/** `createTracker` of `petrel/worker`, in a scope that is passed. */
export function openWorkerTracker<Events extends EventMap<Events>>(
  options: WorkerTrackerOptions,
  scope: WorkerScope,
): Tracker<Events> {
  const { config, consent: initialConsent, gpc, debug, context: given } = readOptions(options, scope.href);
  let context: { [name: string]: Json } = given;
  const anonymous = scope.gpc && gpc !== 'ignore';
  const dropped: Partial<Record<DropReason, number>> = {};
  const drops: Drops = [];
  let listeners: (readonly [type: string, listener: Listener])[] = [];
  let host: WorkerHost | undefined;
  let consent: Consent = 'pending';
  let source = randomId();
  let seq = 0;
  let who: { userId?: string; groupId?: string } = {};
  let origin: Origin | undefined;
  let watching = false;
  let closed = false;
  let due = false;
  let failed = 0;

  const call = (listener: Listener, detail?: unknown) => {
    try {
      return listener(detail as never);
    } catch (error) {
      failed++;
      if (debug) console.debug('petrel', error);
    }
  };

  const emit = (type: string, detail?: unknown) => {
    if (debug) console.debug('petrel', type, detail);
    return listeners.filter(([wanted, listener]) => wanted === type && call(listener, detail) === false).length;
  };

  const drop = (reason: DropReason, name?: string, dropSeq?: number) => {
    dropped[reason] = (dropped[reason] ?? 0) + 1;
    emit('dropped', { reason, seq: dropSeq, name });
  };

  const answered = (answer: HostMessage, events: readonly NumberedEvent[]) => {
    if (answer.type === 'stored' || answer.type === 'fate') {
      for (const loss of answer.dropped ?? []) emit('dropped', loss);
    }
    if (answer.type === 'stored' && events.length > 0) emit('stored', { seqs: events.map((event) => event.seq) });
    if (answer.type === 'fate' && answer.delivered) emit('delivered', { seqs: answer.delivered });
    if (answer.type === 'sent' || answer.type === 'state' || answer.type === 'error') emit(answer.type, answer);
  };

  const handOver = createHandOver(config, drops, () => host, answered);

  /** All that was tracked in this task, as one message. */
  const soon = () => {
    if (due) return;
    due = true;
    queueMicrotask(() => {
      due = false;
      handOver.flush();
    });
  };

  const watch = () => {
    if (watching && host) handOver.tell({ type: 'watch', source });
  };

  const currentOrigin = () => {
    // As in a page: the host takes a tracker's word for what its site decided.
    origin ??= { source, ...who, context: { ...context, gpc: anonymous } };
    return origin;
  };

  const track = (
    name: string,
    properties?: Properties | null,
    trackOptions?: TrackOptions | null,
    kind?: EventCategory,
    field?: keyof typeof who,
    id?: string,
  ) => {
    try {
      const { timestamp = Date.now(), category = kind, priority } = trackOptions ?? {};
      const event: TrackedEvent & { seq?: number } = {
        name,
        properties: properties && { ...properties },
        timestamp,
        category,
        priority,
      };
      if (closed) return drop('closed', name);
      if (consent === 'denied' || (anonymous && field === 'userId')) return drop('consent', name);
      if (field) {
        who = { ...who, [field]: id && `${id}` };
        origin = undefined;
      }
      if (emit('event', event)) return drop(event.reason ?? 'plugin', name);
      if (!event.name.trim() || event.name.length > MAX_NAME_LENGTH || typeof (properties ?? {}) !== 'object') {
        return drop('invalid', name);
      }
      if (handOver.waiting.length >= (consent === 'granted' ? MAX_HELD : MAX_PENDING)) {
        const run = drops.at(-1);
        if (run?.[2] === seq) run[2]++;
        else drops.push([source, seq + 1, seq + 1, 'buffer-full']);
        return drop('buffer-full', name, ++seq);
      }
      event.seq = ++seq;
      const { name: lastName, properties: last, timestamp: at, category: lastCategory, priority: lastPriority } = event;
      handOver.push({
        origin: currentOrigin(),
        seq,
        timestamp: at,
        name: lastName,
        properties: last,
        category: lastCategory,
        priority: lastPriority,
        posted: false,
      });
      soon();
    } catch {
      // A getter threw, or the name is no string.
      drop('invalid', name);
    }
  };

  const page = () => ({
    source,
    seq,
    failed,
    unacknowledged: handOver.waiting.length,
    dropped: { ...dropped },
    consent,
  });

  const tracker: Tracker<Events> = {
    track: track as Tracker<Events>['track'],
    page: (properties, trackOptions) => track('page', properties, trackOptions, 'page'),
    identify: (userId, traits) => track('identify', traits, null, 'identify', 'userId', userId),
    group: (groupId, traits) => track('group', traits, null, 'group', 'groupId', groupId),
    reset() {
      who = {};
      origin = undefined;
    },
    setContext: (more) =>
      void call(() => {
        context = JSON.parse(JSON.stringify({ ...context, ...more }));
        origin = undefined;
      }),
    purge() {
      forget();
      if (host) handOver.tell({ type: 'purge' });
      return tracker.stats();
    },
    async flush() {
      const answer = await handOver.ask<'flushed'>('flush');
      return { ...answer?.result, page: page() };
    },
    async stats() {
      const answer = await handOver.ask<'stats'>('stats');
      return { ...answer?.stats, page: page() };
    },
    setConsent(next) {
      if (closed) return;
      consent = anonymous && gpc === 'off' ? 'denied' : next === 'granted' || next === 'denied' ? next : 'pending';
      if (consent === 'pending') return letGo();
      host ??= scope.openHost();
      if (consent === 'denied') {
        forget();
        handOver.tell({ type: 'purge' });
        return;
      }
      watch();
      handOver.flush();
    },
    use: (plugin) => void call(plugin as Listener, tracker),
    on(type, listener) {
      const entry = [type, listener as Listener] as const;
      listeners = [...listeners, entry];
      watching ||= ['delivered', 'dropped', 'state', 'sent'].includes(type);
      watch();
      return () => {
        listeners = listeners.filter((other) => other !== entry);
      };
    },
    close() {
      if (closed) return;
      emit('close');
      closed = true;
      offOnline();
      void handOver.settled().then(letGo);
    },
  };

  /** Drops what waits. Who is tracked after this is somebody else. */
  function forget(): void {
    for (const { name } of handOver.clear()) drop('consent', name);
    source = randomId();
    seq = drops.length = 0;
    tracker.reset();
  }

  /** Lets the database and its locks go. What is stored stays. */
  function letGo(): void {
    handOver.stop();
    void host?.close();
    host = undefined;
  }

  const offOnline = scope.onOnline(() => {
    if (host) handOver.tell({ type: 'wake', online: true });
  });
  tracker.setConsent(initialConsent);
  // Even before the first event: what an earlier life left is to be delivered.
  if (host) handOver.tell({ type: 'wake' });
  return tracker;
}

/** 128 random bits in at most 40 digits. */
const randomId = () => crypto.getRandomValues(new Uint32Array(4)).join('');
