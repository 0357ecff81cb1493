import { expect } from '@playwright/test';
import type { Plugin, Tracker, TrackerEvents, TrackerStats } from '../../src/page/api.js';
import type { Site } from './site.js';
import type { Tab, Visitor } from './visitor.js';

/** What pages/harness.js puts into a page. */
interface Harness {
  /** On two-trackers.html: the one with the other endpoint. */
  second?: Tracker;
  tracker: Tracker;
  /** On plugins.html: what is in use, by the name of its file. */
  plugins: { [name: string]: Plugin };
  dropped: TrackerEvents['dropped'][];
  trackOnClick: string[];
  use(tracker: Tracker): void;
  watch(): void;
  track(names: string[], properties?: object): void;
}

declare global {
  var harness: Harness;
}

let used = 0;

/** Names no event of this run has had: an event that is stored under two ids shows as one name in two rows. */
export function newNames(count: number): string[] {
  return Array.from({ length: count }, () => `e-${++used}`);
}

/** Tracks `count` events in one task; what comes back are their names. */
export async function track(tab: Tab, count: number, properties?: object): Promise<string[]> {
  const names = newNames(count);
  await tab.evaluate(({ names, properties }) => harness.track(names, properties), { names, properties });
  return names;
}

/** The same, and waits until the host has acknowledged them: from then on they may not be lost. */
export async function trackAndStore(tab: Tab, count: number, properties?: object): Promise<string[]> {
  const names = await track(tab, count, properties);
  await stored(tab);
  return names;
}

/** Waits until the host has acknowledged everything that was tracked in this page. */
export async function stored(tab: Tab, withinMs = 20_000): Promise<void> {
  await statsWhen(tab, ({ page }) => page.unacknowledged === 0, withinMs);
}

export async function stats(tab: Tab): Promise<TrackerStats> {
  for (let tries = 1; ; tries++) {
    // A question to a worker that is being stopped or replaced is never answered, and the tracker waits half a minute for it.
    const answer = await tab.evaluate(() =>
      Promise.race([
        harness.tracker.stats(),
        new Promise<undefined>((done) => {
          setTimeout(done, 3_000, undefined);
        }),
      ]),
    );
    if (answer) return answer;
    if (tries === 5) throw new Error('nobody answers stats()');
  }
}

/** Waits until nothing is left to send, as `stats()` tells. */
export function settled(tab: Tab, withinMs = 15_000): Promise<TrackerStats> {
  return statsWhen(
    tab,
    ({ waiting, inFlight, page }) => waiting === 0 && inFlight === 0 && page.unacknowledged === 0,
    withinMs,
  );
}

async function statsWhen(tab: Tab, isSo: (stats: TrackerStats) => boolean, withinMs: number): Promise<TrackerStats> {
  for (const until = Date.now() + withinMs; ; ) {
    const now = await stats(tab);
    if (isSo(now)) return now;
    if (Date.now() > until) throw new Error(`Not so after ${withinMs} ms: ${JSON.stringify(now)}`);
    await new Promise((done) => setTimeout(done, 50));
  }
}

/**
 * Tells the page what a browser tells it when the network is there again: a collector that was down is then asked at once.
 * Otherwise it is asked when the wait between attempts ends, up to five minutes later.
 */
export function networkIsBack(tab: Tab): Promise<void> {
  return tab.evaluate(() => void dispatchEvent(new Event('online')));
}

/**
 * Ends the wait that the queue keeps in its database, as if its time had passed: nobody can sit through the minutes to an hour between
 * two probes of a collector that refuses the key. The one place where a story knows how something is stored.
 */
export async function letTheWaitPass(tab: Tab): Promise<void> {
  await tab.evaluate(async () => {
    const database = await new Promise<IDBDatabase>((done, failed) => {
      const request = indexedDB.open('petrel');
      request.onsuccess = () => done(request.result);
      request.onerror = () => failed(request.error);
    });
    const transaction = database.transaction('state', 'readwrite');
    transaction.objectStore('state').openCursor().onsuccess = (event) => {
      const cursor = (event.target as IDBRequest<IDBCursorWithValue | null>).result;
      if (!cursor) return;
      if (cursor.value.pause) cursor.update({ ...cursor.value, pause: { ...cursor.value.pause, until: Date.now() } });
      cursor.continue();
    };
    await new Promise((done, failed) => {
      transaction.oncomplete = done;
      transaction.onabort = () => failed(transaction.error);
    });
    database.close();
  });
  await networkIsBack(tab);
}

/** Waits until the tab shows `url`. A navigation that is asked for while another one is on its way may never be answered in Firefox. */
export async function arrived(tab: Tab, url: string): Promise<void> {
  await expect
    .poll(() => tab.evaluate(() => document.readyState === 'complete' && location.href).catch(() => undefined))
    .toBe(url);
}

/**
 * WebKit stops a worker together with the last page of its site: what it has stored by then goes with the next visit, which is here.
 * In the other engines the events must arrive without one.
 */
export async function nextVisitWhereNeeded({ engine }: Visitor, tab: Tab, site: Site): Promise<void> {
  if (engine === 'webkitgtk') await tab.goto(site.url('/app?next'));
}
