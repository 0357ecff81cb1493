import { scrubUrl } from '../core/scrub-url.js';
import type { Plugin, Properties } from '../page/api.js';
import { callback, checkOptions, flag, number, oneOf, type Rule, texts } from './lib/check-options.js';
import { type PageRule, pageOf } from './lib/page-of.js';
import { attempt, pagePlugin, whenLeft, whenShown } from './lib/page-plugin.js';
import { watchRoutes } from './lib/routes.js';

export type { PageRule } from './lib/page-of.js';

/** Options of {@link pageViews}. */
export interface PageViewsOptions extends PageRule {
  /**
   * Whether `history.replaceState` may show another page. Most sites keep filters and scroll positions with it.
   * @defaultValue false
   */
  replace?: boolean;
  /**
   * Longest wait for the title after a change of the route, in ms (0 to 5 000). Single-page apps set it after the address, and
   * often after data has come. The event's time is that of the change, however long it waits.
   * @defaultValue 100
   */
  titleWaitMs?: number;
  /** Called for each page view: what to add to its properties. */
  properties?: () => Properties;
}

/** Properties of the event `page` as {@link pageViews} tracks it. */
export interface PageViewProperties {
  /** Path, and what is kept of query and fragment; without the values of parameters that are secrets by their name, and e-mail addresses. */
  path: string;
  /** The page before, within the same document. */
  from?: string;
  /**
   * How it came to be shown: `navigate`, `reload`, `back_forward` or `prerender` when it was loaded; `restore` from the back/forward
   * cache; `push`, `traverse` or `replace` within the document.
   */
  navigation: string;
}

const rules: { [option: string]: Rule } = {
  hash: oneOf('path', 'all', 'none'),
  query: [(value) => value === 'all' || value === 'none' || texts[0](value), 'all, none or an array of names'],
  replace: flag,
  titleWaitMs: number(0, 5_000),
  properties: callback,
};

/**
 * Tracks page views, as `tracker.page()` does: the first load, each page that is shown without being loaded, and the return from the
 * back/forward cache. A prerendered page counts when it is shown. The script tag has a smaller one built in: do not use both.
 *
 * @throws TypeError for an option that is none, or has a wrong value.
 * @example
 * ```ts
 * tracker.use(pageViews({ query: ['q', 'page'] }));
 * ```
 */
export function pageViews(options: PageViewsOptions = {}): Plugin {
  checkOptions('page-views', options, rules);
  const { replace = false, titleWaitMs = 100, properties } = options;

  return pagePlugin((scope) => {
    const { tracker, listen } = scope;
    const here = () => pageOf(location.href, options);
    let page = here();
    /** Tracks the page view that waits for its title. */
    let overdue: (() => void) | undefined;

    const view = ({ path, from, navigation }: PageViewProperties, timestamp?: number) =>
      tracker.page(
        {
          path: scrubUrl(path),
          ...(from !== undefined && { from: scrubUrl(from) }),
          navigation,
          ...(properties && attempt(properties)),
        },
        timestamp === undefined ? {} : { timestamp },
      );

    /** Tracks it as soon as the title is another one, or has had the time to become one. */
    const viewWithTitle = (details: PageViewProperties) => {
      const timestamp = Date.now();
      const { title } = document;
      const titles = new MutationObserver(() => {
        if (document.title !== title) overdue?.();
      });
      const timer = setTimeout(() => overdue?.(), titleWaitMs);
      overdue = () => {
        overdue = undefined;
        titles.disconnect();
        clearTimeout(timer);
        view(details, timestamp);
      };
      // The whole head: an app may replace the element.
      titles.observe(document.head, { subtree: true, childList: true, characterData: true });
    };

    whenShown(scope, () => {
      // Before the title is parsed there is none to be had.
      if (document.title || document.readyState !== 'loading') view({ path: page, navigation: howLoaded() });
      else {
        viewWithTitle({ path: page, navigation: howLoaded() });
        listen(document, 'DOMContentLoaded', () => overdue?.());
      }
      watchRoutes(
        scope,
        () => overdue?.(),
        (change) => {
          const from = page;
          page = here();
          if (page === from || (change === 'replace' && !replace)) return;
          overdue?.();
          viewWithTitle({ path: page, from, navigation: change });
        },
      );
      whenLeft(scope, () => overdue?.());
      listen(window, 'pageshow', ({ persisted }: PageTransitionEvent) => {
        if (persisted) view({ path: page, navigation: 'restore' });
      });
    });

    return () => overdue?.();
  });
}

/** How the browser came to load the document. */
function howLoaded(): string {
  const [entry] = performance.getEntriesByType('navigation') as PerformanceNavigationTiming[];
  return entry?.type ?? 'navigate';
}
