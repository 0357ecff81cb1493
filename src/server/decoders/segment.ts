import { PetrelError } from '../../core/errors.js';
import { parseJson } from '../decode.js';
import { type Decoder, keyOfRequest } from './decoder.js';
import { type Candidate, isMembers, type Members, msOf, SOURCE, takeForeign, textOr } from './foreign.js';

/** The calls by their addresses, short ones as Segment's browser client uses them. */
const PATH = /\/v1\/(batch|import|b|track|t|page|p|identify|i|group|g|screen|s|alias|a)$/;

const TYPES: { [call: string]: string } = { t: 'track', p: 'page', i: 'identify', g: 'group', s: 'screen', a: 'alias' };

/**
 * What clients of Segment and RudderStack post: `/v1/batch`, and the single calls.
 *
 * @see https://segment.com/docs/connections/sources/catalog/libraries/server/http-api/
 */
export const segmentDecoder: Decoder = {
  name: 'segment',
  hasOwnPath: true,
  matches: (pathname) => PATH.test(pathname),
  parse: (bytes) => parseJson(bytes),
  keyOf(body, request) {
    const inBody = isMembers(body) ? textOr(body.writeKey, undefined) : undefined;
    // RudderStack's server client sends `Authorization` and no key in the body; Segment's browser client the other way round.
    return request.headers.has('authorization') ? keyOfRequest(request) : (inBody ?? keyOfRequest(request));
  },
  expand(body, { request, limits, receivedAt }) {
    if (!isMembers(body)) throw new PetrelError('invalid-message', 'the body must be an object');
    const call = PATH.exec(new URL(request.url).pathname)![1]!;
    const isBatch = call === 'batch' || call === 'import' || call === 'b';
    if (isBatch && !Array.isArray(body.batch)) throw new PetrelError('invalid-message', '`batch` must be an array');
    const items: unknown[] = isBatch ? (body.batch as unknown[]) : [{ type: TYPES[call] ?? call, ...body }];
    const sentAt = isBatch ? body.sentAt : undefined;
    const candidates = items.map((item) =>
      isMembers(item) ? toCandidate(item, msOf(item.sentAt ?? sentAt)) : undefined,
    );
    return takeForeign(candidates, limits, receivedAt);
  },
  answer: ({ accepted, duplicates, rejected }) => ({ success: true, accepted, duplicates, rejected }),
};

function toCandidate(item: Members, sentAt: number | undefined): Candidate {
  const { library, petrel, page, groupId, sessionId, ip: _, ...others } = isMembers(item.context) ? item.context : {};
  const by: Members = isMembers(library) ? library : {};
  const ours: Members | undefined = by.name === 'petrel' && isMembers(petrel) ? petrel : undefined;
  const { source } = ours ?? {};
  const own = typeof source === 'string' && SOURCE.test(source) ? source : undefined;
  const { url, title, referrer, ...restOfPage } = isMembers(page) ? page : {};
  const context: Members = {
    ...others,
    ...(!ours && library !== undefined && { library }),
    ...(!ours && petrel !== undefined && { petrel }),
    // Where Petrel has them: beside each other.
    ...present({ url, title, referrer }),
    ...(isMembers(page) ? Object.keys(restOfPage).length > 0 && { page: restOfPage } : page !== undefined && { page }),
    ...(isMembers(ours?.context) && ours.context),
  };
  return {
    id: item.messageId,
    content: () => JSON.stringify({ ...item, sentAt: undefined }),
    source: own ?? 'segment',
    ...kindOf(item, ours),
    timestamp: msOf(item.originalTimestamp) ?? msOf(item.timestamp),
    sentAt,
    ...(ours && typeof by.version === 'string' && { sdk: by.version }),
    userId: item.userId,
    anonymousId: item.anonymousId === own ? undefined : item.anonymousId,
    groupId: item.groupId ?? groupId,
    sessionId,
    context,
  };
}

/** Name, category and properties, by the kind of call. */
function kindOf(item: Members, ours: Members | undefined): Pick<Candidate, 'name' | 'category' | 'properties'> {
  const { properties, traits } = item;
  switch (item.type) {
    case 'track':
      return { name: item.event, category: ours?.category, properties };
    case 'page':
      // Segment's page has a category of its own, which is no kind of event.
      return { name: item.name || 'page', category: 'page', properties: withCategory(item) };
    case 'screen':
      return { name: item.name || 'screen', category: 'page', properties: withCategory(item) };
    case 'identify':
      return { name: ours?.name ?? 'identify', category: 'identify', properties: traits };
    case 'group':
      return { name: ours?.name ?? 'group', category: 'group', properties: traits };
    case 'alias':
      return { name: 'alias', category: 'identify', properties: present({ previousId: item.previousId }) };
    default:
      // No name: rejected as such.
      return { name: undefined };
  }
}

function withCategory({ category, properties }: Members): unknown {
  if (category === undefined || (properties !== undefined && !isMembers(properties))) return properties;
  return { category, ...(properties as Members | undefined) };
}

function present(members: Members): Members {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value != null));
}
