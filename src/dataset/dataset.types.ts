import { Field, Float, ID, InputType, Int, ObjectType, registerEnumType } from 'type-graphql';
import { COLUMN_TYPES, DATASET_WARNINGS, DATA_FORMATS } from '../../contracts';
import type {
  ColumnProfile,
  ColumnType,
  DataFormat,
  DatasetWarning,
  LearningTask,
  Phase,
} from '../../contracts';
import { connectionOf } from '../api/connection';
import { Int64, Json } from '../api/scalars';
import { PhaseEnum, ProblemType } from '../registry';
import { LearningTaskEnum } from '../scenario';
import { DATASET_VERSION_STATES } from './dataset.entity';
import type { Dataset, DatasetVersion, DatasetVersionState } from './dataset.entity';
import type { DatasetProgress, DeclaredDataset } from './dataset.service';

const asEnum = <T extends string>(values: readonly T[]): Record<T, T> =>
  Object.fromEntries(values.map((value) => [value, value])) as Record<T, T>;
const DataFormatEnum = asEnum(DATA_FORMATS);
registerEnumType(DataFormatEnum, { name: 'DataFormat' });
const ColumnTypeEnum = asEnum(COLUMN_TYPES);
registerEnumType(ColumnTypeEnum, { name: 'ColumnType' });
const WarningEnum = asEnum(DATASET_WARNINGS);
registerEnumType(WarningEnum, { name: 'DatasetWarningCode' });
const VersionStateEnum = asEnum(DATASET_VERSION_STATES);
registerEnumType(VersionStateEnum, { name: 'DatasetVersionState' });

@ObjectType('FrequentValue')
export class FrequentValueType {
  @Field() value: string;
  @Field(() => Int) count: number;
}

@ObjectType('ColumnProfile', { description: 'What was seen in one column.' })
export class ColumnProfileType {
  @Field() name: string;
  @Field(() => ColumnTypeEnum) type: ColumnType;
  @Field(() => Int) rows: number;
  @Field(() => Int) missing: number;
  @Field(() => Int) distinct: number;
  @Field(() => Float, { nullable: true }) min?: number | null;
  @Field(() => Float, { nullable: true }) max?: number | null;
  @Field(() => Float, { nullable: true }) mean?: number | null;
  @Field(() => Float, { nullable: true }) standardDeviation?: number | null;
  @Field(() => [Float], {
    nullable: true,
    description: 'At 0, 0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99 and 1.',
  })
  quantiles?: number[] | null;
  @Field(() => [Int], { nullable: true }) histogram?: number[] | null;
  @Field(() => [FrequentValueType], { nullable: true }) frequent?: FrequentValueType[] | null;
  @Field(() => Float, { nullable: true, description: 'Strength of the relation with the target, 0 to 1.' })
  targetAssociation?: number | null;
}

@ObjectType('DatasetWarning')
export class DatasetWarningType {
  @Field(() => WarningEnum) code: DatasetWarning['code'];
  @Field(() => String, { nullable: true }) column: string | null;
  @Field() message: string;
}

@ObjectType('Dataset')
export class DatasetType {
  @Field(() => ID) id: string;
  @Field(() => ID) scenarioId: string;
  @Field() name: string;
  @Field() createdAt: Date;
}

@ObjectType('DatasetVersion', { description: 'One state of a dataset: immutable once it is SEALED.' })
export class DatasetVersionType {
  @Field(() => ID) id: string;
  @Field(() => ID) datasetId: string;
  @Field(() => ID) scenarioId: string;
  @Field(() => Int) number: number;
  @Field(() => VersionStateEnum) state: DatasetVersionState;
  @Field(() => DataFormatEnum, { nullable: true }) format: DataFormat | null;
  @Field(() => String, { nullable: true }) target: string | null;
  @Field(() => LearningTaskEnum, { nullable: true }) task: LearningTask | null;
  @Field(() => Float) holdoutFraction: number;
  @Field(() => String, { nullable: true, description: 'Rows of one value of it are held out together.' })
  holdoutGroup: string | null;
  @Field(() => [String]) exclude: string[];
  @Field(() => [String], { description: 'Columns that fairness is judged by.' }) sensitive: string[];
  @Field(() => ID, { nullable: true, description: 'The version whose rows this one extends.' })
  parentId: string | null;
  @Field(() => Int64, { nullable: true }) rows: bigint | null;
  @Field(() => Int64, { nullable: true }) holdoutRows: bigint | null;
  @Field(() => Int64, { nullable: true }) sizeBytes: bigint | null;
  @Field(() => String, { nullable: true, description: 'Of the sealed bytes.' }) sha256: string | null;
  @Field(() => Json, { nullable: true, description: 'Which rows no training sees.' }) holdout: unknown;
  @Field(() => [ColumnProfileType], { nullable: true }) profile: ColumnProfileType[] | null;
  @Field(() => [DatasetWarningType], { nullable: true }) warnings: DatasetWarningType[] | null;
  @Field(() => ProblemType, { nullable: true }) error: ProblemType | null;
  @Field() createdAt: Date;
  @Field(() => Date, { nullable: true }) sealedAt: Date | null;
}

