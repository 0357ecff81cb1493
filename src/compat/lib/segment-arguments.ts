/**
 * Segment's verbs take their arguments in many shapes, told apart by their types: whatever is a function is the callback, the first
 * plain object holds properties or traits, the second options, and strings come in the order of the signature.
 *
 * @see https://segment.com/docs/connections/sources/catalog/libraries/website/javascript/#basic-tracking-methods
 */
import type { Properties } from '../../page/api.js';

/** What may follow properties or traits. */
export interface SegmentOptions {
  /** When it happened, if not now. */
  timestamp?: Date | string | number;
  /** More about the circumstances. It is kept as the property `context`. */
  context?: object;
  [option: string]: unknown;
}

/** What is left of the arguments once their kinds are known. */
export interface Given {
  strings: string[];
  data: Properties;
  options: SegmentOptions;
  callback: ((context: never) => unknown) | undefined;
}

/** Sorts the arguments of `page`, `screen`, `identify`, `group` and `alias`; numbers are ids. */
export function sort(args: readonly unknown[]): Given {
  const strings = args.filter((arg) => typeof arg === 'string' || typeof arg === 'number').map(String);
  // After an id or a name, null stands for the properties that are left out.
  const [data, options] = args.filter((arg) => isPlainObject(arg) || (arg === null && strings.length > 0));
  return {
    strings,
    data: { ...(data as object) },
    options: { ...(options as object) },
    callback: args.find(isCallback),
  };
}

/** Sorts the arguments of `track`, whose first may be the event as an object: `{ event, properties }`. */
export function sortTrack([first, ...rest]: readonly unknown[]): Given & { name: unknown } {
  const asObject = isPlainObject(first) && first;
  const [data, options] = asObject ? [asObject.properties, rest[0]] : rest;
  return {
    name: asObject ? asObject.event : first,
    strings: [],
    data: isPlainObject(data) ? { ...data } : {},
    options: isPlainObject(options) ? { ...options } : {},
    callback: rest.find(isCallback),
  };
}

function isPlainObject(value: unknown): value is { [key: string]: unknown } {
  return Object.prototype.toString.call(value) === '[object Object]';
}

function isCallback(value: unknown): value is (context: never) => unknown {
  return typeof value === 'function';
}
