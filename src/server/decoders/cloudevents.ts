import { PetrelError } from '../../core/errors.js';
import { MAX_ID_LENGTH } from '../../core/wire-checks.js';
import { parseJson, textOf } from '../decode.js';
import { Refusal } from '../refusal.js';
import { type Decoder, keyOfRequest } from './decoder.js';
import { type Candidate, isMembers, type Members, msOf, SOURCE, takeForeign } from './foreign.js';

const BATCH = /^application\/cloudevents-batch\+json\s*(?:;|$)/i;
const STRUCTURED = /^application\/cloudevents\+json\s*(?:;|$)/i;
const JSON_TYPE = /^(?:application|text)\/(?:json|[\w.-]+\+json)\s*(?:;|$)/i;

const OUR_SOURCE = 'urn:petrel:';
const OUR_TYPE = /^petrel\.([a-z][a-z0-9-]{0,39})\.(.+)$/s;

/**
 * CloudEvents 1.0 over HTTP, at every path: batches and single events as JSON, and binary mode, where the attributes are headers and
 * the body is the data.
 *
 * @see https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/http-protocol-binding.md
 */
export const cloudeventsDecoder: Decoder = {
  name: 'cloudevents',
  // In binary mode the type is that of the data.
  contentType: /^[\w.+-]+\/[\w.+-]+/,
  matches: (_, headers) =>
    headers.has('ce-specversion') || /^application\/cloudevents/i.test(headers.get('content-type')?.trim() ?? ''),
  parse(bytes, headers): unknown {
    const type = headers.get('content-type')?.trim() ?? 'application/json';
    if (BATCH.test(type) || STRUCTURED.test(type)) return parseJson(bytes);
    if (/^application\/cloudevents/i.test(type)) {
      throw new Refusal('unsupported-type', `CloudEvents are read as JSON, not as ${type.slice(0, 100)}`);
    }
    const event: Members = { datacontenttype: type };
    for (const [name, value] of headers) if (/^ce-[a-z0-9]+$/.test(name)) event[name.slice(3)] = decodeHeader(value);
    event.data = JSON_TYPE.test(type) ? parseJson(bytes) : textOf(bytes);
    return event;
  },
  keyOf: (_, request) => keyOfRequest(request),
  expand(body, { request, limits, receivedAt }) {
    const isBatch = BATCH.test(request.headers.get('content-type')?.trim() ?? '');
    if (isBatch !== Array.isArray(body)) {
      throw new PetrelError('invalid-message', `the body must be ${isBatch ? 'an array' : 'one event'}`);
    }
    const items = isBatch ? (body as unknown[]) : [body];
    return takeForeign(items.map(toCandidate), limits, receivedAt);
  },
  answer: (answer) => answer,
};

/** What is no event of version 1.0 is none at all. */
function toCandidate(item: unknown): Candidate | undefined {
  if (!isMembers(item) || item.specversion !== '1.0') return undefined;
  const { specversion: _, id, source, type, time, data, userid, groupid, anonymousid, sessionid, ...others } = item;
  if (typeof id !== 'string' || id === '' || typeof source !== 'string' || source === '') return undefined;
  const who = { userId: userid, groupId: groupid, anonymousId: anonymousid, sessionId: sessionid };
  const common = { content: () => JSON.stringify(item), timestamp: msOf(time), ...who };
  const ours = ourOwn(source, type);
  if (ours && isMembers(data)) {
    const { properties, context } = data;
    return { ...common, ...ours, id, properties, ...(isMembers(context) && { context }) };
  }
  // Only together with its source is an id one of its own.
  const whole = `${source}#${id}`;
  return {
    ...common,
    id: whole.length <= MAX_ID_LENGTH ? whole : undefined,
    content: () => whole,
    source: 'cloudevents',
    name: type,
    properties: isMembers(data) ? data : data === undefined ? {} : { data },
    context: { cloudevent: { source, ...others } },
  };
}

/** Of an event that Petrel wrote: its source, and what its type says. */
function ourOwn(source: string, type: unknown): Pick<Candidate, 'source' | 'name' | 'category'> | undefined {
  if (!source.startsWith(OUR_SOURCE) || typeof type !== 'string') return undefined;
  const name = source.slice(OUR_SOURCE.length);
  const [, category, rest] = OUR_TYPE.exec(type) ?? [];
  return SOURCE.test(name) && category !== undefined ? { source: name, category, name: rest } : undefined;
}

/** Header values are percent-encoded where they are not ASCII; one that is broken stays as it is. */
function decodeHeader(value: string): string {
  try {
    return decodeURIComponent(value);
  } catch {
    return value;
  }
}
