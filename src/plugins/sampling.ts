import type { Plugin } from '../page/api.js';
import { callback, checkOptions, number, oneOf, type Rule, text } from './lib/check-options.js';
import { shareOf } from './lib/hash.js';
import { attempt } from './lib/page-plugin.js';

/** Options of {@link sampling}. */
export interface SamplingOptions {
  /** Share of the visitors whose events are taken, 0 to 1. */
  rate: number;
  /**
   * What tells visitors apart: a text that stays the same, such as your own visitor id. Called for each event. While it has none, or throws, the
   * visitor's lot decides.
   * @defaultValue the lot: a number from 0 to 9 999, drawn at the first event
   */
  id?: () => string | undefined;
  /**
   * Where the lot is kept for the next page. Written when consent is `granted`, and not where the browser has Global Privacy Control.
   * `none`: each page draws anew.
   * @defaultValue 'localStorage'
   */
  storage?: 'localStorage' | 'none';
  /**
   * Under which name. Trackers with the same name and rate have the same visitors.
   * @defaultValue 'petrel.lot'
   */
  storageKey?: string;
}

/** So few that a lot tells nobody apart. Rates are exact to a ten-thousandth. */
const LOTS = 10_000;

const rules: { [option: string]: Rule } = {
  rate: number(0, 1),
  id: callback,
  storage: oneOf('localStorage', 'none'),
  storageKey: text,
};

/**
 * Takes the events of a share of the visitors: each of them wholly or not at all, over all pages. A higher rate keeps those who were in before.
 * What is left out gets no number and is counted as `sampled` in `stats()`; what is taken has the rate as `sampleRate` in its context, to
 * multiply counts by its inverse. Use it before other plugins that look at events.
 *
 * The page does not know the anonymous id, which lives with the queue, and does not wait for it: a lot of its own takes its place.
 *
 * @throws TypeError for an option that is none, is missing, or has a wrong value.
 * @example
 * ```ts
 * tracker.use(sampling({ rate: 0.1 }));
 * ```
 */
export function sampling(options: SamplingOptions): Plugin {
  checkOptions('sampling', options, rules);
  const { rate, id, storage = 'localStorage', storageKey = 'petrel.lot' } = options;
  if (rate === undefined) throw new TypeError('petrel/plugins/sampling: `rate` is missing');

  return (tracker) => {
    /** Undefined until the first event asks for it. */
    let lot: number | undefined;
    let isKept = storage === 'none';
    let isAsking = false;

    const read = () => {
      const kept = storage === 'none' ? null : attempt(() => localStorage.getItem(storageKey));
      // Somebody else may have written there.
      isKept ||= /^\d{1,4}$/.test(kept ?? '');
      return isKept && kept ? Number(kept) : Math.floor(Math.random() * LOTS);
    };

    /** Writes nothing before the tracker says that it may. While it may not, the next event asks again. */
    const keep = async () => {
      if (isKept || isAsking || (navigator as Partial<SignallingNavigator>).globalPrivacyControl) return;
      isAsking = true;
      const { page } = await tracker.stats();
      isAsking = false;
      if (page.consent !== 'granted') return;
      isKept = true;
      // Full or forbidden: then the next page draws anew.
      attempt(() => localStorage.setItem(storageKey, `${lot}`));
    };

    tracker.setContext({ sampleRate: rate });
    tracker.on('event', (event) => {
      const own = id && attempt(id);
      let share: number;
      if (typeof own === 'string' && own) share = shareOf(own);
      else {
        lot ??= read();
        share = lot / LOTS;
        void keep();
      }
      if (share < rate) return undefined;
      event.reason = 'sampled';
      return false;
    });
  };
}

/** What browsers have and TypeScript's DOM library does not. @see https://www.w3.org/TR/gpc/ */
interface SignallingNavigator {
  globalPrivacyControl: boolean;
}
