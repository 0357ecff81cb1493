/**
 * What makes a collector understand a wire format: Petrel's own is one of them. A decoder reads labels and bytes that nobody vouches
 * for; everything that it finds wrong is a reason for one event, or a `Refusal` of the whole request.
 */
import type { AnalyticsEvent } from '../../core/event.js';
import type { WireAnswer, WireHead } from '../../core/wire.js';
import type { RejectedEvent } from '../../core/wire-expand.js';
import type { DecodeLimits } from '../decode.js';

/** An event of a request, and the client's clock when it was sent where it says that of itself. */
export type DecodedEvent = AnalyticsEvent & { sentAt?: number; sdk?: string };

/** A body, read. */
export interface DecodedBody {
  /** Of Petrel's own bodies: drops, tails, questions. Other formats have at most the client's clock. */
  head: Partial<WireHead>;
  events: DecodedEvent[];
  /** Bytes of each event as JSON; same length as `events`. */
  sizes: number[];
  /** In the order of the body. */
  rejected: RejectedEvent[];
}

/** What a decoder is told besides the body. */
export interface DecodeContext {
  request: Request;
  limits: DecodeLimits;
  /** The collector's clock when the request began, in ms since the epoch. */
  receivedAt: number;
}

export interface Decoder {
  readonly name: string;
  /** The content types it reads, where a request has one. Default: those of Petrel's bodies. */
  readonly contentType?: RegExp;
  /** It is known by its path, which it has in spite of the collector's own. */
  readonly hasOwnPath?: true;
  /** Whether the request is in this format, by path and labels alone. */
  matches(pathname: string, headers: Headers): boolean;
  /** The body as a value. @throws Refusal */
  parse(bytes: Uint8Array, headers: Headers): unknown;
  /** The write key; undefined when there is none. */
  keyOf(body: unknown, request: Request): unknown;
  /** @throws Refusal, or PetrelError for a body that is not of this format */
  expand(body: unknown, context: DecodeContext): DecodedBody | Promise<DecodedBody>;
  /** The answer as the format's clients expect it, sent with status 200. */
  answer(answer: WireAnswer): object;
}

/**
 * The write key of a request whose body has no place for one: the user name of `Authorization: Basic` (as Segment's clients send it), a
 * `Bearer` token, or `?key=` in the address. Write keys are no secrets, so an address may show them.
 */
export function keyOfRequest(request: Request): string | undefined {
  const [, scheme, given] = request.headers.get('authorization')?.match(/^(Basic|Bearer) +(\S+) *$/i) ?? [];
  if (given === undefined) return new URL(request.url).searchParams.get('key') ?? undefined;
  if (scheme!.toLowerCase() === 'bearer') return given;
  try {
    return atob(given).split(':', 1)[0];
  } catch {
    return undefined; // not base64
  }
}
