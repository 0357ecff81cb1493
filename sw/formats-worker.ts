/** The ready-made worker with all formats, `petrel-sw-formats.js`: as `petrel-sw.js`, and larger by what writes them. */
import { cloudevents } from '../src/formats/cloudevents.js';
import { ndjson } from '../src/formats/ndjson.js';
import { otlp } from '../src/formats/otlp.js';
import { segment } from '../src/formats/segment.js';
import { couriersOf } from '../src/web/format-courier.js';
import { isOwn } from './own.js';
import { startWorker } from './start.js';

const scope = self as unknown as ServiceWorkerGlobalScope;
const formats = couriersOf([segment, cloudevents, otlp, ndjson]);
startWorker(scope, {}, isOwn(scope), formats);
