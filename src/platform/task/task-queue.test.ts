import { randomUUID } from 'node:crypto';
import { connect } from 'nats';
import { STREAMS, subject } from '../../../contracts';
import type { ClaimReply, Consumed, Finish, PackPayload, TaskId, TaskReady } from '../../../contracts';
import { mintKey } from '../object-store';
import { eventually, log, twoTenants } from '../testing/two-tenants';
import type { TestTenant, TwoTenants } from '../testing/two-tenants';
import { TASK_STATES, TASK_TRANSITIONS } from './task';
import type { Task, TaskHandler, TaskState } from './task';
import { TaskQueue } from './task-queue';
import type { TaskQueueOptions } from './task-queue';
import { Failure } from '../../../contracts';

type Granted = Extract<ClaimReply, { outcome: 'granted' }>;

let world: TwoTenants;
beforeAll(async () => {
  world = await twoTenants();
});
afterAll(() => world.close());

/** Records what the queue asks of a feature, under the task's tenant. */
class Recorder implements TaskHandler<'pack'> {
  readonly kind = 'pack';
  readonly calls: string[] = [];
  payloadFailure: Failure | null = null;
  finishFailure: Error | null = null;

  async payload(_tx: unknown, task: Task): Promise<PackPayload> {
    if (this.payloadFailure !== null) throw this.payloadFailure;
    const key = mintKey(task.tenantId, 'packed');
    return {
      kind: 'pack',
      rows: { url: 'http://rows', sha256: null, sizeBytes: null },
      packed: { url: 'http://packed', key },
    };
  }
  private async note(what: string, task: Task): Promise<void> {
    this.calls.push(`${what} ${task.id}`);
  }
  finished(_tx: unknown, task: Task): Promise<void> {
    if (this.finishFailure !== null) throw this.finishFailure;
    return this.note('finished', task);
  }
  failed(_tx: unknown, task: Task, failure: Failure, consumed: Consumed): Promise<void> {
    return this.note(`failed:${failure.code}:${consumed.computeNs}`, task);
  }
  canceled(_tx: unknown, task: Task): Promise<void> {
    return this.note('canceled', task);
  }
  retried(_tx: unknown, task: Task, failure: Failure, consumed: Consumed): Promise<void> {
    return this.note(`retried:${failure.code}:${consumed.computeNs}`, task);
  }
  of(id: TaskId): string[] {
    return this.calls.filter((call) => call.endsWith(id)).map((call) => call.split(' ')[0] ?? '');
  }
}

const queue = (handler: Recorder, options: Partial<TaskQueueOptions> = {}): TaskQueue => {
  const made = new TaskQueue(world.db, world.messaging, log, {
    leaseMs: 5000,
    heartbeatMs: 100,
    timeoutMs: 60_000,
    retryBaseMs: 1,
    pollMs: 50,
    sweepMs: 60_000,
    ...options,
  });
  made.register(handler);
  return made;
};

const add = (tasks: TaskQueue, tenant: TestTenant, maxAttempts = 3): Promise<TaskId> =>
  world.db.within(tenant, (tx) =>
    tasks.enqueue(tx, { kind: 'pack', ownerId: randomUUID(), scenarioId: tenant.scenarioId, maxAttempts }),
  );
const claim = (tasks: TaskQueue, tenant: TestTenant, taskId: TaskId, workerId = 'w'): Promise<ClaimReply> =>
  tasks.claim({ v: 1, tenantId: tenant.tenantId, taskId, workerId, device: 'cpu' });
