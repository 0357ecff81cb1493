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

/**
 * Text of strangers, for a terminal: control characters move cursors and more, others turn the direction of what follows.
 * @param {string} text
 */
export function printable(text) {
  return text.replace(/[\p{Cc}\u202a-\u202e\u2066-\u2069]/gu, (char) => `\\u{${char.charCodeAt(0).toString(16)}}`);
}

/**
 * Writes to stdout and waits for whoever reads. When nobody does any more (`| head`), that is the end, and no failure.
 * @param {string} text
 */
export function write(text) {
  return new Promise((resolve, reject) => {
    process.stdout.write(text, (error) => {
      if (/** @type {NodeJS.ErrnoException | undefined | null} */ (error)?.code === 'EPIPE') process.exit(0);
      if (error) reject(error);
      else resolve(undefined);
    });
  });
}
