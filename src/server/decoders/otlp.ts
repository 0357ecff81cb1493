import { PetrelError } from '../../core/errors.js';
import { MAX_PROPERTY_DEPTH } from '../../core/event.js';
import type { WireAnswer } from '../../core/wire.js';
import { parseJson } from '../decode.js';
import { Refusal } from '../refusal.js';
import { type Decoder, keyOfRequest } from './decoder.js';
import { type Candidate, hashOf, isMembers, type Members, msOf, SOURCE, takeForeign } from './foreign.js';

/** A property is a list of two members in a list, so bodies are four times as deep as what they say, and have more brackets. */
const BOUNDS = { depth: 4 * MAX_PROPERTY_DEPTH + 16, containers: 600_000 };

/** What stands for a value that is nested too deeply: deeper than any event may be. */
const MAX_VALUE_DEPTH = MAX_PROPERTY_DEPTH + 2;

interface Body {
  json: unknown;
  bytes: Uint8Array;
}

/**
 * OpenTelemetry log records as JSON, at `/v1/logs`. The binary form (`application/x-protobuf`) is refused with 415: exporters have a
 * setting for JSON (`OTEL_EXPORTER_OTLP_PROTOCOL=http/json`).
 *
 * @see https://opentelemetry.io/docs/specs/otlp/#otlphttp
 */
export const otlpDecoder: Decoder = {
  name: 'otlp',
  hasOwnPath: true,
  contentType: /^application\/(?:json|x-protobuf)\s*(?:;|$)/i,
  matches: (pathname) => pathname.endsWith('/v1/logs'),
  parse(bytes, headers) {
    if (/protobuf/i.test(headers.get('content-type') ?? '')) {
      throw new Refusal('unsupported-type', 'OTLP is read as JSON: set the exporter to http/json');
    }
    return { json: parseJson(bytes, BOUNDS), bytes } satisfies Body;
  },
  keyOf: (_, request) => keyOfRequest(request),
  async expand(body, { limits, receivedAt }) {
    const { json, bytes } = body as Body;
    const candidates = candidatesOf(json);
    // Records seldom have ids, and equal ones are common within a millisecond. Exporters send a request again as it was, so what tells
    // a record from others is the request it came in.
    const request = candidates.every((candidate) => candidate?.id) ? '' : await hashOf(bytes);
    return takeForeign(
      candidates.map((candidate) => candidate && { ...candidate, content: () => request }),
      limits,
      receivedAt,
    );
  },
  answer: partialSuccess,
};

/** What was refused, as exporters log it. They do not send it again. */
function partialSuccess({ rejected }: WireAnswer): object {
  if (rejected.length === 0) return {};
  const reasons = [...new Set(rejected.map(({ reason }) => reason))].join(', ');
  return { partialSuccess: { rejectedLogRecords: String(rejected.length), errorMessage: reasons } };
}

function candidatesOf(body: unknown): (Omit<Candidate, 'content'> | undefined)[] {
  if (!isMembers(body)) throw malformed('body', 'an object');
  return listOf('resourceLogs', body.resourceLogs).flatMap((resourceLog) => {
    const { resource, scopeLogs } = isMembers(resourceLog) ? resourceLog : {};
    const resourceAttributes = attributesOf(isMembers(resource) ? resource.attributes : undefined);
    return listOf('scopeLogs', scopeLogs).flatMap((scopeLog) => {
      const { scope, logRecords } = isMembers(scopeLog) ? scopeLog : {};
      const by: Members = isMembers(scope) ? scope : {};
      return listOf('logRecords', logRecords).map((record) =>
        isMembers(record) ? toCandidate(record, by, resourceAttributes) : undefined,
      );
    });
  });
}