const granted = async (tasks: TaskQueue, tenant: TestTenant, taskId: TaskId): Promise<Granted> => {
  // A retry is due after its pause of some milliseconds.
  const reply = await eventually(
    () => claim(tasks, tenant, taskId),
    (answer) => answer.outcome === 'granted',
  );
  return reply as Granted;
};
const consumed: Consumed = { device: 'cpu', computeNs: '42' };
const finish = (tenant: TestTenant, taskId: TaskId, fence: string, outcome?: Finish['outcome']): Finish => ({
  v: 1,
  tenantId: tenant.tenantId,
  taskId,
  fence,
  consumed,
  outcome: outcome ?? {
    status: 'succeeded',
    result: {
      kind: 'pack',
      rows: 1,
      packed: { key: mintKey(tenant.tenantId, 'packed'), sha256: 'a'.repeat(64) as never, sizeBytes: 1 },
    },
  },
});
const failed = (code: string): Finish['outcome'] => ({
  status: 'failed',
  code,
  message: 'said why',
  hint: null,
  column: null,
});
const state = async (
  id: TaskId,
): Promise<{ state: TaskState; attempt: number; error_code: string | null }> => {
  const [row] = await world.look<{ state: TaskState; attempt: number; error_code: string | null }>(
    'select state, attempt, error_code from app.task where id = $1',
    [id],
  );
  if (row === undefined) throw new Error('no such task');
  return row;
};
const expireLease = (id: TaskId) =>
  world.look(`update app.task set lease_until = now() - interval '1 second' where id = $1`, [id]);

describe('the state machine', () => {
  it.each(TASK_STATES.flatMap((from) => TASK_STATES.map((to) => [from, to] as const)))(
    'is the same in the database: %s to %s',
    async (from, to) => {
      const tasks = queue(new Recorder());
      const id = await add(tasks, world.a);
      const set = (to: TaskState) =>
        world.look(
          `update app.task set state = $2,
             lease_until = case when $2 = 'RUNNING' then now() + interval '1 hour' end,
             finished_at = case when $2 in ('SUCCEEDED', 'FAILED', 'CANCELED') then now() end
           where id = $1`,
          [id, to],
        );
      if (from === 'SUCCEEDED') await set('RUNNING');
      if (from !== 'QUEUED') await set(from);
      const move = set(to);
      if (from === to || TASK_TRANSITIONS[from].includes(to)) await move;
      else await expect(move).rejects.toMatchObject({ constraint: 'task_transition' });
      await world.look('delete from app.outbox where task_id = $1', [id]);
    },
  );
});

describe('a claim', () => {
  it('is granted once, however many ask', async () => {
    const handler = new Recorder();
    const tasks = queue(handler);
    const id = await add(tasks, world.a);
    const replies = await Promise.all(
      Array.from({ length: 50 }, (_, i) => claim(tasks, world.a, id, `w${i}`)),
    );
    expect(replies.filter((reply) => reply.outcome === 'granted')).toHaveLength(1);
    expect(replies.filter((reply) => reply.outcome === 'later')).toHaveLength(49);
    await expect(state(id)).resolves.toMatchObject({ state: 'RUNNING', attempt: 1 });
    await expect(world.look('select 1 from app.outbox where task_id = $1', [id])).resolves.toEqual([]);
  });

  it('under another tenant finds nothing', async () => {
    const tasks = queue(new Recorder());
    const id = await add(tasks, world.a);
    await expect(claim(tasks, world.b, id)).resolves.toEqual({ v: 1, outcome: 'never' });
    await expect(state(id)).resolves.toMatchObject({ state: 'QUEUED', attempt: 0 });
  });

  it('never runs a poisonous task more often than allowed', async () => {
    const handler = new Recorder();
    const tasks = queue(handler);
    const id = await add(tasks, world.a, 3);
    const fences: bigint[] = [];
    for (let i = 0; i < 3; i++) {
      fences.push(BigInt((await granted(tasks, world.a, id)).fence));
      await expireLease(id);
      await tasks.sweep();
    }
    expect([...fences].sort((x, y) => (x < y ? -1 : 1))).toEqual(fences);
    expect(new Set(fences).size).toBe(3);
    await expect(state(id)).resolves.toEqual({
      state: 'FAILED',
      attempt: 3,
      error_code: 'ATTEMPTS_EXHAUSTED',
    });
    await expect(claim(tasks, world.a, id)).resolves.toEqual({ v: 1, outcome: 'never' });
    expect(handler.of(id)).toEqual([
      'retried:WORKER_LOST:0',
      'retried:WORKER_LOST:0',
      'failed:ATTEMPTS_EXHAUSTED:0',
    ]);
  });

  it('ends the task when its payload is refused for the caller', async () => {
    const handler = new Recorder();
    handler.payloadFailure = new Failure('STATE_CONFLICT', 'the data is gone');
    const tasks = queue(handler);
    const id = await add(tasks, world.a);
    await expect(claim(tasks, world.a, id)).resolves.toEqual({ v: 1, outcome: 'never' });
    await expect(state(id)).resolves.toMatchObject({ state: 'FAILED', error_code: 'STATE_CONFLICT' });
    expect(handler.of(id)).toEqual(['failed:STATE_CONFLICT:0']);
  });
});

