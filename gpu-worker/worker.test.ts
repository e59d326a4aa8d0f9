import { createHash, randomUUID } from 'node:crypto';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Sha256, TaskPayload } from '../contracts';
import { ControlDouble } from './testing/control-double';
import type { DoubleTask } from './testing/control-double';
import { FileStore } from './testing/file-store';
import { startNats } from '../test/support/nats';
import type { TestNats } from '../test/support/nats';
import { childrenOf, isAlive, startWorkerProcess, until } from './testing/worker-process';
import type { WorkerProcess } from './testing/worker-process';

const ROWS = Buffer.from('{"a":1}\n'.repeat(20_000));

describe('the worker process', () => {
  let nats: TestNats;
  let files: FileStore;
  let control: ControlDouble;
  let scratchDir: string;
  const workers: WorkerProcess[] = [];

  const worker = async (env: Record<string, string> = {}): Promise<WorkerProcess> => {
    const started = startWorkerProcess({ NATS_URL: nats.url, MM_SCRATCH_DIR: scratchDir, ...env });
    workers.push(started);
    await until('worker ready', () => started.log().includes('"msg":"ready"'));
    return started;
  };
  const payload = (behaviour: string): TaskPayload => ({
    kind: 'pack',
    rows: {
      url: files.url('rows'),
      sha256: createHash('sha256').update(ROWS).digest('hex') as Sha256,
      sizeBytes: ROWS.length,
    },
    packed: { url: files.url(`packed-${randomUUID()}`), key: `t/x/pack/${behaviour}` },
  });
  const status = (task: DoubleTask) => task.finish?.outcome.status;
  const failureCode = (task: DoubleTask) =>
    task.finish?.outcome.status === 'failed' ? task.finish.outcome.code : null;
  const ended = (task: DoubleTask, limitMs?: number) =>
    until('task ended', () => task.state === 'ENDED', limitMs);
  const firstMessage = (task: DoubleTask) =>
    control.progress.find((said) => said.taskId === task.taskId)?.message ?? null;
  const pidOf = async (task: DoubleTask): Promise<number> => {
    await until('task running', () => firstMessage(task) !== null);
    return Number(/pid (\d+)/.exec(firstMessage(task) ?? '')?.[1]);
  };
  const queueEmpty = async () => {
    for (let tries = 0; (await control.messagesLeft()) > 0; tries++) {
      if (tries > 200) throw new Error('messages left on the work queue');
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  };

  beforeAll(async () => {
    nats = await startNats();
    files = await FileStore.start();
    files.files.set('rows', ROWS);
    control = await ControlDouble.start(nats.url);
    await control.createStream();
    scratchDir = await mkdtemp(join(tmpdir(), 'mm-worker-'));
  });
  afterEach(async () => {
    for (const each of workers.splice(0)) {
      each.process.kill('SIGKILL');
      await each.exited;
    }
    control.deaf = false;
    control.failing = false;
    control.progress.length = 0;
    await queueEmptyByEnding();
  });
  afterAll(async () => {
    await control?.close();
    await files?.close();
    await nats?.stop();
    await rm(scratchDir, { recursive: true, force: true });
  });
  /** What a test left behind must not reach the next one's worker. */
  const queueEmptyByEnding = async (): Promise<void> => {
    for (const task of control.tasks.values()) task.state = 'ENDED';
  };

  it('claims, runs and finishes a task, and settles its message', async () => {
    const running = await worker();
    const task = await control.submit(payload('copy'));
    const submittedAt = Date.now();
    await ended(task);
    expect(status(task)).toBe('succeeded');
    const { packed } = task.payload as Extract<TaskPayload, { kind: 'pack' }>;
    const name = packed.url.split('/').at(-1) ?? '';
    expect(files.files.get(name)?.equals(ROWS)).toBe(true);
    expect(files.puts.find((put) => put.name === name)).toEqual({
      name,
      sha256: createHash('sha256').update(ROWS).digest('hex'),
      length: String(ROWS.length),
    });
    expect(Number(task.finish?.consumed.computeNs)).toBeGreaterThan(0);
    const first = control.progress.find((said) => said.taskId === task.taskId);
    expect((first?.atMs ?? Infinity) - submittedAt).toBeLessThan(150);
    await queueEmpty();
    // The child saw nothing of the worker's environment, and its scratch folder is gone.
    expect(firstMessage(task)).not.toContain('SECRET_OF_WORKER');
    await until('scratch removed', () => running.log().includes('task ended'));
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(await readdir(join(scratchDir, `worker-${running.pid}`, 'tasks'))).toEqual([]);
  });

  it('never lets two tasks share a process', async () => {
    await worker();
    const tasks = await Promise.all([1, 2, 3, 4].map(() => control.submit(payload('copy'))));
    for (const task of tasks) await ended(task);
    const messages = tasks.map((task) => firstMessage(task) ?? '');
    expect(new Set(messages.map((text) => /pid (\d+)/.exec(text)?.[1])).size).toBe(4);
    for (const text of messages) expect(text).toContain('run 1 ');
  });

  it.each(['push', 'heartbeat'])('cancels a blocked task within 2 s, told by %s', async (way) => {
    await worker();
    const task = await control.submit(payload('block'));
    const pid = await pidOf(task);
    const canceledAt = Date.now();
    if (way === 'push') control.pushCancel(task);
    else task.cancelRequested = true;
    await ended(task, 2000);
    expect(Date.now() - canceledAt).toBeLessThan(2000);
    expect(status(task)).toBe('canceled');
    expect(isAlive(pid)).toBe(false);
  });

  it('lets a canceled task stop by itself', async () => {
    await worker();
    const task = await control.submit(payload('wait'));
    await pidOf(task);
    control.pushCancel(task);
    await ended(task, 900);
    expect(status(task)).toBe('canceled');
  });

  it('kills the work and writes nothing when the lease is lost', async () => {
    const running = await worker();
    const task = await control.submit(payload('block'));
    const pid = await pidOf(task);
    task.fence += 1000; // somebody else was granted the task
    task.state = 'RUNNING';
    task.leaseUntil = Date.now() + 60_000;
    await until('child killed', () => !isAlive(pid), 2000);
    await until('said so', () => running.log().includes('zombieRefused'));
    expect(control.finishes.filter(({ finish }) => finish.taskId === task.taskId)).toEqual([]);
    expect(await control.messagesLeft()).toBeGreaterThan(0);
  });

  it('kills its own work when no heartbeat was heard for a lease', async () => {
    await worker();
    const task = await control.submit(payload('block'));
    const pid = await pidOf(task);
    control.deaf = true;
    const deafAt = Date.now();
    await until('child killed', () => !isAlive(pid), control.leaseMs + 1500);
    expect(Date.now() - deafAt).toBeGreaterThan(control.leaseMs - 1000);
  });

  it('keeps epochs until a heartbeat that carried them was heard, and finish until it was recorded', async () => {
    await worker();
    const task = await control.submit(payload('epochs'));
    await pidOf(task);
    control.failing = true;
    await new Promise((resolve) => setTimeout(resolve, 1500));
    control.failing = false;
    await ended(task);
    expect(status(task)).toBe('succeeded');
    const seen = new Set(
      task.heartbeats.flatMap((beat) => beat.progress?.epochs ?? []).map(({ epoch }) => epoch),
    );
    expect([...seen].sort((a, b) => a - b)).toEqual(Array.from({ length: 30 }, (_, index) => index + 1));
    const live = control.progress.filter((said) => said.taskId === task.taskId);
    expect(live.flatMap((said) => said.epochs).length).toBe(30);
  });

  it('reports a result that the control plane cannot record as a failure, and goes on', async () => {
    await worker();
    control.refusingResults = true;
    const task = await control.submit(payload('copy'));
    await ended(task);
    control.refusingResults = false;
    expect(failureCode(task)).toBe('INTERNAL');
    const next = await control.submit(payload('copy'));
    await ended(next);
    expect(status(next)).toBe('succeeded');
  });

  it('kills an attempt that runs too long', async () => {
    await worker();
    const task = await control.submit(payload('block'), { timeoutMs: 500 });
    await ended(task, 2500);
    expect(failureCode(task)).toBe('TASK_TIMEOUT');
  });

  it.each(['bomb', 'oneBigBomb'])('reports OUT_OF_MEMORY for a %s', async (behaviour) => {
    await worker({ MM_DATA_MEMORY_MB: '400' });
    const task = await control.submit(payload(behaviour));
    await ended(task);
    expect(failureCode(task)).toBe('OUT_OF_MEMORY');
    const next = await control.submit(payload('copy'));
    await ended(next);
    expect(status(next)).toBe('succeeded');
  });

  it('reports how a task failed, and never an unexpected error by its text', async () => {
    const running = await worker();
    const [crash, refuse, unexpected] = await Promise.all(
      ['crash', 'refuse', 'unexpected'].map((behaviour) => control.submit(payload(behaviour))),
    );
    for (const task of [crash, refuse, unexpected]) if (task) await ended(task);
    expect(crash && failureCode(crash)).toBe('WORKER_LOST');
    expect(refuse?.finish?.outcome).toEqual({
      status: 'failed',
      code: 'TARGET_MISSING',
      message: 'the target is not a column',
      hint: 'choose one',
      column: 'price',
    });
    expect(unexpected && failureCode(unexpected)).toBe('INTERNAL');
    expect(JSON.stringify(unexpected?.finish)).not.toContain('secret');
    expect(running.log()).not.toContain('secret cell');
    await queueEmpty();
  });

  it('leaves no orphan when it is killed, even while native code holds the child', async () => {
    const running = await worker();
    const task = await control.submit(payload('block'));
    const pid = await pidOf(task);
    const all = childrenOf(running.pid);
    expect(all).toContain(pid);
    running.process.kill('SIGKILL');
    await running.exited;
    await until('no orphan', () => all.every((child) => !isAlive(child)), 2000);
  });

  it('redelivers the task of a killed worker to another, which finishes it under a new token', async () => {
    const first = await worker();
    const task = await control.submit(payload('block'));
    await pidOf(task);
    const fence = task.fence;
    first.process.kill('SIGKILL');
    await first.exited;
    (task.payload as { packed: { key: string } }).packed.key = 't/x/pack/copy';
    await worker();
    await ended(task, 15_000);
    expect(status(task)).toBe('succeeded');
    expect(Number(task.finish?.fence)).toBeGreaterThan(fence);
    await queueEmpty();
  });

  it('refuses everything of a worker that slept past its lease and wakes up as a zombie', async () => {
    const sleeper = await worker();
    const task = await control.submit(payload('block'));
    const pid = await pidOf(task);
    const fence = String(task.fence);
    sleeper.process.kill('SIGSTOP');
    (task.payload as { packed: { key: string } }).packed.key = 't/x/pack/copy';
    await worker();
    await ended(task, 15_000);
    sleeper.process.kill('SIGCONT');
    await until('zombie killed its work', () => !isAlive(pid), 2000);
    await until('zombie said so', () => sleeper.log().includes('zombieRefused'));
    const said = control.finishes.filter(({ finish }) => finish.taskId === task.taskId);
    expect(said.map(({ outcome }) => outcome)).toEqual(['recorded']);
    expect(said[0]?.finish.fence).not.toBe(fence);
    await queueEmpty();
  });

  it('hands a running task back on SIGTERM, exits 0 at once, and another worker takes it', async () => {
    const first = await worker();
    const task = await control.submit(payload('block'));
    const pid = await pidOf(task);
    const stoppedAt = Date.now();
    first.process.kill('SIGTERM');
    expect(await first.exited).toBe(0);
    expect(Date.now() - stoppedAt).toBeLessThan(3000);
    expect(isAlive(pid)).toBe(false);
    expect(status(task)).toBe('released');
    (task.payload as { packed: { key: string } }).packed.key = 't/x/pack/copy';
    await worker();
    await ended(task, 3000);
    expect(status(task)).toBe('succeeded');
  });

  it('does not run two data tasks at once with one slot, and leaves none behind', async () => {
    await worker();
    const tasks = await Promise.all(Array.from({ length: 5 }, () => control.submit(payload('epochs'))));
    let most = 0;
    await until(
      'all ended',
      () => {
        most = Math.max(most, tasks.filter((task) => task.state === 'RUNNING').length);
        return tasks.every((task) => task.state === 'ENDED');
      },
      30_000,
    );
    expect(most).toBe(1);
    await queueEmpty();
  });

  it('waits for NATS and for the stream, and works on after NATS was killed', async () => {
    const running = await worker();
    await nats.kill();
    await new Promise((resolve) => setTimeout(resolve, 500));
    await nats.start();
    await until('connected again', () => running.log().includes('connected to NATS again'));
    const task = await control.submit(payload('copy'));
    await ended(task);
    expect(status(task)).toBe('succeeded');
  });
});