function toCandidate(record: Members, scope: Members, resource: Members): Omit<Candidate, 'content'> {
  const {
    'log.record.uid': id,
    'event.name': eventName,
    'user.id': userId,
    'session.id': sessionId,
    'petrel.source': source,
    'petrel.category': category,
    'petrel.group.id': groupId,
    'petrel.anonymous.id': anonymousId,
    'petrel.context': context,
    ...attributes
  } = attributesOf(record.attributes);
  const body = plain(record.body, 0);
  const who = { id, userId, sessionId, groupId, anonymousId };
  const timestamp = timeOf(record.timeUnixNano) ?? timeOf(record.observedTimeUnixNano);
  if (scope.name === 'petrel' && typeof source === 'string' && SOURCE.test(source)) {
    const sdk = typeof scope.version === 'string' ? { sdk: scope.version } : {};
    const known = isMembers(context) ? { context } : {};
    return { ...who, ...sdk, ...known, source, category, timestamp, name: record.eventName, properties: body ?? {} };
  }
  const { severityNumber, severityText, traceId, spanId } = record;
  return {
    ...who,
    source: 'otlp',
    name: record.eventName || eventName || 'log',
    timestamp,
    // One bad place in a record must not hide in it: an attribute that is no attribute makes the record bad.
    properties: { ...attributes, ...(body !== null && { body }) },
    context: present({
      resource,
      scope: present({ name: scope.name, version: scope.version }),
      severityNumber,
      severityText,
      traceId,
      spanId,
    }),
  };
}

function attributesOf(list: unknown): Members {
  const attributes: Members = {};
  for (const attribute of Array.isArray(list) ? list : []) put(attributes, attribute, 0);
  return attributes;
}

/** AnyValue as what it says; `null` for none. Nothing below {@link MAX_VALUE_DEPTH} is looked at: the event is refused for its depth. */
function plain(value: unknown, depth: number): unknown {
  if (!isMembers(value) || depth > MAX_VALUE_DEPTH) return null;
  const { stringValue, boolValue, intValue, doubleValue, bytesValue, arrayValue, kvlistValue } = value;
  if (stringValue !== undefined) return stringValue;
  if (boolValue !== undefined) return boolValue;
  // 64 bits: a string, though some send a number. Beyond 2^53 the string says it better.
  if (intValue !== undefined) return Number.isSafeInteger(Number(intValue)) ? Number(intValue) : intValue;
  // JSON has no word for what is no number.
  if (doubleValue !== undefined) return doubleValue;
  if (bytesValue !== undefined) return bytesValue;
  if (isMembers(arrayValue)) return listIn(arrayValue).map((entry) => plain(entry, depth + 1));
  if (!isMembers(kvlistValue)) return null;
  const members: Members = {};
  for (const entry of listIn(kvlistValue)) put(members, entry, depth + 1);
  return members;
}

const listIn = ({ values }: Members): unknown[] => (Array.isArray(values) ? values : []);

function put(members: Members, entry: unknown, depth: number): void {
  if (!isMembers(entry) || typeof entry.key !== 'string') return;
  // Assigning to `__proto__` would set the prototype.
  Object.defineProperty(members, entry.key, {
    value: plain(entry.value, depth),
    enumerable: true,
    configurable: true,
    writable: true,
  });
}

/** Nanoseconds since the epoch, as string or number, in ms; undefined where it is not known. */
function timeOf(nanoseconds: unknown): number | undefined {
  const text = typeof nanoseconds === 'string' && /^\d{1,20}$/.test(nanoseconds) ? nanoseconds : undefined;
  // Whole ms from the digits: a double cannot hold the nanoseconds of today.
  const ms = text === undefined ? Number(nanoseconds) / 1e6 : Number(text.slice(0, -6) || '0');
  return nanoseconds === undefined || nanoseconds === null || !(ms > 0) ? undefined : msOf(Math.floor(ms));
}

function listOf(where: string, value: unknown): unknown[] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) throw malformed(where, 'an array');
  return value;
}

function malformed(where: string, expected: string): PetrelError {
  return new PetrelError('invalid-message', `\`${where}\` must be ${expected}`);
}

function present(members: Members): Members {
  return Object.fromEntries(
    Object.entries(members).filter(
      ([, value]) => value != null && value !== '' && !(isMembers(value) && Object.keys(value).length === 0),
    ),
  );
}
