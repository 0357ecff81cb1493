import { utf8Length } from '../../core/event.js';
import type { EncodedEvents, RefusedEvent } from './format.js';

/** How much a receiver takes, in bytes of UTF-8, and what stands around the events. */
export interface Frame {
  open: string;
  separator: string;
  close: string;
  /** Most bytes of one event as written. Larger ones are refused as `too-large`. */
  maxEventBytes: number;
  /** Most bytes of the body. At least one event goes in, so this is at least `maxEventBytes` and the frame. */
  maxBodyBytes: number;
}

/** Joins written events to a body, in order, up to the first that no longer fits. */
export function pack(texts: Iterable<string>, contentType: string, frame: Frame): EncodedEvents {
  const { open, separator, close, maxEventBytes, maxBodyBytes } = frame;
  const parts: string[] = [];
  const taken: number[] = [];
  const refused: RefusedEvent[] = [];
  let bytes = utf8Length(open) + utf8Length(close);
  let index = 0;
  for (const text of texts) {
    const size = utf8Length(text);
    if (size > maxEventBytes) refused.push({ index, reason: 'too-large' });
    else {
      bytes += size + (parts.length > 0 ? separator.length : 0);
      if (bytes > maxBodyBytes && parts.length > 0) break;
      parts.push(text);
      taken.push(index);
    }
    index++;
  }
  return { body: parts.length > 0 ? open + parts.join(separator) + close : '', contentType, taken, refused };
}

/** Writes one after the other, so that nothing is written for what does not fit. */
export function* written<T>(items: readonly T[], write: (item: T) => string): Generator<string> {
  for (const item of items) yield write(item);
}
