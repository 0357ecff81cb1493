import { PetrelError, type PetrelErrorCode } from '../core/errors.js';
import type { WireError } from '../core/wire.js';

/**
 * The collector's `error` words: stable, so that a program can branch on them.
 *
 * | word | status | meaning |
 * |---|---|---|
 * | `empty-body` | 400 | nothing was posted |
 * | `invalid-encoding` | 400 | broken gzip, or not UTF-8 |
 * | `invalid-json` | 400 | not JSON |
 * | `invalid-message` | 400 | JSON, but not a batch; `message` names the place |
 * | `invalid-query` | 400 | of the ledger: a parameter is none, or its value is not one of its |
 * | `unsupported-version` | 400 | a batch of a later version of the wire format |
 * | `aborted` | 400 | the body ended before it was complete |
 * | `unknown-token` | 401 | of the ledger and the metrics: no token, or not the one they are read with |
 * | `unknown-key` | 401 | no write key, or not one of this collector's |
 * | `origin-not-allowed` | 403 | the page's origin is not on the list |
 * | `not-found` | 404 | not the collector's path |
 * | `method-not-allowed` | 405 | not POST; `Allow` says what is |
 * | `timeout` | 408 | the body came too slowly |
 * | `too-large` | 413 | body, inflated body or number of events over a limit; `limitBytes` where it is one of bytes |
 * | `unsupported-type` | 415 | a content type that no batch has |
 * | `unsupported-encoding` | 415 | a `Content-Encoding` other than gzip |
 * | `queue-full` | 429 | more is waiting for the sink than may; come back after `Retry-After` |
 * | `rate-limited` | 429 | more from this address or with this key than `rates` allow; come back after `Retry-After` |
 * | `internal` | 500 | a bug |
 * | `sink-failing` | 503 | the sink does not store at the moment |
 * | `ack-timeout` | 503 | the sink did not store in time; it may yet, so the same events may be posted again |
 * | `closing` | 503 | the collector is shutting down |
 */
export type ErrorWord =
  | 'empty-body'
  | 'invalid-encoding'
  | 'invalid-json'
  | 'invalid-message'
  | 'invalid-query'
  | 'unsupported-version'
  | 'aborted'
  | 'unknown-token'
  | 'unknown-key'
  | 'origin-not-allowed'
  | 'not-found'
  | 'method-not-allowed'
  | 'timeout'
  | 'too-large'
  | 'unsupported-type'
  | 'unsupported-encoding'
  | 'queue-full'
  | 'rate-limited'
  | 'internal'
  | 'sink-failing'
  | 'ack-timeout'
  | 'closing';

const STATUS: { readonly [word in ErrorWord]: number } = {
  'empty-body': 400,
  'invalid-encoding': 400,
  'invalid-json': 400,
  'invalid-message': 400,
  'invalid-query': 400,
  'unsupported-version': 400,
  aborted: 400,
  'unknown-token': 401,
  'unknown-key': 401,
  'origin-not-allowed': 403,
  'not-found': 404,
  'method-not-allowed': 405,
  timeout: 408,
  'too-large': 413,
  'unsupported-type': 415,
  'unsupported-encoding': 415,
  'queue-full': 429,
  'rate-limited': 429,
  internal: 500,
  'sink-failing': 503,
  'ack-timeout': 503,
  closing: 503,
};

/** A request that is not done, with everything the answer says about it. */
export class Refusal extends Error {
  override readonly name = 'Refusal';
  readonly error: ErrorWord;
  readonly status: number;
  /** When it is worth coming back, in ms from now. */
  readonly retryAfterMs?: number;
  /** With 413: the largest body taken, in bytes. */
  readonly limitBytes?: number;
  /** With 405: the methods there are. */
  readonly allow?: string;

  constructor(
    error: ErrorWord,
    message: string,
    more: { retryAfterMs?: number; limitBytes?: number; allow?: string; cause?: unknown } = {},
  ) {
    super(message, more);
    this.error = error;
    this.status = STATUS[error];
    if (more.retryAfterMs !== undefined) this.retryAfterMs = more.retryAfterMs;
    if (more.limitBytes !== undefined) this.limitBytes = more.limitBytes;
    if (more.allow !== undefined) this.allow = more.allow;
  }
}

/** What has more bytes than may be. */
export function tooLarge(what: string, limitBytes: number): Refusal {
  return new Refusal('too-large', `the ${what} is larger than ${limitBytes} bytes`, { limitBytes });
}

const REFUSED: readonly PetrelErrorCode[] = ['invalid-message', 'unsupported-version', 'too-large'];

/** Whatever was thrown, as a refusal. What is neither a refusal nor a complaint about the body is a bug: `internal`, without details. */
export function refusalOf(error: unknown): Refusal {
  if (error instanceof Refusal) return error;
  if (error instanceof PetrelError && REFUSED.includes(error.code)) {
    return new Refusal(error.code as ErrorWord, error.message);
  }
  return new Refusal('internal', 'the collector failed on this request', { cause: error });
}

/** The one place that makes an answer: JSON, never cached, never taken for something else. */
export function answer(status: number, body: object, headers: Record<string, string> = {}): Response {
  const bytes = new TextEncoder().encode(JSON.stringify(body));
  return new Response(bytes, {
    status,
    headers: {
      'Content-Type': 'application/json; charset=utf-8',
      // Without it, servers that stream the answer send it in chunks.
      'Content-Length': String(bytes.length),
      'Cache-Control': 'no-store',
      'X-Content-Type-Options': 'nosniff',
      ...headers,
    },
  });
}

/** The answer to a refused request. */
export function answerRefusal(refusal: Refusal, headers: Record<string, string> = {}): Response {
  const body: WireError = { error: refusal.error, message: refusal.message };
  if (refusal.limitBytes !== undefined) body.limitBytes = refusal.limitBytes;
  return answer(refusal.status, body, {
    ...headers,
    ...(refusal.allow && { Allow: refusal.allow }),
    ...(refusal.retryAfterMs !== undefined && { 'Retry-After': String(Math.ceil(refusal.retryAfterMs / 1000)) }),
  });
}
