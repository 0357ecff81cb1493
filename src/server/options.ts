import type { Clock } from '../core/clock.js';
import { PetrelError } from '../core/errors.js';
import { checkEngineOptions, checkNumber, type EngineOptions, show } from '../core/options.js';
import { createSystemClock } from '../web/system-clock.js';
import type { AllowedOrigins } from './cors.js';
import { type DecodeLimits, MAX_BODY_BYTES, MAX_INFLATED_BYTES } from './decode.js';
import { FORMAT_NAMES, type FormatName } from './decoders/index.js';
import type { LedgerStore } from './ledger/ledger.js';
import { checkPrivacy, type PrivacyOptions } from './privacy.js';
import { checkRates, type RateOptions } from './rate-limit.js';
import type { RequestRecord } from './request-record.js';
import type { Sink } from './sinks/sink.js';

/** How much one request, and all requests together, may bring. */
export interface CollectorLimits extends Required<DecodeLimits> {
  /**
   * Most bytes of a body as it arrives, compressed or not (1 024 to 67 108 864). More is answered with 413 and this limit.
   * @defaultValue 2097152
   */
  maxBodyBytes: number;
  /**
   * Most bytes of a body once inflated (1 024 to 268 435 456). Inflating stops there: 413.
   * @defaultValue 8388608
   */
  maxInflatedBytes: number;
  /**
   * Most events in a request (1 to 100 000). More is answered with 413, and the sender cuts the batch in two.
   * @defaultValue 10000
   */
  maxEvents: number;
  /**
   * Most bytes of an event's name and properties as JSON (256 to 1 048 576). Larger ones are rejected, the others of the request taken.
   * @defaultValue 32768
   */
  maxEventBytes: number;
  /**
   * Most bytes of a request's events when each is written out whole, with its origin (131 072 to 1 073 741 824): 413.
   * @defaultValue 16777216
   */
  maxExpandedBytes: number;
  /**
   * Most bytes of bodies being received at the same time (1 048 576 to 4 294 967 296). What comes on top is answered with 429.
   * @defaultValue 67108864
   */
  maxReadingBytes: number;
}

/** Options of the ledger: what arrived, what did not, and why. See docs/ledger.md. */
export interface LedgerOptions {
  /**
   * Who may read the ledger: `GET …/ledger` with `Authorization: Bearer <token>` (16 to 512 characters). A secret, unlike the write keys.
   * Absent: nobody, over HTTP.
   */
  token?: string;
  /**
   * How old a gap may be until it counts as missing, in milliseconds (1 000 to 3 456 000 000). More than the trackers' `maxAgeMs`: what
   * they give up is told with the next visit.
   * @defaultValue 691200000 (8 days)
   */
  maxAgeMs?: number;
  /** A ledger beside a sink that keeps none. `close()` closes it. */
  store?: LedgerStore;
}

/** Options of {@link createCollector}. */
export interface CollectorOptions {
  /** Where events are stored. `close()` closes it. */
  sink: Sink;
  /**
   * Write keys: a request's body must carry one of them. Several at a time allow to change a key without losing events.
   * A write key is in the page's source for all to see: it tells sites apart and keeps strays out, it is no secret.
   * Absent: whoever reaches the collector may post.
   */
  keys?: readonly string[];
  /** @defaultValue '*' */
  origins?: AllowedOrigins;
  /**
   * The path of the URL to post to, such as `/events`. Other paths are answered with 404, except a GET of `/healthz`.
   * Absent: every path is taken.
   */
  path?: string;
  /**
   * Formats that are read besides Petrel's own: `segment` (Segment's and RudderStack's clients) at paths ending in `/v1/batch`, `/v1/track` …,
   * `otlp` (OpenTelemetry logs as JSON) at `/v1/logs`, `cloudevents` and `ndjson` at every path by their content types. `[]`: none.
   * The first two have their paths in spite of `path`. See docs/formats.md.
   * @defaultValue all
   */
  formats?: readonly FormatName[];
  limits?: Partial<CollectorLimits>;
  rates?: RateOptions;
  privacy?: PrivacyOptions;
  /**
   * How many proxies of your own stand before the collector (0 to 10), each adding to `X-Forwarded-For`: whose entry is believed. With 0
   * the address is the connection's.
   * @defaultValue 0
   */
  trustProxy?: number;
  /**
   * Who may read `GET …/metrics`: `open` for all, or a token (16 to 512 characters) for `Authorization: Bearer <token>`.
   * Absent: nobody.
   */
  metrics?: string;
  /**
   * Who may read `GET …/tail`, the events as they are stored: a token (16 to 512 characters), a secret. Absent: nobody.
   * Parameters `name`, `category`, `source` and `user` choose among them.
   */
  tail?: string;
  /**
   * How requests are put together to batches for the sink, and how much may wait for it: the options of the engine, with
   * {@link SERVER_PRESET} as defaults. Above `maxEvents` or `maxBytes` requests are answered with 429; nothing is dropped.
   */
  batch?: EngineOptions;
  /**
   * Longest time a request waits for the sink, in milliseconds (100 to 600 000), then it is answered with 503. Less than the
   * trackers' own request timeout (15 s), so that they hear why. Its events stay queued here, and the sender posts them again;
   * they are stored once.
   * @defaultValue 8000
   */
  ackTimeoutMs?: number;
  /**
   * Longest time one write of the sink may take, in milliseconds (100 to 600 000), then it counts as failed and is tried again.
   * @defaultValue 30000
   */
  sinkTimeoutMs?: number;
  /**
   * How long `close()` waits for what is queued, in milliseconds (0 to 600 000). What is not stored by then was not acknowledged.
   * @defaultValue 10000
   */
  closeTimeoutMs?: number;
  ledger?: LedgerOptions;
  /**
   * Told of what the operator should see: the sink failed, or a request met a bug. Must not throw.
   * The collector writes to no log by itself.
   */
  onError?: (error: unknown, where: 'sink' | 'request') => void;
  /** Told of each request when it is answered. Must not throw. */
  onRequest?: (record: RequestRecord) => void;
  /** Time and chance. Default: the system's. */
  clock?: Clock;
}

