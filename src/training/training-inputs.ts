/** What every task of a training is told about its job: made anew for each attempt, with fresh URLs. */
import type { Sink, Source, StoredFile, TrainPayload } from '../../contracts';
import { excludedColumns } from '../dataset';
import type { DatasetService } from '../dataset';
import type { TenantTx } from '../platform/database';
import type { ObjectCatalogue, ObjectKind, SignedUrls } from '../platform/object-store';
import type { Task } from '../platform/task';
import type { Registry } from '../registry';
import type { Job } from './training.entity';

export interface TrainingInputParts {
  readonly datasets: DatasetService;
  readonly registry: Registry;
  readonly catalogue: ObjectCatalogue;
  readonly signedUrls: SignedUrls;
  /** How long a task's URLs and unretained files live. */
  readonly ttlMs: number;
}

const MAX_ONNX_BYTES = 2 * 1024 ** 3;
const MAX_GOLDEN_BYTES = 64 * 1024 ** 2;
const MAX_REPORT_BYTES = 32 * 1024 ** 2;

type DataPart =
  | 'jobId'
  | 'data'
  | 'columns'
  | 'target'
  | 'task'
  | 'holdout'
  | 'exclude'
  | 'seed'
  | 'device'
  | 'costs'
  | 'sensitive';
type ModelPart = 'modelVersionId' | 'onnx' | 'golden' | 'evaluation' | 'card' | 'champion';

export class TrainingInputs {
  constructor(private readonly parts: TrainingInputParts) {}

  /** What is learned from. */
  async data(tx: TenantTx, job: Job): Promise<Pick<TrainPayload, DataPart>> {
    const { datasets } = this.parts;
    const version = await datasets.requireSealed(tx, job.datasetVersionId);
    const costs = version.task === 'classification' ? await datasets.errorCosts(tx, version) : null;
    return {
      jobId: job.id,
      data: datasets.source(version),
      columns: version.columns,
      target: version.target,
      task: version.task,
      holdout: version.holdout,
      exclude: excludedColumns(version),
      seed: job.seed,
      device: job.device,
      ...(costs === null ? {} : { costs }),
      ...(version.sensitive.length === 0 ? {} : { sensitive: version.sensitive }),
    };
  }

  /** Where the model goes, and whom it is compared with. */
  async model(tx: TenantTx, job: Job, task: Task): Promise<Pick<TrainPayload, ModelPart>> {
    return {
      modelVersionId: job.modelVersionId,
      onnx: await this.sink(tx, task, 'onnx', MAX_ONNX_BYTES),
      golden: await this.sink(tx, task, 'golden', MAX_GOLDEN_BYTES),
      evaluation: await this.sink(tx, task, 'evaluation', MAX_REPORT_BYTES),
      card: await this.sink(tx, task, 'card', MAX_REPORT_BYTES),
      champion: await this.champion(tx, job),
    };
  }

  async sink(tx: TenantTx, task: Task, kind: ObjectKind, maxBytes = MAX_ONNX_BYTES): Promise<Sink> {
    const { catalogue, signedUrls, ttlMs } = this.parts;
    const key = await catalogue.mint(tx, task.tenantId, kind, { ttlMs, taskId: task.id });
    return { key, url: signedUrls.put(key, { maxBytes, ttlMs, purpose: 'sink' }) };
  }

  source({ key, sha256, sizeBytes }: StoredFile): Source {
    return { url: this.parts.signedUrls.get(key, this.parts.ttlMs), sha256, sizeBytes };
  }

  private async champion(tx: TenantTx, job: Job): Promise<TrainPayload['champion']> {
    if (job.championId === null) return null;
    const { manifest } = await this.parts.registry.require(tx, job.championId);
    return { onnx: this.source(manifest.onnx), modelVersionId: job.championId };
  }
}
