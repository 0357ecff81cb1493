/** What the engine in the page needs for formats other than Petrel's: a chunk that only such pages without a worker load. */
import { cloudevents } from '../formats/cloudevents.js';
import { ndjson } from '../formats/ndjson.js';
import { otlp } from '../formats/otlp.js';
import { segment } from '../formats/segment.js';
import { couriersOf } from '../web/format-courier.js';

export const formats = couriersOf([segment, cloudevents, otlp, ndjson]);
