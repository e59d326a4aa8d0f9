/** The control plane's side of the worker contract, over real NATS, keeping its state in memory. */
import { connect, JSONCodec, nanos, RetentionPolicy } from 'nats';
import type { JetStreamManager, NatsConnection } from 'nats';
import { randomUUID } from 'node:crypto';
import { ClaimRequest, Finish, Heartbeat, Progress, STREAMS, subject } from '../../contracts';
import type { TaskId, TaskPayload, TaskReady, TenantId } from '../../contracts';

const json = JSONCodec<unknown>();

export interface DoubleTask {
  readonly tenantId: TenantId;
  readonly taskId: TaskId;
  readonly payload: TaskPayload;
  readonly timeoutMs: number;
  state: 'QUEUED' | 'RUNNING' | 'ENDED';
  fence: number;
  leaseUntil: number;
  cancelRequested: boolean;
  claims: number;
  heartbeats: Heartbeat[];
  finish: Finish | null;
}

export class ControlDouble {
  readonly tasks = new Map<string, DoubleTask>();
  readonly progress: Progress[] = [];
  readonly finishes: { finish: Finish; outcome: 'recorded' | 'lost' }[] = [];
  /** While true no request is answered. */
  deaf = false;
  /** While true every request is answered with an error. */
  failing = false;
  /** While true a finish with a result is answered with an error of ours, for ever. */
  refusingResults = false;
  readonly workers = new Set<string>();
  private fences = 0;

  private constructor(
    private readonly connection: NatsConnection,
    private readonly manager: JetStreamManager,
    readonly leaseMs: number,
    readonly heartbeatMs: number,
  ) {}

  static async start(
    url: string,
    { leaseMs = 3000, heartbeatMs = 200 }: { leaseMs?: number; heartbeatMs?: number } = {},
  ): Promise<ControlDouble> {
    const at = new URL(url);
    const connection = await connect({
      servers: at.host,
      user: at.username,
      pass: at.password,
      maxReconnectAttempts: -1,
      reconnectTimeWait: 100,
    });
    const manager = await connection.jetstreamManager();
    const control = new ControlDouble(connection, manager, leaseMs, heartbeatMs);
    control.serve(subject.claim, (body) => control.claim(ClaimRequest.parse(body)));
    control.serve(subject.heartbeat, (body) => control.beat(Heartbeat.parse(body)));
    control.serve(subject.finish, (body) => control.finish(Finish.parse(body)));
    connection.subscribe('mm.progress.*.*', {
      callback: (_error, message) => control.progress.push(Progress.parse(json.decode(message.data))),
    });
    return control;
  }

  async createStream(): Promise<void> {
    await this.manager.streams.add({
      name: STREAMS.tasks.name,
      subjects: [...STREAMS.tasks.subjects],
      retention: RetentionPolicy.Workqueue,
      duplicate_window: nanos(120_000),
    });
  }

  async submit(
    payload: TaskPayload,
    { timeoutMs = 60_000, tenantId = randomUUID() }: { timeoutMs?: number; tenantId?: string } = {},
  ): Promise<DoubleTask> {
    const task: DoubleTask = {
      tenantId: tenantId as TenantId,
      taskId: randomUUID() as TaskId,
      payload,
      timeoutMs,
      state: 'QUEUED',
      fence: 0,
      leaseUntil: 0,
      cancelRequested: false,
      claims: 0,
      heartbeats: [],
      finish: null,
    };
    this.tasks.set(task.taskId, task);
    await this.announce(task);
    return task;
  }

  async announce(task: DoubleTask): Promise<void> {
    const { tenantId, taskId } = task;
    const ready: TaskReady = { v: 1, tenantId, taskId, kind: task.payload.kind };
    // JetStream may still be on its way back; the id keeps a repeat from being a second message.
    const msgID = randomUUID();
    for (let attempt = 1; ; attempt++) {
      try {
        await this.connection.jetstream().publish(subject.task(ready.kind), json.encode(ready), { msgID });
        return;
      } catch (error) {
        if (attempt === 5) throw error;
      }
    }
  }

  pushCancel(task: DoubleTask): void {
    task.cancelRequested = true;
    const { tenantId, taskId } = task;
    this.connection.publish(subject.cancel(taskId), json.encode({ v: 1, tenantId, taskId }));
  }

  async messagesLeft(): Promise<number> {
    return (await this.manager.streams.info(STREAMS.tasks.name)).state.messages;
  }

  async close(): Promise<void> {
    await this.connection.close();
  }

  private serve(to: string, answer: (body: unknown) => unknown): void {
    this.connection.subscribe(to, {
      callback: (_error, message) => {
        if (this.deaf) return;
        const body = this.failing
          ? { v: 1, outcome: 'error', code: 'UNAVAILABLE' }
          : answer(json.decode(message.data));
        message.respond(json.encode(body));
      },
    });
  }

  private claim(request: ClaimRequest): unknown {
    const task = this.tasks.get(request.taskId);
    this.workers.add(request.workerId);
    if (task === undefined || task.state === 'ENDED') return { v: 1, outcome: 'never' };
    const now = Date.now();
    if (task.state === 'RUNNING' && task.leaseUntil > now) return { v: 1, outcome: 'later', delayMs: 200 };
    Object.assign(task, { state: 'RUNNING', fence: ++this.fences, leaseUntil: now + this.leaseMs });
    task.claims++;
    return {
      v: 1,
      outcome: 'granted',
      fence: String(task.fence),
      attempt: task.claims,
      leaseMs: this.leaseMs,
      heartbeatMs: this.heartbeatMs,
      timeoutMs: task.timeoutMs,
      payload: task.payload,
    };
  }

  private beat(heartbeat: Heartbeat): unknown {
    const task = this.tasks.get(heartbeat.taskId);
    if (task?.state !== 'RUNNING' || String(task.fence) !== heartbeat.fence) return { v: 1, outcome: 'lost' };
    task.heartbeats.push(heartbeat);
    task.leaseUntil = Date.now() + this.leaseMs;
    return { v: 1, outcome: task.cancelRequested ? 'cancel' : 'kept' };
  }

  private finish(finish: Finish): unknown {
    if (this.refusingResults && finish.outcome.status === 'succeeded') {
      return { v: 1, outcome: 'error', code: 'INTERNAL' };
    }
    const task = this.tasks.get(finish.taskId);
    const current = task?.state === 'RUNNING' && String(task.fence) === finish.fence;
    const outcome = current ? ('recorded' as const) : ('lost' as const);
    this.finishes.push({ finish, outcome });
    if (task !== undefined && current) {
      task.finish = finish;
      task.state = finish.outcome.status === 'released' ? 'QUEUED' : 'ENDED';
    }
    return { v: 1, outcome };
  }
}
