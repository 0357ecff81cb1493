/** One direction of the wire format: what a tracker writes. wire-expand.ts reads it. */
import type { Json, Origin, QueuedEvent } from './event.js';
import { type ColumnsBody, type EventRow, type RowsBody, WIRE_VERSION, type WireHead } from './wire.js';

/** What a sender says about a batch; version and origins are filled in. */
export type HeadInput = Partial<WireHead> & Pick<WireHead, 'sentAt'>;

/** The events as rows: readable, and what can be written without sorting anything. */
export function encodeRows(head: HeadInput, events: readonly QueuedEvent[]): RowsBody {
  const [origins, originOf] = collectOrigins();
  const rows = events.map((event): EventRow => {
    const row: EventRow = [originOf(event.origin), event.seq, Math.round(event.timestamp), event.name];
    if (event.properties !== undefined || event.category) row.push(propertiesOf(event));
    if (event.category) row.push(event.category);
    return row;
  });
  return { ...head, petrel: WIRE_VERSION, form: 'rows', origins, events: rows };
}

/**
 * The events in columns: 100 varied events with 8 properties each gzip to 25 bytes an event, as rows to 34.
 *
 * Tried and not kept, because gzip already does most of it: dictionaries for repeated strings, bit strings for booleans and
 * scaled decimals together save 1 byte more at 100 events and cost bytes below 50; differences between numbers cost bytes.
 */
export function encodeColumns(head: HeadInput, events: readonly QueuedEvent[]): ColumnsBody {
  const [origins, originOf] = collectOrigins();
  const body: ColumnsBody = {
    ...head,
    petrel: WIRE_VERSION,
    form: 'columns',
    origins,
    origin: [],
    seq: [],
    time: [],
    shape: [],
    shapes: [],
    values: [],
  };
  const shapeIndex = new Map<string, number>();
  const lastSeq: number[] = [];
  let lastTime = 0;
  for (const event of events) {
    const origin = originOf(event.origin);
    const runs = body.origin;
    if (runs.length > 0 && runs[runs.length - 2] === origin) runs[runs.length - 1]!++;
    else runs.push(origin, 1);

    body.seq.push(event.seq - (lastSeq[origin] ?? -1) - 1);
    lastSeq[origin] = event.seq;

    const time = Math.round(event.timestamp);
    body.time.push(time - lastTime);
    lastTime = time;

    const properties = propertiesOf(event) ?? {};
    const keys = Object.keys(properties);
    const key = JSON.stringify([event.name, event.category, keys]);
    let index = shapeIndex.get(key);
    if (index === undefined) {
      index = body.shapes.length;
      shapeIndex.set(key, index);
      body.shapes.push({ name: event.name, ...(event.category && { category: event.category }), keys });
      body.values.push(keys.map(() => []));
    }
    body.shape.push(index);
    const columns = body.values[index]!;
    for (let k = 0; k < keys.length; k++) columns[k]!.push(properties[keys[k]!]!);
  }
  return body;
}

/** Positions for origins: one per object, and one for those that are equal although they are copies (each stored record has its own). */
function collectOrigins(): [origins: Origin[], originOf: (origin: Origin) => number] {
  const origins: Origin[] = [];
  const byIdentity = new Map<Origin, number>();
  const byText = new Map<string, number>();
  return [
    origins,
    (origin) => {
      let index = byIdentity.get(origin);
      if (index === undefined) {
        const text = JSON.stringify(origin);
        index = byText.get(text);
        if (index === undefined) {
          index = origins.push(origin) - 1;
          byText.set(text, index);
        }
        byIdentity.set(origin, index);
      }
      return index;
    },
  ];
}

function propertiesOf(event: QueuedEvent): { [key: string]: Json } | null {
  return event.properties === undefined ? null : JSON.parse(event.properties);
}
