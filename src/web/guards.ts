/** Small questions about values that nobody vouches for. */

export const isObject = (value: unknown): value is { [key: string]: unknown } =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** A sequence number: 1, 2, 3 … */
export const isSeq = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 1;

/** A lower-case word with dashes: categories and reasons, known here or of a newer release. */
export const isWord = (value: unknown): value is string =>
  typeof value === 'string' && /^[a-z][a-z0-9-]{0,39}$/.test(value);
