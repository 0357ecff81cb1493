import { PetrelError } from './errors.js';

/** When a batch is due, and how large it may be. */
export interface BatchOptions {
  /**
   * Most events in one batch (1 to 10 000). That many waiting events make a batch due.
   * @defaultValue 100
   */
  maxBatchSize?: number;
  /**
   * Longest an event waits before a batch is due, in milliseconds (0 to 3 600 000).
   * Counted from the oldest waiting event, so a steady trickle does not postpone it.
   * @defaultValue 5000
   */
  maxBatchAgeMs?: number;
  /**
   * Most bytes of encoded events (UTF-8) in one batch (1 024 to 16 777 216). That many waiting bytes make a batch due.
   * A single event over it goes alone.
   * @defaultValue 1048576
   */
  maxBatchBytes?: number;
  /**
   * Batches under way at the same time (1 to 64). With 1, events of one source and priority arrive in order.
   * @defaultValue 4 (browser: 1)
   */
  flushConcurrency?: number;
}

/** What happens after a failed attempt. Attempts never end an event's life, age does: see {@link QueueOptions.maxAgeMs}. */
export interface RetryOptions {
  /**
   * Quick retries in a row (0 to 20), before the long waits of 30 s to 5 min begin.
   * @defaultValue 3
   */
  maxRetries?: number;
  /**
   * Upper end of the first wait, in milliseconds (1 to 600 000). Each wait is drawn evenly from 0 to its upper end (full jitter).
   * @defaultValue 100
   */
  initialDelayMs?: number;
  /**
   * Largest upper end of a quick retry's wait, and the least wait after a rate limit without `Retry-After`, in milliseconds (1 to 3 600 000).
   * @defaultValue 30000
   */
  maxDelayMs?: number;
  /**
   * Factor from one quick wait to the next (1 to 10).
   * @defaultValue 2
   */
  backoffMultiplier?: number;
  /**
   * Upper end of the long waits that follow when the quick retries are used up, in milliseconds (1 000 to 3 600 000).
   * They begin at `maxDelayMs` and double up to this.
   * @defaultValue 300000 (5 min; browser: 2 min)
   */
  maxPauseMs?: number;
}

/** How much may wait. */
export interface QueueOptions {
  /**
   * Most events kept (1 to 1 000 000); beyond, the oldest of the lowest priority is dropped as `queue-full`.
   * @defaultValue 10000
   */
  maxEvents?: number;
  /**
   * Most bytes of encoded events kept (1 024 to 1 073 741 824); beyond, as with `maxEvents`.
   * @defaultValue 10485760
   */
  maxBytes?: number;
  /**
   * Longest an event is kept, in milliseconds (1 000 to 2 592 000 000 = 30 days); then it is dropped as `expired`.
   * @defaultValue 604800000 (7 days)
   */
  maxAgeMs?: number;
}

/** All options of the engine. */
export type EngineOptions = BatchOptions & RetryOptions & QueueOptions;

interface Range {
  min: number;
  max: number;
  default: number;
  integer: boolean;
}

const whole = (min: number, max: number, value: number): Range => ({ min, max, default: value, integer: true });

/** Every engine option once: range and default. */
export const ENGINE_OPTIONS: { readonly [K in keyof Required<EngineOptions>]: Range } = {
  maxBatchSize: whole(1, 10_000, 100),
  maxBatchAgeMs: whole(0, 3_600_000, 5_000),
  maxBatchBytes: whole(1_024, 16_777_216, 1_048_576),
  flushConcurrency: whole(1, 64, 4),
  maxRetries: whole(0, 20, 3),
  initialDelayMs: whole(1, 600_000, 100),
  maxDelayMs: whole(1, 3_600_000, 30_000),
  maxPauseMs: whole(1_000, 3_600_000, 300_000),
  backoffMultiplier: { min: 1, max: 10, default: 2, integer: false },
  maxEvents: whole(1, 1_000_000, 10_000),
  maxBytes: whole(1_024, 1_073_741_824, 10_485_760),
  maxAgeMs: whole(1_000, 2_592_000_000, 604_800_000),
};

/**
 * What a browser uses in place of the general defaults. One batch at a time: order, and connections shared with the page. A shorter
 * longest wait: after an outage of ten minutes the last browser is through after 2 instead of 4 minutes, for 2.1 instead of 1.7
 * requests a minute while it lasts, and no more than half the capacity of a server that has twice its normal load (`npm run simulate`).
 */
export const BROWSER_PRESET: EngineOptions = { flushConcurrency: 1, maxPauseMs: 120_000 };

/**
 * Checks the engine options among `given` and fills in the defaults: `preset` first, then {@link ENGINE_OPTIONS}.
 *
 * @throws {@link PetrelError} `invalid-option`, naming option, range and value, for the first bad one. Unknown names are refused too,
 * because a misspelt option that is silently ignored is found in production.
 */
export function checkEngineOptions(
  given: Record<string, unknown>,
  preset: EngineOptions = {},
): Required<EngineOptions> {
  const options = {} as Required<EngineOptions>;
  for (const name of Object.keys(given)) {
    if (!Object.hasOwn(ENGINE_OPTIONS, name)) throw new PetrelError('invalid-option', `\`${name}\` is not an option`);
  }
  for (const name of Object.keys(ENGINE_OPTIONS) as (keyof EngineOptions)[]) {
    const range = ENGINE_OPTIONS[name];
    options[name] = given[name] === undefined ? (preset[name] ?? range.default) : checkNumber(name, given[name], range);
  }
  return options;
}

/**
 * The number itself, if it is one within the range.
 * @throws {@link PetrelError} `invalid-option`
 */
export function checkNumber(
  name: string,
  value: unknown,
  range: { min: number; max: number; integer?: boolean },
): number {
  const kind = range.integer === false ? 'a number' : 'a whole number';
  if (
    typeof value !== 'number' ||
    !(value >= range.min && value <= range.max) ||
    (range.integer !== false && !Number.isInteger(value))
  ) {
    throw new PetrelError(
      'invalid-option',
      `\`${name}\` must be ${kind} from ${range.min} to ${range.max}, not ${show(value)}`,
    );
  }
  return value;
}

/** A value in an error message: short, and never throwing itself. */
export function show(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value.length > 60 ? `${value.slice(0, 60)}…` : value);
  if (typeof value === 'number' || typeof value === 'boolean' || value == null) return String(value);
  if (typeof value === 'bigint') return `${value}n`;
  return Array.isArray(value) ? 'an array' : typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}
