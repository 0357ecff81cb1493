/** Messages at the host's door. A page is not trusted: not with a shape, not with a size. */
import { type DestinationConfig, destinationId, PROTOCOL_VERSION } from '../protocol.js';
import { isObject } from './guards.js';

/** More than a page holds back (10 000) is no page of ours. */
const MAX_LIST = 20_000;

/** Longest destination id; an address alone may be some 2 000 characters. */
const MAX_TO_LENGTH = 4_096;

/** Whether a message is meant for Petrel. What is not is somebody else's business, inside the site's own worker. */
export function isPetrelMessage(data: unknown): data is { petrel: number; type: string; [key: string]: unknown } {
  return isObject(data) && typeof data.petrel === 'number' && typeof data.type === 'string';
}

/**
 * Checks everything but the single events and drops, which check-event.ts sorts one by one.
 *
 * @returns the name of the first member that is not what it must be, undefined when it is a message of the protocol
 */
export function faultOfMessage(data: { petrel: number; type: string; [key: string]: unknown }): string | undefined {
  const { petrel, type, to, source, config, origins, events, drops = [] } = data;
  const isList = (value: unknown) => Array.isArray(value) && value.length <= MAX_LIST;
  if (petrel > PROTOCOL_VERSION) return `petrel ${petrel}`;
  if (typeof to !== 'string' || to.length > MAX_TO_LENGTH) return 'to';
  if (!['events', 'wake', 'flush', 'stats', 'purge', 'watch'].includes(type)) return 'type';
  if (type === 'events') {
    if (!isList(origins)) return 'origins';
    if (!isList(events)) return 'events';
    if (!isList(drops)) return 'drops';
  }
  if (type === 'watch' && typeof source !== 'string') return 'source';
  return config === undefined ? undefined : faultOfConfig(config, to);
}

/** The name of what cannot be used in a configuration for the destination `to`; undefined when it can be used. */
export function faultOfConfig(config: unknown, to: string): string | undefined {
  if (!isObject(config)) return 'config';
  const { endpoint, key = '', format, options, version } = config;
  if (!isHttpUrl(endpoint)) return 'endpoint';
  if (typeof key !== 'string') return 'key';
  if (typeof format !== 'string') return 'format';
  if (!isObject(options)) return 'options';
  if (!Number.isFinite(version)) return 'configVersion';
  return destinationId(config as unknown as DestinationConfig) === to ? undefined : 'to';
}

function isHttpUrl(text: unknown): text is string {
  try {
    return typeof text === 'string' && /^https?:$/.test(new URL(text).protocol); // URL.canParse came with Safari 17
  } catch {
    return false;
  }
}
