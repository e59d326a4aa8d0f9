import { Failure } from '../../contracts';
import type { Consumed, Progress, Sink, TrialPayload, TrialResult } from '../../contracts';
import type { TenantTx } from '../platform/database';
import type { ObjectCatalogue } from '../platform/object-store';
import type { Task, TaskHandler } from '../platform/task';
import { reasonOf } from './job-end';
import type { JobEnd } from './job-end';
import type { JobTable } from './job-table';
import type { Search } from './search';
import { TRIAL_GRACE_MS, trialLimitMs } from './search-budget';
import type { TrainingInputs } from './training-inputs';
import type { TrialTable } from './trial-table';

export interface TrialTaskParts {
  readonly jobs: JobTable;
  readonly trials: TrialTable;
  readonly search: Search;
  readonly inputs: TrainingInputs;
  readonly end: JobEnd;
  readonly catalogue: ObjectCatalogue;
}

/** Some trials of an automatic training. That they fail does not fail the job: the search goes on without them. */
export class TrialTask implements TaskHandler<'trial'> {
  readonly kind = 'trial';

  constructor(private readonly parts: TrialTaskParts) {}

  async payload(tx: TenantTx, task: Task): Promise<TrialPayload> {
    const { jobs, trials, search, inputs } = this.parts;
    const job = await jobs.wanted(tx, task);
    const open = await trials.openOf(tx, task);
    if (open.length === 0) throw new Failure('STATE_CONFLICT', 'these trials have been reported already');
    const spec = search.spec(job);
    const expectedMs = open.reduce((sum, trial) => sum + trial.expectedMs, 0);
    const spent = await search.spent(tx, job, task.id);
    const stopInMs = trialLimitMs(job, spent, expectedMs, task.consumed.device);
    await trials.start(tx, task, stopInMs);
    const sink = (): Promise<Sink> => inputs.sink(tx, task, 'trial');
    const asked: TrialPayload['trials'] = [];
    for (const trial of open) {
      const files = { model: await sink(), predictions: await sink(), inputs: await sink() };
      asked.push({ trial: trial.spec, files });
    }
    return { kind: 'trial', ...(await inputs.data(tx, job)), spec, trials: asked, stopInMs };
  }

  timeoutMs({ stopInMs }: TrialPayload): number | null {
    return stopInMs === null ? null : stopInMs + TRIAL_GRACE_MS;
  }

  async started(tx: TenantTx, task: Task): Promise<void> {
    const { jobs } = this.parts;
    jobs.announce(tx, await jobs.of(tx, task));
  }

  async progress(tx: TenantTx, task: Task, progress: Progress): Promise<void> {
    const { jobs, trials, search } = this.parts;
    const job = await jobs.of(tx, task);
    const said = { phase: 'TUNING', message: progress.message } as const;
    await jobs.moveForward(tx, job, said, await search.share(tx, job));
    if (await trials.record(tx, job.id, task, progress.trials ?? [])) jobs.announce(tx, job);
  }

  async finished(tx: TenantTx, task: Task, result: TrialResult): Promise<void> {
    const { jobs, trials, search } = this.parts;
    const job = await jobs.of(tx, task);
    await trials.record(tx, job.id, task, result.trials);
    await this.goOn(tx, task, new Failure('INTERNAL', 'the worker said nothing of this trial'));
    await search.advance(tx, await jobs.of(tx, task));
  }

  async failed(tx: TenantTx, task: Task, failure: Failure, consumed: Consumed): Promise<void> {
    const { jobs, search, end } = this.parts;
    const job = await jobs.of(tx, task);
    await end.attemptLost(tx, job, task, reasonOf(failure), consumed);
    await this.goOn(tx, task, failure);
    await search.advance(tx, job);
  }

  async canceled(tx: TenantTx, task: Task, consumed: Consumed): Promise<void> {
    const { jobs, search, end } = this.parts;
    const job = await jobs.of(tx, task);
    await end.attemptLost(tx, job, task, 'canceled', consumed);
    await this.goOn(tx, task, new Failure('CANCELED', 'the training was canceled'));
    await search.advance(tx, { ...job, cancelRequested: true });
  }

  retried(tx: TenantTx, task: Task, failure: Failure, consumed: Consumed): Promise<void> {
    return this.parts.end.attemptRetried(tx, task, failure, consumed);
  }

  private async goOn(tx: TenantTx, task: Task, failure: Failure): Promise<void> {
    await this.parts.trials.giveUp(tx, task, failure);
    await this.parts.catalogue.doomLeftovers(tx, task.id);
  }
}
