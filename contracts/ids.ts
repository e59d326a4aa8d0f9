/** Branded identifiers: a tenant's id does not compile where a dataset's is asked for. All are UUIDv7 text. */
import { z } from 'zod';

declare const brand: unique symbol;
export type Branded<T, Name extends string> = T & { readonly [brand]: Name };

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

export const isUuid = (text: string): boolean => UUID.test(text);

const id = <Name extends string>() =>
  z.string().regex(UUID, 'expected a UUID in lower case') as unknown as z.ZodType<Branded<string, Name>>;

export const TenantId = id<'TenantId'>();
export type TenantId = Branded<string, 'TenantId'>;
export const MemberId = id<'MemberId'>();
export type MemberId = Branded<string, 'MemberId'>;
export const ApiKeyId = id<'ApiKeyId'>();
export type ApiKeyId = Branded<string, 'ApiKeyId'>;
export const ScenarioId = id<'ScenarioId'>();
export type ScenarioId = Branded<string, 'ScenarioId'>;
export const DatasetId = id<'DatasetId'>();
export type DatasetId = Branded<string, 'DatasetId'>;
export const DatasetVersionId = id<'DatasetVersionId'>();
export type DatasetVersionId = Branded<string, 'DatasetVersionId'>;
export const JobId = id<'JobId'>();
export type JobId = Branded<string, 'JobId'>;
export const TaskId = id<'TaskId'>();
export type TaskId = Branded<string, 'TaskId'>;
export const ModelId = id<'ModelId'>();
export type ModelId = Branded<string, 'ModelId'>;
export const ModelVersionId = id<'ModelVersionId'>();
export type ModelVersionId = Branded<string, 'ModelVersionId'>;
export const DeploymentId = id<'DeploymentId'>();
export type DeploymentId = Branded<string, 'DeploymentId'>;
export const PredictionId = id<'PredictionId'>();
export type PredictionId = Branded<string, 'PredictionId'>;
export const UsageEventId = id<'UsageEventId'>();
export type UsageEventId = Branded<string, 'UsageEventId'>;

/** Lower-case hexadecimal SHA-256. */
export const Sha256 = z.string().regex(/^[0-9a-f]{64}$/) as unknown as z.ZodType<Sha256>;
export type Sha256 = Branded<string, 'Sha256'>;
