/**
 * `petrel/core`: the batching engine alone, to batch towards anything. No platform needed.
 * @packageDocumentation
 */
export * from './clock.js';
export * from './encoder.js';
export * from './errors.js';
export * from './event.js';
export * from './event-batcher.js';
export * from './memory-store.js';
export * from './options.js';
export * from './outcome.js';
export * from './queue-state.js';
export * from './ranges.js';
export * from './retry.js';
export * from './stats.js';
export * from './store.js';
export * from './transport.js';
export * from './wire.js';
