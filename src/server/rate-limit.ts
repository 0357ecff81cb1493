import { PetrelError } from '../core/errors.js';
import { checkNumber, show } from '../core/options.js';

/** How much one sender may bring. Absent: as much as it likes. What is over is answered with 429 `rate-limited` and `Retry-After`. */
export interface RateOptions {
  /**
   * Requests a second from one address (1 to 100 000), in the long run. Looked at before a body is read. IPv6 counts by /64.
   * Many visitors can share one address: an office, a mobile network.
   */
  perAddress?: number;
  /**
   * Requests from one address at once, after a quiet time (1 to 1 000 000).
   * @defaultValue 10 times `perAddress`
   */
  perAddressBurst?: number;
  /** Events a second with one write key (1 to 10 000 000), in the long run. A body is taken as a whole or not at all. */
  perKey?: number;
  /**
   * Events with one write key at once, after a quiet time (1 to 100 000 000).
   * @defaultValue 10 times `perKey`
   */
  perKeyBurst?: number;
}

const RANGES: { readonly [name in keyof Required<RateOptions>]: { min: number; max: number } } = {
  perAddress: { min: 1, max: 100_000 },
  perAddressBurst: { min: 1, max: 1_000_000 },
  perKey: { min: 1, max: 10_000_000 },
  perKeyBurst: { min: 1, max: 100_000_000 },
};

/** @throws PetrelError `invalid-option` */
export function checkRates(given: RateOptions): RateOptions {
  if (typeof given !== 'object' || given === null) {
    throw new PetrelError('invalid-option', `\`rates\` must be an object, not ${show(given)}`);
  }
  for (const [name, value] of Object.entries(given)) {
    const range = Object.hasOwn(RANGES, name) && RANGES[name as keyof RateOptions];
    if (!range) throw new PetrelError('invalid-option', `\`rates.${name}\` is not an option`);
    if (value !== undefined) checkNumber(`rates.${name}`, value, range);
  }
  for (const name of ['perAddress', 'perKey'] as const) {
    if (given[`${name}Burst`] !== undefined && given[name] === undefined) {
      throw new PetrelError('invalid-option', `\`rates.${name}Burst\` means nothing without \`rates.${name}\``);
    }
  }
  return { ...given };
}

/** Senders remembered at a time; some 10 MB. Beyond, those not heard of for the longest begin anew. */
const MAX_SENDERS = 50_000;

/** What sums of fractions may be off by. */
const ROUNDING = 1e-6;

/** A token bucket for each sender. */
export interface RateLimiter {
  /** @returns 0 when it may bring that much now, else in how many milliseconds to come back. */
  take(sender: string, amount: number): number;
}

/**
 * Whoever has anything left may bring what it has, however large, and owes the rest (at most a burst): a body larger than the burst
 * could never come otherwise.
 */
export function createRateLimiter(options: {
  perSecond: number;
  burst: number;
  now: () => number;
  maxSenders?: number;
}): RateLimiter {
  const { perSecond, burst, now, maxSenders = MAX_SENDERS } = options;
  /** In the order in which they were last heard of. */
  const buckets = new Map<string, { left: number; at: number }>();
  return {
    take(sender, amount) {
      const at = now();
      const bucket = buckets.get(sender) ?? { left: burst, at };
      // A clock that was set back fills nothing.
      const elapsedMs = Math.max(0, at - bucket.at);
      const left = Math.min(burst, bucket.left + (elapsedMs * perSecond) / 1_000);
      const waitMs = Math.ceil(Math.max(0, 1 - left - ROUNDING) * (1_000 / perSecond));
      buckets.delete(sender);
      buckets.set(sender, { left: waitMs > 0 ? left : Math.max(-burst, left - amount), at });
      if (buckets.size > maxSenders) buckets.delete(buckets.keys().next().value!);
      return waitMs;
    },
  };
}
