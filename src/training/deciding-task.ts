import type { Consumed, Failure } from '../../contracts';
import type { TenantTx } from '../platform/database';
import type { Task } from '../platform/task';
import type { JobEnd } from './job-end';
import type { JobTable } from './job-table';
import type { Search } from './search';

export interface DecidingTaskParts {
  readonly jobs: JobTable;
  readonly search: Search;
  readonly end: JobEnd;
}

/** A task that its job cannot go on without: where it ends, the job ends. */
export abstract class DecidingTask<Parts extends DecidingTaskParts> {
  constructor(protected readonly parts: Parts) {}

  started(tx: TenantTx, task: Task): Promise<void> {
    return this.parts.jobs.learning(tx, task);
  }

  async failed(tx: TenantTx, task: Task, failure: Failure, consumed: Consumed): Promise<void> {
    const { search, end } = this.parts;
    await end.attemptFailed(tx, task, await search.why(tx, task, failure, consumed), consumed);
  }

  canceled(tx: TenantTx, task: Task, consumed: Consumed): Promise<void> {
    return this.parts.end.attemptCanceled(tx, task, consumed);
  }

  retried(tx: TenantTx, task: Task, failure: Failure, consumed: Consumed): Promise<void> {
    return this.parts.end.attemptRetried(tx, task, failure, consumed);
  }
}
