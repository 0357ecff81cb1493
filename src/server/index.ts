/**
 * `petrel/server`: the collector, on the Fetch API alone. `petrel/server/node` puts it on a port.
 * @packageDocumentation
 */
export type { AllowedOrigins } from './cors.js';
export { type DecodeLimits, decodeBatch } from './decode.js';
export { type Collector, createCollector } from './handler.js';
export type { IntakeState } from './intake.js';
export { type CollectorLimits, type CollectorOptions, SERVER_PRESET } from './options.js';
export { answerRefusal, type ErrorWord, Refusal, refusalOf } from './refusal.js';
export { createMemorySink, type MemorySink } from './sinks/memory.js';
export type { ReceivedDrop, ReceivedEvent, Sink, SinkResult } from './sinks/sink.js';
