import { MAX_PROPERTY_DEPTH } from '../core/event.js';
import { type ExpandedBody, type ExpandLimits, expandBody } from '../core/wire-expand.js';
import { concat, inflate } from './inflate.js';
import { Refusal, tooLarge } from './refusal.js';

/** How large a body may be. */
export interface DecodeLimits extends ExpandLimits {
  /** Most bytes of a body as it arrives, compressed or not. @defaultValue 2097152 */
  maxBodyBytes?: number;
  /** Most bytes of a body once inflated. Inflating stops there, whatever the body would become. @defaultValue 8388608 */
  maxInflatedBytes?: number;
}

/** Bytes of bodies that are being read at the moment, over all requests: what slow senders can make a collector hold. */
export interface ReadingBudget {
  used: number;
  readonly max: number;
  /** Told of bytes as they come. */
  received?(bytes: number): void;
}

/** Room for a 1 MiB batch (the engine's default bound) and its frame, sent uncompressed. */
export const MAX_BODY_BYTES = 2_097_152;
export const MAX_INFLATED_BYTES = 8_388_608;

/** How soon to come back when too many bodies are being read. */
const BUSY_RETRY_MS = 2_000;

/**
 * Reads a request into events: the one decoder of the wire format, for those who store them by other means than `createCollector`.
 * Takes both forms, gzip or not, under any content type that browsers and SDKs put on such bodies.
 *
 * @throws {@link Refusal} or `PetrelError` for what cannot be read; `refusalOf` and `answerRefusal` make the answer of it.
 *
 * @example
 * ```ts
 * try {
 *   const { events, rejected } = await decodeBatch(request);
 *   …
 * } catch (error) {
 *   return answerRefusal(refusalOf(error));
 * }
 * ```
 */
export async function decodeBatch(request: Request, limits: DecodeLimits = {}): Promise<ExpandedBody> {
  return expandBody(await readJson(request, limits), limits);
}

/** The JSON value in a request's body. */
export async function readJson(request: Request, limits: DecodeLimits = {}, budget?: ReadingBudget): Promise<unknown> {
  return parseJson(await readBytes(request, limits, budget));
}

/**
 * A request's body, inflated.
 *
 * @param type what the content type must match, when there is one
 */
export async function readBytes(
  request: Request,
  limits: DecodeLimits = {},
  budget?: ReadingBudget,
  type = CONTENT_TYPE,
): Promise<Uint8Array> {
  const { maxBodyBytes = MAX_BODY_BYTES, maxInflatedBytes = MAX_INFLATED_BYTES } = limits;
  try {
    checkLabels(request.headers, type);
    let bytes = await readBody(request, maxBodyBytes, budget);
    if (bytes.length === 0) throw new Refusal('empty-body', 'the body is empty');
    // The bytes decide, not the label: `?enc=gzip` and Content-Encoding say what was sent, and proxies on the way inflate.
    // No JSON text begins like this.
    if (bytes[0] === 0x1f && bytes[1] === 0x8b) bytes = await inflate(bytes, maxInflatedBytes);
    else if (bytes.length > maxInflatedBytes) throw tooLarge('body', maxInflatedBytes);
    return bytes;
  } catch (error) {
    // Nobody reads the rest; without this a server keeps the connection waiting for it.
    if (request.body && !request.body.locked) await request.body.cancel().catch(() => {});
    throw error;
  }
}

/**
 * Content types that batches come under: `text/plain` is what a page can send without a preflight, some SDKs label JSON as a form,
 * and a beacon of bytes may have none. The rest (multipart forms, images, HTML) is somebody else's request.
 */
const CONTENT_TYPE =
  /^(?:text\/plain|application\/(?:json|octet-stream|x-www-form-urlencoded|x?-?gzip|[\w.-]+\+json))\s*(?:;|$)/i;

