import type { Progress, SearchPayload, SearchResult, TrialReport } from '../../contracts';
import type { TenantTx } from '../platform/database';
import type { ObjectCatalogue } from '../platform/object-store';
import type { Task, TaskHandler, TaskQueue } from '../platform/task';
import { DecidingTask } from './deciding-task';
import type { DecidingTaskParts } from './deciding-task';
import { limitMs, searchBudget } from './search-budget';
import type { TrainingInputs } from './training-inputs';
import { MERGE_SHARE } from './training.entity';
import type { Trial } from './training.entity';
import type { TrialTable } from './trial-table';

export interface SearchTaskParts extends DecidingTaskParts {
  readonly trials: TrialTable;
  readonly tasks: TaskQueue;
  readonly inputs: TrainingInputs;
  readonly catalogue: ObjectCatalogue;
}

/** One step of an automatic training. */
export class SearchTask extends DecidingTask<SearchTaskParts> implements TaskHandler<'search'> {
  readonly kind = 'search';

  async payload(tx: TenantTx, task: Task): Promise<SearchPayload> {
    const { jobs, trials, tasks, search, inputs } = this.parts;
    const job = await jobs.wanted(tx, task);
    const spec = search.spec(job);
    const workers = 1 + (await tasks.waitingWorkers('trial'));
    return {
      kind: 'search',
      ...(await inputs.data(tx, job)),
      ...(await inputs.model(tx, job, task)),
      spec,
      budget: searchBudget(job, await search.spent(tx, job, task.id), workers, task.consumed.device),
      shape: job.shape,
      trials: (await trials.list(tx, job.id)).flatMap((trial) => this.told(trial)),
    };
  }

  private told(trial: Trial): SearchPayload['trials'] {
    const { report, spec } = trial;
    if (report !== null) {
      const { files } = report;
      const readable =
        files === null
          ? null
          : {
              model: this.parts.inputs.source(files.model),
              predictions: this.parts.inputs.source(files.predictions),
              inputs: this.parts.inputs.source(files.inputs),
            };
      return [{ report, files: readable }];
    }
    if (trial.state === 'QUEUED' || trial.state === 'RUNNING') return []; // this task's own, from a lost attempt
    const failed: TrialReport = {
      state: 'failed',
      outcome: {
        status: 'failed',
        trial: spec,
        code: trial.errorCode ?? 'INTERNAL',
        message: trial.errorMessage ?? '',
        seconds: 0,
      },
    };
    return [{ report: failed, files: null }];
  }

  timeoutMs({ budget }: SearchPayload): number | null {
    return limitMs(budget);
  }

  async progress(tx: TenantTx, task: Task, progress: Progress): Promise<void> {
    const { jobs, trials } = this.parts;
    const job = await jobs.of(tx, task);
    await jobs.storeEpochs(tx, job.id, progress.epochs);
    const from = job.kind === 'retrain' ? MERGE_SHARE : 0;
    await jobs.moveForward(tx, job, progress, from + (1 - from) * progress.fraction);
    if (await trials.record(tx, job.id, task, progress.trials ?? [])) jobs.announce(tx, job);
  }

  async finished(tx: TenantTx, task: Task, result: SearchResult): Promise<void> {
    const { jobs, search, end, catalogue } = this.parts;
    const job = await jobs.of(tx, task);
    if (result.next.step === 'done') return end.succeed(tx, job, task, result.next.manifest);
    await catalogue.doomLeftovers(tx, task.id);
    await search.send(tx, job, result.next);
    await jobs.moveForward(tx, job, null, await search.share(tx, job));
  }
}
