/**
 * Usage: immutable facts that something billable happened. Vocabulary: *meter* (what is counted, in base units), *event*
 * (one fact, with a key that is unique for ever), *reason* (why it is billable, or why not), *producer* (who numbers
 * events, so that a loss shows).
 */
export { UsageMeter, assertLoggable } from './meter';
export type { MeterOptions, UnnumberedEvent } from './meter';
export { LEDGER, UsageConsumer } from './consumer';
export type { LoggedPrediction, PredictionSink } from './consumer';
export { Usage } from './usage.service';
export type { Period, StorageChange, UsageDay, UsageRecord } from './usage.service';
export { dayOf, spansOf } from './fold';
export type { FoldedUsage, Span } from './fold';
export { UsageResolver } from './usage.resolver';
