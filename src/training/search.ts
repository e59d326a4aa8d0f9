/**
 * The loop of an automatic training, driven by the ends of its tasks: one search task, then its trials side by side, then
 * the next search task, until one of them has made the model. Whoever moves it holds the lock of the job's row.
 */
import { AutoSpec, Failure } from '../../contracts';
import type { Consumed, Device, SearchResult, TaskId } from '../../contracts';
import type { TenantTx } from '../platform/database';
import type { Task, TaskQueue } from '../platform/task';
import type { JobEnd } from './job-end';
import type { JobTable } from './job-table';
import type { DeviceTime } from './purse';
import { limitMs, searchBudget, spentFailure, spentShare } from './search-budget';
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

  /** `apart`: an attempt that begins now; what was granted to the one before it is free again. */
  async spent(tx: TenantTx, job: Job, apart?: TaskId): Promise<Spent> {
    const [row] = await tx.query<{ elapsed: number; trials: number; waiting: number }[]>(
      `select coalesce(extract(epoch from now() - (select search_from from app.job where id = $1)) * 1000, 0)::float8
                as elapsed,
              (select count(*) from app.trial where job_id = $1 and (state <> 'CANCELED' or started_at is not null))::int
                as trials,
              (select count(*) from app.task where owner_id = $1 and kind = 'trial' and state = 'QUEUED')::int as waiting`,
      [job.id],
    );
    const times = await tx.query<{ paid: boolean; device: Device | null; ns: string }[]>(
      `select k.state = 'SUCCEEDED' as paid, k.device,
          ceil(sum(case k.state when 'SUCCEEDED' then k.consumed_ns
              else (select coalesce(sum(r.allotted_ms), 0) * 1e6 from app.trial r where r.task_id = k.id) end))::text as ns
         from app.task k where k.owner_id = $1 and k.kind in ('train', 'search', 'trial') and k.id is distinct from $2
          and k.state in ('SUCCEEDED', 'RUNNING') group by 1, 2`,
      [job.id, apart ?? null],
    );
    const of = (paid: boolean): DeviceTime[] =>
      times
        .filter((time) => time.paid === paid)
        .map(({ device, ns }) => ({ device: device ?? 'cpu', ns: BigInt(ns) }));
    return {
      elapsedMs: row?.elapsed ?? 0,
      paid: of(true),
      granted: of(false),
      trials: row?.trials ?? 0,
      waiting: row?.waiting ?? 0,
    };
  }

  /** 0 to 1: how much of the budget is gone. */
  async share(tx: TenantTx, job: Job): Promise<number> {
    return spentShare(job, await this.spent(tx, job));
  }

  /** An attempt that was ended because nothing was left of the budget failed for that. */
  async why(tx: TenantTx, task: Task, failure: Failure, { device, computeNs }: Consumed): Promise<Failure> {
    if (failure.code !== 'TASK_TIMEOUT') return failure;
    const job = await this.parts.jobs.of(tx, task);
    const spent = await this.spent(tx, job, task.id);
    const paid = [...spent.paid, { device, ns: BigInt(computeNs) }];
    const leftMs = limitMs(searchBudget(job, { ...spent, paid }, 1, device));
    // The worker's timer counts whole milliseconds.
    if (leftMs === null || leftMs >= 1) return failure;
    return spentFailure(job, await this.reached(tx, job), failure);
  }

  private async reached(tx: TenantTx, job: Job): Promise<string> {
    const phase = (job.phase ?? 'FETCHING').toLowerCase();
    const { SUCCEEDED = 0 } = job.spec.family === 'auto' ? await this.parts.trials.count(tx, job.id) : {};
    // None where families are tried in turn, or where the first has not ended.
    if (SUCCEEDED === 0) return `it was ${phase}, at ${Math.floor(100 * job.fraction)} %`;
    return `it was ${phase}, after ${SUCCEEDED === 1 ? 'one trial' : `${SUCCEEDED} trials`}`;
  }

  /** Sends a round of trials out. */
  async send(tx: TenantTx, job: Job, round: Round): Promise<void> {
    const { jobs, trials, tasks } = this.parts;
    const known = new Set((await trials.list(tx, job.id)).map(({ id }) => id));
    const ids = round.messages.flatMap((message) => message.trials.map(({ id }) => id));
    if (new Set(ids).size < ids.length || ids.some((id) => known.has(id))) {
      throw new Failure('INTERNAL', 'a search named a trial twice');
    }
    const { trialsLeft } = searchBudget(job, await this.spent(tx, job), 1, 'cpu');
    if (ids.length > trialsLeft) throw new Failure('INTERNAL', 'a search sends more trials than it may');
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
