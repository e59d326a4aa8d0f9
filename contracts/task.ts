/**
 * The worker contract, language-neutral JSON: a task is announced on the work queue, claimed by request, kept by
 * heartbeats under a fencing token, and finished once. Files travel by signed URL.
 */
import { z } from 'zod';
import { DatasetVersionId, JobId, ModelVersionId, Sha256, TaskId, TenantId } from './ids';
import { ColumnProfile, ColumnSpec, DatasetWarning, HoldoutRule, LearningTask } from './column';
import { ErrorCosts } from './evaluation';
import { SearchBudget, SearchShape, TrialReport, TrialSpec } from './search';
import { AutoSpec, ModelSpec } from './spec';
import { Device, EngineName, Epoch, ModelManifest } from './training';

export const TASK_KINDS = ['profile', 'train', 'merge', 'pack', 'search', 'trial'] as const;
export const TaskKind = z.enum(TASK_KINDS);
export type TaskKind = z.infer<typeof TaskKind>;

/** A file to read: fetch `url` with GET; refuse it when the bytes do not have `sha256` (where given). */
export const Source = z.object({
  url: z.string(),
  sha256: Sha256.nullable(),
  sizeBytes: z.number().int().nullable(),
});
export type Source = z.infer<typeof Source>;
/** A file to write: PUT to `url` at most once; the store answers with `{key, sha256, sizeBytes}`. */
export const Sink = z.object({ url: z.string(), key: z.string() });
export type Sink = z.infer<typeof Sink>;

export const DATA_FORMATS = ['csv', 'tsv', 'jsonl', 'parquet', 'zip'] as const;
export const DataFormat = z.enum(DATA_FORMATS);
export type DataFormat = z.infer<typeof DataFormat>;

/** Validate, profile and seal one uploaded file. */
export const ProfilePayload = z.object({
  kind: z.literal('profile'),
  datasetVersionId: DatasetVersionId,
  source: Source,
  format: DataFormat,
  /** Null only for the tasks of `WITHOUT_TARGET`. */
  target: z.string().nullable(),
  task: LearningTask.nullable(),
  /**
   * Null: choose one (by `holdoutGroup` where it is given, by time where a time column orders the data, else by hash), with
   * `holdoutFraction`.
   */
  holdout: HoldoutRule.nullable(),
  holdoutGroup: z.string().nullable().optional(),
  holdoutFraction: z.number(),
  salt: z.string(),
  /** Typed Parquet, one column per ColumnSpec plus `__holdout`; rows in file order. */
  sealed: Sink,
});
/** Old rows and feedback rows become a new sealed version under the same holdout rule and column specs. */
export const MergePayload = z.object({
  kind: z.literal('merge'),
  datasetVersionId: DatasetVersionId,
  base: Source,
  columns: z.array(ColumnSpec),
  target: z.string(),
  task: LearningTask,
  holdout: HoldoutRule,
  /** JSON lines `{values: {column: raw}, actual: raw}`. */
  feedback: Source,
  sealed: Sink,
});
export const TrainPayload = z.object({
  kind: z.literal('train'),
  jobId: JobId,
  modelVersionId: ModelVersionId,
  data: Source,
  columns: z.array(ColumnSpec),
  /** Null only for the tasks of `WITHOUT_TARGET`. */
  target: z.string().nullable(),
  task: LearningTask,
  holdout: HoldoutRule,
  /** Feature columns to leave out (the user's choice plus identifier, constant and leaking ones). */
  exclude: z.array(z.string()),
  spec: ModelSpec,
  seed: z.number().int(),
  device: Device.nullable(),
  /** Default: the worker's. */
  engine: EngineName.optional(),
  /** What wrong answers cost; the labels are decided by it. */
  costs: ErrorCosts.optional(),
  /** Columns by which people must not be treated differently; they are judged by, whether or not they are learned from. */
  sensitive: z.array(z.string()).optional(),
  onnx: Sink,
  golden: Sink,
  /** Where the evaluation report (JSON, `EvaluationReport`) and the model card made from it (Markdown) go. */
  evaluation: Sink.optional(),
  card: Sink.optional(),
  /** The deployed version to compare with on the same held-out rows. */
  champion: z.object({ onnx: Source, modelVersionId: ModelVersionId }).nullable(),
  /** From the grant on: the model is made by then, of the best so far. Left out: no limit. */
  stopInMs: z.number().optional(),
});
/**
 * One step of an automatic training: a look at the data, at every trial so far and at the budget left, which ends in
 * trials to send out or in the model. A search that is over sooner than its messages would travel does everything in its
 * first task.
 */