describe('a token', () => {
  it('of a lost lease counts no more: not in a heartbeat, not in a finish', async () => {
    const handler = new Recorder();
    const tasks = queue(handler);
    const id = await add(tasks, world.a);
    const zombie = await granted(tasks, world.a, id);
    await expireLease(id);
    await tasks.sweep();
    const heir = await granted(tasks, world.a, id);
    const beat = { v: 1 as const, tenantId: world.a.tenantId, taskId: id, consumed, progress: null };
    await expect(tasks.heartbeat({ ...beat, fence: zombie.fence })).resolves.toMatchObject({
      outcome: 'lost',
    });
    await expect(tasks.finish(finish(world.a, id, zombie.fence))).resolves.toMatchObject({ outcome: 'lost' });
    await expect(tasks.heartbeat({ ...beat, fence: heir.fence })).resolves.toMatchObject({ outcome: 'kept' });
    await expect(tasks.finish(finish(world.a, id, heir.fence))).resolves.toMatchObject({
      outcome: 'recorded',
    });
    await expect(tasks.finish(finish(world.a, id, zombie.fence))).resolves.toMatchObject({ outcome: 'lost' });
    // Whoever missed the answer may ask again, and nothing happens twice.
    await expect(tasks.finish(finish(world.a, id, heir.fence))).resolves.toMatchObject({
      outcome: 'recorded',
    });
    expect(handler.of(id)).toEqual(['retried:WORKER_LOST:0', 'finished']);
  });

  it('keeps a lease that ran out while nobody looked', async () => {
    const tasks = queue(new Recorder());
    const id = await add(tasks, world.a);
    const { fence } = await granted(tasks, world.a, id);
    await expireLease(id);
    const beat = { v: 1 as const, tenantId: world.a.tenantId, taskId: id, fence, consumed, progress: null };
    await expect(tasks.heartbeat(beat)).resolves.toMatchObject({ outcome: 'kept' });
    await tasks.sweep();
    await expect(tasks.finish(finish(world.a, id, fence))).resolves.toMatchObject({ outcome: 'recorded' });
  });
});

describe('a failure', () => {
  it('of the caller ends the task at once', async () => {
    const handler = new Recorder();
    const tasks = queue(handler);
    const id = await add(tasks, world.a);
    const { fence } = await granted(tasks, world.a, id);
    await tasks.finish(finish(world.a, id, fence, failed('TARGET_CONSTANT')));
    await expect(state(id)).resolves.toMatchObject({
      state: 'FAILED',
      attempt: 1,
      error_code: 'TARGET_CONSTANT',
    });
    expect(handler.of(id)).toEqual(['failed:TARGET_CONSTANT:42']);
  });

  it('of the platform is tried again until the attempts are used up', async () => {
    const handler = new Recorder();
    const tasks = queue(handler);
    const id = await add(tasks, world.a, 2);
    for (let i = 0; i < 2; i++) {
      const { fence } = await granted(tasks, world.a, id);
      await tasks.finish(finish(world.a, id, fence, failed('UNAVAILABLE')));
    }
    await expect(state(id)).resolves.toMatchObject({ state: 'FAILED', attempt: 2 });
    expect(handler.of(id)).toEqual(['retried:UNAVAILABLE:42', 'failed:ATTEMPTS_EXHAUSTED:42']);
  });

  it('to take the result undoes every effect and fails the attempt', async () => {
    const handler = new Recorder();
    handler.finishFailure = new Failure('DATASET_CHANGED', 'other bytes');
    const tasks = queue(handler);
    const id = await add(tasks, world.a);
    const { fence } = await granted(tasks, world.a, id);
    await expect(tasks.finish(finish(world.a, id, fence))).resolves.toMatchObject({ outcome: 'recorded' });
    await expect(state(id)).resolves.toMatchObject({ state: 'FAILED', error_code: 'DATASET_CHANGED' });
  });

  it('does not count against a task that its worker handed back', async () => {
    const handler = new Recorder();
    const tasks = queue(handler);
    const id = await add(tasks, world.a, 1);
    for (let i = 0; i < 3; i++) {
      const { fence } = await granted(tasks, world.a, id);
      await tasks.finish(finish(world.a, id, fence, { status: 'released' }));
      await expect(state(id)).resolves.toMatchObject({ state: 'QUEUED', attempt: 0 });
    }
  });
});

