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
 * web-vitals reports what is final only when the page is hidden. Its listeners come after the tracker's, which then sends from the
 * page itself what comes in.
 */
export function vitalsPlugin<M extends Metric>(
  plugin: string,
  options: WebVitalsOptions,
  /** web-vitals' function for each. */
  observers: Record<VitalName, (report: (metric: M) => void) => void>,
  more: (metric: M) => Properties,
): Plugin {
  checkOptions(plugin, options, {
    metrics: [
      (value) => Array.isArray(value) && value.every((name) => NAMES.includes(name)),
      `an array of ${NAMES.join(', ')}`,
    ],
  });

  return pagePlugin(({ tracker, signal }) => {
    const report = (metric: M) => {
      // web-vitals has no way to end it.
      if (signal.aborted) return;
      const { name, rating, id, navigationType } = metric;
      const round = (value: number) => (name === 'CLS' ? Math.round(value * 10_000) / 10_000 : Math.round(value));
      const properties: WebVitalProperties = {
        metric: name,
        value: round(metric.value),
        rating,
        delta: round(metric.delta),
        metricId: id,
        navigationType,
      };
      // The first to go when the queue is full.
      tracker.track('Web Vital', { ...properties, ...more(metric) }, { category: 'performance', priority: 'low' });
    };
    // An old browser without one of the entry types must not keep the others from being measured.
    for (const name of new Set(options.metrics ?? NAMES)) attempt(() => observers[name](report));
  });
}
