import { PetrelError } from '../../core/errors.js';
import { eventId } from '../../core/event.js';
import { createMemoryLedger } from '../ledger/memory-ledger.js';
import { type ReceivedDrop, type ReceivedEvent, rangesOf, type Sink } from './sink.js';

/** A sink whose content can be looked at. */
export interface MemorySink extends Sink {
  /** What is stored, by id, in order of arrival. */
  readonly events: ReadonlyMap<string, ReceivedEvent>;
  readonly drops: readonly ReceivedDrop[];
}

/** Keeps everything in memory, for ever: for tests, and to try things out. Nothing outlives the object. */
export function createMemorySink(): MemorySink {
  const events = new Map<string, ReceivedEvent>();
  const drops = new Map<string, ReceivedDrop>();
  const ledger = createMemoryLedger();
  let closed = false;

  function refuseWhenClosed(): void {
    if (closed) throw new PetrelError('closed', 'the sink is closed');
  }

  return {
    events,
    get drops() {
      return [...drops.values()];
    },
    ledger,
    async write(batch, told, { tails, repeated } = { tails: [], repeated: 0 }) {
      refuseWhenClosed();
      const duplicates: number[] = [];
      batch.forEach((event, index) => {
        if (events.has(event.id)) duplicates.push(index);
        else events.set(event.id, event);
      });
      for (const drop of told) {
        const key = JSON.stringify([drop.source, drop.first, drop.last, drop.reason]);
        if (!drops.has(key)) drops.set(key, drop);
      }
      ledger.note({ events: batch, duplicates, drops: told, tails, repeated });
      return { duplicates };
    },
    async has(ranges) {
      refuseWhenClosed();
      return ranges.flatMap(([source, first, last]) => {
        const stored: number[] = [];
        for (let seq = first; seq <= last; seq++) if (events.has(eventId(source, seq))) stored.push(seq);
        return rangesOf(source, stored);
      });
    },
    async close() {
      closed = true;
    },
  };
}
