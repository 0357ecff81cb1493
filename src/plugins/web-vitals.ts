import { type MetricType, onCLS, onFCP, onINP, onLCP, onTTFB } from 'web-vitals';
import type { Plugin } from '../page/api.js';
import { vitalsPlugin, type WebVitalsOptions } from './lib/vitals.js';

export type { VitalName, WebVitalProperties, WebVitalsOptions } from './lib/vitals.js';

/**
 * Tracks `Web Vital`, of category `performance` and low priority, for each of the web vitals, measured by Google's web-vitals library.
 * CLS, INP and LCP are final when the page is hidden; a metric that changes after that is told again, with the same `metricId`.
 *
 * The library cannot be stopped: after `tracker.close()` its listeners stay, and do nothing.
 *
 * @throws TypeError for an option that is none, or has a wrong value.
 * @see https://github.com/GoogleChrome/web-vitals
 */
export function webVitals(options: WebVitalsOptions = {}): Plugin {
  return vitalsPlugin<MetricType>(
    'web-vitals',
    options,
    { CLS: onCLS, FCP: onFCP, INP: onINP, LCP: onLCP, TTFB: onTTFB },
    () => ({}),
  );
}
