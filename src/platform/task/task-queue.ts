import {
  CheckpointRequest,
  ClaimRequest,
  Failure,
  Finish,
  Heartbeat,
  STREAMS,
  asFailure,
  subject,
  workerConsumer,
} from '../../../contracts';
import type {
  Cancel,
  CheckpointReply,
  ClaimReply,
  FinishReply,
  HeartbeatReply,
  TaskId,
  TaskKind,
  TenantId,
} from '../../../contracts';
import type { z } from 'zod';
import { afterCommit } from '../database';
import type { Database, TenantTx } from '../database';
import type { Logger } from '../log';
import type { Messaging } from '../messaging';
import { Relay } from './relay';
import { settleCanceled, settleFailure, settleOutcome } from './settle';
import type { Checkpoints } from './checkpoints';
import type { RetryPolicy } from './settle';
import { Sweeper } from './sweeper';
import { idle, isEnded } from './task';
import type { NewTask, Task, TaskHandler } from './task';
import {
  countAttempt,
  findTask,
  grantTask,
  insertTask,
  lockOpenTasks,
  lockTask,
  renewLease,
  requestCancel,
} from './task-table';
import type { LeasedTask } from './task-table';

export interface TaskQueueOptions {
  readonly leaseMs: number;
  readonly heartbeatMs: number;
  /** Wall-clock limit of one attempt. */
  readonly timeoutMs: number;
  readonly maxAttempts?: number;
  readonly retryBaseMs?: number;
  /** Announcements of a kind that may wait in the stream at a time: about twice the number of worker slots. */
  readonly window?: number;
  readonly pollMs?: number;
  readonly sweepMs?: number;
  readonly reannounceMs?: number;
  readonly checkpoints?: Checkpoints;
}

/** Two transactions met: nothing is wrong with either, and the same request will pass. */
const MET = new Set(['40001', '40P01', '55P03', '57014']);
const mayAskAgain = (error: unknown): boolean => {
  const { code, driverError } = error as { code?: unknown; driverError?: { code?: unknown } };
  return code === 'UNAVAILABLE' || [code, driverError?.code].some((each) => MET.has(String(each)));
};

const parse = <T>(schema: z.ZodType<T>, body: unknown): T => {
  const parsed = schema.safeParse(body);
  if (parsed.success) return parsed.data;
  const where = parsed.error.issues.map((issue) => issue.path.join('.')).join(', ');
  throw new Failure('BAD_INPUT', `a control message is not understood at: ${where}`);
};

/**
 * The queue of everything that workers do. PostgreSQL holds the truth, NATS wakes workers: a task is announced, claimed
 * under a rising token and a lease, kept by heartbeats, and settled once, together with its feature's effects.
 */
export class TaskQueue {
  private readonly handlers = new Map<TaskKind, TaskHandler>();
  private readonly relay: Relay;
  private readonly sweeper: Sweeper;
  private readonly retry: RetryPolicy;
  private readonly maxAttempts: number;
  private stopServing: (() => void)[] = [];

  constructor(
    private readonly db: Database,
    private readonly messaging: Messaging,
    private readonly log: Logger,
    private readonly options: TaskQueueOptions,
  ) {
    this.retry = { retryBaseMs: options.retryBaseMs ?? 5000, random: Math.random };
    this.maxAttempts = options.maxAttempts ?? 3;
    this.relay = new Relay(db, messaging, log, {
      window: options.window ?? 4,
      pollMs: options.pollMs ?? 500,
    });
    this.sweeper = new Sweeper(
      db,
      messaging,
      log,
      {
        intervalMs: options.sweepMs ?? Math.min(5000, Math.max(200, Math.round(options.leaseMs / 3))),
        reannounceMs: options.reannounceMs ?? 60_000,
        timeoutMs: options.timeoutMs + 30_000,
      },
      (tenantId, taskId) => this.expire(tenantId, taskId),
      () => this.relay.nudge(),
    );
  }

  /** Once for each kind, before `start`. */
  register<K extends TaskKind>(handler: TaskHandler<K>): void {
    if (this.handlers.has(handler.kind)) {
      throw new Failure('INTERNAL', `a handler for ${handler.kind} tasks is registered already`);
    }
    // A result is checked against its task's kind before it reaches the handler.
    this.handlers.set(handler.kind, handler as unknown as TaskHandler);
  }

  /** Streams must exist (`Messaging.ensureStreams`). */
  start(): void {
    this.stopServing = [
      this.messaging.serve(subject.claim, 'gateway', (body) => this.claim(parse(ClaimRequest, body))),
      this.messaging.serve(subject.heartbeat, 'gateway', (body) => this.heartbeat(parse(Heartbeat, body))),
      this.messaging.serve(subject.finish, 'gateway', (body) => this.finish(parse(Finish, body))),
      this.messaging.serve(subject.checkpoint, 'gateway', (body) =>
        this.checkpoint(parse(CheckpointRequest, body)),
      ),
    ];
    this.relay.start();
    this.sweeper.start();
  }

