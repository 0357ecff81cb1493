/** Elements without markup in strings: nothing here needs `innerHTML`, a style attribute or a Trusted Types policy. */

type Child = Node | string | false | undefined;

/** An element with attributes (a listener where the value is a function) and children. */
export function h<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  attributes: { [name: string]: string | boolean | ((event: Event) => void) } = {},
  ...children: Child[]
): HTMLElementTagNameMap[Tag] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === 'function') element.addEventListener(name, value);
    else if (value !== false) element.setAttribute(name, value === true ? '' : value);
  }
  element.append(...children.filter((child): child is Node | string => child !== false && child !== undefined));
  return element;
}

/** Writes a text, if it is another one: what did not change must not be read aloud or selected anew. */
export function write(element: Element, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}

/** Sets an attribute, if it is another one. */
export function set(element: Element, name: string, value: string): void {
  if (element.getAttribute(name) !== value) element.setAttribute(name, value);
}

/** Fills a container anew whenever what it shows has changed. */
export function filler<T>(container: Element, build: (items: readonly T[]) => Node[]): (items: readonly T[]) => void {
  let shown: string | undefined;
  return (items) => {
    const next = JSON.stringify(items);
    if (next === shown) return;
    shown = next;
    container.replaceChildren(...build(items));
  };
}
