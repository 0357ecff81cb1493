import { attempt, type PageScope } from './page-plugin.js';

/** How the page came to show another address without being loaded. */
export type RouteChange = 'push' | 'replace' | 'traverse';

/**
 * Tells about changes of the address within the document.
 *
 * The Navigation API tells both before and after. Without it (WebKitGTK 2.50), `history` is wrapped, and a step back in history is
 * told only when it has happened.
 *
 * @param before an address is about to be shown; it may come to nothing, and it may be one of another document
 * @param after it is shown
 */
export function watchRoutes(
  scope: PageScope,
  before: (href: string, change: RouteChange) => void,
  after: (change: RouteChange) => void,
): void {
  const { listen, signal } = scope;
  const { navigation } = window as { navigation?: Navigation };
  if (navigation) {
    // A push to the same address is called a replacement.
    const change = (type?: string | null) => (type === 'push' || type === 'traverse' ? type : 'replace');
    listen(navigation, 'navigate', ({ destination, navigationType, downloadRequest }: NavigateEvent) => {
      if (downloadRequest === null) before(destination.url, change(navigationType));
    });
    listen(navigation, 'currententrychange', ({ navigationType }: NavigationCurrentEntryChangeEvent) =>
      after(change(navigationType)),
    );
    return;
  }
  // A fragment that is navigated to fires `popstate` too, but makes the history longer, or shorter after steps back; a traversal does
  // neither. The two cannot be told apart after exactly one step back, nor at the 50 entries that a history keeps.
  let { length } = history;
  wrapHistory('pushState', 'push');
  wrapHistory('replaceState', 'replace');
  listen(window, 'popstate', () => {
    const change = history.length === length ? 'traverse' : 'push';
    length = history.length;
    after(change);
  });

  function wrapHistory(method: 'pushState' | 'replaceState', change: RouteChange): void {
    const own = Object.hasOwn(history, method);
    const original = history[method];
    const wrapped: typeof original = function (this: History, state, title, url) {
      if (!signal.aborted && url != null) attempt(() => before(new URL(url, document.baseURI).href, change));
      original.call(this, state, title, url);
      length = history.length;
      if (!signal.aborted) attempt(() => after(change));
    };
    history[method] = wrapped;
    signal.addEventListener('abort', () => {
      // Somebody may have wrapped it once more since: theirs calls ours, which then only passes on.
      if (history[method] !== wrapped) return;
      if (own) history[method] = original;
      else delete (history as Partial<History>)[method];
    });
  }
}