describe('a cancel', () => {
  const cancel = (tasks: TaskQueue, tenant: TestTenant, id: TaskId) =>
    world.db.within(tenant, (tx) => tasks.cancel(tx, id));

  it('ends a waiting task at once', async () => {
    const handler = new Recorder();
    const tasks = queue(handler);
    const id = await add(tasks, world.a);
    await expect(cancel(tasks, world.a, id)).resolves.toBe(true);
    await expect(state(id)).resolves.toMatchObject({ state: 'CANCELED' });
    await expect(claim(tasks, world.a, id)).resolves.toMatchObject({ outcome: 'never' });
    await expect(cancel(tasks, world.a, id)).resolves.toBe(false);
    expect(handler.of(id)).toEqual(['canceled']);
  });

  it('reaches a running task by push and by heartbeat', async () => {
    const handler = new Recorder();
    const tasks = queue(handler);
    const id = await add(tasks, world.a);
    const { fence } = await granted(tasks, world.a, id);
    const pushed = new Promise((resolve) => world.messaging.listen(subject.cancel(id), resolve));
    await world.messaging.ping();
    await cancel(tasks, world.a, id);
    await expect(pushed).resolves.toEqual({ v: 1, tenantId: world.a.tenantId, taskId: id });
    const beat = { v: 1 as const, tenantId: world.a.tenantId, taskId: id, fence, consumed, progress: null };
    await expect(tasks.heartbeat(beat)).resolves.toMatchObject({ outcome: 'cancel' });
    await tasks.finish(finish(world.a, id, fence, { status: 'canceled' }));
    await expect(state(id)).resolves.toMatchObject({ state: 'CANCELED' });
    expect(handler.of(id)).toEqual(['canceled']);
  });

  it('holds when the worker dies instead of answering', async () => {
    const tasks = queue(new Recorder());
    const id = await add(tasks, world.a);
    await granted(tasks, world.a, id);
    await cancel(tasks, world.a, id);
    await expireLease(id);
    await tasks.sweep();
    await expect(state(id)).resolves.toMatchObject({ state: 'CANCELED' });
  });

  it('of another tenant finds nothing', async () => {
    const tasks = queue(new Recorder());
    const id = await add(tasks, world.a);
    await expect(cancel(tasks, world.b, id)).resolves.toBe(false);
    await expect(state(id)).resolves.toMatchObject({ state: 'QUEUED' });
  });
});

