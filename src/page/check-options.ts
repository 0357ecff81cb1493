import { BROWSER_PRESET, checkEngineOptions, show } from '../core/options.js';
import type { TrackerOptions } from './options.js';

type Rule = readonly [test: (value: unknown) => boolean, wanted: string];

const oneOf = (...words: string[]): Rule => [(value) => words.includes(value as string), words.join(' or ')];
const text: Rule = [(value) => typeof value === 'string', 'a text'];
const flag: Rule = [(value) => typeof value === 'boolean', 'true or false'];

/** What each option of the page must be. Those of the queue are in core/options.ts. */
const RULES: { [option: string]: Rule } = {
  endpoint: [
    (value) => typeof value === 'string' && /^(https?:|\W)/.test(value),
    'an address with http or https, or one that begins with /, . or ?',
  ],
  key: text,
  format: text,
  consent: oneOf('granted', 'pending', 'denied'),
  gpc: oneOf('anonymous', 'off', 'ignore'),
  serviceWorker: [
    (value) => value === false || (typeof value === 'object' && value !== null && !Array.isArray(value)),
    'false, or an object with `url`, `scope` or `registration`',
  ],
  configVersion: [Number.isFinite, 'a number'],
  debug: flag,
  cookieless: flag,
};

/**
 * Refuses what is no option, or has a value that cannot be used.
 *
 * @throws TypeError, PetrelError naming option, what it must be, and the value
 */
export function checkOptions(options: TrackerOptions): void {
  if (typeof options !== 'object' || options === null)
    throw new TypeError(`petrel: the options must be an object, not ${show(options)}`);
  const ofQueue: Record<string, unknown> = {};
  for (const [option, value] of Object.entries({ ...options, endpoint: options.endpoint })) {
    const rule = RULES[option];
    if (!rule) ofQueue[option] = value;
    else if ((value !== undefined || option === 'endpoint') && !rule[0](value))
      throw new TypeError(`petrel: \`${option}\` must be ${rule[1]}, not ${show(value)}`);
  }
  checkEngineOptions(ofQueue, BROWSER_PRESET);
}
