import { Failure } from '../../contracts';
import type { Consumed, ModelManifest, Sink, StoredFile, TrainPayload, TrainResult } from '../../contracts';
import { excludedColumns } from '../dataset';
import type { DatasetService } from '../dataset';
import type { TenantTx } from '../platform/database';
import type { ObjectCatalogue, ObjectKind, SignedUrls } from '../platform/object-store';
import type { Task, TaskHandler } from '../platform/task';
import type { Registry } from '../registry';
import type { JobTable } from './job-table';
import type { TrainingMeter, TrainingUsage } from './ports';
import { MERGE_SHARE } from './training.entity';
import type { Job } from './training.entity';

export interface TrainTaskParts {
  readonly jobs: JobTable;
  readonly datasets: DatasetService;
  readonly registry: Registry;
  readonly catalogue: ObjectCatalogue;
  readonly signedUrls: SignedUrls;
  readonly meter: TrainingMeter;
  /** How long a task's URLs and unretained files live. */
  readonly ttlMs: number;
}

const MAX_ONNX_BYTES = 2 * 1024 ** 3;
const MAX_GOLDEN_BYTES = 64 * 1024 ** 2;

/** A sealed version becomes a model version. */
export class TrainTask implements TaskHandler<'train'> {
  readonly kind = 'train';

  constructor(private readonly parts: TrainTaskParts) {}

  async payload(tx: TenantTx, task: Task): Promise<TrainPayload> {
    const { jobs, datasets } = this.parts;
    const job = await jobs.of(tx, task);
    const version = await datasets.requireSealed(tx, job.datasetVersionId);
    return {
      kind: 'train',
      jobId: job.id,
      modelVersionId: job.modelVersionId,
      data: datasets.source(version),
      columns: version.columns,
      target: version.target,
      task: version.task,
      holdout: version.holdout,
      exclude: excludedColumns(version),
      spec: job.spec,
      seed: job.seed,
      device: job.device,
      onnx: await this.sink(tx, task, 'onnx', MAX_ONNX_BYTES),
      golden: await this.sink(tx, task, 'golden', MAX_GOLDEN_BYTES),
      champion: await this.champion(tx, job),
    };
  }

  private async sink(tx: TenantTx, task: Task, kind: ObjectKind, maxBytes: number): Promise<Sink> {
    const { catalogue, signedUrls, ttlMs } = this.parts;
    const key = await catalogue.mint(tx, task.tenantId, kind, { ttlMs, taskId: task.id });
    return { key, url: signedUrls.put(key, { maxBytes, ttlMs, purpose: 'sink' }) };
  }

  private async champion(tx: TenantTx, job: Job): Promise<TrainPayload['champion']> {
    if (job.championId === null) return null;
    const { manifest } = await this.parts.registry.require(tx, job.championId);
    const { key, sha256, sizeBytes } = manifest.onnx;
    const url = this.parts.signedUrls.get(key, this.parts.ttlMs);
    return { onnx: { url, sha256, sizeBytes }, modelVersionId: job.championId };
  }

  started(tx: TenantTx, task: Task): Promise<void> {
    return this.parts.jobs.started(tx, task);
  }

  async progress(tx: TenantTx, task: Task, progress: Parameters<JobTable['progress']>[2]): Promise<void> {
    await this.parts.jobs.progress(tx, task, progress, ...(await this.share(tx, task)));
  }

  /** A retrain has merged before: its training is the rest of the way. */
  private async share(tx: TenantTx, task: Task): Promise<[number, number]> {
    return (await this.parts.jobs.of(tx, task)).kind === 'retrain' ? [MERGE_SHARE, 1] : [0, 1];
  }

  /** Files, model version, usage and the job's end: all of it or nothing. */
  async finished(tx: TenantTx, task: Task, result: TrainResult, consumed: Consumed): Promise<void> {
    const { jobs, registry, catalogue } = this.parts;
    const { manifest } = result;
    const job = await jobs.of(tx, task);
    await this.check(tx, job, manifest);
    await this.keep(tx, job, manifest.onnx);
    await this.keep(tx, job, manifest.golden);
    await catalogue.doomLeftovers(tx, task.id);
    await registry.register(tx, {
      id: job.modelVersionId,
      scenarioId: job.scenarioId,
      modelName: job.modelName,
      jobId: job.id,
      datasetVersionId: job.datasetVersionId,
      manifest,
    });
    await jobs.storeEpochs(tx, job.id, manifest.history);
    await jobs.set(tx, job, {
      state: 'SUCCEEDED',
      fraction: 1,
      comparison: manifest.comparison,
      finishedAt: new Date(),
    });
    await this.bill(tx, job, task, consumed, 'billable');
  }

  /** The manifest tells of the data that the job was about. */
  private async check(tx: TenantTx, job: Job, manifest: ModelManifest): Promise<void> {
    const version = await this.parts.datasets.requireSealed(tx, job.datasetVersionId);
    if (manifest.data.sha256 !== version.sealedSha256) {
      throw new Failure(
        'DATASET_CHANGED',
        'the model was trained on other bytes than those that were sealed',
      );
    }
  }

  private async keep(tx: TenantTx, job: Job, file: StoredFile): Promise<void> {
    await this.parts.catalogue.retain(tx, file);
    await this.parts.meter.storageChanged(tx, {
      objectKey: file.key,
      bytes: file.sizeBytes,
      scenarioId: job.scenarioId,
      event: 'created',
    });
  }

  async failed(tx: TenantTx, task: Task, failure: Failure, consumed: Consumed): Promise<void> {
    const job = await this.parts.jobs.of(tx, task);
    await this.parts.jobs.fail(tx, job, failure);
    await this.parts.catalogue.doomLeftovers(tx, task.id);
    await this.bill(tx, job, task, consumed, reasonOf(failure));
  }

  async canceled(tx: TenantTx, task: Task, consumed: Consumed): Promise<void> {
    const job = await this.parts.jobs.of(tx, task);
    await this.parts.jobs.cancel(tx, job);
    await this.parts.catalogue.doomLeftovers(tx, task.id);
    await this.bill(tx, job, task, consumed, 'canceled');
  }

  async retried(tx: TenantTx, task: Task, failure: Failure, consumed: Consumed): Promise<void> {
    const job = await this.parts.jobs.of(tx, task);
    this.parts.jobs.announce(tx, job);
    await this.bill(tx, job, task, consumed, reasonOf(failure));
  }

  /** Every granted attempt leaves one event under its own token; only the one that made the model is billed. */
  private async bill(
    tx: TenantTx,
    job: Job,
    task: Task,
    consumed: Consumed,
    reason: TrainingUsage['reason'],
  ): Promise<void> {
    if (task.state !== 'RUNNING') return; // never granted, or recorded when the attempt ended
    const meter = consumed.device === 'cpu' ? 'training_cpu_ns' : 'training_gpu_ns';
    await this.parts.meter.record(tx, {
      kind: 'training',
      key: `${task.id}/${task.fence ?? '0'}`,
      quantities: { [meter]: consumed.computeNs },
      reason,
      scenarioId: job.scenarioId,
      jobId: job.id,
      modelVersionId: reason === 'billable' ? job.modelVersionId : null,
    });
  }
}

const reasonOf = (failure: Failure): TrainingUsage['reason'] =>
  failure.policy.fault === 'platform' ? 'platform_fault' : 'failed';
