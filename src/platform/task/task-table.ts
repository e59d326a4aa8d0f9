/** The SQL of the queue. Every statement runs under a tenant's scope; times are the database's. */
import type { Consumed, Failure, Progress, TaskId } from '../../../contracts';
import type { TenantTx } from '../database';
import { newId } from '../ids';
import type { NewTask, Task, TaskState } from './task';

interface Row {
  tenant_id: Task['tenantId'];
  id: TaskId;
  kind: Task['kind'];
  owner_id: string;
  scenario_id: Task['scenarioId'];
  state: TaskState;
  attempt: number;
  max_attempts: number;
  fence: string | null;
  cancel_requested: boolean;
  worker_id: string | null;
  device: Consumed['device'] | null;
  consumed_ns: string;
  phase: Task['phase'];
  fraction: number;
  lease_left_ms: number | null;
}

const COLUMNS = `tenant_id, id, kind, owner_id, scenario_id, state, attempt, max_attempts, fence::text as fence,
  cancel_requested, worker_id, device, consumed_ns::text as consumed_ns, phase, fraction,
  (extract(epoch from lease_until - now()) * 1000)::float8 as lease_left_ms`;

export interface LeasedTask extends Task {
  /** Milliseconds until the lease ends, negative when it has; null without a lease. */
  readonly leaseLeftMs: number | null;
}

const toTask = (row: Row): LeasedTask => ({
  tenantId: row.tenant_id,
  id: row.id,
  kind: row.kind,
  ownerId: row.owner_id,
  scenarioId: row.scenario_id,
  state: row.state,
  attempt: row.attempt,
  maxAttempts: row.max_attempts,
  fence: row.fence,
  cancelRequested: row.cancel_requested,
  workerId: row.worker_id,
  consumed: { device: row.device ?? 'cpu', computeNs: row.consumed_ns },
  phase: row.phase,
  fraction: row.fraction,
  leaseLeftMs: row.lease_left_ms,
});

const updated = async (tx: TenantTx, sql: string, values: unknown[]): Promise<LeasedTask | null> => {
  const [rows] = await tx.query<[Row[], number]>(`${sql} returning ${COLUMNS}`, values);
  return rows[0] === undefined ? null : toTask(rows[0]);
};

/** The announcement goes into the outbox in the same transaction; a relay publishes it once `dueInMs` have passed. */
export const announce = async (tx: TenantTx, task: Pick<Task, 'id' | 'kind'>, dueInMs = 0): Promise<void> => {
  await tx.query(
    `insert into app.outbox (tenant_id, id, task_id, kind, due_at)
     values (app.tid(), $1, $2, $3, now() + $4 * interval '1 millisecond')`,
    [newId(), task.id, task.kind, dueInMs],
  );
};
const withdraw = (tx: TenantTx, id: TaskId): Promise<unknown> =>
  tx.query('delete from app.outbox where task_id = $1', [id]);

export const insertTask = async (tx: TenantTx, task: NewTask, maxAttempts: number): Promise<TaskId> => {
  const id = newId<TaskId>();
  await tx.query(
    `insert into app.task (tenant_id, id, kind, owner_id, scenario_id, max_attempts)
     values (app.tid(), $1, $2, $3, $4, $5)`,
    [id, task.kind, task.ownerId, task.scenarioId, task.maxAttempts ?? maxAttempts],
  );
  await announce(tx, { id, kind: task.kind });
  return id;
};

export const findTask = async (tx: TenantTx, id: TaskId): Promise<LeasedTask | null> => {
  const [row] = await tx.query<Row[]>(`select ${COLUMNS} from app.task where id = $1`, [id]);
  return row === undefined ? null : toTask(row);
};

/** Holds the row until the transaction ends: whoever comes second sees what the first has done. */
export const lockTask = async (tx: TenantTx, id: TaskId): Promise<LeasedTask | null> => {
  const [row] = await tx.query<Row[]>(`select ${COLUMNS} from app.task where id = $1 for update`, [id]);
  return row === undefined ? null : toTask(row);
};

