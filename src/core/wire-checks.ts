/** What the members of a body must be, one by one. */
import { PetrelError } from './errors.js';
import { type Json, MAX_EVENT_BYTES, MAX_PROPERTY_DEPTH, type Origin, SOURCE_PATTERN, utf8Length } from './event.js';
import { show } from './options.js';
import type { DropReason } from './outcome.js';
import type { Tombstone } from './queue-state.js';
import { scrubContext } from './scrub-url.js';
import { type SourceRange, type SourceTail, WIRE_VERSION, type WireHead } from './wire.js';

/** Most sequence numbers of `carried` that are looked at in one body; what is beyond is not confirmed, so the sender sends it. */
export const MAX_CARRIED = 10_000;

/** Largest distance from 1970 that a `Date` can hold, in ms. Years 1970 and 9999 are a wrong clock, not a wrong event. */
const MAX_TIME = 8.64e15;

/** Ids are at most this long, in UTF-16 code units; Segment's and RudderStack's limit for a user id is the same order. */
export const MAX_ID_LENGTH = 512;

/** A lower-case word with dashes. New categories and drop reasons come with newer senders, and are kept. */
export const WORD_PATTERN = /^[a-z][a-z0-9-]{0,39}$/;

export function checkHead(body: { [key: string]: unknown }, maxEvents: number): WireHead {
  const { petrel, key, batchId, attempt, sentAt, sdk, origins, drops, carried, tails } = body;
  if (petrel !== WIRE_VERSION) {
    if (!Number.isSafeInteger(petrel) || (petrel as number) < 1) throw malformed('petrel', 'the version', petrel);
    throw new PetrelError(
      'unsupported-version',
      `version ${petrel} of the wire format is not known here, only ${WIRE_VERSION}`,
    );
  }
  if (!isTime(sentAt)) throw malformed('sentAt', 'a time in ms since the epoch', sentAt);
  const head: WireHead = {
    petrel,
    sentAt,
    // Each origin is checked by itself, see checkOrigin.
    origins: listOf('origins', origins, maxEvents) as Origin[],
  };
  if (key != null) head.key = checkText('key', key);
  if (batchId != null) head.batchId = checkText('batchId', batchId);
  if (sdk != null) head.sdk = checkText('sdk', sdk);
  if (attempt != null) {
    if (!isSeq(attempt)) throw malformed('attempt', 'a whole number from 1', attempt);
    head.attempt = attempt;
  }
  if (drops != null) head.drops = listOf('drops', drops, maxEvents).map(checkDrop);
  if (carried != null) head.carried = limitRanges(listOf('carried', carried, maxEvents).map(checkRange));
  if (tails != null) head.tails = listOf('tails', tails, maxEvents).map(checkTail);
  return head;
}

function checkTail(tail: unknown, i: number): SourceTail {
  if (!Array.isArray(tail) || !isRange(tail[0], 1, tail[1])) {
    throw malformed(`tails[${i}]`, '[source, last, closed]', tail);
  }
  return [tail[0], tail[1], tail[2] === 1 ? 1 : 0];
}

function checkDrop(drop: unknown, i: number): Tombstone {
  if (!isObject(drop)) throw malformed(`drops[${i}]`, 'an object', drop);
  const { source, first, last, reason } = drop;
  if (!isRange(source, first, last)) throw malformed(`drops[${i}]`, 'a source, and `first` not above `last`', drop);
  if (typeof reason !== 'string' || !WORD_PATTERN.test(reason)) throw malformed(`drops[${i}].reason`, 'a word', reason);
  return { source: source as string, first: first as number, last: last as number, reason: reason as DropReason };
}

function checkRange(range: unknown, i: number): SourceRange {
  if (!Array.isArray(range) || !isRange(range[0], range[1], range[2])) {
    throw malformed(`carried[${i}]`, '[source, first, last]', range);
  }
  return [range[0], range[1], range[2]];
}

