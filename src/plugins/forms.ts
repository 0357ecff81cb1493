import type { Plugin } from '../page/api.js';
import { checkOptions, flag, type Rule, selector as selectorRule } from './lib/check-options.js';
import { attribute, elementsOf, isIgnored } from './lib/elements.js';
import { pagePlugin } from './lib/page-plugin.js';
import { watchRoutes } from './lib/routes.js';

/** Options of {@link forms}. */
export interface FormsOptions {
  /**
   * Which forms are tracked.
   * @defaultValue 'form'
   */
  selector?: string;
  /**
   * Whether `Form Started` is tracked, when something is first entered.
   * @defaultValue true
   */
  start?: boolean;
  /**
   * Whether `Form Abandoned` is tracked, when the page is left after a start without a submit, or the form is gone after a change of
   * the route.
   * @defaultValue true
   */
  abandon?: boolean;
}

/** Properties of `Form Started`, `Form Submitted` and `Form Abandoned`. Names and ids of the markup, never what was entered. */
export interface FormProperties {
  /** The form's `id` attribute. */
  formId?: string;
  /** The form's `name` attribute. */
  formName?: string;
  /** Name or id of the field: the first one at a start, the last one when abandoned. Not of a sensitive one. */
  field?: string;
  /** How many fields something was entered in. Not at a start. */
  fieldsTouched?: number;
  /** From the first entry to the submit, or to the last entry when abandoned, in ms. Not at a start. */
  durationMs?: number;
  /** Name or id of the button, at a submit. */
  submitter?: string;
}

/** A form somebody has begun to fill in. */
interface Filling {
  startedAt: number;
  lastAt: number;
  touched: Set<EventTarget>;
  field: string | undefined;
}

/** How long an app may take to remove a form after a change of the route, in ms: a guess. */
const REMOVED_WITHIN_MS = 1_000;

const rules: { [option: string]: Rule } = { selector: selectorRule, start: flag, abandon: flag };

/** Fields that are as if they were not there. The browser knows a card's number or a one-time code by `autocomplete`. */
const SENSITIVE =
  '[type=password],[type=hidden],[autocomplete*=password],[autocomplete*=cc-],[autocomplete*=one-time-code]';

/**
 * Tracks what becomes of forms, of category `interaction`, without a single value: `Form Started`, `Form Submitted` (by a button, by
 * Enter or by `requestSubmit()`; `form.submit()` tells nobody) and `Form Abandoned`, when the page is left.
 *
 * Passwords, card details, one-time codes and hidden fields are not even named, and what is inside `data-petrel-ignore` is left alone.
 *
 * @throws TypeError for an option that is none, or has a wrong value.
 */
export function forms(options: FormsOptions = {}): Plugin {
  checkOptions('forms', options, rules);
  const { selector = 'form', start = true, abandon = true } = options;

  return pagePlugin((scope) => {
    const { tracker, listen, signal } = scope;
    /** Begun and not yet submitted. */
    const filling = new Map<HTMLFormElement, Filling>();
    /** Shadow roots whose submits are heard. */
    const roots = new WeakSet<Node>();

    const track = (name: string, form: HTMLFormElement, more: FormProperties) =>
      tracker.track(
        name,
        { formId: attribute(form, 'id'), formName: attribute(form, 'name'), ...more } satisfies FormProperties,
        { category: 'interaction' },
      );

    const entered = (event: Event) => {
      const elements = elementsOf(event);
      const field = elements[0] as HTMLInputElement | undefined;
      const form = field?.form ?? (elements.find(isForm) as HTMLFormElement | undefined);
      if (!field || !form?.matches(selector) || isIgnored(elements) || field.matches(SENSITIVE)) return;
      const now = Date.now();
      let known = filling.get(form);
      if (!known) {
        known = { startedAt: now, lastAt: now, touched: new Set(), field: undefined };
        filling.set(form, known);
        if (start) track('Form Started', form, { field: nameOf(field) });
        // Unlike `input`, `submit` stays within its shadow tree.
        const root = form.getRootNode();
        if (root !== document && !roots.has(root)) {
          roots.add(root);
          listen(root, 'submit', submitted);
        }
      }
      known.lastAt = now;
      known.field = nameOf(field);
      known.touched.add(field);
    };

    const submitted = (event: SubmitEvent) => {
      const elements = elementsOf(event);
      const form = elements.find(isForm) as HTMLFormElement | undefined;
      if (!form?.matches(selector) || isIgnored(elements)) return;
      const known = filling.get(form);
      filling.delete(form);
      const { submitter } = event;
      track('Form Submitted', form, {
        ...(known && { fieldsTouched: known.touched.size, durationMs: Date.now() - known.startedAt }),
        submitter: submitter ? nameOf(submitter) : undefined,
      });
    };

    const abandoned = (isGone: (form: HTMLFormElement) => boolean) => {
      for (const [form, { field, startedAt, lastAt, touched }] of filling) {
        if (!isGone(form)) continue;
        filling.delete(form);
        if (abandon)
          track('Form Abandoned', form, { field, fieldsTouched: touched.size, durationMs: lastAt - startedAt });
      }
    };

    listen(window, 'input', entered);
    // Older controls and custom ones fire no `input`.
    listen(window, 'change', entered);
    listen(window, 'submit', submitted);
    // Not when the page is hidden: who looks something up in another tab has not given up.
    listen(window, 'pagehide', () => abandoned(() => true));
    // A form that stays where it is goes on: the steps of a wizard may each have an address.
    const look = () => signal.aborted || abandoned((form) => !form.isConnected);
    watchRoutes(
      scope,
      () => {},
      () => {
        if (filling.size) setTimeout(look, REMOVED_WITHIN_MS);
      },
    );
  });
}

const isForm = (element: Element) => element.localName === 'form';

const nameOf = (field: Element) => attribute(field, 'name') ?? attribute(field, 'id');
