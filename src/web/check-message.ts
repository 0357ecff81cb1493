/** Messages at the host's door. A page is not trusted: not with a shape, not with a size. */
import { type DestinationConfig, destinationId, type PageMessage, PROTOCOL_VERSION } from '../protocol.js';
import { isObject } from './guards.js';

/** More than a page holds back (10 000) is no page of ours. */
const MAX_EVENTS = 20_000;
const MAX_LIST = 20_000;

/** Longest destination id; an address alone may be some 2 000 characters. */
const MAX_TO_LENGTH = 4_096;

/** What {@link checkMessage} makes of a message. Undefined: not for us, and not to be answered. */
export type CheckedMessage = { message: PageMessage } | { fault: string } | undefined;

/** Whether a message is meant for Petrel. What is not is somebody else's business, inside the site's own worker. */
export function isPetrelMessage(data: unknown): data is { petrel: number; type: string; [key: string]: unknown } {
  return isObject(data) && typeof data.petrel === 'number' && typeof data.type === 'string';
}

/**
 * Checks everything but the single events and drops, which check-event.ts sorts one by one.
 */
export function checkMessage(data: unknown): CheckedMessage {
  if (!isPetrelMessage(data)) return undefined;
  if (data.petrel > PROTOCOL_VERSION) {
    return { fault: `protocol version ${data.petrel} is not known here, only ${PROTOCOL_VERSION}` };
  }
  const { type, to, config, source } = data;
  if (typeof to !== 'string' || to.length > MAX_TO_LENGTH) return { fault: '`to` must name a destination' };
  switch (type) {
    case 'events': {
      const { origins, events, drops = [] } = data;
      for (const [name, list, max] of [
        ['origins', origins, MAX_LIST],
        ['events', events, MAX_EVENTS],
        ['drops', drops, MAX_LIST],
      ] as const) {
        if (!Array.isArray(list) || list.length > max) {
          return { fault: `\`${name}\` must be an array of at most ${max}` };
        }
      }
      break;
    }
    case 'watch':
      if (typeof source !== 'string') return { fault: '`source` must be a string' };
      break;
    case 'wake':
    case 'flush':
    case 'stats':
    case 'purge':
      break;
    default:
      return { fault: 'this kind of message is not known here' };
  }
  if (config !== undefined) {
    const fault = faultOfConfig(config, to);
    if (fault) return { fault };
  }
  return { message: data as unknown as PageMessage };
}

/** What is wrong with a configuration, in words; undefined when it can be used for the destination `to`. */
export function faultOfConfig(config: unknown, to: string): string | undefined {
  if (!isObject(config)) return '`config` must be an object';
  const { endpoint, key, format, options, version } = config as Partial<DestinationConfig>;
  if (typeof endpoint !== 'string' || !isHttpUrl(endpoint)) {
    return '`endpoint` must be an absolute http or https address';
  }
  if (key !== undefined && typeof key !== 'string') return '`key` must be a string';
  if (typeof format !== 'string') return '`format` must be a string';
  if (!isObject(options)) return '`options` must be an object';
  if (typeof version !== 'number' || Number.isNaN(version)) return '`configVersion` must be a number';
  if (destinationId(config as unknown as DestinationConfig) !== to) return '`to` does not name this destination';
  return undefined;
}

function isHttpUrl(text: string): boolean {
  try {
    return /^https?:$/.test(new URL(text).protocol); // URL.canParse came with Safari 17
  } catch {
    return false;
  }
}
