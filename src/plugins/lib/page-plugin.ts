import type { Plugin, Tracker } from '../../page/api.js';

/** What a plugin has in its hands while its tracker is open. */
export interface PageScope {
  tracker: Tracker;
  /** Aborted when the tracker is closed. */
  signal: AbortSignal;
  /**
   * Listens on the way down (`capture`), so that nothing in the page can stop the event before, and passively, because no plugin
   * keeps an event from doing what it does. What the listener throws stays here: it is not the page's error.
   */
  listen<E extends Event>(target: EventTarget, type: string, listener: (event: E) => void): void;
}

/**
 * A plugin that runs in pages alone: on a server it does nothing.
 *
 * @param start begins the work. It may return what is to be done first when the tracker is closed; what is tracked then still goes out
 */
export function pagePlugin(start: (scope: PageScope) => unknown): Plugin {
  return (tracker) => {
    if (typeof document === 'undefined') return;
    const abort = new AbortController();
    const { signal } = abort;
    let finish: unknown;

    tracker.on('close', () => {
      abort.abort();
      if (typeof finish === 'function') finish();
    });
    finish = start({
      tracker,
      signal,
      listen: (target, type, listener) =>
        target.addEventListener(type, (event) => attempt(() => listener(event as never)), {
          capture: true,
          passive: true,
          signal,
        }),
    });
  };
}

/** Runs what may throw, our own code or what the site gave as an option. Nothing of it may reach the page. */
export function attempt<T>(run: () => T): T | undefined {
  try {
    return run();
  } catch {
    // Worth no more than what it would have added.
  }
}

/** What browsers have and TypeScript's DOM library does not. */
interface PrerenderingDocument {
  /** @see https://wicg.github.io/nav-speculation/prerendering.html */
  prerendering?: boolean;
}

/** Runs it now, or when a prerendered page is shown: many never are. */
export function whenShown({ listen }: PageScope, run: () => void): void {
  // Fires once in a document's life.
  if ((document as PrerenderingDocument).prerendering) listen(document, 'prerenderingchange', run);
  else run();
}

/**
 * Calls `left` whenever the page may be seen for the last time. Both events are needed: Firefox may cut `pagehide` short when a tab
 * is closed, and a phone may never fire it. There is no `unload`: it would cost the page its place in the back/forward cache.
 *
 * The tracker has heard of it before, and sends what is tracked now right after the listener, from the page itself.
 */
export function whenLeft({ listen }: PageScope, left: (gone: boolean) => void): void {
  listen(window, 'pagehide', () => left(true));
  listen(document, 'visibilitychange', () => {
    if (document.hidden) left(false);
  });
}
