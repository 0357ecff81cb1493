// What the commands have in common.

import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

export const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');

/** @type {{ version: string }} */
export const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

/** A wrong call: exit code 2, with what to do. */
export class UsageError extends Error {
  /** @override */
  name = 'UsageError';
}

/**
 * `parseArgs`, its errors as ours.
 *
 * @template {NonNullable<import('node:util').ParseArgsConfig['options']>} Options
 * @param {string[]} args
 * @param {Options} options
 * @param {{ allowPositionals?: boolean }} [more]
 * @throws UsageError
 */
export function parse(args, options, { allowPositionals = false } = {}) {
  try {
    return parseArgs({ args, options, allowPositionals });
  } catch (error) {
    throw new UsageError(/** @type {Error} */ (error).message.split('. ')[0]);
  }
}

/** @param {string} text */
export function say(text) {
  process.stdout.write(`${text.trimEnd()}\n`);
}
