import type { Clock } from '../core/clock.js';
import type { Encoder } from '../core/encoder.js';
import type { QueuedEvent } from '../core/event.js';
import { encodeColumns } from '../core/wire-encode.js';

/** The package's version, put in place by the build. */
declare const __VERSION__: string;

/** The collector's own format, in columns: half the bytes of rows after gzip. */
export function createPetrelEncoder({ clock, key }: { clock: Clock; key?: string | undefined }): Encoder<QueuedEvent> {
  return {
    encode({ id, attempt, events, drops, carried, tails }) {
      const head = {
        ...(key !== undefined && { key }),
        batchId: id,
        attempt,
        sentAt: clock.now(),
        sdk: __VERSION__,
        ...(drops.length > 0 && { drops: [...drops] }),
        ...(carried.length > 0 && { carried: [...carried] }),
        ...(tails.length > 0 && { tails: [...tails] }),
      };
      return { body: JSON.stringify(encodeColumns(head, events)), contentType: 'text/plain;charset=UTF-8' };
    },
  };
}
