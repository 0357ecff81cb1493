import { cloudeventsDecoder } from './cloudevents.js';
import type { Decoder } from './decoder.js';
import { ndjsonDecoder } from './ndjson.js';
import { otlpDecoder } from './otlp.js';
import { petrelDecoder } from './petrel.js';
import { segmentDecoder } from './segment.js';

const DECODERS: readonly Decoder[] = [cloudeventsDecoder, ndjsonDecoder, segmentDecoder, otlpDecoder];

/** The names of the formats that a collector can read besides Petrel's own. */
export type FormatName = 'segment' | 'cloudevents' | 'otlp' | 'ndjson';

export const FORMAT_NAMES: readonly FormatName[] = ['segment', 'cloudevents', 'otlp', 'ndjson'];

/**
 * The decoder for a request, by its path and labels.
 *
 * @param formats those that are wanted
 */
export function decoderFor(request: Request, formats: readonly FormatName[]): Decoder {
  const { pathname } = new URL(request.url);
  const wanted = (decoder: Decoder) => (formats as readonly string[]).includes(decoder.name);
  return DECODERS.find((one) => wanted(one) && one.matches(pathname, request.headers)) ?? petrelDecoder;
}
