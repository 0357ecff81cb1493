/**
 * `petrel/server`: the collector, on the Fetch API alone. `petrel/server/node` puts it on a port.
 * @packageDocumentation
 */
export { type Judgement, judge as judgeSource, type LedgerCounts } from '../core/judge.js';
export { mergeSources, type SourceLedger } from '../core/ledger.js';
export type { CollectConfig } from './collect-config.js';
export type { AllowedOrigins } from './cors.js';
export { type DecodeLimits, decodeBatch } from './decode.js';
export type { FormatName } from './decoders/index.js';
export { type Collector, createCollector, type LiveOptions } from './handler.js';
export type { IntakeState } from './intake.js';
export { auditLedger, type Discrepancy, type LedgerAudit } from './ledger/audit.js';
export type { Ledger, LedgerFacts, LedgerStore, TotalsRow } from './ledger/ledger.js';
export { createMemoryLedger } from './ledger/memory-ledger.js';
export { mergeLedgers } from './ledger/merge.js';
export { openRemoteLedger } from './ledger/remote-ledger.js';
export { type LedgerBy, type LedgerQuery, type LedgerReport, type LedgerRow, reportLedger } from './ledger/report.js';
export type { LedgerEntries } from './ledger/route.js';
export { type CollectorLimits, type CollectorOptions, type LedgerOptions, SERVER_PRESET } from './options.js';
export type { PrivacyOptions } from './privacy.js';
export type { RateOptions } from './rate-limit.js';
export { answerRefusal, type ErrorWord, Refusal, refusalOf } from './refusal.js';
export type { ClientInfo, RequestRecord } from './request-record.js';
export { createMemorySink, type MemorySink } from './sinks/memory.js';
export type { ReceivedDrop, ReceivedEvent, ReceivedTail, Sink, SinkNotes, SinkResult } from './sinks/sink.js';
