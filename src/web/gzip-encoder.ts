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
        // Written to directly: a `Blob` in between goes through another process.
        const { writable, readable } = new Compression('gzip');
        const writer = writable.getWriter();
        const { body: plain } = payload;
        // What fails here fails the reading below.
        writer
          .write((typeof plain === 'string' ? new TextEncoder().encode(plain) : plain) as BufferSource)
          .catch(() => {});
        writer.close().catch(() => {});
        const body = new Uint8Array(await new Response(readable).arrayBuffer());
        return { ...payload, body, encoding: 'gzip' };
      } catch {
        return payload; // sent larger, but sent
      }
    },
  };
}