  async stop(): Promise<void> {
    for (const stop of this.stopServing) stop();
    this.stopServing = [];
    await Promise.all([this.relay.stop(), this.sweeper.stop()]);
  }

  /** Exists when `tx` commits, and is announced right after. */
  async enqueue(tx: TenantTx, task: NewTask): Promise<TaskId> {
    const id = await insertTask(tx, task, this.maxAttempts);
    this.nudgeAfter(tx);
    return id;
  }

  /** Free slots of all workers for one kind of task. */
  waitingWorkers(kind: TaskKind): Promise<number> {
    return this.messaging.waitingPulls(STREAMS.tasks.name, workerConsumer(kind));
  }

  find(tx: TenantTx, id: TaskId): Promise<Task | null> {
    return findTask(tx, id);
  }

  /** QUEUED ends at once; RUNNING is told, and ends within seconds. False when the task had ended already. */
  async cancel(tx: TenantTx, id: TaskId): Promise<boolean> {
    const task = await lockTask(tx, id);
    if (task === null || isEnded(task.state)) return false;
    await requestCancel(tx, id);
    if (task.state === 'QUEUED') {
      await settleCanceled(tx, this.handler(task), task, idle());
      return true;
    }
    const cancel: Cancel = { v: 1, tenantId: task.tenantId, taskId: id };
    afterCommit(tx, () => this.messaging.publish(subject.cancel(id), cancel));
    return true;
  }

  /** Holds all that is open of an owner: to be called before the owner's row is locked. */
  async lockAll(tx: TenantTx, ownerId: string): Promise<void> {
    await lockOpenTasks(tx, ownerId, 'wait');
  }

  /**
   * Cancels all that is open of an owner, whose row is locked. A task that somebody else holds is left out: it was made
   * in between and is being granted, and the grant waits to see the owner's row.
   */
  async cancelAll(tx: TenantTx, ownerId: string): Promise<void> {
    for (const id of await lockOpenTasks(tx, ownerId, 'skip locked')) await this.cancel(tx, id);
  }

  /** A worker asks for a task that was announced to it. */
  async claim(request: ClaimRequest): Promise<ClaimReply> {
    try {
      return await this.db.within(request, (tx) => this.grant(tx, request));
    } catch (error) {
      if (mayAskAgain(error)) throw error;
      const failure = asFailure(error);
      const level = failure.policy.fault === 'caller' ? 'info' : 'warn';
      this.log[level]({ err: error, taskId: request.taskId }, 'a task could not be prepared');
      await this.db.within(request, (tx) => this.refuse(tx, request.taskId, failure));
      return { v: 1, outcome: 'never' };
    }
  }

  private async grant(tx: TenantTx, request: ClaimRequest): Promise<ClaimReply> {
    const { leaseMs, heartbeatMs, timeoutMs } = this.options;
    const task = await grantTask(tx, request.taskId, { ...request, leaseMs });
    if (task === null) return this.notNow(tx, request.taskId);
    if (task.fence === null) throw new Failure('INTERNAL', 'a granted task has no token');
    const handler = this.handler(task);
    const payload = await handler.payload(tx, task);
    await handler.started?.(tx, task);
    const ownMs = handler.timeoutMs?.(payload) ?? timeoutMs;
    const checkpoint = (await this.options.checkpoints?.take(tx, task)) ?? null;
    this.nudgeAfter(tx); // one announcement fewer in the stream
    return {
      v: 1,
      outcome: 'granted',
      fence: task.fence,
      attempt: task.attempt,
      leaseMs,
      heartbeatMs,
      timeoutMs: Math.floor(Math.min(timeoutMs, ownMs)),
      payload,
      checkpoint,
    };
  }

  private async notNow(tx: TenantTx, id: TaskId): Promise<ClaimReply> {
    const task = await lockTask(tx, id);
    if (task === null || isEnded(task.state)) return { v: 1, outcome: 'never' };
    if (task.state === 'RUNNING') {
      const left = task.leaseLeftMs ?? 0;
      if (left <= 0) await this.settleLost(tx, task); // its sweep, a moment early
      return { v: 1, outcome: 'later', delayMs: Math.max(50, Math.min(left, this.options.leaseMs)) };
    }
    if (task.attempt >= task.maxAttempts) await this.settleLost(tx, task);
    // Waiting for its next try: another announcement follows when it is due.
    return { v: 1, outcome: 'never' };
  }

