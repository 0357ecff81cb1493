/**
 * How long the worker lives, and what wakes it. Timers and fetches do not keep a worker alive, only `waitUntil` does, and that not
 * for long: 5 min in Chromium, 60 s in all in Firefox, 10 s after the last page of the site is closed in WebKit. So it stays awake for
 * what is due soon, and for the rest is woken: by a page (`wakeInMs`), or by the browser where it has Background Sync.
 */
import type { Clock } from '../src/core/clock.js';
import type { HostEngine } from '../src/web/engine.js';
import type { MetaStore } from '../src/web/meta-store.js';

/** Together with a request of 15 s this is well under Firefox's 60 s. */
export const AWAKE_MS = 15_000;

/** A worker whose scope has no pages is never checked for updates by the browser, only when asked. */
const UPDATE_INTERVAL_MS = 86_400_000;

const UPDATE_CHECKED = 'update checked';

/** The alarm of a queue that waits for the network, and of one that waits for its time. */
const ONLINE_TAG = 'petrel-online';
const LATER_TAG = 'petrel';

export interface LifetimeOptions {
  scope: ServiceWorkerGlobalScope;
  engine: HostEngine;
  meta: MetaStore;
  clock: Clock;
  backgroundSync: boolean;
  own: boolean;
}

export interface Lifetime {
  /** What an event has to wait for: the work, and what follows when it is done. */
  until(quiet: Promise<number | undefined>): Promise<void>;
}

export function createLifetime({ scope, engine, meta, clock, backgroundSync, own }: LifetimeOptions): Lifetime {
  /** When the next look for an update is due; undefined until the database was asked. */
  let nextUpdateAt: number | undefined;
  let alarm: string | undefined;

  /** Has the browser wake the worker when no page does. */
  async function setAlarm(): Promise<void> {
    const tag = scope.navigator.onLine ? LATER_TAG : ONLINE_TAG;
    const { sync } = scope.registration as RegistrationWithSync;
    if (!backgroundSync || !sync || alarm === tag) return;
    alarm = tag;
    try {
      await sync.register(tag);
    } catch {
      // Not permitted, or no page is open. The next visit delivers.
    }
  }

  async function lookForUpdate(): Promise<void> {
    const now = clock.now();
    nextUpdateAt ??= ((await meta.read()).get(UPDATE_CHECKED) as number | undefined) ?? 0;
    // A time far ahead is a clock that was wrong then.
    if (now < nextUpdateAt && nextUpdateAt <= now + UPDATE_INTERVAL_MS) return;
    const first = nextUpdateAt === 0;
    nextUpdateAt = now + UPDATE_INTERVAL_MS;
    await meta.update(UPDATE_CHECKED, () => nextUpdateAt);
    if (!first) await scope.registration.update();
  }

  async function until(quiet: Promise<number | undefined>): Promise<void> {
    const dueInMs = await quiet;
    if (dueInMs !== undefined) return setAlarm();
    alarm = undefined;
    // Offline, or no database: another day.
    if (own) await lookForUpdate().catch(() => {});
  }

  scope.addEventListener('sync' as never, (event: SyncEvent) => {
    if (event.tag !== LATER_TAG && event.tag !== ONLINE_TAG) return;
    const woken = engine.wakeAll(event.tag === ONLINE_TAG).then((dueInMs) => {
      // Refused, so that Chromium tries again: after 5 min, then 15. Setting the alarm anew would ring it at once.
      if (dueInMs !== undefined && !event.lastChance) throw new Error('events wait for a later attempt');
      alarm = undefined;
    });
    event.waitUntil(woken);
  });

  if (own) {
    // The new version takes over at once: queues and locks are shared with the old one, and there is no page to be controlled.
    scope.addEventListener('install', () => void scope.skipWaiting());
  }
  return { until };
}

/** Background Sync, which TypeScript's libraries do not know. @see https://wicg.github.io/background-sync/spec/ */
interface RegistrationWithSync {
  sync?: { register(tag: string): Promise<void> };
}

interface SyncEvent extends ExtendableEvent {
  tag: string;
  lastChance: boolean;
}
