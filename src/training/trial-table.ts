/** The trials of automatic trainings. Every change runs under the lock of the job's row. */
import { MOST_TRIALS } from '../../contracts';
import type { Device, Failure, JobId, TaskId, TrialReport, TrialSpec } from '../../contracts';
import type { TenantTx } from '../platform/database';
import type { ObjectCatalogue } from '../platform/object-store';
import type { Task } from '../platform/task';
import { Trial } from './training.entity';

const OPEN = `state in ('QUEUED', 'RUNNING')`;

export class TrialTable {
  constructor(private readonly catalogue: ObjectCatalogue) {}

  /** In the order in which they were planned. */
  list(tx: TenantTx, jobId: JobId): Promise<Trial[]> {
    return tx.find(Trial, { where: { jobId }, order: { id: 'ASC' } });
  }

  /** How many there are in each state. */
  async count(tx: TenantTx, jobId: JobId): Promise<Record<string, number>> {
    const rows = await tx.query<{ state: string; n: number }[]>(
      'select state, count(*)::int as n from app.trial where job_id = $1 group by state order by state',
      [jobId],
    );
    return Object.fromEntries(rows.map(({ state, n }) => [state, n]));
  }

  /** Where each message of trials ran. */
  async devices(tx: TenantTx, jobId: JobId): Promise<Map<TaskId, Device | null>> {
    const rows = await tx.query<{ id: TaskId; device: Device | null }[]>(
      `select id, device from app.task where owner_id = $1 and kind in ('search', 'trial')`,
      [jobId],
    );
    return new Map(rows.map(({ id, device }) => [id, device]));
  }

  /** Those of one message that have not ended. */
  async openOf(tx: TenantTx, task: Task): Promise<Trial[]> {
    const trials = await tx.find(Trial, { where: { taskId: task.id }, order: { id: 'ASC' } });
    return trials.filter((trial) => trial.finishedAt === null);
  }

  async send(
    tx: TenantTx,
    jobId: JobId,
    taskId: TaskId,
    trials: readonly TrialSpec[],
    expectedMs: number,
  ): Promise<void> {
    await tx.query(
      `insert into app.trial (tenant_id, job_id, id, task_id, spec, expected_ms)
       select app.tid(), $1, (item->>'id')::int, $2, item, $4 from jsonb_array_elements($3::jsonb) as item`,
      [jobId, taskId, JSON.stringify(trials), expectedMs / trials.length],
    );
  }

  async start(tx: TenantTx, task: Task, allottedMs: number | null): Promise<void> {
    await tx.query(
      `update app.trial set state = 'RUNNING', started_at = coalesce(started_at, now()),
          allotted_ms = $2::float8 / count.open
         from (select count(*)::int as open from app.trial where task_id = $1 and ${OPEN}) as count
        where task_id = $1 and ${OPEN}`,
      [task.id, allottedMs],
    );
  }

  /**
   * Takes news of trials in; true when anything was new. A trial task speaks of its own trials only; a search task also of
   * those that it runs itself.
   */
  async record(tx: TenantTx, jobId: JobId, task: Task, reports: readonly TrialReport[]): Promise<boolean> {
    let news = false;
    for (const report of reports) {
      if (task.kind === 'search') news = (await this.adopt(tx, jobId, task, report)) || news;
      news = (await this.recordOne(tx, jobId, task, report)) || news;
    }
    return news;
  }

  private async adopt(tx: TenantTx, jobId: JobId, task: Task, report: TrialReport): Promise<boolean> {
    const spec = report.state === 'running' ? report.trial : report.outcome.trial;
    if (spec.id < 0 || spec.id >= MOST_TRIALS) return false;
    const inserted = await tx.query<unknown[]>(
      `insert into app.trial (tenant_id, job_id, id, task_id, state, spec, expected_ms, started_at)
       values (app.tid(), $1, $2, $3, 'RUNNING', $4, 0, now()) on conflict do nothing returning 1`,
      [jobId, spec.id, task.id, JSON.stringify(spec)],
    );
    return inserted.length > 0;
  }

  private async recordOne(tx: TenantTx, jobId: JobId, task: Task, report: TrialReport): Promise<boolean> {
    if (report.state === 'running') return false; // known from the grant, or adopted just now
    const { id } = report.outcome.trial;
    const failed = report.state === 'failed' ? report.outcome : null;
    const [, changed] = await tx.query<[unknown[], number]>(
      `update app.trial set state = $4, report = $5, error_code = $6, error_message = $7, finished_at = now()
        where job_id = $1 and id = $2 and task_id = $3 and ${OPEN}`,
      [
        jobId,
        id,
        task.id,
        failed === null ? 'SUCCEEDED' : 'FAILED',
        failed === null ? JSON.stringify(report) : null,
        failed?.code ?? null,
        failed?.message ?? null,
      ],
    );
    if (changed === 1 && report.state === 'done' && report.files !== null) {
      for (const file of Object.values(report.files)) await this.catalogue.retain(tx, file);
    }
    return changed === 1;
  }

  /** The message ended and nothing was said of these. */
  async giveUp(tx: TenantTx, task: Task, failure: Failure): Promise<void> {
    const state = failure.code === 'CANCELED' || failure.code === 'BUDGET_SPENT' ? 'CANCELED' : 'FAILED';
    await tx.query(
      `update app.trial set state = $2, error_code = $3, error_message = $4, finished_at = now()
        where task_id = $1 and ${OPEN}`,
      [task.id, state, failure.code, failure.message],
    );
  }

  /** The job has ended: nothing is open any more, and what the trials kept is let go. */
  async close(tx: TenantTx, jobId: JobId): Promise<void> {
    await tx.query(
      `update app.trial set state = 'CANCELED', finished_at = now() where job_id = $1 and ${OPEN}`,
      [jobId],
    );
    const keys = (await this.list(tx, jobId)).flatMap(({ report }) =>
      Object.values(report?.files ?? {}).map(({ key }) => key),
    );
    await this.catalogue.doom(tx, keys);
  }
}
