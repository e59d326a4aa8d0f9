/** How a job ends, once: with a model version or without, and with what its attempts have used. */
import { Failure } from '../../contracts';
import type { Consumed, Device, ModelManifest, StoredFile, TaskId } from '../../contracts';
import type { DatasetService } from '../dataset';
import type { TenantTx } from '../platform/database';
import type { ObjectCatalogue } from '../platform/object-store';
import type { Task } from '../platform/task';
import type { Registry } from '../registry';
import { secondsOf } from './budget';
import type { JobTable } from './job-table';
import type { TrainingMeter, TrainingPrices, TrainingUsage } from './ports';
import { Purse, TRAINING_METERS, billedAs, devicePrices } from './purse';
import type { Job } from './training.entity';
import type { TrialTable } from './trial-table';

export interface JobEndParts {
  readonly jobs: JobTable;
  readonly trials: TrialTable;
  readonly datasets: DatasetService;
  readonly registry: Registry;
  readonly catalogue: ObjectCatalogue;
  readonly meter: TrainingMeter;
  readonly prices: TrainingPrices;
}

interface Attempt {
  readonly id: TaskId;
  readonly fence: string;
  readonly device: Device;
  readonly ns: string;
  /** Of these, before the budget's seconds were over. */
  readonly in_time: string;
}

type Reason = TrainingUsage['reason'];

export class JobEnd {
  constructor(private readonly parts: JobEndParts) {}

  /** Files, model version, usage and the job's end: all of it or nothing. */
  async succeed(tx: TenantTx, job: Job, task: Task, manifest: ModelManifest): Promise<void> {
    const { jobs, registry, catalogue } = this.parts;
    await this.check(tx, job, manifest);
    await this.keep(tx, job, manifest.onnx);
    await this.keep(tx, job, manifest.golden);
    for (const file of [manifest.evaluation, manifest.card]) {
      if (file !== undefined) await this.keep(tx, job, file);
    }
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
    await this.settle(tx, job, 'billable');
  }

  /** The job's other tasks have ended. */
  async fail(tx: TenantTx, job: Job, failure: Failure): Promise<void> {
    await this.parts.jobs.fail(tx, job, failure);
    await this.settle(tx, job, reasonOf(failure));
  }

  async cancel(tx: TenantTx, job: Job): Promise<void> {
    await this.parts.jobs.cancel(tx, job);
    await this.settle(tx, job, 'canceled');
  }

  /** An attempt that the job cannot go on without has failed for good. */
  async attemptFailed(tx: TenantTx, task: Task, failure: Failure, consumed: Consumed): Promise<void> {
    const job = await this.parts.jobs.of(tx, task);
    await this.parts.catalogue.doomLeftovers(tx, task.id);
    await this.attemptLost(tx, job, task, reasonOf(failure), consumed);
    if (job.cancelRequested) await this.cancel(tx, job);
    else await this.fail(tx, job, failure);
  }

  async attemptCanceled(tx: TenantTx, task: Task, consumed: Consumed): Promise<void> {
    const job = await this.parts.jobs.of(tx, task);
    await this.parts.catalogue.doomLeftovers(tx, task.id);
    await this.attemptLost(tx, job, task, 'canceled', consumed);
    await this.cancel(tx, job);
  }

  /** Another attempt follows. */
  async attemptRetried(tx: TenantTx, task: Task, failure: Failure, consumed: Consumed): Promise<void> {
    const job = await this.parts.jobs.of(tx, task);
    this.parts.jobs.announce(tx, job);
    await this.attemptLost(tx, job, task, reasonOf(failure), consumed);
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

  /** Every granted attempt leaves one event under its own token. One that did not succeed is never paid. */
  async attemptLost(tx: TenantTx, job: Job, task: Task, reason: Reason, consumed: Consumed): Promise<void> {
    if (task.state !== 'RUNNING') return; // never granted, or recorded when the attempt ended
    await this.record(tx, job, task, consumed.device, BigInt(consumed.computeNs), reason);
  }

  /**
   * Attempts that succeeded are paid when the job has made its model, up to its budget: no time after its seconds, and no
   * more than its amount at the prices of this moment. What went beyond is the platform's.
   */
  private async settle(tx: TenantTx, job: Job, reason: Reason): Promise<void> {
    await this.parts.trials.close(tx, job.id);
    const seconds = secondsOf(job);
    const until =
      seconds === null || job.searchFrom === null
        ? null
        : new Date(job.searchFrom.getTime() + seconds * 1000);
    const attempts = await tx.query<Attempt[]>(
      `select id, fence::text as fence, coalesce(device, 'cpu') as device, consumed_ns::text as ns,
          (case when $2::timestamptz is null then consumed_ns else floor(least(consumed_ns,
              greatest(0, extract(epoch from $2::timestamptz - attempt_started_at)) * 1e9)) end)::text as in_time
         from app.task where owner_id = $1 and state = 'SUCCEEDED' and kind in ('train', 'search', 'trial')
        order by fence`,
      [job.id, until],
    );
    const amount = job.cap?.money?.amountNano;
    const purse =
      amount === undefined ? null : new Purse(BigInt(amount), await devicePrices(this.parts.prices, tx));
    for (const attempt of attempts) {
      const { device } = attempt;
      const ns = BigInt(attempt.ns);
      const inTime = { device, ns: BigInt(attempt.in_time) };
      const paid = purse === null ? inTime.ns : purse.pay(inTime);
      await this.record(tx, job, attempt, device, paid, reason);
      if (paid < ns) await this.record(tx, job, attempt, device, ns - paid, 'platform_fault', '/over');
    }
  }

  private async record(
    tx: TenantTx,
    job: Job,
    attempt: Pick<Task, 'id' | 'fence'>,
    device: Device,
    ns: bigint,
    reason: Reason,
    suffix = '',
  ): Promise<void> {
    await this.parts.meter.record(tx, {
      kind: 'training',
      key: `${attempt.id}/${attempt.fence ?? '0'}${suffix}`,
      quantities: { [TRAINING_METERS[billedAs(device)]]: String(ns) },
      reason,
      scenarioId: job.scenarioId,
      jobId: job.id,
      modelVersionId: reason === 'billable' ? job.modelVersionId : null,
    });
  }
}

export const reasonOf = (failure: Failure): Reason =>
  failure.policy.fault === 'platform' ? 'platform_fault' : 'failed';
