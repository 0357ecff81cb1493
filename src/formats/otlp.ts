/**
 * `petrel/formats/otlp`: OpenTelemetry log records, OTLP/HTTP with JSON, for `POST /v1/logs`.
 * docs/formats.md has the mapping, field by field, and what is lost.
 *
 * @see https://opentelemetry.io/docs/specs/otlp/#otlphttp
 * @packageDocumentation
 */
import type { Json } from '../core/event.js';
import { type Format, type FormatEvent, type FormatHead, timeOf } from './lib/format.js';
import { pack, written } from './lib/pack.js';

export type { EncodedEvents, Format, FormatEvent, FormatHead, RefusedEvent } from './lib/format.js';

/** OTLP's AnyValue, as proto3 JSON. Without a member: no value, which is what `null` is here. */
export interface AnyValue {
  stringValue?: string;
  boolValue?: boolean;
  /** 64 bits, so a string. */
  intValue?: string;
  doubleValue?: number;
  arrayValue?: { values: AnyValue[] };
  kvlistValue?: { values: KeyValue[] };
}

/** An attribute, as OTLP writes one. */
export interface KeyValue {
  key: string;
  value: AnyValue;
}

/** A record is some three times the JSON it carries. */
const MAX_EVENT_BYTES = 262_144;

/** Collectors take 20 MiB (`max_request_body_size`), gateways before them often 1 MiB. */
const MAX_BODY_BYTES = 1_000_000;

/** Last time that fits into 64 bits of nanoseconds: in the year 2554. */
const MAX_TIME_MS = 18_446_744_073_709;

/** SeverityNumber of the OpenTelemetry log data model. */
const INFO = 9;
const ERROR = 17;

/** Options of {@link createOtlp}. */
export interface OtlpOptions {
  /** Attributes of the resource: who sends. @defaultValue `{ 'service.name': 'petrel' }` */
  resource?: { [attribute: string]: string };
}

/** As {@link otlp}, with a resource of your own. */
export function createOtlp({ resource = { 'service.name': 'petrel' } }: OtlpOptions = {}): Format {
  return {
    name: 'otlp',
    encode(events, head) {
      const scope = { name: 'petrel', ...(head.sdk !== undefined && { version: head.sdk }) };
      const attributes = keyValues(resource);
      return pack(
        written(events, (event) => JSON.stringify(toLogRecord(event, head))),
        'application/json',
        {
          open: `{"resourceLogs":[{"resource":${JSON.stringify({ attributes })},"scopeLogs":[{"scope":${JSON.stringify(scope)},"logRecords":[`,
          separator: ',',
          close: ']}]}]}',
          maxEventBytes: MAX_EVENT_BYTES,
          maxBodyBytes: MAX_BODY_BYTES,
        },
      );
    },
    refusedBy: readPartialSuccess,
  };
}

/**
 * Log records with an event name. Properties are the body; id, ids of visitor and session, and context are attributes, by the names
 * of OpenTelemetry's semantic conventions where there are such: `log.record.uid`, `user.id`, `session.id`.
 *
 * The write key has no place in it: put what the receiver wants into the endpoint's URL, or into headers of a forwarding collector.
 */
export const otlp: Format = createOtlp();

function toLogRecord(event: FormatEvent, { sentAt }: FormatHead) {
  const { id, source, name, category, userId, groupId, anonymousId, sessionId, properties, context } = event;
  return {
    timeUnixNano: nanoseconds(timeOf(event)),
    observedTimeUnixNano: nanoseconds(Math.round(event.receivedAt ?? sentAt)),
    severityNumber: category === 'error' ? ERROR : INFO,
    eventName: name,
    body: anyValue(properties),
    attributes: keyValues({
      'log.record.uid': id,
      'petrel.source': source,
      'petrel.category': category,
      ...(userId !== undefined && { 'user.id': userId }),
      ...(sessionId !== undefined && { 'session.id': sessionId }),
      ...(groupId !== undefined && { 'petrel.group.id': groupId }),
      ...(anonymousId !== undefined && { 'petrel.anonymous.id': anonymousId }),
      ...(context && { 'petrel.context': context }),
    }),
  };
}

/** `0` means that the time is not known: one before 1970, or too late for 64 bits. */
function nanoseconds(ms: number): string {
  return ms > 0 && ms < MAX_TIME_MS ? `${ms}000000` : '0';
}

function keyValues(members: { [key: string]: Json }): KeyValue[] {
  return Object.entries(members).map(([key, value]) => ({ key, value: anyValue(value) }));
}

function anyValue(value: Json): AnyValue {
  if (value === null) return {};
  if (typeof value === 'string') return { stringValue: value };
  if (typeof value === 'boolean') return { boolValue: value };
  if (typeof value === 'number') return Number.isSafeInteger(value) ? { intValue: `${value}` } : { doubleValue: value };
  return Array.isArray(value)
    ? { arrayValue: { values: value.map(anyValue) } }
    : { kvlistValue: { values: keyValues(value) } };
}

/**
 * `partialSuccess` says how many records were refused, not which; and they must not be sent again. The last ones are taken for
 * them, so that the count is right, and the reason says that it is a guess unless all were refused.
 */
function readPartialSuccess(answer: unknown, _events: readonly FormatEvent[], taken: readonly number[]) {
  const { partialSuccess } = (answer ?? {}) as { partialSuccess?: { [member: string]: unknown } | null };
  // 64 bits: a string, though some send a number.
  const told = Number(partialSuccess?.rejectedLogRecords ?? 0);
  if (!(told > 0)) return [];
  const count = Math.min(Math.floor(told), taken.length);
  const which = count === taken.length ? '' : ` (${count} of ${taken.length}, it is not said which)`;
  const reason = `${String(partialSuccess?.errorMessage || 'rejected')}${which}`;
  return taken.slice(taken.length - count).map((index) => ({ index, reason }));
}
