import { type DecodeLimits, readBytes } from '../../../src/server/decode.js';
import type { DecodedBody } from '../../../src/server/decoders/decoder.js';
import { decoderFor, FORMAT_NAMES } from '../../../src/server/decoders/index.js';

export const RECEIVED_AT = 1_795_449_800_000;

export function request(body: BodyInit, type: string, path = '/events', headers: Record<string, string> = {}): Request {
  return new Request(`https://collector.example${path}`, {
    method: 'POST',
    body,
    headers: { 'content-type': type, ...headers },
  });
}

/** What a collector makes of a request, up to its sink; and the name of the format it was found to be in. */
export async function decode(posted: Request, limits: DecodeLimits = {}): Promise<DecodedBody & { format: string }> {
  const decoder = decoderFor(posted, FORMAT_NAMES);
  const bytes = await readBytes(posted, limits, undefined, decoder.contentType);
  const body = decoder.parse(bytes, posted.headers);
  const decoded = await decoder.expand(body, { request: posted, limits, receivedAt: RECEIVED_AT });
  return { format: decoder.name, ...decoded };
}
