import { Refusal } from './refusal.js';

/** In the same time wherever the difference is, so that a key cannot be guessed letter by letter. */
export function sameText(a: string, b: string): boolean {
  if (a.length !== b.length) return false;
  let difference = 0;
  for (let i = 0; i < a.length; i++) difference |= a.charCodeAt(i) ^ b.charCodeAt(i);
  return difference === 0;
}

/**
 * Looks at all keys, whichever it is.
 * @throws {@link Refusal} `unknown-key`
 */
export function checkKey(key: unknown, keys: readonly string[]): void {
  let known = false;
  for (const candidate of keys) if (typeof key === 'string' && sameText(candidate, key)) known = true;
  if (!known) {
    throw new Refusal('unknown-key', key === undefined ? 'the body has no write key' : 'the write key is not known');
  }
}

/** @throws {@link Refusal} `unknown-token` */
export function checkToken(headers: Headers, token: string, what: string): void {
  const [, given] = headers.get('authorization')?.match(/^Bearer (.+)$/i) ?? [];
  if (given === undefined || !sameText(token, given)) {
    throw new Refusal('unknown-token', `${what} is read with \`Authorization: Bearer <token>\``);
  }
}
