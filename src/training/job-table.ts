/** Changes of a job and its epochs, each announced to whoever follows the job. */
import { Failure, subject } from '../../contracts';
import type { Epoch, JobId, Progress } from '../../contracts';
import { afterCommit } from '../platform/database';
import type { TenantTx } from '../platform/database';
import type { Messaging } from '../platform/messaging';
import type { Task } from '../platform/task';
import { Job } from './training.entity';

export class JobTable {
  constructor(private readonly messaging: Messaging) {}

  /** Fails with NOT_FOUND. The row is held until the transaction ends. */
  async lock(tx: TenantTx, id: JobId): Promise<Job> {
    const found = await tx.findOne(Job, { where: { id }, lock: { mode: 'pessimistic_write' } });
    if (found === null) throw new Failure('NOT_FOUND', 'no such job');
    return found;
  }

  of(tx: TenantTx, task: Task): Promise<Job> {
    return this.lock(tx, task.ownerId as JobId);
  }

  /** For an attempt that begins. Fails with CANCELED when the job was told to stop while this task was on its way. */
  async wanted(tx: TenantTx, task: Task): Promise<Job> {
    const job = await this.of(tx, task);
    if (job.cancelRequested) throw new Failure('CANCELED', 'the training was canceled');
    return job;
  }

  async set(tx: TenantTx, job: Pick<Job, 'id' | 'tenantId'>, values: Partial<Job>): Promise<void> {
    await tx.createQueryBuilder().update(Job).set(values).where({ id: job.id }).execute();
    this.announce(tx, job);
  }

  announce(tx: TenantTx, job: Pick<Job, 'id' | 'tenantId'>): void {
    afterCommit(tx, () => this.messaging.publish(subject.state(job.tenantId, job.id), { v: 1 }));
  }

  async started(tx: TenantTx, task: Task): Promise<void> {
    const job = await this.of(tx, task);
    if (job.state === 'QUEUED') await this.set(tx, job, { state: 'RUNNING', startedAt: new Date() });
  }

  /** The first task that learns: the budget's seconds run from now on. */
  async learning(tx: TenantTx, task: Task): Promise<void> {
    await this.started(tx, task);
    await tx.query('update app.job set search_from = coalesce(search_from, now()) where id = $1', [
      task.ownerId,
    ]);
  }

  /** `from` to `to`: which part of the whole job the task is. */
  async progress(tx: TenantTx, task: Task, progress: Progress, from = 0, to = 1): Promise<void> {
    const id = task.ownerId as JobId;
    await this.storeEpochs(tx, id, progress.epochs);
    await tx
      .createQueryBuilder()
      .update(Job)
      .set({
        phase: progress.phase,
        fraction: from + (to - from) * progress.fraction,
        message: progress.message,
      })
      .where({ id, state: 'RUNNING' })
      .execute();
  }

  /** What a user sees does not go backwards, whichever of the job's tasks speaks. */
  async moveForward(
    tx: TenantTx,
    job: Pick<Job, 'id'>,
    said: Pick<Progress, 'phase' | 'message'> | null,
    fraction: number,
  ): Promise<void> {
    await tx.query(
      `update app.job set fraction = least(0.99, greatest(fraction, $2)), phase = coalesce($3, phase),
          message = coalesce($4, message)
        where id = $1 and state = 'RUNNING'`,
      [job.id, fraction, said?.phase ?? null, said?.message ?? null],
    );
  }

  /** A repeated attempt reports its epochs again: the same numbers, because seed and data are the same. */
  async storeEpochs(tx: TenantTx, jobId: JobId, epochs: readonly Epoch[]): Promise<void> {
    if (epochs.length === 0) return;
    await tx.query(
      `insert into app.job_epoch (tenant_id, job_id, epoch, figures)
       select distinct on (epoch) app.tid(), $1::uuid, (item->>'epoch')::int as epoch, item
         from jsonb_array_elements($2::jsonb) as item
       on conflict (tenant_id, job_id, epoch) do update set figures = excluded.figures`,
      [jobId, JSON.stringify(epochs)],
    );
  }

  async fail(tx: TenantTx, job: Job, failure: Failure): Promise<void> {
    await this.set(tx, job, {
      state: 'FAILED',
      finishedAt: new Date(),
      errorCode: failure.code,
      errorMessage: failure.message,
      errorHint: failure.hint ?? null,
    });
  }

  async cancel(tx: TenantTx, job: Job): Promise<void> {
    await this.set(tx, job, { state: 'CANCELED', finishedAt: new Date() });
  }
}