describe('the relay', () => {
  const empty = () => world.look('delete from app.outbox');
  const published = () =>
    world.look<{ tenant_id: string; task_id: TaskId }>(
      'select tenant_id, task_id from app.outbox where published_at is not null',
    );

  it('announces within tens of milliseconds of the commit, and not before', async () => {
    await empty();
    const tasks = queue(new Recorder(), { pollMs: 60_000 });
    tasks.start();
    const seen = new Map<string, number>();
    const stop = world.messaging.listen(subject.task('pack'), (body) => {
      seen.set((body as TaskReady).taskId, performance.now());
    });
    try {
      const delays: number[] = [];
      for (let i = 0; i < 20; i++) {
        let at = 0;
        const id = await world.db.within(world.a, async (tx) => {
          const made = await tasks.enqueue(tx, {
            kind: 'pack',
            ownerId: randomUUID(),
            scenarioId: world.a.scenarioId,
          });
          await new Promise((resolve) => setTimeout(resolve, 10));
          expect(seen.has(made)).toBe(false);
          at = performance.now();
          return made;
        });
        await eventually(
          async () => seen.get(id),
          (time) => time !== undefined,
        );
        delays.push((seen.get(id) ?? 0) - at);
        await granted(tasks, world.a, id);
      }
      expect(delays.sort((x, y) => x - y)[10]).toBeLessThan(100);
    } finally {
      stop();
      await tasks.stop();
    }
  });

  it('repeats harmlessly what it published before it died', async () => {
    await empty();
    const handler = new Recorder();
    const tasks = queue(handler);
    const id = await add(tasks, world.a);
    const before = await world.messaging.stored(STREAMS.tasks.name);
    await tasks.publishDue();
    // Killed after publishing and before its commit: the row is due again, the stream knows the id.
    await world.look('update app.outbox set published_at = null where task_id = $1', [id]);
    await tasks.publishDue();
    await expect(world.messaging.stored(STREAMS.tasks.name)).resolves.toBe(before + 1);
    await expect(published()).resolves.toHaveLength(1);
  });

  it('two of them publish each announcement once', async () => {
    await empty();
    const one = queue(new Recorder(), { window: 50 });
    const two = queue(new Recorder(), { window: 50 });
    for (let i = 0; i < 20; i++) await add(one, world.a);
    const before = await world.messaging.stored(STREAMS.tasks.name);
    await Promise.all([one.publishDue(), two.publishDue(), one.publishDue(), two.publishDue()]);
    await one.publishDue();
    await expect(published()).resolves.toHaveLength(20);
    await expect(world.messaging.stored(STREAMS.tasks.name)).resolves.toBe(before + 20);
  });

  it('gives tenants their turns', async () => {
    await empty();
    await world.look(`update app.task set state = 'CANCELED', finished_at = now(), lease_until = null
                       where state in ('RUNNING', 'QUEUED')`);
    const greedy = await world.addTenant();
    const modest = [await world.addTenant(), await world.addTenant(), await world.addTenant()];
    const tasks = queue(new Recorder(), { window: 4 });
    const first: TaskId[] = [];
    for (let i = 0; i < 30; i++) first.push(await add(tasks, greedy));
    await tasks.publishDue();
    await expect(published()).resolves.toHaveLength(4);
    for (const tenant of modest) await add(tasks, tenant);
    // The greedy tenant's four are taken; of the next four, the others get theirs first.
    for (const id of first.slice(0, 4)) await granted(tasks, greedy, id);
    await tasks.publishDue();
    const tenants = (await published()).map((row) => row.tenant_id);
    for (const tenant of modest) expect(tenants).toContain(tenant.tenantId);
    expect(tenants).toHaveLength(4);
  });

  it('announces again what nobody claimed', async () => {
    await empty();
    const tasks = queue(new Recorder(), { reannounceMs: 0 });
    const id = await add(tasks, world.a);
    await tasks.publishDue();
    const before = await world.messaging.stored(STREAMS.tasks.name);
    await tasks.sweep();
    await tasks.publishDue();
    await expect(world.messaging.stored(STREAMS.tasks.name)).resolves.toBe(before + 1);
    await expect(claim(tasks, world.a, id)).resolves.toMatchObject({ outcome: 'granted' });
  });

  it('goes on when NATS was killed in between', async () => {
    await empty();
    const tasks = queue(new Recorder(), { pollMs: 100 });
    tasks.start();
    try {
      await world.nats.kill();
      const id = await add(tasks, world.a);
      await expect(state(id)).resolves.toMatchObject({ state: 'QUEUED' });
      await world.nats.start();
      await eventually(published, (rows) => rows.some((row) => row.task_id === id), 20_000);
    } finally {
      await tasks.stop();
    }
  });

  it('rebuilds what NATS lost', async () => {
    await empty();
    const tasks = queue(new Recorder());
    const ids = [await add(tasks, world.a), await add(tasks, world.b)];
    await tasks.publishDue();
    const url = new URL(world.nats.url);
    const nats = await connect({ servers: url.host, user: url.username, pass: url.password });
    await (await nats.jetstreamManager()).streams.delete(STREAMS.tasks.name);
    await nats.close();
    await world.look(`update app.outbox set published_at = now() - interval '3 seconds'`);
    tasks.start();
    try {
      await tasks.sweep();
      const again = await eventually(published, (rows) => rows.length === 2);
      expect(again.map((row) => row.task_id).sort()).toEqual(ids.sort());
      await expect(world.messaging.stored(STREAMS.tasks.name)).resolves.toBe(2);
    } finally {
      await tasks.stop();
    }
  });
});
