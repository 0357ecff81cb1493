import type { EvaluationDetails, FlagValue, Hook, HookContext } from '@openfeature/web-sdk';
import type { Plugin, Tracker } from '../page/api.js';
import { checkOptions, flag, number, oneOf, type Rule, text } from './lib/check-options.js';
import { createExposureBook, type Exposure } from './lib/exposure-book.js';
import { pagePlugin, whenLeft } from './lib/page-plugin.js';
import { createVisit } from './lib/visit.js';

/** Options of {@link exposures}. */
export interface ExposuresOptions {
  /**
   * Whether `Flags Evaluated` is tracked: how often each variant was evaluated.
   * @defaultValue true
   */
  summary?: boolean;
  /**
   * How often, in ms (1 000 to 3 600 000), and whenever the page is hidden.
   * @defaultValue 60000
   */
  summaryMs?: number;
  /**
   * Where it is kept what was told in this session. `sessionStorage`: once per tab. `localStorage`: once for all tabs.
   * `none`: once per page. Nothing is written before the tracker itself has stored an event, so not without consent.
   * @defaultValue 'sessionStorage'
   */
  storage?: 'sessionStorage' | 'localStorage' | 'none';
  /**
   * Under which name. Where two trackers of a site track exposures, each needs its own.
   * @defaultValue 'petrel.exposures'
   */
  storageKey?: string;
}

/** Properties of `Flag Exposed`. */
export interface ExposureProperties {
  flag: string;
  /** Its name, or the value where the provider has no names. */
  variant: string;
  /** Why the provider chose it, in OpenFeature's words: `STATIC`, `TARGETING_MATCH`, `SPLIT`, `DEFAULT`, … */
  reason?: string;
}

/** Properties of `Flags Evaluated`. */
export interface EvaluationProperties {
  /** Flag → variant → evaluations since the last summary. */
  flags: { [flag: string]: { [variant: string]: number } };
  /** Evaluations that failed: the caller got the default. */
  errors: number;
}

/** A plugin for the tracker, and a hook for OpenFeature: give it to both, in any order. */
export type ExposuresPlugin = Plugin & Required<Pick<Hook, 'after' | 'error'>>;

const rules: { [option: string]: Rule } = {
  summary: flag,
  summaryMs: number(1_000, 3_600_000),
  storage: oneOf('sessionStorage', 'localStorage', 'none'),
  storageKey: text,
};

/**
 * Tracks which variants of which feature flags a visitor got, of category `exposure`: `Flag Exposed` once per session for each, and
 * `Flags Evaluated` with their counts. An evaluation itself costs well under a microsecond.
 *
 * What is evaluated before `tracker.use` is told then.
 *
 * @throws TypeError for an option that is none, or has a wrong value.
 * @see https://openfeature.dev/docs/reference/concepts/hooks
 * @example
 * ```ts
 * const flags = exposures();
 * OpenFeature.addHooks(flags);
 * tracker.use(flags);
 * ```
 */
export function exposures(options: ExposuresOptions = {}): ExposuresPlugin {
  checkOptions('exposures', options, rules);
  const { summary = true, summaryMs = 60_000, storage = 'sessionStorage', storageKey = 'petrel.exposures' } = options;
  const book = createExposureBook();
  let tracker: Tracker | undefined;
  let visit: ReturnType<typeof createVisit> | undefined;
  let failed = 0;
  /** The tracker takes what it is given: it has asked the plugins. */
  let taken = false;
  /** It did not, for want of consent. When it takes the next event, all is to be told again. */
  let refused = false;
  let timer: ReturnType<typeof setTimeout> | undefined;

  const expose = (exposure: Exposure, now: number) => {
    exposure.at ||= now;
    if (!tracker || !visit) return;
    const { flag, variant, reason, at } = exposure;
    exposure.session = visit.current(now);
    exposure.at = 0;
    if (!visit.isNews(`${flag}\n${variant}`)) return;
    const properties: ExposureProperties = { flag, variant, reason };
    taken = false;
    tracker.track('Flag Exposed', properties, { category: 'exposure', timestamp: at });
    refused ||= !taken;
  };

  const summarise = () => {
    clearTimeout(timer);
    timer = undefined;
    if (!summary || !tracker) return;
    const parts = book.takeCounts();
    if (failed && !parts[0]) parts.push({});
    for (const flags of parts) {
      const properties: EvaluationProperties = { flags, errors: failed };
      tracker.track('Flags Evaluated', properties, { category: 'exposure', priority: 'low' });
      failed = 0;
    }
  };

  /** Something is to be summarised. A hidden page has just told its summary, and has no timer. */
  const due = () => {
    if (tracker && !document.hidden) timer = setTimeout(summarise, summaryMs);
  };

  const plugin = pagePlugin((scope) => {
    tracker = scope.tracker;
    visit = createVisit(storageOf(storage), storageKey, Date.now());
    const thisVisit = visit;
    tracker.on('event', () => {
      taken = true;
      if (refused) thisVisit.forget(Date.now());
      refused = false;
      thisVisit.touch(Date.now());
    });
    tracker.on('stored', () => thisVisit.save(Date.now()));
    for (const exposure of book.all()) {
      exposure.session = 0;
      expose(exposure, Date.now());
    }
    whenLeft(scope, summarise);
    return () => {
      summarise();
      tracker = visit = undefined;
    };
  });

  return Object.assign(plugin, {
    after(_: Readonly<HookContext>, { flagKey, variant, value, reason }: EvaluationDetails<FlagValue>) {
      const exposure = book.count(flagKey, variant ?? value, reason);
      const now = Date.now();
      if (exposure.session !== visit?.current(now)) expose(exposure, now);
      if (timer === undefined) due();
    },
    error() {
      failed++;
      if (timer === undefined) due();
    },
  });
}

/** Reading the property may throw, where cookies are blocked. */
function storageOf(name: 'sessionStorage' | 'localStorage' | 'none'): Storage | undefined {
  try {
    return name === 'none' ? undefined : window[name];
  } catch {
    return undefined;
  }
}
