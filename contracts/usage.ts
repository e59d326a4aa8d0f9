/** Usage events as they travel, and the prediction record that travels with them. Quantities are integers as text. */
import { z } from 'zod';
import {
  ApiKeyId,
  DeploymentId,
  JobId,
  ModelVersionId,
  PredictionId,
  ScenarioId,
  Sha256,
  TenantId,
  UsageEventId,
} from './ids';
import { ForecastAnswer, RawCell, RawValue } from './training';

/** Base units: counts, nanoseconds, byte-milliseconds. */
export const METERS = [
  'predictions',
  'prediction_rows',
  'prediction_compute_ns',
  'training_cpu_ns',
  'training_gpu_ns',
  'storage_byte_ms',
] as const;
export const Meter = z.enum(METERS);
export type Meter = z.infer<typeof Meter>;

export const USAGE_KINDS = ['prediction', 'training', 'storage'] as const;
export const UsageKind = z.enum(USAGE_KINDS);
export type UsageKind = z.infer<typeof UsageKind>;

/** Why a quantity is rated at zero, or `billable`. */
export const USAGE_REASONS = ['billable', 'failed', 'canceled', 'platform_fault', 'shadow'] as const;
export const UsageReason = z.enum(USAGE_REASONS);
export type UsageReason = z.infer<typeof UsageReason>;

export const UsageEvent = z.object({
  v: z.literal(1),
  id: UsageEventId,
  tenantId: TenantId,
  kind: UsageKind,
  /** Unique for ever within the tenant and kind: doing it twice is doing it once. */
  key: z.string().min(1).max(200),
  /** Integer quantities in base units, by meter. A storage event carries `bytesDelta` instead. */
  quantities: z.partialRecord(Meter, z.string().regex(/^-?\d+$/)),
  bytesDelta: z
    .string()
    .regex(/^-?\d+$/)
    .nullable(),
  /** ISO instant with microseconds or milliseconds, UTC. */
  eventTime: z.string(),
  producer: z.string(),
  producerSeq: z.string().regex(/^\d+$/),
  reason: UsageReason,
  scenarioId: ScenarioId.nullable(),
  deploymentId: DeploymentId.nullable(),
  modelVersionId: ModelVersionId.nullable(),
  jobId: JobId.nullable(),
  apiKeyId: ApiKeyId.nullable(),
  reversalOf: UsageEventId.nullable(),
  /** What the key stands for (hash of the request): the same key with another body is a conflict, never a repeat. */
  bodySha256: Sha256.optional(),
});
export type UsageEvent = z.infer<typeof UsageEvent>;

/**
 * What was asked and answered; null when the scenario's log is off or this request was not sampled. `id` is the id of
 * the prediction's usage event.
 */
export const PredictionRecord = z.object({
  id: PredictionId,
  rows: z.array(z.record(z.string(), RawValue)),
  outputs: z.array(
    z.object({
      /** Forecasts: the first step of the first target; null where the answer is a made-up row. */
      prediction: z.union([z.number(), z.string(), z.null()]),
      probabilities: z.array(z.number()).nullable(),
      /** Interval of a regression. */
      low: z.number().optional(),
      high: z.number().optional(),
      /** Labels that may be true. */
      set: z.array(z.string()).optional(),
      forecast: ForecastAnswer.optional(),
      /** Synthesis: the made-up row. */
      row: z.record(z.string(), RawCell).optional(),
    }),
  ),
});
export type PredictionRecord = z.infer<typeof PredictionRecord>;

/** One message of the usage stream: the events of concurrent requests of one gateway, stored together. */
export const UsageBatch = z.object({
  v: z.literal(1),
  producer: z.string(),
  events: z.array(z.object({ event: UsageEvent, prediction: PredictionRecord.nullable() })),
  /** Rows of a record too large for one message, from row `firstRow` on; `event` says whose they are, not billed here. */
  more: z
    .array(z.object({ event: UsageEvent, firstRow: z.number().int(), prediction: PredictionRecord }))
    .optional(),
});
export type UsageBatch = z.infer<typeof UsageBatch>;
