/** How an attempt ends, in one transaction with the feature's own effects. */
import { Failure, isFailureCode } from '../../../contracts';
import type { Consumed, Finish, TaskResult } from '../../../contracts';
import type { TenantTx } from '../database';
import type { Task, TaskHandler } from './task';
import { endTask, requeueTask } from './task-table';

export interface RetryPolicy {
  /** First pause after a platform fault; grows by the factor 4 with every attempt, with full jitter. */
  readonly retryBaseMs: number;
  readonly random: () => number;
}

const LONGEST_PAUSE_MS = 300_000;

export const pauseMs = (attempt: number, policy: RetryPolicy): number =>
  Math.round(
    Math.min(LONGEST_PAUSE_MS, policy.retryBaseMs * 4 ** Math.max(0, attempt - 1)) * policy.random(),
  );

const exhausted = (task: Task, last: Failure): Failure =>
  new Failure(
    'ATTEMPTS_EXHAUSTED',
    `gave up after ${task.attempt} attempts; the last one ended with ${last.code}: ${last.message}`,
    { hint: last.hint ?? 'start it again; if it fails again, tell the operator the id', cause: last },
  );

/** By the failure's own policy: a caller's fault ends the task at once, a platform's fault is tried again. */
export const settleFailure = async (
  tx: TenantTx,
  handler: TaskHandler,
  task: Task,
  failure: Failure,
  consumed: Consumed,
  retry: RetryPolicy,
  pause = pauseMs(task.attempt, retry),
): Promise<void> => {
  if (task.cancelRequested) return settleCanceled(tx, handler, task, consumed);
  if (failure.policy.retry && task.attempt < task.maxAttempts) {
    await requeueTask(tx, task, pause, { forgive: false, failure });
    await handler.retried?.(tx, task, failure, consumed);
    return;
  }
  const last = failure.policy.retry ? exhausted(task, failure) : failure;
  await endTask(tx, task.id, 'FAILED', consumed, last);
  await handler.failed(tx, task, last, consumed);
};

export const settleCanceled = async (
  tx: TenantTx,
  handler: TaskHandler,
  task: Task,
  consumed: Consumed,
): Promise<void> => {
  await endTask(tx, task.id, 'CANCELED', consumed);
  await handler.canceled(tx, task, consumed);
};

const settleSucceeded = async (
  tx: TenantTx,
  handler: TaskHandler,
  task: Task,
  result: TaskResult,
  consumed: Consumed,
): Promise<void> => {
  if (result.kind !== task.kind) {
    throw new Failure('INTERNAL', `a ${task.kind} task answered with a ${result.kind} result`);
  }
  await endTask(tx, task.id, 'SUCCEEDED', consumed);
  await handler.finished(tx, task, result, consumed);
};

/** Nobody's fault and nothing learned: the worker stops and hands the task back. */
const settleReleased = async (
  tx: TenantTx,
  handler: TaskHandler,
  task: Task,
  consumed: Consumed,
): Promise<void> => {
  if (task.cancelRequested) return settleCanceled(tx, handler, task, consumed);
  const failure = new Failure('WORKER_LOST', 'the worker was stopped and handed the task back');
  await requeueTask(tx, task, 0, { forgive: true, failure });
  await handler.retried?.(tx, task, failure, consumed);
};

export const settleOutcome = async (
  tx: TenantTx,
  handler: TaskHandler,
  task: Task,
  finish: Pick<Finish, 'outcome' | 'consumed'>,
  retry: RetryPolicy,
): Promise<void> => {
  const { outcome, consumed } = finish;
  switch (outcome.status) {
    case 'succeeded':
      return settleSucceeded(tx, handler, task, outcome.result, consumed);
    case 'failed': {
      const code = isFailureCode(outcome.code) ? outcome.code : 'INTERNAL';
      const failure = new Failure(code, outcome.message, {
        ...(outcome.hint === null ? {} : { hint: outcome.hint }),
        ...(outcome.column === null ? {} : { path: [outcome.column] }),
      });
      return settleFailure(tx, handler, task, failure, consumed, retry);
    }
    case 'canceled':
      return task.cancelRequested
        ? settleCanceled(tx, handler, task, consumed)
        : settleReleased(tx, handler, task, consumed);
    case 'released':
      return settleReleased(tx, handler, task, consumed);
  }
};