/**
 * The engine's options where the store is a database: large batches soon, and a failing sink is tried again every few seconds,
 * because the requests of everybody are waiting for it.
 */
export const SERVER_PRESET: Required<EngineOptions> = {
  maxBatchSize: 500,
  maxBatchAgeMs: 5,
  maxBatchBytes: 1_048_576,
  flushConcurrency: 4,
  maxRetries: 5,
  initialDelayMs: 100,
  maxDelayMs: 2_000,
  maxPauseMs: 5_000,
  backoffMultiplier: 2,
  maxEvents: 100_000,
  maxBytes: 67_108_864,
  // What waits longer than this for the sink was answered with 503 long ago: the sender has it, and will bring it again.
  maxAgeMs: 600_000,
};

const LIMITS: { readonly [K in keyof CollectorLimits]: { min: number; max: number; default: number } } = {
  maxBodyBytes: { min: 1_024, max: 67_108_864, default: MAX_BODY_BYTES },
  maxInflatedBytes: { min: 1_024, max: 268_435_456, default: MAX_INFLATED_BYTES },
  maxEvents: { min: 1, max: 100_000, default: 10_000 },
  maxEventBytes: { min: 256, max: 1_048_576, default: 32_768 },
  // At least the largest event with the largest origin.
  maxExpandedBytes: { min: 131_072, max: 1_073_741_824, default: 16_777_216 },
  maxReadingBytes: { min: 1_048_576, max: 4_294_967_296, default: 67_108_864 },
};

const TIMES = {
  ackTimeoutMs: { min: 100, max: 600_000, default: 8_000 },
  sinkTimeoutMs: { min: 100, max: 600_000, default: 30_000 },
  closeTimeoutMs: { min: 0, max: 600_000, default: 10_000 },
} as const;

const NAMES: readonly (keyof CollectorOptions)[] = [
  'sink',
  'keys',
  'origins',
  'path',
  'formats',
  'limits',
  'rates',
  'privacy',
  'trustProxy',
  'metrics',
  'tail',
  'batch',
  'ackTimeoutMs',
  'sinkTimeoutMs',
  'closeTimeoutMs',
  'ledger',
  'onError',
  'onRequest',
  'clock',
];

/** The options, complete. */
export interface CheckedOptions
  extends Required<Omit<CollectorOptions, 'keys' | 'path' | 'ledger' | 'metrics' | 'tail'>> {
  keys?: readonly string[];
  path?: string;
  metrics?: string;
  tail?: string;
  privacy: Required<PrivacyOptions>;
  limits: CollectorLimits;
  batch: Required<EngineOptions>;
  ledger: LedgerOptions & { maxAgeMs: number };
}

