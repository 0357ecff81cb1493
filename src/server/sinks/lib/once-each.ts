import type { ReceivedEvent } from '../sink.js';

/** An event, and its place in the batch. */
export interface Placed {
  index: number;
  event: ReceivedEvent;
}

/** The first event of each id, and the positions of the others. */
export function onceEach(events: readonly ReceivedEvent[]): { first: Placed[]; duplicates: number[] } {
  const ids = new Set<string>();
  const first: Placed[] = [];
  const duplicates: number[] = [];
  events.forEach((event, index) => {
    if (ids.has(event.id)) duplicates.push(index);
    else first.push({ index, event });
    ids.add(event.id);
  });
  return { first, duplicates };
}
