import type { Plugin, Properties } from '../page/api.js';
import { callback, checkOptions, flag, type Rule, selector as selectorRule } from './lib/check-options.js';
import { attribute, elementsOf, isIgnored } from './lib/elements.js';
import { attempt, pagePlugin } from './lib/page-plugin.js';

/** Options of {@link clicks}. */
export interface ClicksOptions {
  /**
   * Elements whose clicks are tracked as `Element Clicked` although they name no event.
   * @defaultValue none
   */
  selector?: string;
  /**
   * Whether the element's text goes with `Element Clicked`, up to 100 characters. It may say what only the visitor should read.
   * @defaultValue false
   */
  text?: boolean;
  /** Called for each event: what to add to its properties. */
  properties?: (element: Element, event: MouseEvent) => Properties;
}

/** Properties of `Element Clicked`: which element it was. */
export interface ElementProperties {
  tag: string;
  id?: string;
  name?: string;
  role?: string;
  /** Of a link: the path it leads to, without query and fragment; the whole address on another host. */
  href?: string;
  text?: string;
}

/** Longest text of an element, in characters. */
const MAX_TEXT = 100;

const rules: { [option: string]: Rule } = { selector: selectorRule, text: flag, properties: callback };

/**
 * Tracks clicks, of category `interaction`. An element names its event by `data-petrel-event`; the other `data-petrel-…` attributes,
 * its own and those of the elements around it, are the event's properties, the innermost first. Values are texts.
 *
 * What is inside `data-petrel-ignore` is left alone. A click counts whatever the page makes of it, and by whatever it was made: pointer,
 * keyboard or `click()`.
 *
 * @throws TypeError for an option that is none, or has a wrong value.
 * @example
 * ```html
 * <section data-petrel-section="pricing">
 *   <button data-petrel-event="Plan Chosen" data-petrel-plan="pro">Choose</button>
 * </section>
 * ```
 */
export function clicks(options: ClicksOptions = {}): Plugin {
  checkOptions('clicks', options, rules);
  const { selector, text = false, properties } = options;

  return pagePlugin(({ tracker, listen }) => {
    listen(window, 'click', (event: MouseEvent) => {
      const elements = elementsOf(event);
      const element = elements.find(
        (each) => each.hasAttribute('data-petrel-event') || (selector && each.matches(selector)),
      );
      if (!element || isIgnored(elements)) return;
      const name = attribute(element, 'data-petrel-event');
      tracker.track(
        name ?? 'Element Clicked',
        {
          ...(!name && describe(element, text)),
          ...markedProperties(elements.slice(elements.indexOf(element))),
          ...(properties && attempt(() => properties(element, event))),
        },
        { category: 'interaction' },
      );
    });
  });
}

/** What `data-petrel-…` says of the element and those around it: `data-petrel-seat-count="2"` is `seatCount: '2'`. */
function markedProperties(elements: readonly Element[]): { [name: string]: string } {
  const found: { [name: string]: string } = {};
  for (const element of elements) {
    for (const { name, value } of element.attributes) {
      const [, dashed] = /^data-petrel-(?!event$|ignore$)(.+)/.exec(name) ?? [];
      const property = dashed?.replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase());
      if (property && !Object.hasOwn(found, property)) found[property] = value;
    }
  }
  return found;
}

function describe(element: Element, withText: boolean): ElementProperties {
  const href = attribute(element, 'href');
  return {
    tag: element.localName,
    id: attribute(element, 'id'),
    name: attribute(element, 'name'),
    role: attribute(element, 'role'),
    ...(href && { href: placeOf(href, element.baseURI) }),
    ...(withText && { text: textOf(element) }),
  };
}

function placeOf(href: string, base: string): string | undefined {
  if (!URL.canParse(href, base)) return undefined;
  const { protocol, host, pathname } = new URL(href, base);
  // mailto:, tel:, data:, javascript: say too much after the colon.
  if (!/^https?:$/.test(protocol)) return protocol;
  return host === location.host ? pathname : `${protocol}//${host}${pathname}`;
}

/** What an element says. Nothing of one that its user writes into. */
function textOf(element: Element): string | undefined {
  if (/^(input|textarea|select)$/.test(element.localName) || (element as HTMLElement).isContentEditable)
    return undefined;
  return element.textContent.replace(/\s+/g, ' ').trim().slice(0, MAX_TEXT);
}
