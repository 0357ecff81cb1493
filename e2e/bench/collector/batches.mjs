// The batches that are written: to the collector as a tracker posts them, to the engine as it takes them. Both are made before the clock
// starts, from the same events.

import { gzipSync } from 'node:zlib';

/** As the worker's encoder has it, src/web/gzip-encoder.ts. */
const GZIP_FROM_BYTES = 1_024;

/** Batches that differ in more than source and ids. */
const TEMPLATES = 40;

/** Far from any other source, and as long as a tracker's. @param {string} run @param {number} index */
const sourceOf = (run, index) => `${run}${index.toString(36)}`.padEnd(22, '_');

/**
 * @typedef {import('../../../src/core/event.js').QueuedEvent} QueuedEvent
 * @typedef {import('../../../src/server/sinks/lib/row.js').EventRow} EventRow
 * @typedef {QueuedEvent[][]} Templates
 */

/**
 * @param {(count: number, seed: number) => QueuedEvent[]} sampleEvents
 * @param {number} size events in a batch
 * @returns {Templates}
 */
export const makeTemplates = (sampleEvents, size) =>
  Array.from({ length: TEMPLATES }, (_, seed) => sampleEvents(size, seed + 1));

/**
 * Bodies as the worker posts them: columns, by gzip where they are not small. Each batch is of a visitor of its own, the dearest case for the ledger.
 *
 * @param {Templates} templates
 * @param {string} run a few letters, different for each
 * @param {number} count
 * @param {typeof import('../../../src/core/wire-encode.js').encodeColumns} encodeColumns
 * @returns {Buffer[]}
 */
export function makeBodies(templates, run, count, encodeColumns) {
  return Array.from({ length: count }, (_, i) => {
    const source = sourceOf(run, i);
    const events = templateOf(templates, i).map((event, at) => ({
      ...event,
      origin: { ...event.origin, source },
      seq: at + 1,
    }));
    const head = { batchId: `${source}-1`, attempt: 1, sentAt: Date.now(), sdk: '0.1.0' };
    const body = Buffer.from(JSON.stringify(encodeColumns(head, events)));
    return body.length < GZIP_FROM_BYTES ? body : gzipSync(body);
  });
}

/**
 * The same events as rows of a table.
 *
 * @param {Templates} templates
 * @param {string} run
 * @param {number} index
 * @returns {EventRow[]}
 */
export function makeRows(templates, run, index) {
  const source = sourceOf(run, index);
  const now = Date.now();
  return templateOf(templates, index).map(({ origin, name, timestamp, properties }, at) => ({
    id: `${source}.${at + 1}`,
    source,
    seq: at + 1,
    name,
    category: 'custom',
    ...(origin.anonymousId !== undefined && { anonymous_id: origin.anonymousId }),
    ...(origin.sessionId !== undefined && { session_id: origin.sessionId }),
    timestamp,
    sent_at: now,
    received_at: now,
    batch_id: `${source}-1`,
    properties: JSON.parse(properties ?? '{}'),
    ...(origin.context && { context: origin.context }),
  }));
}

/** @param {Templates} templates @param {number} index */
const templateOf = (templates, index) => /** @type {QueuedEvent[]} */ (templates[index % templates.length]);