function checkLabels(headers: Headers, allowed: RegExp): void {
  const type = headers.get('content-type')?.trim();
  if (type && !allowed.test(type)) {
    throw new Refusal(
      'unsupported-type',
      `the content type is ${type.slice(0, 100)}, not text/plain or application/json`,
    );
  }
  const encoding = headers.get('content-encoding')?.trim().toLowerCase();
  if (encoding && !['gzip', 'x-gzip', 'identity'].includes(encoding)) {
    throw new Refusal('unsupported-encoding', `the content encoding is ${encoding.slice(0, 100)}, not gzip`);
  }
}

async function readBody(request: Request, max: number, budget?: ReadingBudget): Promise<Uint8Array> {
  // The announced length saves reading a body that is too large anyway; it is not believed beyond that.
  if (Number(request.headers.get('content-length')) > max) throw tooLarge('body', max);
  if (!request.body) return new Uint8Array();
  const reader: ReadableStreamDefaultReader<Uint8Array> = request.body.getReader();
  const chunks: Uint8Array[] = [];
  let length = 0;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return concat(chunks, length);
      length += value.length;
      if (budget) budget.used += value.length;
      budget?.received?.(value.length);
      if (length > max) throw tooLarge('body', max);
      if (budget && budget.used > budget.max) {
        throw new Refusal('queue-full', 'too many bodies are being received', { retryAfterMs: BUSY_RETRY_MS });
      }
      chunks.push(value);
    }
  } catch (error) {
    await reader.cancel().catch(() => {});
    if (error instanceof Refusal) throw error;
    throw new Refusal('aborted', 'the body ended before it was complete', { cause: error });
  } finally {
    if (budget) budget.used -= length;
  }
}

/** Above this, JSON is looked at before it is parsed. Smaller bodies cannot do harm. */
const SCAN_ABOVE_BYTES = 262_144;

/** Deepest nesting of a body: its properties' and what the format puts around them. */
const MAX_BODY_DEPTH = MAX_PROPERTY_DEPTH + 8;

/** Most arrays and objects in a body: 10 000 events with 20 each. */
const MAX_CONTAINERS = 200_000;

/** The text of a body. @throws {@link Refusal} when it is not UTF-8, or has so many brackets that parsing it would do harm. */
export function textOf(bytes: Uint8Array, { depth = MAX_BODY_DEPTH, containers = MAX_CONTAINERS } = {}): string {
  if (bytes.length > SCAN_ABOVE_BYTES) refuseJsonBomb(bytes, depth, containers);
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (error) {
    throw new Refusal('invalid-encoding', 'the body is not UTF-8', { cause: error });
  }
}

/** The JSON value of a body. @throws {@link Refusal} */
export function parseJson(bytes: Uint8Array, bounds?: { depth?: number; containers?: number }): unknown {
  const text = textOf(bytes, bounds);
  try {
    return JSON.parse(text);
  } catch (error) {
    // The parser's own words quote the body, which may hold what should not be repeated.
    throw new Refusal('invalid-json', 'the body is not JSON', { cause: error });
  }
}

/**
 * 8 MiB of `{},` are small on the wire, but parsing them takes 1 s and 600 MB (Node 20), 20 times what a batch of that size does.
 * This looks at brackets outside of strings; whether it is JSON is the parser's business.
 */
function refuseJsonBomb(bytes: Uint8Array, maxDepth: number, maxContainers: number): void {
  let depth = 0;
  let containers = 0;
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i];
    if (byte === QUOTE) {
      for (i++; i < bytes.length && bytes[i] !== QUOTE; i++) if (bytes[i] === BACKSLASH) i++;
    } else if (byte === OPEN_BRACKET || byte === OPEN_BRACE) {
      if (++depth > maxDepth) throw new Refusal('invalid-message', `the body is nested deeper than ${maxDepth}`);
      if (++containers > maxContainers) {
        throw new Refusal('too-large', `the body has more than ${maxContainers} arrays and objects`);
      }
    } else if (byte === CLOSE_BRACKET || byte === CLOSE_BRACE) depth--;
  }
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
