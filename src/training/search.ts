/**
 * The loop of an automatic training, driven by the ends of its tasks: one search task, then its trials side by side, then
 * the next search task, until one of them has made the model. Whoever moves it holds the lock of the job's row.
 */
import { AutoSpec, Failure } from '../../contracts';
import type { SearchResult } from '../../contracts';
import type { TenantTx } from '../platform/database';
import type { TaskQueue } from '../platform/task';
import type { JobEnd } from './job-end';
import type { JobTable } from './job-table';
import { spentShare } from './search-budget';
import type { Spent } from './search-budget';
import type { Job } from './training.entity';
import type { TrialTable } from './trial-table';

export interface SearchParts {
  readonly jobs: JobTable;
  readonly trials: TrialTable;
  readonly tasks: TaskQueue;
  readonly end: JobEnd;
}

type Round = Extract<SearchResult['next'], { step: 'trials' }>;

export class Search {
  constructor(private readonly parts: SearchParts) {}

  spec(job: Job): AutoSpec {
    return AutoSpec.parse(job.spec);
  }

  async spent(tx: TenantTx, job: Job): Promise<Spent> {
    const [row] = await tx.query<{ elapsed: number; compute: number; allotted: number; trials: number }[]>(
      `select coalesce(extract(epoch from now() - (select search_from from app.job where id = $1)) * 1000, 0)::float8
                as elapsed,
              (select coalesce(sum(consumed_ns), 0) / 1e6 from app.task where owner_id = $1
                  and state = 'SUCCEEDED' and kind in ('search', 'trial'))::float8 as compute,
              (select coalesce(sum(r.allotted_ms), 0) from app.trial r
                  join app.task k on k.id = r.task_id and k.state = 'RUNNING' and k.kind = 'trial'
                where r.job_id = $1 and r.allotted_ms is not null)::float8 as allotted,
              (select count(*) from app.trial where job_id = $1 and (state <> 'CANCELED' or started_at is not null))::int
                as trials`,
      [job.id],
    );
    return {
      elapsedMs: row?.elapsed ?? 0,
      computeMs: row?.compute ?? 0,
      allottedMs: row?.allotted ?? 0,
      trials: row?.trials ?? 0,
    };
  }

  /** 0 to 1: how much of the budget is gone. */
  async share(tx: TenantTx, job: Job): Promise<number> {
    return spentShare(this.spec(job), job, await this.spent(tx, job));
  }

  /** Sends a round of trials out. */
  async send(tx: TenantTx, job: Job, round: Round): Promise<void> {
    const { jobs, trials, tasks } = this.parts;
    const known = new Set((await trials.list(tx, job.id)).map(({ id }) => id));
    const ids = round.messages.flatMap((message) => message.trials.map(({ id }) => id));
    if (new Set(ids).size < ids.length || ids.some((id) => known.has(id))) {
      throw new Failure('INTERNAL', 'a search named a trial twice');
    }
    for (const message of round.messages) {
      const taskId = await tasks.enqueue(tx, {
        kind: 'trial',
        ownerId: job.id,
        scenarioId: job.scenarioId,
      });
      await trials.send(tx, job.id, taskId, message.trials, message.expectedMs);
    }
    await jobs.set(tx, job, { shape: round.shape, assembleMs: Math.max(0, round.assembleMs) });
  }

  /** A trial task has ended: after the last one the search goes on. */
  async advance(tx: TenantTx, job: Job): Promise<void> {
    const { jobs, tasks, end } = this.parts;
    if (await this.isOpen(tx, job)) {
      jobs.announce(tx, job);
      return;
    }
    if (job.cancelRequested) return end.cancel(tx, job);
    const taskId = await tasks.enqueue(tx, {
      kind: 'search',
      ownerId: job.id,
      scenarioId: job.scenarioId,
    });
    await jobs.set(tx, job, { taskId });
  }

  private async isOpen(tx: TenantTx, job: Job): Promise<boolean> {
    const rows = await tx.query<unknown[]>(
      `select 1 from app.task where owner_id = $1 and state in ('QUEUED', 'RUNNING') limit 1`,
      [job.id],
    );
    return rows.length > 0;
  }
}