/** The ranges up to {@link MAX_CARRIED} sequence numbers in all. */
function limitRanges(ranges: SourceRange[]): SourceRange[] {
  let room = MAX_CARRIED;
  const kept: SourceRange[] = [];
  for (const [source, first, last] of ranges) {
    if (room <= 0) break;
    const end = Math.min(last, first + room - 1);
    room -= end - first + 1;
    kept.push([source, first, end]);
  }
  return kept;
}

/** An origin as its events get it; without `fields` when it is bad. */
interface CheckedOrigin {
  source?: string;
  fields?: Origin;
  bytes: number;
}

const BAD_ORIGIN: CheckedOrigin = { bytes: 0 };

export function checkOrigin(origin: unknown): CheckedOrigin {
  if (!isObject(origin)) return BAD_ORIGIN;
  const { source, context } = origin;
  if (typeof source !== 'string' || !SOURCE_PATTERN.test(source)) return BAD_ORIGIN;
  const fields: Origin = { source };
  for (const field of ['userId', 'groupId', 'anonymousId', 'sessionId'] as const) {
    const value = origin[field];
    if (value == null) continue;
    if (typeof value !== 'string' || value.length > MAX_ID_LENGTH) return { source, bytes: 0 };
    fields[field] = storable(value);
  }
  if (context != null) {
    if (!isObject(context) || faultOf(context, MAX_PROPERTY_DEPTH)) return { source, bytes: 0 };
    fields.context = scrubContext(context as { [key: string]: Json });
  }
  const bytes = utf8Length(JSON.stringify(fields));
  return bytes > MAX_EVENT_BYTES ? { source, bytes: 0 } : { source, fields, bytes };
}

/** What is wrong with a value that is to be JSON, if anything. Goes no deeper than `depth`, so hostile nesting cannot exhaust the stack. */
export function faultOf(value: unknown, depth: number): 'bad-properties' | 'too-deep' | undefined {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return undefined;
  if (typeof value === 'number') return Number.isFinite(value) ? undefined : 'bad-properties';
  if (typeof value !== 'object') return 'bad-properties';
  if (depth === 0) return 'too-deep';
  const members = Array.isArray(value) ? value : Object.values(value);
  for (let i = 0; i < members.length; i++) {
    const fault = faultOf(members[i], depth - 1);
    if (fault) return fault;
  }
  return undefined;
}

/** The text, fit for a text column: PostgreSQL refuses NUL, and no encoder of UTF-8 has a lone surrogate. */
export function storable(text: string): string {
  return text.replace(/\0|\p{Surrogate}/gu, '\ufffd');
}

export function isObject(value: unknown): value is { [key: string]: unknown } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function isSeq(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 1;
}

export function isTime(value: unknown): value is number {
  return typeof value === 'number' && Math.abs(value) <= MAX_TIME;
}

function isRange(source: unknown, first: unknown, last: unknown): boolean {
  return typeof source === 'string' && SOURCE_PATTERN.test(source) && isSeq(first) && isSeq(last) && first <= last;
}

function checkText(where: string, value: unknown): string {
  if (typeof value !== 'string' || value.length === 0 || value.length > MAX_ID_LENGTH) {
    throw malformed(where, `a string of 1 to ${MAX_ID_LENGTH} characters`, value);
  }
  return storable(value);
}

export function listOf(where: string, value: unknown, max: number): unknown[] {
  if (!Array.isArray(value)) throw malformed(where, 'an array', value);
  if (value.length > max) throw tooMany(where, max);
  return value;
}

export function numbersOf(where: string, value: unknown, count: number): number[] {
  if (!Array.isArray(value) || value.length !== count) {
    throw malformed(where, `an array of ${count}, as many as \`origin\` counts`, value);
  }
  const bad = value.findIndex((number) => !Number.isFinite(number));
  if (bad !== -1) throw malformed(`${where}[${bad}]`, 'a number', value[bad]);
  return value;
}

export function malformed(where: string, expected: string, value: unknown): PetrelError {
  const found = Array.isArray(value) ? `an array of ${value.length}` : show(value);
  return new PetrelError('invalid-message', `\`${where}\` must be ${expected}, not ${found}`);
}

export function tooMany(where: string, max: number): PetrelError {
  return new PetrelError('too-large', `\`${where}\` has more than ${max} entries`);
}
