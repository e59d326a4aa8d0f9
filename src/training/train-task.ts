import type { Consumed, Failure, TrainPayload, TrainResult } from '../../contracts';
import type { TenantTx } from '../platform/database';
import type { Task, TaskHandler } from '../platform/task';
import type { JobEnd } from './job-end';
import type { JobTable } from './job-table';
import type { TrainingInputs } from './training-inputs';
import { MERGE_SHARE } from './training.entity';

export interface TrainTaskParts {
  readonly jobs: JobTable;
  readonly inputs: TrainingInputs;
  readonly end: JobEnd;
}

/** A sealed version becomes a model version by a spec that says what to train. */
export class TrainTask implements TaskHandler<'train'> {
  readonly kind = 'train';

  constructor(private readonly parts: TrainTaskParts) {}

  async payload(tx: TenantTx, task: Task): Promise<TrainPayload> {
    const { jobs, inputs } = this.parts;
    const job = await jobs.wanted(tx, task);
    return {
      kind: 'train',
      ...(await inputs.data(tx, job)),
      spec: job.spec,
      ...(await inputs.model(tx, job, task)),
    };
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

  async finished(tx: TenantTx, task: Task, result: TrainResult): Promise<void> {
    const job = await this.parts.jobs.of(tx, task);
    await this.parts.end.succeed(tx, job, task, result.manifest);
  }

  failed(tx: TenantTx, task: Task, failure: Failure, consumed: Consumed): Promise<void> {
    return this.parts.end.attemptFailed(tx, task, failure, consumed);
  }

  canceled(tx: TenantTx, task: Task, consumed: Consumed): Promise<void> {
    return this.parts.end.attemptCanceled(tx, task, consumed);
  }

  retried(tx: TenantTx, task: Task, failure: Failure, consumed: Consumed): Promise<void> {
    return this.parts.end.attemptRetried(tx, task, failure, consumed);
  }
}
