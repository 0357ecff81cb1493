import type { Json } from '../../../core/event.js';

/** NUL, and halves of surrogate pairs: what JavaScript's strings may hold and databases' may not. */
const UNSTORABLE = /\0|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;

/** How `JSON.stringify` writes them. Also matches a backslash that is followed by such letters, which is rare and harmless. */
const UNSTORABLE_IN_JSON = /\\u(?:0000|d[89a-f])/;

/**
 * The text as a database can hold it, with U+FFFD for what it cannot. SQLite's driver cuts text off at a NUL, PostgreSQL refuses the row;
 * both take half a surrogate pair for broken UTF-8.
 */
export function storableText(text: string): string {
  return text.replace(UNSTORABLE, '\ufffd');
}

/** Whether JSON text may have a string in it that is not as {@link storableText} leaves it. */
export const mayBeUnstorable = (json: string) => UNSTORABLE_IN_JSON.test(json);

/** The value with {@link storableText} for every text in it, keys included. */
export function storableJson<T>(value: T): T;
export function storableJson(value: Json): Json {
  if (typeof value === 'string') return storableText(value);
  if (Array.isArray(value)) return value.map(storableJson);
  if (typeof value !== 'object' || value === null) return value;
  // Made of entries, so that a key `__proto__` stays a key.
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [storableText(key), storableJson(inner)]));
}
