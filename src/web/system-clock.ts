import type { Clock } from '../core/clock.js';

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

/**
 * The clock of the platform, page or worker.
 *
 * Ids come from `getRandomValues`: `crypto.randomUUID` does not exist on insecure origins, where the in-page engine has to run.
 */
export function createSystemClock(): Clock {
  return {
    now: () => Date.now(),
    setTimeout: (callback, delayMs) => setTimeout(callback, delayMs),
    clearTimeout: (handle) => clearTimeout(handle as number | undefined),
    random: () => Math.random(),
    randomId() {
      // 21 characters carry 6 random bits each, the last one 2: 128 bits, as base64url would write 16 bytes.
      const bytes = crypto.getRandomValues(new Uint8Array(22));
      bytes[21]! &= 0b110000;
      let id = '';
      for (const byte of bytes) id += ALPHABET[byte & 63];
      return id;
    },
  };
}
