import { Failure } from '../../contracts';
import type { Consumed, MergePayload, MergeResult, Progress } from '../../contracts';
import type { DatasetService } from '../dataset';
import type { TenantTx } from '../platform/database';
import { objectKey } from '../platform/object-store';
import type { ObjectCatalogue, SignedUrls } from '../platform/object-store';
import type { Task, TaskHandler, TaskQueue } from '../platform/task';
import type { JobTable } from './job-table';
import { MERGE_SHARE } from './training.entity';
import type { Job } from './training.entity';

export interface MergeTaskParts {
  readonly jobs: JobTable;
  readonly tasks: TaskQueue;
  readonly datasets: DatasetService;
  readonly catalogue: ObjectCatalogue;
  readonly signedUrls: SignedUrls;
  readonly ttlMs: number;
}

const MAX_SEALED_BYTES = 8 * 1024 ** 3;

/** The first half of a retrain: old rows and feedback become a new sealed version; the training task follows. */
export class MergeTask implements TaskHandler<'merge'> {
  readonly kind = 'merge';

  constructor(private readonly parts: MergeTaskParts) {}

  private async base(tx: TenantTx, job: Job) {
    if (job.baseVersionId === null || job.feedbackKey === null) {
      throw new Failure('INTERNAL', 'a merge needs a base version and feedback');
    }
    return {
      version: await this.parts.datasets.requireSealed(tx, job.baseVersionId),
      feedbackKey: objectKey(job.feedbackKey),
    };
  }

  async payload(tx: TenantTx, task: Task): Promise<MergePayload> {
    const { jobs, datasets, catalogue, signedUrls, ttlMs } = this.parts;
    const job = await jobs.of(tx, task);
    const { version, feedbackKey } = await this.base(tx, job);
    if (version.target === null) throw new Failure('INTERNAL', 'a merge needs a target');
    const feedback = await catalogue.find(tx, feedbackKey);
    const key = await catalogue.mint(tx, task.tenantId, 'sealed', { ttlMs, taskId: task.id });
    return {
      kind: 'merge',
      datasetVersionId: job.datasetVersionId,
      base: datasets.source(version),
      columns: version.columns,
      target: version.target,
      task: version.task,
      holdout: version.holdout,
      feedback: {
        url: signedUrls.get(feedbackKey, ttlMs),
        sha256: feedback?.stored?.sha256 ?? null,
        sizeBytes: feedback?.stored?.sizeBytes ?? null,
      },
      sealed: { key, url: signedUrls.put(key, { maxBytes: MAX_SEALED_BYTES, ttlMs, purpose: 'sink' }) },
    };
  }

  started(tx: TenantTx, task: Task): Promise<void> {
    return this.parts.jobs.started(tx, task);
  }

  progress(tx: TenantTx, task: Task, progress: Progress): Promise<void> {
    return this.parts.jobs.progress(tx, task, progress, 0, MERGE_SHARE * 0.99);
  }

  async finished(tx: TenantTx, task: Task, result: MergeResult): Promise<void> {
    const { jobs, tasks, datasets } = this.parts;
    const job = await jobs.of(tx, task);
    const { version, feedbackKey } = await this.base(tx, job);
    const { columns, holdout } = version;
    await datasets.sealMerged(
      tx,
      job.datasetVersionId,
      task.id,
      { columns, holdout, task: version.task },
      result,
    );
    await this.parts.catalogue.doom(tx, [feedbackKey]);
    const taskId = await tasks.enqueue(tx, {
      kind: job.spec.family === 'auto' ? 'search' : 'train',
      ownerId: job.id,
      scenarioId: job.scenarioId,
    });
    await jobs.set(tx, job, { taskId, fraction: MERGE_SHARE });
    // Asked to stop while the merge was finishing: the training does not begin.
    if (job.cancelRequested) await tasks.cancel(tx, taskId);
  }

  async failed(tx: TenantTx, task: Task, failure: Failure): Promise<void> {
    const job = await this.parts.jobs.of(tx, task);
    await this.parts.jobs.fail(tx, job, failure);
    await this.giveUp(tx, task, job, failure);
  }

  async canceled(tx: TenantTx, task: Task, _consumed: Consumed): Promise<void> {
    const job = await this.parts.jobs.of(tx, task);
    await this.parts.jobs.cancel(tx, job);
    await this.giveUp(tx, task, job, new Failure('CANCELED', 'the retrain was canceled'));
  }

  private async giveUp(tx: TenantTx, task: Task, job: Job, failure: Failure): Promise<void> {
    const { datasets, catalogue } = this.parts;
    await datasets.rejectMerged(tx, job.datasetVersionId, failure);
    if (job.feedbackKey !== null) await catalogue.doom(tx, [job.feedbackKey]);
    await catalogue.doomLeftovers(tx, task.id);
  }
}