export const SearchPayload = TrainPayload.omit({ kind: true, spec: true, stopInMs: true }).extend({
  kind: z.literal('search'),
  spec: AutoSpec,
  budget: SearchBudget,
  /** What the job's first search task saw of the data; null at the first. */
  shape: SearchShape.nullable(),
  /** Every trial so far by id, and where its files can be read. */
  trials: z.array(
    z.object({
      report: TrialReport,
      files: z.object({ model: Source, predictions: Source, inputs: Source }).nullable(),
    }),
  ),
});
/** Trials of one job, one after the other in one process: sent together where one alone would take less than its way. */
export const TrialPayload = TrainPayload.omit({
  kind: true,
  modelVersionId: true,
  spec: true,
  onnx: true,
  golden: true,
  evaluation: true,
  card: true,
  champion: true,
}).extend({
  kind: z.literal('trial'),
  spec: AutoSpec,
  trials: z
    .array(
      z.object({
        trial: TrialSpec,
        files: z.object({ model: Sink, predictions: Sink, inputs: Sink }),
      }),
    )
    .min(1),
  /** From the grant on: by then all is reported; what is still training ends with its best so far. Null: no limit. */
  stopInMs: z.number().nullable(),
});
/** Buffered prediction-log rows (JSON lines) become one Parquet file. */
export const PackPayload = z.object({ kind: z.literal('pack'), rows: Source, packed: Sink });

export const TaskPayload = z.discriminatedUnion('kind', [
  ProfilePayload,
  MergePayload,
  TrainPayload,
  PackPayload,
  SearchPayload,
  TrialPayload,
]);
export type TaskPayload = z.infer<typeof TaskPayload>;
export type ProfilePayload = z.infer<typeof ProfilePayload>;
export type MergePayload = z.infer<typeof MergePayload>;
export type TrainPayload = z.infer<typeof TrainPayload>;
export type PackPayload = z.infer<typeof PackPayload>;
export type SearchPayload = z.infer<typeof SearchPayload>;
export type TrialPayload = z.infer<typeof TrialPayload>;

/** On the work-queue stream: ids only. */
export const TaskReady = z.object({ v: z.literal(1), tenantId: TenantId, taskId: TaskId, kind: TaskKind });
export type TaskReady = z.infer<typeof TaskReady>;

export const ClaimRequest = z.object({
  v: z.literal(1),
  tenantId: TenantId,
  taskId: TaskId,
  workerId: z.string().min(1).max(100),
  device: Device,
});
export type ClaimRequest = z.infer<typeof ClaimRequest>;
export const ClaimReply = z.discriminatedUnion('outcome', [
  z.object({
    v: z.literal(1),
    outcome: z.literal('granted'),
    /** Rises with every grant; a result counts only under the current one. Text: it is a 64-bit integer. */
    fence: z.string(),
    attempt: z.number().int(),
    leaseMs: z.number().int(),
    heartbeatMs: z.number().int(),
    /** Wall-clock limit of this attempt. */
    timeoutMs: z.number().int(),
    payload: TaskPayload,
    /** What an earlier attempt of this task saved last. */
    checkpoint: Source.nullable().optional(),
  }),
  /** `later`: somebody holds the lease; `never`: the task is finished or gone, drop the message. */
  z.object({ v: z.literal(1), outcome: z.literal('later'), delayMs: z.number().int() }),
  z.object({ v: z.literal(1), outcome: z.literal('never') }),
]);
export type ClaimReply = z.infer<typeof ClaimReply>;

export const PHASES = [
  'FETCHING',
  'PREPARING',
  'TRAINING',
  'TUNING',
  'EVALUATING',
  'EXPORTING',
  'VERIFYING',
] as const;
export const Phase = z.enum(PHASES);
export type Phase = z.infer<typeof Phase>;

/** Live progress: published as it happens, and repeated in the heartbeat for the record. */
export const Progress = z.object({
  v: z.literal(1),
  tenantId: TenantId,
  taskId: TaskId,
  fence: z.string(),
  phase: Phase,
  /** 0 to 1 over the whole task. */
  fraction: z.number(),
  message: z.string().nullable(),
  /** Epochs finished since the last progress message. */
  epochs: z.array(Epoch),
  /** News of trials since the last progress message. */
  trials: z.array(TrialReport).optional(),
  atMs: z.number(),
});
export type Progress = z.infer<typeof Progress>;

/** Cumulative use of this attempt; a lost or repeated heartbeat changes nothing. Nanoseconds as text. */
export const Consumed = z.object({ device: Device, computeNs: z.string() });
export type Consumed = z.infer<typeof Consumed>;

