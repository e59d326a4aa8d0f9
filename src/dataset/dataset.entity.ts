import { Column, Entity, PrimaryColumn } from 'typeorm';
import type {
  ColumnProfile,
  ColumnSpec,
  DataFormat,
  DatasetId,
  DatasetVersionId,
  DatasetWarning,
  FailureCode,
  HoldoutRule,
  LearningTask,
  ScenarioId,
  Sha256,
  TaskId,
  TenantId,
} from '../../contracts';

export const DATASET_VERSION_STATES = [
  'DECLARED',
  'UPLOADED',
  'VALIDATING',
  'SEALED',
  'REJECTED',
  'DELETED',
] as const;
export type DatasetVersionState = (typeof DATASET_VERSION_STATES)[number];

/** The database holds the same table in a trigger. A sealed version can only be deleted. */
export const DATASET_VERSION_TRANSITIONS: Record<DatasetVersionState, readonly DatasetVersionState[]> = {
  DECLARED: ['UPLOADED', 'REJECTED', 'DELETED'],
  UPLOADED: ['VALIDATING', 'REJECTED', 'DELETED'],
  VALIDATING: ['SEALED', 'REJECTED', 'DELETED'],
  SEALED: ['DELETED'],
  REJECTED: ['DELETED'],
  DELETED: [],
};

/** PostgreSQL's 64-bit integers arrive as text; these are sizes and row counts, far below 2^53. */
const count = {
  to: (value: number | null): number | null => value,
  from: (value: string | null): number | null => (value === null ? null : Number(value)),
};

@Entity({ schema: 'app', name: 'dataset' })
export class Dataset {
  @PrimaryColumn('uuid', { name: 'tenant_id' }) tenantId: TenantId;
  @PrimaryColumn('uuid') id: DatasetId;
  @Column('uuid', { name: 'scenario_id' }) scenarioId: ScenarioId;
  @Column('text') name: string;
  /** Goes into the row-key hash, so that the same rows are held out in every version. */
  @Column('text') salt: string;
  /** Chosen when the first version was sealed, and kept. */
  @Column('jsonb', { nullable: true }) holdout: HoldoutRule | null;
  @Column('timestamptz', { name: 'created_at' }) createdAt: Date;
}

@Entity({ schema: 'app', name: 'dataset_version' })
export class DatasetVersion {
  @PrimaryColumn('uuid', { name: 'tenant_id' }) tenantId: TenantId;
  @PrimaryColumn('uuid') id: DatasetVersionId;
  @Column('uuid', { name: 'dataset_id' }) datasetId: DatasetId;
  @Column('uuid', { name: 'scenario_id' }) scenarioId: ScenarioId;
  /** 1, 2, 3, ... within the dataset. */
  @Column('integer') number: number;
  @Column('text') state: DatasetVersionState;
  /** Null when the version was made of an older one and feedback, not uploaded. */
  @Column('text', { nullable: true }) format: DataFormat | null;
  /** Null: the task learns without known answers. */
  @Column('text', { nullable: true }) target: string | null;
  /** As asked for, then as found. */
  @Column('text', { nullable: true }) task: LearningTask | null;
  @Column('float8', { name: 'holdout_fraction' }) holdoutFraction: number;
  /** The column whose equal values are to be held out together. */
  @Column('text', { name: 'holdout_group', nullable: true }) holdoutGroup: string | null;
  /** Columns that the user wants left out of every training. */
  @Column('jsonb') exclude: string[];
  /** Columns by which people must not be treated differently. */
  @Column('jsonb') sensitive: string[];
  @Column('uuid', { name: 'parent_id', nullable: true }) parentId: DatasetVersionId | null;
  @Column('bigint', { name: 'declared_bytes', nullable: true, transformer: count }) declaredBytes:
    number | null;
  @Column('text', { name: 'raw_key', nullable: true }) rawKey: string | null;
  @Column('text', { name: 'raw_sha256', nullable: true }) rawSha256: Sha256 | null;
  @Column('bigint', { name: 'raw_bytes', nullable: true, transformer: count }) rawBytes: number | null;
  @Column('text', { name: 'sealed_key', nullable: true }) sealedKey: string | null;
  @Column('text', { name: 'sealed_sha256', nullable: true }) sealedSha256: Sha256 | null;
  @Column('bigint', { name: 'sealed_bytes', nullable: true, transformer: count }) sealedBytes: number | null;
  @Column('bigint', { nullable: true, transformer: count }) rows: number | null;
  @Column('bigint', { name: 'holdout_rows', nullable: true, transformer: count }) holdoutRows: number | null;
  @Column('jsonb', { nullable: true }) columns: ColumnSpec[] | null;
  @Column('jsonb', { nullable: true }) profile: ColumnProfile[] | null;
  @Column('jsonb', { nullable: true }) warnings: DatasetWarning[] | null;
  @Column('jsonb', { nullable: true }) holdout: HoldoutRule | null;
  @Column('text', { name: 'error_code', nullable: true }) errorCode: FailureCode | null;
  @Column('text', { name: 'error_message', nullable: true }) errorMessage: string | null;
  @Column('text', { name: 'error_hint', nullable: true }) errorHint: string | null;
  @Column('text', { name: 'error_column', nullable: true }) errorColumn: string | null;
  @Column('uuid', { name: 'task_id', nullable: true }) taskId: TaskId | null;
  @Column('timestamptz', { name: 'created_at' }) createdAt: Date;
  @Column('timestamptz', { name: 'sealed_at', nullable: true }) sealedAt: Date | null;
}

/** A version whose data can be trained on: what sealing fills in is there. */
export type SealedVersion = DatasetVersion & {
  readonly task: LearningTask;
  readonly sealedKey: string;
  readonly sealedSha256: Sha256;
  readonly sealedBytes: number;
  readonly columns: ColumnSpec[];
  readonly profile: ColumnProfile[];
  readonly warnings: DatasetWarning[];
  readonly holdout: HoldoutRule;
};
