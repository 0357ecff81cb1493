/** What an option must be: the test, and the same in words. */
export type Rule = readonly [test: (value: unknown) => boolean, wanted: string];

export const flag: Rule = [(value) => typeof value === 'boolean', 'true or false'];

export const callback: Rule = [(value) => typeof value === 'function', 'a function'];

export const text: Rule = [(value) => typeof value === 'string' && value !== '', 'a text that is not empty'];

export const texts: Rule = [
  (value) => Array.isArray(value) && value.every((item) => typeof item === 'string' && item !== ''),
  'an array of texts',
];

/** A CSS selector. Only a page can tell whether it is one. */
export const selector: Rule = [
  (value) => {
    if (typeof value !== 'string' || !value) return false;
    try {
      if (typeof document !== 'undefined') document.createDocumentFragment().querySelector(value);
      return true;
    } catch {
      return false;
    }
  },
  'a CSS selector',
];

export const oneOf = (...words: string[]): Rule => [(value) => words.includes(value as string), words.join(' or ')];

export const number = (min: number, max: number): Rule => [
  (value) => typeof value === 'number' && value >= min && value <= max,
  `a number from ${min} to ${max}`,
];

/** Refuses wrong options at once, naming plugin, option, what it must be and what it is. `undefined` stands for the default. */
export function checkOptions(plugin: string, options: object, rules: { [option: string]: Rule }): void {
  if (typeof options !== 'object' || options === null || Array.isArray(options))
    throw new TypeError(`petrel/plugins/${plugin}: the options must be an object, not ${shown(options)}`);
  for (const [option, value] of Object.entries(options)) {
    const rule = Object.hasOwn(rules, option) ? rules[option] : undefined;
    if (!rule)
      throw new TypeError(
        `petrel/plugins/${plugin}: there is no option \`${option}\`, only ${Object.keys(rules).join(', ')}`,
      );
    if (value !== undefined && !rule[0](value))
      throw new TypeError(`petrel/plugins/${plugin}: \`${option}\` must be ${rule[1]}, not ${shown(value)}`);
  }
}

/** A value as the developer would write it, as far as that is short. */
function shown(value: unknown): string {
  try {
    return (typeof value === 'object' && JSON.stringify(value)) || String(value);
  } catch {
    return typeof value;
  }
}