/** The grant. The attempt cap stands here, so that no path can run a poisonous task once more. */
export const grantTask = async (
  tx: TenantTx,
  id: TaskId,
  grant: { workerId: string; device: Consumed['device']; leaseMs: number },
): Promise<LeasedTask | null> => {
  const task = await updated(
    tx,
    `update app.task set state = 'RUNNING', attempt = attempt + 1, fence = nextval('app.task_fence'),
        lease_until = now() + $2 * interval '1 millisecond', worker_id = $3, device = $4, consumed_ns = 0,
        phase = null, fraction = 0, message = null,
        started_at = coalesce(started_at, now()), attempt_started_at = now()
      where id = $1 and state = 'QUEUED' and attempt < max_attempts and not cancel_requested and not_before <= now()`,
    [id, grant.leaseMs, grant.workerId, grant.device],
  );
  if (task !== null) await withdraw(tx, id);
  return task;
};

/** Null: the token is stale. */
export const renewLease = (
  tx: TenantTx,
  id: TaskId,
  fence: string,
  leaseMs: number,
  consumed: Consumed,
  progress: Progress | null,
): Promise<LeasedTask | null> =>
  updated(
    tx,
    `update app.task set lease_until = now() + $3 * interval '1 millisecond',
        consumed_ns = greatest(consumed_ns, $4::numeric), device = $5,
        phase = coalesce($6, phase), fraction = coalesce($7, fraction), message = coalesce($8, message)
      where id = $1 and fence = $2::bigint and state = 'RUNNING'`,
    [
      id,
      fence,
      leaseMs,
      consumed.computeNs,
      consumed.device,
      progress?.phase ?? null,
      progress?.fraction ?? null,
      progress?.message ?? null,
    ],
  );

/** Ends the task for good. */
export const endTask = async (
  tx: TenantTx,
  id: TaskId,
  state: 'SUCCEEDED' | 'FAILED' | 'CANCELED',
  consumed: Consumed,
  failure: Failure | null = null,
): Promise<void> => {
  await updated(
    tx,
    `update app.task set state = $2, finished_at = now(), lease_until = null, device = $7,
        consumed_ns = greatest(consumed_ns, $3::numeric), fraction = case when $2 = 'SUCCEEDED' then 1 else fraction end,
        error_code = $4, error_message = $5, error_hint = $6
      where id = $1`,
    [
      id,
      state,
      consumed.computeNs,
      failure?.code ?? null,
      failure?.message ?? null,
      failure?.hint ?? null,
      consumed.device,
    ],
  );
  await withdraw(tx, id);
};

/** Back to the queue; announced again after `delayMs`. `forgive`: the attempt does not count. */
export const requeueTask = async (
  tx: TenantTx,
  task: Task,
  delayMs: number,
  options: { forgive: boolean; failure: Failure | null },
): Promise<void> => {
  await updated(
    tx,
    `update app.task set state = 'QUEUED', lease_until = null, worker_id = null,
        attempt = attempt - $2::int, not_before = now() + $3 * interval '1 millisecond', error_code = $4
      where id = $1`,
    [task.id, options.forgive ? 1 : 0, delayMs, options.failure?.code ?? null],
  );
  await withdraw(tx, task.id);
  await announce(tx, task, delayMs);
};

/** A payload that could not be made costs an attempt, so that it cannot be tried for ever. */
export const countAttempt = async (tx: TenantTx, id: TaskId): Promise<void> => {
  await updated(tx, 'update app.task set attempt = attempt + 1 where id = $1', [id]);
};

/** What is open of an owner, held until the transaction ends; in one order, so that nobody waits in a circle. */
export const lockOpenTasks = async (
  tx: TenantTx,
  ownerId: string,
  wait: 'wait' | 'skip locked',
): Promise<TaskId[]> => {
  const rows = await tx.query<{ id: TaskId }[]>(
    `select id from app.task where owner_id = $1 and state in ('QUEUED', 'RUNNING') order by id
        for update ${wait === 'wait' ? '' : wait}`,
    [ownerId],
  );
  return rows.map(({ id }) => id);
};

export const requestCancel = async (tx: TenantTx, id: TaskId): Promise<void> => {
  await updated(tx, 'update app.task set cancel_requested = true where id = $1', [id]);
};
