import { Column, Entity, PrimaryColumn } from 'typeorm';
import type {
  DatasetVersionId,
  JobId,
  ModelId,
  ModelManifest,
  ModelVersionId,
  ScenarioId,
  Sha256,
  TenantId,
} from '../../contracts';

@Entity({ schema: 'app', name: 'model' })
export class Model {
  @PrimaryColumn('uuid', { name: 'tenant_id' }) tenantId: TenantId;
  @PrimaryColumn('uuid') id: ModelId;
  @Column('uuid', { name: 'scenario_id' }) scenarioId: ScenarioId;
  @Column('text') name: string;
  @Column('timestamptz', { name: 'created_at' }) createdAt: Date;
}

/** Written once; the database refuses every change. */
@Entity({ schema: 'app', name: 'model_version' })
export class ModelVersion {
  @PrimaryColumn('uuid', { name: 'tenant_id' }) tenantId: TenantId;
  @PrimaryColumn('uuid') id: ModelVersionId;
  @Column('uuid', { name: 'model_id' }) modelId: ModelId;
  @Column('uuid', { name: 'scenario_id' }) scenarioId: ScenarioId;
  /** 1, 2, 3, ... within the model. */
  @Column('integer') number: number;
  @Column('uuid', { name: 'job_id' }) jobId: JobId;
  @Column('uuid', { name: 'dataset_version_id' }) datasetVersionId: DatasetVersionId;
  /** sha-256 of the manifest's canonical JSON: what the version is, in 64 letters. */
  @Column('text') identity: Sha256;
  @Column('jsonb') manifest: ModelManifest;
  @Column('timestamptz', { name: 'created_at' }) createdAt: Date;
}
