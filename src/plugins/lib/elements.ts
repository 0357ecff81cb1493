/**
 * The elements an event went through, innermost first, those in open shadow trees too. In a closed one nothing is seen but its host.
 */
export function elementsOf(event: Event): Element[] {
  return event.composedPath().filter((target): target is Element => (target as Node).nodeType === 1);
}

/** Whether the element, or one around it, asks to be left alone: `data-petrel-ignore`. */
export function isIgnored(elements: Element[]): boolean {
  return elements.some((element) => element.hasAttribute('data-petrel-ignore'));
}

/** An attribute, undefined where it is missing or empty. Not the property: a form's `id` may be a field of that name. */
export function attribute(element: Element, name: string): string | undefined {
  return element.getAttribute(name) || undefined;
}
