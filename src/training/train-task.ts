import { Failure } from '../../contracts';
import type { TrainPayload, TrainResult } from '../../contracts';
import type { TenantTx } from '../platform/database';
import type { Task, TaskHandler } from '../platform/task';
import { DecidingTask } from './deciding-task';
import type { DecidingTaskParts } from './deciding-task';
import type { JobTable } from './job-table';
import { limitMs, searchBudget } from './search-budget';
import type { TrainingInputs } from './training-inputs';
import { MERGE_SHARE } from './training.entity';

export interface TrainTaskParts extends DecidingTaskParts {
  readonly inputs: TrainingInputs;
}

/** A sealed version becomes a model version by a spec that says what to train. */
export class TrainTask extends DecidingTask<TrainTaskParts> implements TaskHandler<'train'> {
  readonly kind = 'train';

  async payload(tx: TenantTx, task: Task): Promise<TrainPayload> {
    const { jobs, search, inputs } = this.parts;
    const job = await jobs.wanted(tx, task);
    const spent = await search.spent(tx, job, task.id);
    const stopInMs = limitMs(searchBudget(job, spent, 1, task.consumed.device));
    if (stopInMs !== null && stopInMs <= 0)
      throw new Failure('BUDGET_SPENT', 'nothing is left of the budget');
    return {
      kind: 'train',
      ...(await inputs.data(tx, job)),
      spec: job.spec,
      ...(await inputs.model(tx, job, task)),
      ...(stopInMs === null ? {} : { stopInMs }),
    };
  }

  timeoutMs({ stopInMs }: TrainPayload): number | null {
    return stopInMs ?? null;
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
}
