/**
 * `petrel/testing` (Node): a collector that misbehaves on request, to see what a tracker makes of it.
 * @packageDocumentation
 */
export type { CollectorHandler } from './collector-behind.js';
export type { DeliveryDiff, StoredRow } from './exactly-once.js';
export { diffDelivery } from './exactly-once.js';
export type * from './faults.js';
export type {
  ExpectOptions,
  MisbehavingCollector,
  MisbehavingCollectorOptions,
} from './misbehaving-collector.js';
export { createMisbehavingCollector } from './misbehaving-collector.js';
export type { RecordedRequest } from './request-record.js';