  private async refuse(tx: TenantTx, id: TaskId, failure: Failure): Promise<void> {
    const task = await lockTask(tx, id);
    if (task?.state !== 'QUEUED') return;
    await countAttempt(tx, id);
    const counted = { ...task, attempt: task.attempt + 1 };
    await settleFailure(tx, this.handler(task), counted, failure, idle(), this.retry);
    this.nudgeAfter(tx);
  }

  async heartbeat(beat: Heartbeat): Promise<HeartbeatReply> {
    return this.db.within(beat, async (tx) => {
      const task = await renewLease(
        tx,
        beat.taskId,
        beat.fence,
        this.options.leaseMs,
        beat.consumed,
        beat.progress,
      );
      if (task === null) return { v: 1, outcome: 'lost' };
      if (beat.progress !== null) await this.handler(task).progress?.(tx, task, beat.progress);
      return { v: 1, outcome: task.cancelRequested ? 'cancel' : 'kept' };
    });
  }

  /** A place for a running task to save its state, under the current token only. */
  async checkpoint(request: CheckpointRequest): Promise<CheckpointReply> {
    return this.db.within(request, async (tx) => {
      const task = await lockTask(tx, request.taskId);
      const { checkpoints } = this.options;
      if (task?.state !== 'RUNNING' || task.fence !== request.fence || checkpoints === undefined) {
        return { v: 1, outcome: 'lost' };
      }
      return { v: 1, outcome: 'granted', sink: await checkpoints.make(tx, task) };
    });
  }

  /** Counts only under the current token, and once: a worker that missed the answer may ask again. */
  async finish(finish: Finish): Promise<FinishReply> {
    try {
      return await this.db.within(finish, (tx) => this.settle(tx, finish));
    } catch (error) {
      if (mayAskAgain(error)) throw error;
      const failure = asFailure(error);
      this.log.error({ err: error, taskId: finish.taskId }, 'a result was refused');
      // The result cannot be taken, so the attempt failed.
      return this.db.within(finish, (tx) =>
        this.settle(tx, {
          ...finish,
          outcome: {
            status: 'failed',
            code: failure.code,
            message: failure.message,
            hint: failure.hint ?? null,
            column: null,
          },
        }),
      );
    }
  }

  private async settle(tx: TenantTx, finish: Finish): Promise<FinishReply> {
    const task = await lockTask(tx, finish.taskId);
    if (task === null || task.fence !== finish.fence) return { v: 1, outcome: 'lost' };
    if (isEnded(task.state)) return { v: 1, outcome: 'recorded' };
    if (task.state !== 'RUNNING') return { v: 1, outcome: 'lost' };
    await settleOutcome(tx, this.handler(task), task, finish, this.retry);
    this.nudgeAfter(tx);
    return { v: 1, outcome: 'recorded' };
  }

  /** From the sweeper: looks again under lock, because the worker may have come back in between. */
  private async expire(tenantId: TenantId, id: TaskId): Promise<void> {
    await this.db.within({ tenantId }, async (tx) => {
      const task = await lockTask(tx, id);
      if (task?.state !== 'RUNNING') return;
      if ((task.leaseLeftMs ?? 0) <= 0) await this.settleLost(tx, task);
      else await this.settleOverdue(tx, task);
      this.nudgeAfter(tx);
    });
  }

  private settleLost(tx: TenantTx, task: LeasedTask): Promise<void> {
    this.log.warn({ taskId: task.id, attempt: task.attempt, workerId: task.workerId }, 'a worker was lost');
    const failure = new Failure('WORKER_LOST', 'the worker stopped answering');
    // The pause is the lease that just ran out.
    return settleFailure(tx, this.handler(task), task, failure, task.consumed, this.retry, 0);
  }

  private settleOverdue(tx: TenantTx, task: LeasedTask): Promise<void> {
    const failure = new Failure('TASK_TIMEOUT', `the task ran longer than ${this.options.timeoutMs} ms`);
    return settleFailure(tx, this.handler(task), task, failure, task.consumed, this.retry);
  }

  private handler(task: Pick<Task, 'kind'>): TaskHandler {
    const handler = this.handlers.get(task.kind);
    if (handler === undefined) throw new Failure('INTERNAL', `no handler for ${task.kind} tasks`);
    return handler;
  }

  private nudgeAfter(tx: TenantTx): void {
    afterCommit(tx, () => this.relay.nudge());
  }

  /** For tests and the drain: everything that is due goes out now. */
  async publishDue(): Promise<number> {
    return this.relay.pass();
  }
  async sweep(): Promise<void> {
    await this.sweeper.sweep();
  }
}
