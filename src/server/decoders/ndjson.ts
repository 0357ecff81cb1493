import { textOf } from '../decode.js';
import { type Decoder, keyOfRequest } from './decoder.js';
import { type Candidate, isMembers, type Members, msOf, SOURCE, takeForeign } from './foreign.js';

const TYPE = /^application\/(?:x-ndjson|ndjson|x-jsonlines|jsonlines|jsonl|x-jsonl|json-lines)\s*(?:;|$)/i;

/** What a line says about itself elsewhere, and a collector says anew. */
const OF_THE_COLLECTOR = ['seq', 'received_at', 'receivedAt', 'corrected_at', 'batch_id', 'batchId', 'key'];

/**
 * Lines of JSON at every path, by their content type. A line that is no event is rejected, and the others are taken.
 *
 * @see https://github.com/ndjson/ndjson-spec
 */
export const ndjsonDecoder: Decoder = {
  name: 'ndjson',
  contentType: TYPE,
  matches: (_, headers) => TYPE.test(headers.get('content-type')?.trim() ?? ''),
  parse: (bytes) =>
    textOf(bytes)
      .split('\n')
      .filter((line) => line.trim() !== ''),
  keyOf: (_, request) => keyOfRequest(request),
  expand: (lines, { limits, receivedAt }) => takeForeign((lines as string[]).map(toCandidate), limits, receivedAt),
  answer: (answer) => answer,
};

function toCandidate(line: string): Candidate | undefined {
  let item: unknown;
  try {
    item = JSON.parse(line);
  } catch {
    return undefined;
  }
  if (!isMembers(item)) return undefined;
  const rest: Members = { ...item };
  /** Takes a column out, under the first of its names that there is. */
  const column = (...names: string[]): unknown => {
    const found = names.find((name) => rest[name] !== undefined && rest[name] !== null);
    const value = found === undefined ? undefined : rest[found];
    for (const name of names) delete rest[name];
    return value;
  };
  const source = column('source');
  const properties = column('properties');
  const context = column('context');
  const sdk = column('sdk');
  const candidate = {
    id: column('id'),
    content: () => line,
    source: typeof source === 'string' && SOURCE.test(source) ? source : 'ndjson',
    name: column('name', 'event'),
    category: column('category'),
    timestamp: msOf(column('timestamp', 'time')),
    sentAt: msOf(column('sent_at', 'sentAt')),
    userId: column('user_id', 'userId'),
    groupId: column('group_id', 'groupId'),
    anonymousId: column('anonymous_id', 'anonymousId'),
    sessionId: column('session_id', 'sessionId'),
    ...(typeof sdk === 'string' && { sdk }),
    ...(isMembers(context) && { context }),
  };
  for (const name of OF_THE_COLLECTOR) delete rest[name];
  // Columns that are none of ours are what the sender calls a property.
  const all = properties === undefined || isMembers(properties) ? { ...rest, ...properties } : properties;
  return { ...candidate, properties: all };
}