export const Heartbeat = z.object({
  v: z.literal(1),
  tenantId: TenantId,
  taskId: TaskId,
  fence: z.string(),
  consumed: Consumed,
  progress: Progress.nullable(),
});
export type Heartbeat = z.infer<typeof Heartbeat>;
/** `lost`: the token is stale, kill the work and write nothing. `cancel`: stop and finish as canceled. */
export const HeartbeatReply = z.object({ v: z.literal(1), outcome: z.enum(['kept', 'cancel', 'lost']) });
export type HeartbeatReply = z.infer<typeof HeartbeatReply>;

/** Of one checkpoint: the gateway takes no larger one, so a worker does not offer it. */
export const MOST_CHECKPOINT_BYTES = 256 * 1024 ** 2;

/** A running task asks for a place to save its state; the files of a task's checkpoints go when it ends. */
export const CheckpointRequest = z.object({
  v: z.literal(1),
  tenantId: TenantId,
  taskId: TaskId,
  fence: z.string(),
});
export type CheckpointRequest = z.infer<typeof CheckpointRequest>;
/** `lost`: the token is stale; nothing that is stored under it is ever read. */
export const CheckpointReply = z.discriminatedUnion('outcome', [
  z.object({ v: z.literal(1), outcome: z.literal('granted'), sink: Sink }),
  z.object({ v: z.literal(1), outcome: z.literal('lost') }),
]);
export type CheckpointReply = z.infer<typeof CheckpointReply>;

export const SealedFile = z.object({ key: z.string(), sha256: Sha256, sizeBytes: z.number().int() });
export const ProfileResult = z.object({
  kind: z.literal('profile'),
  rows: z.number().int(),
  holdoutRows: z.number().int(),
  task: LearningTask,
  columns: z.array(ColumnSpec),
  profile: z.array(ColumnProfile),
  warnings: z.array(DatasetWarning),
  holdout: HoldoutRule,
  sealed: SealedFile,
});
export const MergeResult = z.object({
  kind: z.literal('merge'),
  rows: z.number().int(),
  holdoutRows: z.number().int(),
  addedRows: z.number().int(),
  profile: z.array(ColumnProfile),
  warnings: z.array(DatasetWarning),
  sealed: SealedFile,
});
export const TrainResult = z.object({ kind: z.literal('train'), manifest: ModelManifest });
export const PackResult = z.object({ kind: z.literal('pack'), rows: z.number().int(), packed: SealedFile });
export const SearchResult = z.object({
  kind: z.literal('search'),
  next: z.discriminatedUnion('step', [
    z.object({
      step: z.literal('trials'),
      /** One task each. One that the budget cannot hold any more when its turn comes is not started. */
      messages: z.array(z.object({ trials: z.array(TrialSpec).min(1), expectedMs: z.number() })).min(1),
      shape: SearchShape,
      /** Estimate: kept back from the budget for making the model in the end. */
      assembleMs: z.number(),
    }),
    z.object({ step: z.literal('done'), manifest: ModelManifest }),
  ]),
});
export const TrialResult = z.object({ kind: z.literal('trial'), trials: z.array(TrialReport) });
export const TaskResult = z.discriminatedUnion('kind', [
  ProfileResult,
  MergeResult,
  TrainResult,
  PackResult,
  SearchResult,
  TrialResult,
]);
export type TaskResult = z.infer<typeof TaskResult>;
export type ProfileResult = z.infer<typeof ProfileResult>;
export type MergeResult = z.infer<typeof MergeResult>;
export type TrainResult = z.infer<typeof TrainResult>;
export type PackResult = z.infer<typeof PackResult>;
export type SearchResult = z.infer<typeof SearchResult>;
export type TrialResult = z.infer<typeof TrialResult>;

export const Finish = z.object({
  v: z.literal(1),
  tenantId: TenantId,
  taskId: TaskId,
  fence: z.string(),
  consumed: Consumed,
  outcome: z.discriminatedUnion('status', [
    z.object({ status: z.literal('succeeded'), result: TaskResult }),
    z.object({
      status: z.literal('failed'),
      code: z.string(),
      message: z.string(),
      hint: z.string().nullable(),
      column: z.string().nullable(),
    }),
    z.object({ status: z.literal('canceled') }),
    /** Graceful stop of the worker: hand the task back, the attempt does not count. */
    z.object({ status: z.literal('released') }),
  ]),
});
export type Finish = z.infer<typeof Finish>;
export const FinishReply = z.object({ v: z.literal(1), outcome: z.enum(['recorded', 'lost']) });
export type FinishReply = z.infer<typeof FinishReply>;

/** Answer to a request that the control plane could not serve. The worker keeps what it has and asks again. */
export const ControlError = z.object({ v: z.literal(1), outcome: z.literal('error'), code: z.string() });
export type ControlError = z.infer<typeof ControlError>;

export const Cancel = z.object({ v: z.literal(1), tenantId: TenantId, taskId: TaskId });
export type Cancel = z.infer<typeof Cancel>;
