import type { TrackerOptions } from './options.js';

/** What each option must look like as text. */
const RULES: { [option: string]: RegExp } = {
  endpoint: /^(https?:|\W)/,
  consent: /^(undefined|granted|pending|denied)$/,
  gpc: /^(undefined|anonymous|ignore)$/,
  serviceWorker: /^(undefined|false|\[.*)$/,
};

export function checkOptions(options: TrackerOptions): void {
  for (const option in RULES) {
    const value = options[option as keyof TrackerOptions];
    if (!RULES[option]!.test(value as string))
      throw new TypeError(`\`${option}\` must match ${RULES[option]}, not ${value}`);
  }
}
