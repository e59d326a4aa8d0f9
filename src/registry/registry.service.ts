import { createHash } from 'node:crypto';
import { LessThan } from 'typeorm';
import { Failure, canonicalJson } from '../../contracts';
import type {
  DatasetVersionId,
  JobId,
  ModelId,
  ModelManifest,
  ModelVersionId,
  ScenarioId,
  Sha256,
  StoredFile,
} from '../../contracts';
import type { TenantContext } from '../platform/context';
import type { Database, TenantTx } from '../platform/database';
import { newId } from '../platform/ids';
import { toPage } from '../platform/page';
import { requireScenario } from '../scenario';
import type { Page, PageRequest } from '../platform/page';
import type { SignedUrls } from '../platform/object-store';
import { Model, ModelVersion } from './registry.entity';

export interface NewModelVersion {
  readonly id: ModelVersionId;
  readonly scenarioId: ScenarioId;
  readonly modelName: string;
  readonly jobId: JobId;
  readonly datasetVersionId: DatasetVersionId;
  readonly manifest: ModelManifest;
}

export const manifestIdentity = (manifest: ModelManifest): Sha256 =>
  createHash('sha256').update(canonicalJson(manifest)).digest('hex') as Sha256;

const DOWNLOAD_TTL_MS = 15 * 60_000;

/** Which models exist, what they are made of and how good they were. */
export class Registry {
  constructor(
    private readonly db: Database,
    private readonly signedUrls: SignedUrls,
  ) {}

  /** Adds the next version of the scenario's model of that name; the first one makes the model. */
  async register(tx: TenantTx, version: NewModelVersion): Promise<ModelVersion> {
    await tx.query(
      `insert into app.model (tenant_id, id, scenario_id, name) values (app.tid(), $1, $2, $3)
       on conflict (tenant_id, scenario_id, name) do nothing`,
      [newId<ModelId>(), version.scenarioId, version.modelName],
    );
    // Holds the model: versions registered at the same time get their numbers one after the other.
    const [model] = await tx.query<{ id: ModelId }[]>(
      'select id from app.model where scenario_id = $1 and name = $2 for update',
      [version.scenarioId, version.modelName],
    );
    if (model === undefined) throw new Failure('NOT_FOUND', 'no such scenario');
    await tx.query(
      `insert into app.model_version
         (tenant_id, id, model_id, scenario_id, number, job_id, dataset_version_id, identity, manifest)
       select app.tid(), $1, $2, $3, coalesce(max(number), 0) + 1, $4, $5, $6, $7
         from app.model_version where model_id = $2`,
      [
        version.id,
        model.id,
        version.scenarioId,
        version.jobId,
        version.datasetVersionId,
        manifestIdentity(version.manifest),
        JSON.stringify(version.manifest),
      ],
    );
    return tx.findOneByOrFail(ModelVersion, { id: version.id });
  }

  /** Inside a transaction of another feature. Fails with NOT_FOUND. */
  async require(tx: TenantTx, id: ModelVersionId): Promise<ModelVersion> {
    const found = await tx.findOneBy(ModelVersion, { id });
    if (found === null) throw new Failure('NOT_FOUND', 'no such model version');
    return found;
  }

  /** The scenario's newest version, whichever model it belongs to; null before the first. */
  async newest(tx: TenantTx, scenarioId: ScenarioId): Promise<ModelVersion | null> {
    return tx.findOne(ModelVersion, { where: { scenarioId }, order: { createdAt: 'DESC', id: 'DESC' } });
  }

  getVersion(ctx: TenantContext, id: ModelVersionId): Promise<ModelVersion> {
    return this.db.within(ctx, (tx) => this.require(tx, id));
  }

  async getModel(ctx: TenantContext, id: ModelId): Promise<Model> {
    const found = await this.db.within(ctx, (tx) => tx.findOneBy(Model, { id }));
    if (found === null) throw new Failure('NOT_FOUND', 'no such model');
    return found;
  }

  /** Newest first. */
  listModels(ctx: TenantContext, scenarioId: ScenarioId | null, page: PageRequest): Promise<Page<Model>> {
    return this.db.within(ctx, async (tx) => {
      await requireScenario(tx, scenarioId);
      return toPage(
        await tx.find(Model, {
          where: {
            ...(scenarioId === null ? {} : { scenarioId }),
            ...(page.after === null ? {} : { id: LessThan(page.after as ModelId) }),
          },
          order: { id: 'DESC' },
          take: page.limit + 1,
        }),
        page,
      );
    });
  }

  listVersions(ctx: TenantContext, modelId: ModelId, page: PageRequest): Promise<Page<ModelVersion>> {
    return this.db.within(ctx, async (tx) =>
      toPage(
        await tx.find(ModelVersion, {
          where: { modelId, ...(page.after === null ? {} : { id: LessThan(page.after as ModelVersionId) }) },
          order: { id: 'DESC' },
          take: page.limit + 1,
        }),
        page,
      ),
    );
  }

  /** A URL that gives the ONNX file to whoever has it, for a quarter of an hour. */
  downloadUrl(version: Pick<ModelVersion, 'manifest'>): string {
    return this.signedUrls.get(version.manifest.onnx.key, DOWNLOAD_TTL_MS);
  }

  /** The same for the golden rows: held-out rows, the model's answers and what was true. */
  goldenUrl(version: Pick<ModelVersion, 'manifest'>): string {
    return this.signedUrls.get(version.manifest.golden.key, DOWNLOAD_TTL_MS);
  }

  /** The same for the evaluation report; null for a model that was trained before there were reports. */
  evaluationUrl({ manifest }: Pick<ModelVersion, 'manifest'>): string | null {
    return this.optionalUrl(manifest.evaluation);
  }

  /** The same for the model card. */
  cardUrl({ manifest }: Pick<ModelVersion, 'manifest'>): string | null {
    return this.optionalUrl(manifest.card);
  }

  private optionalUrl(file: StoredFile | undefined): string | null {
    return file === undefined ? null : this.signedUrls.get(file.key, DOWNLOAD_TTL_MS);
  }
}