/** @throws PetrelError `invalid-option`, naming option, range and value. */
export function checkCollectorOptions(options: CollectorOptions): CheckedOptions {
  if (typeof options !== 'object' || options === null) throw invalid('options', 'an object', options);
  for (const name of Object.keys(options)) {
    if (!(NAMES as readonly string[]).includes(name)) {
      throw new PetrelError('invalid-option', `\`${name}\` is not an option`);
    }
  }
  const { sink, keys, origins = '*', path, metrics, tail, clock = createSystemClock() } = options;
  const { onError = () => {}, onRequest = () => {}, formats = FORMAT_NAMES } = options;
  for (const method of ['write', 'has', 'close'] as const) {
    if (typeof sink?.[method] !== 'function') throw invalid('sink', `a Sink (no \`${method}\`)`, sink);
  }
  if (keys !== undefined) {
    const isKey = (key: unknown) => typeof key === 'string' && key.length > 0 && key.length <= 512;
    if (!Array.isArray(keys) || keys.length === 0 || !keys.every(isKey)) {
      throw invalid('keys', 'a list of one or more strings of 1 to 512 characters', keys);
    }
  }
  if (path !== undefined && !(typeof path === 'string' && path.startsWith('/'))) {
    throw invalid('path', 'a path that begins with "/"', path);
  }
  if (!Array.isArray(formats) || !formats.every((format) => FORMAT_NAMES.includes(format))) {
    throw invalid('formats', `a list of ${FORMAT_NAMES.join(', ')}`, formats);
  }
  for (const [name, value] of Object.entries({ onError, onRequest })) {
    if (typeof value !== 'function') throw invalid(name, 'a function', value);
  }
  if (metrics !== undefined && metrics !== 'open') checkSecret('metrics', metrics, '"open", or ');
  if (tail !== undefined) checkSecret('tail', tail);

  const limits = checkLimits(options.limits ?? {});
  const batch = checkEngineOptions((options.batch ?? {}) as Record<string, unknown>, SERVER_PRESET);
  // A request that is larger than everything that may wait could never be taken.
  if (batch.maxEvents < limits.maxEvents) {
    throw invalid('batch.maxEvents', `at least \`limits.maxEvents\` (${limits.maxEvents})`, batch.maxEvents);
  }
  if (batch.maxBytes < limits.maxExpandedBytes) {
    throw invalid(
      'batch.maxBytes',
      `at least \`limits.maxExpandedBytes\` (${limits.maxExpandedBytes})`,
      batch.maxBytes,
    );
  }
  const time = (name: keyof typeof TIMES) =>
    options[name] === undefined ? TIMES[name].default : checkNumber(name, options[name], TIMES[name]);
  return {
    sink,
    ...(keys && { keys }),
    origins,
    ...(path !== undefined && { path }),
    formats,
    limits,
    rates: checkRates(options.rates ?? {}),
    privacy: checkPrivacy(options.privacy ?? {}),
    trustProxy: checkNumber('trustProxy', options.trustProxy ?? 0, { min: 0, max: 10 }),
    ...(metrics !== undefined && { metrics }),
    ...(tail !== undefined && { tail }),
    batch,
    ackTimeoutMs: time('ackTimeoutMs'),
    sinkTimeoutMs: time('sinkTimeoutMs'),
    closeTimeoutMs: time('closeTimeoutMs'),
    ledger: checkLedger(options.ledger ?? {}),
    onError,
    onRequest,
    clock,
  };
}

function checkLimits(given: Partial<CollectorLimits>): CollectorLimits {
  if (typeof given !== 'object' || given === null) throw invalid('limits', 'an object', given);
  for (const name of Object.keys(given)) {
    if (!Object.hasOwn(LIMITS, name)) throw new PetrelError('invalid-option', `\`limits.${name}\` is not an option`);
  }
  const limits = {} as CollectorLimits;
  for (const name of Object.keys(LIMITS) as (keyof CollectorLimits)[]) {
    const value = given[name];
    limits[name] = value === undefined ? LIMITS[name].default : checkNumber(`limits.${name}`, value, LIMITS[name]);
  }
  return limits;
}

function checkLedger(given: LedgerOptions): CheckedOptions['ledger'] {
  if (typeof given !== 'object' || given === null) throw invalid('ledger', 'an object', given);
  const { token, maxAgeMs = LEDGER_AGE_MS, store, ...others } = given;
  for (const name of Object.keys(others)) {
    throw new PetrelError('invalid-option', `\`ledger.${name}\` is not an option`);
  }
  if (token !== undefined) checkSecret('ledger.token', token);
  checkNumber('ledger.maxAgeMs', maxAgeMs, { min: 1_000, max: 40 * 86_400_000 });
  for (const method of ['record', 'sources', 'source', 'totals', 'close'] as const) {
    if (store !== undefined && typeof store?.[method] !== 'function') {
      throw invalid('ledger.store', `a LedgerStore (no \`${method}\`)`, store);
    }
  }
  return { ...(token !== undefined && { token }), maxAgeMs, ...(store && { store }) };
}

/** The trackers' default of 7 days, and a day until the visitor comes back and says what was given up. */
export const LEDGER_AGE_MS = 8 * 86_400_000;

function checkSecret(name: string, value: unknown, or = ''): void {
  if (typeof value === 'string' && value.length >= 16 && value.length <= 512) return;
  // Not shown: it may be a secret with a space too many.
  throw new PetrelError('invalid-option', `\`${name}\` must be ${or}a string of 16 to 512 characters`);
}

function invalid(name: string, expected: string, value: unknown): PetrelError {
  return new PetrelError('invalid-option', `\`${name}\` must be ${expected}, not ${show(value)}`);
}
