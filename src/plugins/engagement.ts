import { scrubUrl } from '../core/scrub-url.js';
import type { Plugin } from '../page/api.js';
import { checkOptions, number, oneOf, type Rule, texts } from './lib/check-options.js';
import { createEngagedTime } from './lib/engaged-time.js';
import { type PageRule, pageOf } from './lib/page-of.js';
import { pagePlugin, whenLeft, whenShown } from './lib/page-plugin.js';
import { watchRoutes } from './lib/routes.js';
import { lowestRow, pageHeight, scrollPercent } from './lib/scroll-depth.js';

export type { PageRule } from './lib/page-of.js';

/** Options of {@link engagement}. The rule for what is a page should be that of the page views. */
export interface EngagementOptions extends PageRule {
  /**
   * How long the visitor counts as there after a sign of life (pointer, key, scrolling), in ms (1 000 to 600 000).
   * @defaultValue 30000
   */
  idleMs?: number;
  /**
   * Depths in percent (1 to 100) that are events of their own, `Scroll Depth Reached`, once per page.
   * @defaultValue []
   */
  thresholds?: readonly number[];
}

/** Properties of `Page Engagement`. */
export interface EngagementProperties {
  /** The page it is about: after a change of the route, the event's own address may be the next page's. */
  path: string;
  /** Time in sight, with the focus, and not idle, in ms, since the page's last report. Add them up. */
  engagedMs: number;
  /** Time in sight, in ms, since the page's last report. */
  visibleMs: number;
  /** How far down the page has been seen, in percent of its height. The last one is the deepest. */
  scrollPercent: number;
  /** 1 for the page's first report. */
  report: number;
}

/** A later report of the same page needs so much that is new, in ms: visitors switch tabs often. */
const WORTH_MS = 1_000;

const SIGNS = ['pointerdown', 'pointermove', 'keydown', 'wheel', 'touchmove', 'scroll'];

const rules: { [option: string]: Rule } = {
  hash: oneOf('path', 'all', 'none'),
  query: [(value) => value === 'all' || value === 'none' || texts[0](value), 'all, none or an array of names'],
  idleMs: number(1_000, 600_000),
  thresholds: [(value) => Array.isArray(value) && value.every(number(1, 100)[0]), 'an array of numbers from 1 to 100'],
};

/**
 * Tracks `Page Engagement`, of category `interaction`, whenever a page is hidden, left or replaced by another route: how long somebody
 * was there and how far down they came. No timer runs for it, and listeners are passive.
 *
 * @throws TypeError for an option that is none, or has a wrong value.
 */
export function engagement(options: EngagementOptions = {}): Plugin {
  checkOptions('engagement', options, rules);
  const { idleMs = 30_000, thresholds = [] } = options;

  return pagePlugin((scope) => {
    const { tracker, listen, signal } = scope;
    const now = () => performance.now();
    const engaged = createEngagedTime(idleMs);
    const visible = createEngagedTime(Number.POSITIVE_INFINITY);
    const here = () => pageOf(location.href, options);
    let path: string;
    let reports: number;
    let lowest: number;
    let deepest: number;
    let reached: Set<number>;
    let frame = 0;

    const begin = () => {
      const at = now();
      path = here();
      reports = lowest = deepest = 0;
      reached = new Set();
      presence(at);
      engaged.take(at);
      visible.take(at);
    };

    const presence = (at = now()) => {
      engaged.present(at, !document.hidden && document.hasFocus());
      visible.present(at, !document.hidden);
    };

    /** How far down it has been seen. */
    const look = () => {
      frame = 0;
      if (!document.hidden) lowest = Math.max(lowest, lowestRow());
    };

    const depth = () => {
      const percent = scrollPercent(lowest, pageHeight());
      for (const threshold of thresholds) {
        if (percent < threshold || reached.has(threshold)) continue;
        reached.add(threshold);
        tracker.track(
          'Scroll Depth Reached',
          { path: scrubUrl(path), percent: threshold },
          { category: 'interaction' },
        );
      }
      return percent;
    };

    const report = () => {
      const at = now();
      // Nobody has seen it: a tab that was opened and closed behind another.
      if (!lowest) return;
      const percent = depth();
      if (reports && percent <= deepest && engaged.read(at) < WORTH_MS) return;
      deepest = Math.max(deepest, percent);
      const properties: EngagementProperties = {
        path: scrubUrl(path),
        engagedMs: engaged.take(at),
        visibleMs: visible.take(at),
        scrollPercent: deepest,
        report: ++reports,
      };
      tracker.track('Page Engagement', properties, { category: 'interaction' });
    };

    whenShown(scope, () => {
      begin();
      look();
      for (const sign of SIGNS) listen(window, sign, () => engaged.sign(now()));
      const scrolled = () => {
        frame ||= requestAnimationFrame(() => {
          look();
          if (thresholds.length) depth();
        });
      };
      listen(window, 'scroll', scrolled);
      listen(window, 'resize', scrolled);
      listen(window, 'focus', () => presence());
      listen(window, 'blur', () => presence());
      listen(document, 'visibilitychange', () => {
        presence();
        look();
      });
      listen(window, 'pageshow', ({ persisted }: PageTransitionEvent) => {
        if (!persisted) return;
        begin();
        look();
      });
      whenLeft(scope, report);
      watchRoutes(
        scope,
        // While the address is still that of the page it is about.
        (href, change) => {
          if (change !== 'replace' && pageOf(href, options) !== path) report();
        },
        (change) => {
          if (change === 'replace' || here() === path) return;
          report();
          begin();
          // Where the page before had been scrolled to says nothing: what the app scrolls to, now or later, tells itself.
          if (!document.hidden) lowest = innerHeight;
        },
      );
      signal.addEventListener('abort', () => cancelAnimationFrame(frame));
    });

    return report;
  });
}
