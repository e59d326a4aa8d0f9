import { Column, Entity, PrimaryColumn } from 'typeorm';
import type {
  Comparison,
  DatasetVersionId,
  Device,
  Epoch,
  FailureCode,
  JobId,
  ModelSpec,
  ModelVersionId,
  Phase,
  ScenarioId,
  TaskId,
  SearchShape,
  TenantId,
  TrialReport,
  TrialSpec,
} from '../../contracts';

export const JOB_STATES = ['QUEUED', 'RUNNING', 'SUCCEEDED', 'FAILED', 'CANCELED'] as const;
export type JobState = (typeof JOB_STATES)[number];

/**
 * The database holds the same table in a trigger. A job whose worker was lost stays RUNNING while its task waits for the
 * next one: what a user sees does not go backwards.
 */
export const JOB_TRANSITIONS: Record<JobState, readonly JobState[]> = {
  QUEUED: ['RUNNING', 'FAILED', 'CANCELED'],
  RUNNING: ['SUCCEEDED', 'FAILED', 'CANCELED'],
  SUCCEEDED: [],
  FAILED: [],
  CANCELED: [],
};

export const JOB_KINDS = ['train', 'retrain'] as const;
export type JobKind = (typeof JOB_KINDS)[number];

/** `UnitPrice` as JSON holds it. */
export interface PriceText {
  readonly amountNano: string;
  readonly perQuantity: string;
}

export interface JobCap {
  /** Of a family whose spec has no limit of its own: wall-clock since the first attempt. */
  readonly seconds: number | null;
  /** What is charged at most, in nano units of the plan's currency, and the prices at the start. */
  readonly money: {
    readonly amountNano: string;
    readonly cpu: PriceText | null;
    readonly gpu: PriceText | null;
  } | null;
}

/** How much of a retrain its merge is, for the progress bar. */
export const MERGE_SHARE = 0.1;

@Entity({ schema: 'app', name: 'job' })
export class Job {
  @PrimaryColumn('uuid', { name: 'tenant_id' }) tenantId: TenantId;
  @PrimaryColumn('uuid') id: JobId;
  @Column('uuid', { name: 'scenario_id' }) scenarioId: ScenarioId;
  @Column('text') kind: JobKind;
  @Column('text') state: JobState;
  /** What is trained on; for a retrain the version that its merge makes. */
  @Column('uuid', { name: 'dataset_version_id' }) datasetVersionId: DatasetVersionId;
  /** For a retrain: whose rows the feedback joins. */
  @Column('uuid', { name: 'base_version_id', nullable: true }) baseVersionId: DatasetVersionId | null;
  /** For a retrain: whom the new model is compared with. */
  @Column('uuid', { name: 'champion_id', nullable: true }) championId: ModelVersionId | null;
  @Column('text', { name: 'model_name' }) modelName: string;
  @Column('jsonb') spec: ModelSpec;
  @Column('bigint', { transformer: { to: (value: number) => value, from: Number } }) seed: number;
  @Column('text', { nullable: true }) device: Device | null;
  @Column('text', { name: 'feedback_key', nullable: true }) feedbackKey: string | null;
  /** Reserved when the job is made; a model version has this id once the job succeeded. */
  @Column('uuid', { name: 'model_version_id' }) modelVersionId: ModelVersionId;
  @Column('uuid', { name: 'task_id', nullable: true }) taskId: TaskId | null;
  @Column('boolean', { name: 'cancel_requested' }) cancelRequested: boolean;
  @Column('text', { nullable: true }) phase: Phase | null;
  @Column('float8') fraction: number;
  @Column('text', { nullable: true }) message: string | null;
  @Column('jsonb', { nullable: true }) comparison: Comparison | null;
  /** What the caller's budget says beside the spec. */
  @Column('jsonb', { nullable: true }) cap: JobCap | null;
  /** What its first search task saw of the data. */
  @Column('jsonb', { nullable: true }) shape: SearchShape | null;
  /** When its first task that learns was granted: seconds of the budget count from here. */
  @Column('timestamptz', { name: 'search_from', nullable: true }) searchFrom: Date | null;
  /** Kept back from the budget for making the model in the end. */
  @Column('float8', { name: 'assemble_ms' }) assembleMs: number;
  @Column('text', { name: 'error_code', nullable: true }) errorCode: FailureCode | null;
  @Column('text', { name: 'error_message', nullable: true }) errorMessage: string | null;
  @Column('text', { name: 'error_hint', nullable: true }) errorHint: string | null;
  @Column('timestamptz', { name: 'created_at' }) createdAt: Date;
  @Column('timestamptz', { name: 'started_at', nullable: true }) startedAt: Date | null;
  @Column('timestamptz', { name: 'finished_at', nullable: true }) finishedAt: Date | null;
}

@Entity({ schema: 'app', name: 'job_epoch' })
export class JobEpoch {
  @PrimaryColumn('uuid', { name: 'tenant_id' }) tenantId: TenantId;
  @PrimaryColumn('uuid', { name: 'job_id' }) jobId: JobId;
  @PrimaryColumn('integer') epoch: number;
  @Column('jsonb') figures: Epoch;
}

export const TRIAL_STATES = ['QUEUED', 'RUNNING', 'SUCCEEDED', 'FAILED', 'CANCELED'] as const;
export type TrialState = (typeof TRIAL_STATES)[number];

/** One configuration of an automatic training on some of its folds. */
@Entity({ schema: 'app', name: 'trial' })
export class Trial {
  @PrimaryColumn('uuid', { name: 'tenant_id' }) tenantId: TenantId;
  @PrimaryColumn('uuid', { name: 'job_id' }) jobId: JobId;
  @PrimaryColumn('integer') id: number;
  @Column('uuid', { name: 'task_id' }) taskId: TaskId;
  @Column('text') state: TrialState;
  @Column('jsonb') spec: TrialSpec;
  @Column('jsonb', { nullable: true }) report: DoneTrialReport | null;
  @Column('float8', { name: 'expected_ms' }) expectedMs: number;
  /** What the budget granted when it was started; null: not started, or no limit. */
  @Column('float8', { name: 'allotted_ms', nullable: true }) allottedMs: number | null;
  @Column('text', { name: 'error_code', nullable: true }) errorCode: string | null;
  @Column('text', { name: 'error_message', nullable: true }) errorMessage: string | null;
  @Column('timestamptz', { name: 'started_at', nullable: true }) startedAt: Date | null;
  @Column('timestamptz', { name: 'finished_at', nullable: true }) finishedAt: Date | null;
}

export type DoneTrialReport = Extract<TrialReport, { state: 'done' }>;
