import type { Plugin } from '../page/api.js';
import { callback, checkOptions, flag, number, type Rule } from './lib/check-options.js';
import { createErrorBook } from './lib/error-book.js';
import { pagePlugin, whenLeft } from './lib/page-plugin.js';
import { describeThrown, type Thrown, tidy } from './lib/thrown.js';

export type { Thrown } from './lib/thrown.js';

/** Options of {@link errors}. */
export interface ErrorsOptions {
  /**
   * Most different errors told per minute (1 to 1 000). What is beyond is counted.
   * @defaultValue 10
   */
  maxPerMinute?: number;
  /**
   * Most characters of a stack (0 to 16 000).
   * @defaultValue 4000
   */
  maxStackLength?: number;
  /**
   * Messages that are not told: a text they contain, or a pattern.
   * @defaultValue []
   */
  ignore?: readonly (string | RegExp)[];
  /**
   * Whether errors are told of which the browser hides everything, because their script came from another origin without
   * `crossorigin`: `Script error.`
   * @defaultValue true
   */
  crossOrigin?: boolean;
  /** Called with what is about to be told, to change it; `false` keeps it back. */
  scrub?: (error: ErrorProperties) => ErrorProperties | false;
}

/** Properties of `Error`. */
export interface ErrorProperties extends Thrown {
  /** `error`: thrown and not caught. `rejection`: a promise nobody handled. */
  kind: 'error' | 'rejection';
  /** Address of the script, without query. */
  source?: string;
  line?: number;
  column?: number;
  /** The browser does not say what it was. */
  crossOrigin?: true;
  /** How often it came again since the last event about it. Such an event, told when the page is hidden, has no stack. */
  repeats?: number;
}

const EXTENSION = /^[\w-]*-extension:/;

/** The browser's way to say that a layout took two frames. Not an error, and very frequent. */
const RESIZE_NOTICE = /^ResizeObserver loop/;

const rules: { [option: string]: Rule } = {
  maxPerMinute: number(1, 1_000),
  maxStackLength: number(0, 16_000),
  ignore: [
    (value) =>
      Array.isArray(value) && value.every((item) => (typeof item === 'string' && item) || item instanceof RegExp),
    'an array of texts and patterns',
  ],
  crossOrigin: flag,
  scrub: callback,
};

/**
 * Tracks `Error`, of category `error`: uncaught errors and unhandled rejections. Each is told once per page, at most so many a minute;
 * repeats are counted and told when the page is hidden, and so is the number of those that were not told at all (`Errors Suppressed`).
 * Errors of browser extensions and ResizeObserver's notices are left out.
 *
 * @throws TypeError for an option that is none, or has a wrong value.
 */
export function errors(options: ErrorsOptions = {}): Plugin {
  checkOptions('errors', options, rules);
  const { maxPerMinute = 10, maxStackLength = 4_000, ignore = [], crossOrigin = true, scrub } = options;

  return pagePlugin((scope) => {
    const { tracker, listen } = scope;
    const book = createErrorBook<ErrorProperties>(maxPerMinute);
    /** What goes wrong while an error is told is not told: it could go on for ever. */
    let telling = false;

    const isIgnored = ({ message, source, stack }: ErrorProperties) =>
      RESIZE_NOTICE.test(message) ||
      EXTENSION.test(source ?? '') ||
      EXTENSION.test(/[\w-]+:\/\/\S+/.exec(stack ?? '')?.[0] ?? '') ||
      ignore.some((item) => (typeof item === 'string' ? message.includes(item) : message.search(item) >= 0));

    const tell = (error: ErrorProperties) => {
      if (telling) return book.suppress();
      telling = true;
      try {
        if (isIgnored(error)) return;
        const { stack, ...kept } = error;
        const kind = JSON.stringify([
          error.kind,
          error.type,
          error.message,
          stack ?? [error.source, error.line, error.column],
        ]);
        if (!book.isNews(kind, kept, Date.now())) return;
        const properties = scrub ? scrub(error) : error;
        if (properties) tracker.track('Error', properties, { category: 'error' });
      } finally {
        telling = false;
      }
    };

    listen(window, 'error', (event: ErrorEvent) => {
      // Images and scripts that do not load fire one as well, and it comes by here on its way down to them.
      if (event.target !== window) return;
      const { error, message, filename, lineno, colno } = event;
      const isHidden = !filename && !lineno && error == null;
      if (isHidden && !crossOrigin) return;
      tell({
        kind: 'error',
        ...(error == null
          ? { type: 'Error', message: tidy(String(message)).slice(0, 1_000) }
          : describeThrown(error, maxStackLength)),
        source: filename ? tidy(filename) : undefined,
        line: lineno || undefined,
        column: colno || undefined,
        ...(isHidden && { crossOrigin: true }),
      });
    });

    listen(window, 'unhandledrejection', ({ reason }: PromiseRejectionEvent) => {
      tell({ kind: 'rejection', ...describeThrown(reason, maxStackLength) });
    });

    const tellCounts = () => {
      const { repeated, suppressed } = book.takeCounts();
      for (const { error, repeats } of repeated) {
        const properties = scrub ? scrub({ ...error, repeats }) : { ...error, repeats };
        if (properties) tracker.track('Error', properties, { category: 'error' });
      }
      if (suppressed) tracker.track('Errors Suppressed', { count: suppressed }, { category: 'error' });
    };
    whenLeft(scope, tellCounts);
    return tellCounts;
  });
}
