/**
 * Checks events of other formats as strictly as Petrel's own, and gives an id to those that have none.
 *
 * Their number is 0: it is no Petrel tracker's, so the ledger counts them, but looks for no gaps among them.
 */
import { PetrelError } from '../../core/errors.js';
import {
  type EventCategory,
  type Json,
  MAX_EVENT_BYTES,
  MAX_NAME_LENGTH,
  MAX_PROPERTY_DEPTH,
  utf8Length,
} from '../../core/event.js';
import { faultOf, isTime, MAX_ID_LENGTH, storable, WORD_PATTERN } from '../../core/wire-checks.js';
import { EVENT_OVERHEAD_BYTES, type RejectedEvent, type RejectReason } from '../../core/wire-expand.js';
import type { DecodeLimits } from '../decode.js';
import type { DecodedBody, DecodedEvent } from './decoder.js';

export type Members = { [key: string]: unknown };

/** An event as a decoder found it: nothing is checked yet. */
export interface Candidate {
  /** Absent: one is made of `content`. */
  id?: unknown;
  /** What tells the event from others, where it has no id: itself, as text. */
  content: () => string;
  source: string;
  name: unknown;
  category?: unknown;
  /** When it happened, in ms since the epoch; undefined: when it arrived. */
  timestamp?: number | undefined;
  sentAt?: number | undefined;
  sdk?: string | undefined;
  userId?: unknown;
  groupId?: unknown;
  anonymousId?: unknown;
  sessionId?: unknown;
  properties?: unknown;
  context?: Members | undefined;
}

const ID_FIELDS = ['userId', 'groupId', 'anonymousId', 'sessionId'] as const;

/**
 * Makes events of candidates; `undefined` among them is something that is no event (`bad-row`).
 *
 * The id of an event without one is a hash of its content and its place among equal ones of the request, so that a repeated request
 * is known. If not even a time tells it from others, the time of arrival is part of it: nothing is lost, a repeat is stored twice.
 *
 * @throws PetrelError `too-large`
 */
export async function takeForeign(
  candidates: readonly (Candidate | undefined)[],
  limits: DecodeLimits,
  receivedAt: number,
): Promise<DecodedBody> {
  const { maxEvents = 10_000, maxEventBytes = MAX_EVENT_BYTES, maxExpandedBytes = 67_108_864 } = limits;
  if (candidates.length > maxEvents) throw new PetrelError('too-large', `the body has more than ${maxEvents} events`);
  const events: DecodedEvent[] = [];
  const sizes: number[] = [];
  const rejected: RejectedEvent[] = [];
  const repeats = new Map<string, number>();
  let expandedBytes = 0;
  for (const [index, candidate] of candidates.entries()) {
    const given = candidate?.id;
    const reject = (reason: RejectReason) => rejected.push({ index, id: isId(given) ? storable(given) : '', reason });
    if (!candidate) {
      reject('bad-row');
      continue;
    }
    const checked = check(candidate, maxEventBytes, receivedAt);
    if (typeof checked === 'string') {
      reject(checked);
      continue;
    }
    expandedBytes += checked.size;
    if (expandedBytes > maxExpandedBytes) {
      throw new PetrelError('too-large', `the events are more than ${maxExpandedBytes} bytes when written out whole`);
    }
    if (isId(given)) checked.event.id = storable(given);
    else {
      const text = contentOf(candidate);
      if (text === undefined) {
        reject('too-deep');
        continue;
      }
      const content = `${candidate.timestamp === undefined ? receivedAt : ''} ${text}`;
      const repeat = (repeats.get(content) ?? 0) + 1;
      repeats.set(content, repeat);
      checked.event.id = `${candidate.source}-${await hashOf(new TextEncoder().encode(`${repeat} ${content}`))}`;
    }
    sizes.push(checked.size);
    events.push(checked.event);
  }
  return { head: {}, events, sizes, rejected };
}

/** The event but for its id, and its size; or what is wrong with it. */
function check(
  candidate: Candidate,
  maxEventBytes: number,
  receivedAt: number,
): { event: DecodedEvent; size: number } | RejectReason {
  const { source, name, timestamp, sentAt, sdk, context } = candidate;
  const category = candidate.category ?? 'custom';
  const properties = candidate.properties ?? {};
  if (typeof name !== 'string' || name.length === 0 || name.length > MAX_NAME_LENGTH) return 'bad-name';
  if (typeof category !== 'string' || !WORD_PATTERN.test(category)) return 'bad-category';
  if (!isMembers(properties)) return 'bad-properties';
  const fault = faultOf(properties, MAX_PROPERTY_DEPTH);
  if (fault) return fault;
  const bytes = utf8Length(name) + utf8Length(JSON.stringify(properties));
  if (bytes > maxEventBytes) return 'too-large';
  if (context && faultOf(context, MAX_PROPERTY_DEPTH)) return 'bad-origin';
  const origin: Pick<DecodedEvent, (typeof ID_FIELDS)[number] | 'context'> = {};
  for (const field of ID_FIELDS) {
    // Some number their users.
    const value = typeof candidate[field] === 'number' ? String(candidate[field]) : candidate[field];
    if (value == null || value === '') continue;
    if (typeof value !== 'string' || value.length > MAX_ID_LENGTH) return 'bad-origin';
    origin[field] = storable(value);
  }
  if (context && Object.keys(context).length > 0) origin.context = context as { [key: string]: Json };
  const originBytes = utf8Length(JSON.stringify(origin));
  if (originBytes > MAX_EVENT_BYTES) return 'bad-origin';
  const event: DecodedEvent = {
    id: '',
    source,
    seq: 0,
    name: storable(name),
    category: category as EventCategory,
    timestamp: Math.round(isTime(timestamp) ? timestamp : receivedAt) + 0, // not -0
    properties: properties as { [key: string]: Json },
    ...origin,
    ...(isTime(sentAt) && { sentAt }),
    ...(sdk !== undefined && { sdk: storable(sdk.slice(0, MAX_ID_LENGTH)) }),
  };
  return { event, size: bytes + originBytes + utf8Length(source) + EVENT_OVERHEAD_BYTES };
}

/** Its content; undefined when it is nested so deeply, in a place that is not looked at, that the stack does not suffice. */
function contentOf({ id, content }: Candidate): string | undefined {
  try {
    return `${textOr(id, '')} ${content()}`;
  } catch {
    return undefined;
  }
}

function isId(value: unknown): value is string {
  return typeof value === 'string' && value.length > 0 && value.length <= MAX_ID_LENGTH;
}

export function isMembers(value: unknown): value is Members {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The value, if it is a text with something in it. */
export function textOr<T>(value: unknown, otherwise: T): string | T {
  return typeof value === 'string' && value !== '' ? value : otherwise;
}

/** A time as formats write it, RFC 3339 or ms since the epoch, in ms since the epoch; undefined when it is none. */
export function msOf(value: unknown): number | undefined {
  const ms = typeof value === 'string' ? Date.parse(value) : value;
  return isTime(ms) ? ms : undefined;
}

/** What Petrel calls a source; anybody else's is named by its format. */
export const SOURCE = /^[A-Za-z0-9_-]{8,64}$/;

/** 128 bits of SHA-256, as hex. */
export async function hashOf(bytes: Uint8Array): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', bytes as Uint8Array<ArrayBuffer>);
  return [...new Uint8Array(digest, 0, 16)].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}
