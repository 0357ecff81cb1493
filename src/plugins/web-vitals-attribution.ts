import { type MetricWithAttribution, onCLS, onFCP, onINP, onLCP, onTTFB } from 'web-vitals/attribution';
import type { Plugin, Properties } from '../page/api.js';
import { vitalsPlugin, type WebVitalsOptions } from './lib/vitals.js';

export type { VitalName, WebVitalProperties, WebVitalsOptions } from './lib/vitals.js';

/**
 * `webVitals` of `petrel/plugins/web-vitals`, and why the value is what it is: the element, the phases, the load state, as web-vitals'
 * attribution names them, in `attribution`. Texts and numbers alone; addresses without query and fragment.
 *
 * @throws TypeError for an option that is none, or has a wrong value.
 */
export function webVitals(options: WebVitalsOptions = {}): Plugin {
  const observers = { CLS: onCLS, FCP: onFCP, INP: onINP, LCP: onLCP, TTFB: onTTFB };
  return vitalsPlugin<MetricWithAttribution>('web-vitals-attribution', options, observers, ({ attribution }) => ({
    attribution: plain(attribution),
  }));
}

/** Without the browser's own objects, of which JSON makes kilobytes. */
function plain(attribution: object): Properties {
  const entries = Object.entries(attribution).flatMap(([name, value]): [string, unknown][] => {
    if (typeof value === 'number') return [[name, Math.round(value * 1_000) / 1_000]];
    return typeof value === 'string' ? [[name, value.replace(/^(https?:[^?#]*).*/, '$1').slice(0, 500)]] : [];
  });
  return Object.fromEntries(entries);
}
