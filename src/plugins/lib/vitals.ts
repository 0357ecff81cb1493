import type { Plugin, Properties } from '../../page/api.js';
import { checkOptions } from './check-options.js';
import { attempt, pagePlugin } from './page-plugin.js';

/** The metrics, by the names that web-vitals gives them. */
export type VitalName = 'CLS' | 'FCP' | 'INP' | 'LCP' | 'TTFB';

const NAMES: readonly VitalName[] = ['CLS', 'FCP', 'INP', 'LCP', 'TTFB'];

/** Options of `webVitals`. */
export interface WebVitalsOptions {
  /**
   * Which metrics are measured.
   * @defaultValue `['CLS', 'FCP', 'INP', 'LCP', 'TTFB']`
   */
  metrics?: readonly VitalName[];
}

/** Properties of `Web Vital`. */
export interface WebVitalProperties {
  metric: VitalName;
  /** In ms, rounded; of CLS a score with four decimals. */
  value: number;
  /** By the thresholds of web.dev. */
  rating: 'good' | 'needs-improvement' | 'poor';
  /** What is new since the last event with this `metricId`: a metric may grow after the page was hidden once. Add them up. */
  delta: number;
  /** Random, the same for all events about one metric of one page. The last one has the final value. */
  metricId: string;
  /** `navigate`, `reload`, `back-forward`, `back-forward-cache`, `prerender`, `restore` or `soft-navigation`. */
  navigationType: string;
}

/** What both builds of web-vitals tell. */
interface Metric {
  name: VitalName;
  value: number;
  rating: WebVitalProperties['rating'];
  delta: number;
  id: string;
  navigationType: string;
}

/**
 * web-vitals tells what is final when the page is hidden. Its listeners come after the tracker's, which then sends from the page itself
 * what comes in.
 *
 * INP is asked for at each change, and held until then: web-vitals 6.2.3 looks at interactions in idle time, and what still waits for
 * that when the page is hidden it counts only after it has told the value, or none. So the click that leaves a busy page was missing.
 */
export function vitalsPlugin<M extends Metric>(
  plugin: string,
  options: WebVitalsOptions,
  /** web-vitals' function for each. */
  observers: Record<VitalName, (report: (metric: M) => void, options: { reportAllChanges: boolean }) => void>,
  more: (metric: M) => Properties,
): Plugin {
  checkOptions(plugin, options, {
    metrics: [
      (value) => Array.isArray(value) && value.every((name) => NAMES.includes(name)),
      `an array of ${NAMES.join(', ')}`,
    ],
  });

  return pagePlugin(({ tracker, listen, signal }) => {
    /** Values that were told, by id. */
    const told = new Map<string, number>();
    let inp: M | undefined;

    const tell = (metric: M) => {
      const { name, rating, id, navigationType } = metric;
      const factor = name === 'CLS' ? 10_000 : 1;
      const round = (number: number) => Math.round(number * factor) / factor;
      const before = told.get(id);
      const value = round(metric.value);
      if (value === before) return;
      told.set(id, value);
      const properties: WebVitalProperties = {
        metric: name,
        value,
        rating,
        delta: round(value - (before ?? 0)),
        metricId: id,
        navigationType,
      };
      // The first to go when the queue is full.
      tracker.track('Web Vital', { ...properties, ...more(metric) }, { category: 'performance', priority: 'low' });
    };

    const hear = (metric: M) => {
      // web-vitals cannot be stopped.
      if (signal.aborted) return;
      if (metric.name === 'INP') inp = metric;
      if (metric.name !== 'INP' || document.hidden) tell(metric);
    };

    // An old browser without one of the entry types must not keep the others from being measured.
    for (const name of new Set(options.metrics ?? NAMES))
      attempt(() => observers[name](hear, { reportAllChanges: name === 'INP' }));
    listen(document, 'visibilitychange', () => {
      if (document.hidden && inp) tell(inp);
    });
    return () => inp && tell(inp);
  });
}
