import type {
  Consumed,
  Device,
  Failure,
  Phase,
  Progress,
  ScenarioId,
  TaskId,
  TaskKind,
  TaskPayload,
  TaskResult,
  TenantId,
} from '../../../contracts';
import type { TenantTx } from '../database';

export const TASK_STATES = ['QUEUED', 'RUNNING', 'SUCCEEDED', 'FAILED', 'CANCELED'] as const;
export type TaskState = (typeof TASK_STATES)[number];

/** Where a task may go from where it is. The database holds the same table in a trigger. */
export const TASK_TRANSITIONS: Record<TaskState, readonly TaskState[]> = {
  QUEUED: ['RUNNING', 'FAILED', 'CANCELED'],
  RUNNING: ['QUEUED', 'SUCCEEDED', 'FAILED', 'CANCELED'],
  SUCCEEDED: [],
  FAILED: [],
  CANCELED: [],
};

export const isEnded = (state: TaskState): boolean => TASK_TRANSITIONS[state].length === 0;

export interface Task {
  readonly tenantId: TenantId;
  readonly id: TaskId;
  readonly kind: TaskKind;
  /** The job or dataset version that the task works for. */
  readonly ownerId: string;
  readonly scenarioId: ScenarioId | null;
  readonly state: TaskState;
  readonly attempt: number;
  readonly maxAttempts: number;
  /** Token of the latest grant; null before the first. Text: a 64-bit integer. Unique, so it keys an attempt's effects. */
  readonly fence: string | null;
  readonly cancelRequested: boolean;
  readonly workerId: string | null;
  /** What the current attempt has used, as far as its worker said. */
  readonly consumed: Consumed;
  readonly phase: Phase | null;
  readonly fraction: number;
}

type ResultOf<K extends TaskKind> = Extract<TaskResult, { kind: K }>;
type PayloadOf<K extends TaskKind> = Extract<TaskPayload, { kind: K }>;

/**
 * What a feature does with its kind of task. Every method runs inside the transaction that moves the task, under the
 * task's tenant: its effects and the task's state commit together or not at all. Each attempt that was granted ends in
 * exactly one call of `finished`, `failed`, `canceled` or `retried`; `task.fence` keys its effects.
 */
export interface TaskHandler<K extends TaskKind = TaskKind> {
  readonly kind: K;
  /** Made anew for each attempt: fresh URLs and sinks. A caller's Failure ends the task as FAILED. */
  payload(tx: TenantTx, task: Task): Promise<PayloadOf<K>>;
  /** Wall-clock limit of the attempt where it is less than every task's. */
  timeoutMs?(payload: PayloadOf<K>): number | null;
  /** After a grant, in the same transaction. */
  started?(tx: TenantTx, task: Task): Promise<void>;
  /** From a heartbeat: may come late, repeatedly, or not at all. */
  progress?(tx: TenantTx, task: Task, progress: Progress): Promise<void>;
  finished(tx: TenantTx, task: Task, result: ResultOf<K>, consumed: Consumed): Promise<void>;
  failed(tx: TenantTx, task: Task, failure: Failure, consumed: Consumed): Promise<void>;
  canceled(tx: TenantTx, task: Task, consumed: Consumed): Promise<void>;
  /** The attempt ended and another one will follow. */
  retried?(tx: TenantTx, task: Task, failure: Failure, consumed: Consumed): Promise<void>;
}

export interface NewTask {
  readonly kind: TaskKind;
  readonly ownerId: string;
  readonly scenarioId: ScenarioId | null;
  readonly maxAttempts?: number;
}

export const idle = (device: Device = 'cpu'): Consumed => ({ device, computeNs: '0' });
