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

  function wrapHistory(method: Method, change: RouteChange): void {
    const original = history[method];
    const wrapped: Wrapper = function (this: History, state, title, url) {
      if (!signal.aborted && url != null) attempt(() => before(new URL(url, document.baseURI).href, change));
      original.call(this, state, title, url);
      length = history.length;
      if (!signal.aborted) attempt(() => after(change));
    };
    history[method] = wrapped;
    signal.addEventListener('abort', () => {
      wrapped.petrelPassesTo = original;
      // Somebody may have wrapped it once more since, and theirs calls ours: another plugin takes ours away together with its own.
      const top: Wrapper = history[method];
      let live = top;
      while (live.petrelPassesTo) live = live.petrelPassesTo;
      if (live === History.prototype[method]) delete (history as Partial<History>)[method];
      else if (live !== top) history[method] = live;
    });
  }
}

type Method = 'pushState' | 'replaceState';

/** A function in the place of one of `history`'s. */
type Wrapper = History[Method] & {
  /** It is of no more use, and only calls this. Each plugin has its own copy of this file, so a property tells the others. */
  petrelPassesTo?: History[Method];
};
