/**
 * Templates without a library: `html` escapes what is put in, unless it is itself the result of `html` or `raw`.
 */

class Markup {
  /** @param {string} text */
  constructor(text) {
    this.text = text;
  }
  toString() {
    return this.text;
  }
}

const ESCAPES = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

/** @param {unknown} value @returns {string} */
function render(value) {
  if (value === undefined || value === null || value === false) return '';
  if (value instanceof Markup) return value.text;
  if (Array.isArray(value)) return value.map(render).join('');
  return String(value).replace(/[&<>"']/g, (c) => ESCAPES[/** @type {keyof typeof ESCAPES} */ (c)]);
}

/**
 * @param {TemplateStringsArray} strings
 * @param {...unknown} values
 */
export function html(strings, ...values) {
  return new Markup(strings.reduce((text, part, i) => text + render(values[i - 1]) + part));
}

/** Markup that is already safe: our own SVG. @param {string} text */
export function raw(text) {
  return new Markup(text);
}

/**
 * A value for `<script type="application/json">`. `<` is escaped, so the data cannot end the element.
 * @param {unknown} value
 */
export function json(value) {
  return new Markup(JSON.stringify(value).replace(/</g, '\\u003c'));
}
