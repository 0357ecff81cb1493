/**
 * What the browser says about the page's life, boiled down to what the tracker does about it, until `signal` is aborted.
 *
 * There is no `unload` and no `beforeunload`: they cost the page its place in the back/forward cache. `freeze` adds nothing: what
 * is posted there never arrives (Chromium, 0 of 160).
 *
 * On navigation and tab close all engines fire `pagehide` first and `visibilitychange` after it; only a page that closes itself
 * in Chromium is hidden first. Both are needed: Firefox may cut the `pagehide` handler short when a tab is closed.
 *
 * @param soon the visitor clicked or submitted, or a navigation begins: what waits should be on its way before the page goes
 * @param away hidden; `gone` when the page is being left (`pagehide`), whether or not it may come back
 * @param back in view again
 * @param online the browser says the network is there again
 * @param activated a prerendered page is shown
 */
export function watchLifecycle(
  signal: AbortSignal,
  soon: () => void,
  away: (gone?: boolean) => void,
  back: () => void,
  online: () => void,
  activated: () => void,
): void {
  // On the window, while the event is on its way down: before the page's own listeners, and also where it does not bubble.
  const listen = (type: string, listener: () => void, target: EventTarget = window) =>
    target.addEventListener(type, listener, { capture: true, signal });

  listen('click', soon);
  listen('submit', soon);
  // Comes before the commit for links, forms, location and same-origin history, but not in every browser: there, never.
  listen('navigate', soon, window.navigation);
  // A page that comes out of the back/forward cache fires this as well, before `pageshow` (Chromium 156, Firefox 153, WebKitGTK 2.50).
  listen('visibilitychange', () => (document.hidden ? away() : back()));
  listen('pagehide', () => away(true));
  listen('online', online);
  listen('prerenderingchange', activated);
}
