import type { Encoder, Payload } from '../core/encoder.js';

/** Below this gzip saves less than a packet, and costs a millisecond. */
const MIN_BYTES = 1_024;

/**
 * Compresses what `encoder` makes, where the browser can (Chrome 80, Firefox 113, Safari 16.4); elsewhere, and when it is small,
 * leaves it as it is. Asynchronous: not for a page that is leaving.
 */
export function createGzipEncoder<E>(encoder: Encoder<E>, Compression = globalThis.CompressionStream): Encoder<E> {
  return {
    async encode(batch): Promise<Payload> {
      const payload = await encoder.encode(batch);
      if (!Compression || payload.body.length < MIN_BYTES) return payload;
      try {
        const plain = new Blob([payload.body as BlobPart]).stream();
        const body = new Uint8Array(await new Response(plain.pipeThrough(new Compression('gzip'))).arrayBuffer());
        return { ...payload, body, encoding: 'gzip' };
      } catch {
        return payload; // sent larger, but sent
      }
    },
  };
}