@ObjectType('Upload', { description: 'Where the bytes go: one PUT with the file as its body.' })
export class UploadType {
  @Field() url: string;
  @Field() method: string;
  @Field(() => Json) headers: Readonly<Record<string, string>>;
  @Field() expiresAt: Date;
}

@ObjectType('DeclaredDataset')
export class DeclaredDatasetType {
  @Field(() => DatasetType) dataset: DatasetType;
  @Field(() => DatasetVersionType) version: DatasetVersionType;
  @Field(() => UploadType) upload: UploadType;
}

@ObjectType('DatasetProgress')
export class DatasetProgressType {
  @Field(() => DatasetVersionType) version: DatasetVersionType;
  @Field(() => PhaseEnum, { nullable: true }) phase: Phase | null;
  @Field(() => Float) fraction: number;
}

@InputType()
export class DeclareDatasetInput {
  @Field(() => ID) scenarioId: string;
  @Field({ description: 'A name that is there already gives the next version of that dataset.' })
  name: string;
  @Field(() => DataFormatEnum) format: DataFormat;
  @Field(() => Int64, { description: 'Of the file that will be uploaded.' }) sizeBytes: bigint;
  @Field(() => String, { nullable: true, description: 'Of the file; checked when it has arrived.' })
  sha256?: string | null;
  @Field(() => String, { nullable: true, description: "Default: the scenario's." }) target?: string | null;
  @Field(() => LearningTaskEnum, { nullable: true, description: "Default: the scenario's." })
  task?: LearningTask | null;
  @Field(() => Float, { nullable: true, description: '0 to 0.5; default 0.2.' }) holdoutFraction?:
    number | null;
  @Field(() => String, {
    nullable: true,
    description:
      'A column: rows of one value of it are held out together, so that models are judged on new groups.',
  })
  holdoutGroup?: string | null;
  @Field(() => [String], { nullable: true, description: 'Columns that no training may use.' })
  exclude?: string[] | null;
  @Field(() => [String], {
    nullable: true,
    description: 'Columns by which people must not be treated differently: fairness is judged by them.',
  })
  sensitive?: string[] | null;
}

export const DatasetConnection = connectionOf('Dataset', DatasetType);
export const DatasetVersionConnection = connectionOf('DatasetVersion', DatasetVersionType);

const big = (value: number | null): bigint | null => (value === null ? null : BigInt(value));

export const toDataset = ({ id, scenarioId, name, createdAt }: Dataset): DatasetType => ({
  id,
  scenarioId,
  name,
  createdAt,
});

const toProfile = (profile: ColumnProfile): ColumnProfileType => ({ ...profile });
const toWarning = (warning: DatasetWarning): DatasetWarningType => ({ ...warning });

export const toVersion = (version: DatasetVersion): DatasetVersionType => ({
  id: version.id,
  datasetId: version.datasetId,
  scenarioId: version.scenarioId,
  number: version.number,
  state: version.state,
  format: version.format,
  target: version.target,
  task: version.task,
  holdoutFraction: version.holdoutFraction,
  holdoutGroup: version.holdoutGroup,
  exclude: version.exclude,
  sensitive: version.sensitive,
  parentId: version.parentId,
  rows: big(version.rows),
  holdoutRows: big(version.holdoutRows),
  sizeBytes: big(version.sealedBytes),
  sha256: version.sealedSha256,
  holdout: version.holdout,
  profile: version.profile?.map(toProfile) ?? null,
  warnings: version.warnings?.map(toWarning) ?? null,
  error:
    version.errorCode === null
      ? null
      : {
          code: version.errorCode,
          message: version.errorMessage ?? '',
          hint: version.errorHint,
          column: version.errorColumn,
        },
  createdAt: version.createdAt,
  sealedAt: version.sealedAt,
});

export const toDeclared = ({ dataset, version, upload }: DeclaredDataset): DeclaredDatasetType => ({
  dataset: toDataset(dataset),
  version: toVersion(version),
  upload,
});

export const toDatasetProgress = (progress: DatasetProgress): DatasetProgressType => ({
  version: toVersion(progress.version),
  phase: progress.phase,
  fraction: progress.fraction,
});
