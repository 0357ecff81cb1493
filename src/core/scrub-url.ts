import type { Json } from './event.js';

/**
 * What an address should not tell an analytics pipeline: values of parameters that are secrets by their name, in query, fragment or
 * path (`;jsessionid=`), and what looks like an e-mail address. The names are those that other SDKs and OpenTelemetry's conventions
 * for `url.query` mask, and those of password resets and OAuth. All lengths are bounded and no class contains its delimiter, so that no
 * address takes long.
 */
const SECRETS =
  /([?&#;](?:[\w.%[\]-]{0,40}(?:token|secret|passw|pwd|auth(?!or)|session|api.?key|e.?mail|signature|jwt|otp)[\w.%[\]-]{0,40}|code|key|sig|sid)=)[^&#]*|[\w.+-]{1,64}(?:@|%40)[\w.-]{1,99}\.[a-z]{2,}/gi;

/** The address with a star for each secret. The names of the parameters stay. */
export const scrubUrl = (url: string): string => url.replace(SECRETS, '$1*');

/**
 * Scrubs the addresses of a page. The host does it to what it stores, the collector to what leaving pages send by themselves:
 * the regular expression would be a twentieth of the page's own part.
 */
export function scrubContext(context: { [key: string]: Json }): { [key: string]: Json } {
  const scrubbed = { ...context };
  for (const field of ['url', 'referrer']) {
    const address = scrubbed[field];
    if (typeof address === 'string') scrubbed[field] = scrubUrl(address);
  }
  return scrubbed;
}
