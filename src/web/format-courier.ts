import type { Clock } from '../core/clock.js';
import { PetrelError } from '../core/errors.js';
import { eventId, type QueuedEvent } from '../core/event.js';
import { show } from '../core/options.js';
import type { Outcome } from '../core/outcome.js';
import type { Courier } from '../core/transport.js';
import type { Format, FormatEvent, RefusedEvent } from '../formats/lib/format.js';
import type { Formats } from './engine.js';

/** The package's version, put in place by the build. */
declare const __VERSION__: string;

export interface FormatCourierOptions {
  clock: Clock;
  key?: string | undefined;
}

/** Formats as the engine takes them, by their names. @throws PetrelError `invalid-option` for what is no format */
export function couriersOf(formats: readonly Format[]): Formats {
  const couriers: Formats = {};
  for (const format of formats) {
    if (typeof format?.name !== 'string' || typeof format.encode !== 'function') {
      throw new PetrelError('invalid-option', `\`formats\` must be a list of formats, not of ${show(format)}`);
    }
    couriers[format.name] = ({ key }, clock) => createFormatCourier(format, { clock, key });
  }
  return couriers;
}

/**
 * Delivers batches in somebody else's format. What does not fit into one body is the rest of a partial delivery, and goes next;
 * what the format cannot carry is set aside with a reason. Drops and tails are Petrel's own, and have no place in it.
 */
export function createFormatCourier(format: Format, { clock, key }: FormatCourierOptions): Courier<QueuedEvent> {
  return {
    async deliver(batch, transport): Promise<Outcome> {
      const events: FormatEvent[] = [];
      const positions: number[] = [];
      const refused: RefusedEvent[] = [];
      for (const [index, event] of batch.events.entries()) {
        try {
          events.push(wholeEvent(event));
          positions.push(index);
        } catch (error) {
          refused.push({ index, reason: `cannot be encoded: ${String(error)}` });
        }
      }
      const head = { sentAt: clock.now(), sdk: __VERSION__, ...(key !== undefined && { key }) };
      const encoded = format.encode(events, head);
      const inBatch = ({ index, reason }: RefusedEvent): RefusedEvent => ({ index: positions[index]!, reason });
      refused.push(...encoded.refused.map(inBatch));
      if (encoded.taken.length > 0) {
        const payload = { body: encoded.body, contentType: format.simpleType ?? encoded.contentType };
        const outcome = await transport.send(payload, batch, (answer) => {
          refused.push(...(format.refusedBy?.(answer, events, encoded.taken) ?? []).map(inBatch));
          return { kind: 'delivered' };
        });
        if (outcome.kind !== 'delivered') return outcome;
      }
      if (encoded.taken.length === batch.size && refused.length === 0) return { kind: 'delivered' };
      const lost = new Set(refused.map(({ index }) => index));
      return {
        kind: 'partial',
        delivered: encoded.taken.map((index) => positions[index]!).filter((index) => !lost.has(index)),
        refused,
      };
    },
  };
}

/** An event of the queue with all that the queue has in other places. @throws SyntaxError when what was stored is damaged */
function wholeEvent({ origin, seq, timestamp, name, category = 'custom', properties }: QueuedEvent): FormatEvent {
  const id = eventId(origin.source, seq);
  return { ...origin, id, seq, name, category, timestamp, properties: properties ? JSON.parse(properties) : {} };
}
