/** The loop of an automatic training with two workers played by hand. */
import type {
  Progress,
  SearchPayload,
  SearchShape,
  TrialPayload,
  TrialReport,
  TrialSpec,
} from '../../contracts';
import { MlpSpec } from '../../contracts';
import { stage } from './testing/stage';
import type { Grant, Stage } from './testing/stage';
import type { Job } from './training.entity';

let s: Stage;
beforeAll(async () => {
  s = await stage();
});
afterAll(() => s.close());

const shape: SearchShape = {
  task: 'regression',
  rows: 8,
  numbers: 1,
  categories: 0,
  times: 0,
  width: 1,
  classes: 0,
  split: 'random',
  folds: 5,
};
const trial = (id: number, set: Partial<TrialSpec> = {}): TrialSpec => ({
  id,
  candidate: id,
  rung: 0,
  spec: MlpSpec.parse({ family: 'mlp', hidden: [id + 1] }),
  folds: [0],
  rowShare: 1,
  seconds: null,
  ...set,
});
const job = (id: Job['id']) => s.training.get(s.a.ctx, id);
const tasksOf = (id: Job['id'], kind: string) =>
  s.within(s.a, async (tx) =>
    (
      await tx.query<{ id: Grant['taskId'] }[]>(
        `select id from app.task where owner_id = $1 and kind = $2 and state in ('QUEUED', 'RUNNING') order by id`,
        [id, kind],
      )
    ).map((row) => row.id),
  );
const trialsOf = (id: Job['id']) =>
  s.within(s.a, (tx) =>
    tx.query<{ id: number; state: string; error_code: string | null }[]>(
      'select id, state, error_code from app.trial where job_id = $1 order by id',
      [id],
    ),
  );

const begin = async (spec: Record<string, unknown> = {}) => {
  const version = await s.seal(s.a);
  return s.start(s.a, version.id, { family: 'auto', ...spec });
};
const search = async (id: Job['id']) => s.claim<SearchPayload>(s.a, (await job(id)).taskId, 'search');
const send = (grant: Grant, trials: TrialSpec[][], expectedMs = 10) =>
  s.succeed(grant, {
    kind: 'search',
    next: {
      step: 'trials',
      messages: trials.map((message) => ({ trials: message, expectedMs })),
      shape,
      assembleMs: 0,
    },
  });
const done = async (asked: TrialPayload['trials'][number], score: number): Promise<TrialReport> => ({
  state: 'done',
  outcome: {
    status: 'done',
    trial: asked.trial,
    folds: [{ fold: 0, rows: 2, loss: score, error: 0.1, iterations: 3 }],
    seconds: 0.5,
    microsPerRow: 2,
    bytes: 100,
  },
  score: { metric: 'rmse', score, low: score - 0.1, high: score + 0.1 },
  files: {
    model: await s.write(asked.files.model, Buffer.from(`model ${asked.trial.id}`)),
    predictions: await s.write(asked.files.predictions, Buffer.from(`predictions ${asked.trial.id}`)),
    inputs: await s.write(asked.files.inputs, Buffer.from('[]')),
  },
});
const finishTrials = async (grant: Grant<TrialPayload>, scores: number[], computeNs?: string) => {
  const reports = await Promise.all(grant.payload.trials.map((each, at) => done(each, scores[at] ?? 1)));
  return s.finish(grant, { status: 'succeeded', result: { kind: 'trial', trials: reports } }, computeNs);
};
const make = async (grant: Grant<SearchPayload>) =>
  s.succeed(grant, {
    kind: 'search',
    next: {
      step: 'done',
      manifest: s.manifest(
        { ...grant.payload, kind: 'train' },
        await s.writeModel({ ...grant.payload, kind: 'train' }),
      ),
    },
  });
const progress = (grant: Grant, trials: TrialReport[]): Progress => ({
  v: 1,
  tenantId: grant.tenant.tenantId,
  taskId: grant.taskId,
  fence: grant.fence,
  phase: 'TUNING',
  fraction: 0.2,
  message: null,
  epochs: [],
  trials,
  atMs: 0,
});

describe('an automatic training', () => {
  it('sends trials to whoever asks, looks again, and makes one model and one bill', async () => {
    const queued = await begin();
    const first = await search(queued.id);
    expect(first.payload).toMatchObject({ spec: { family: 'auto', seconds: 60 }, shape: null, trials: [] });
    expect(first.payload.budget).toMatchObject({ totalMs: 60_000, computeLeftMs: null, trialsLeft: 200 });
    await send(first, [[trial(0), trial(1)], [trial(2)]]);

    const [one, two] = await tasksOf(queued.id, 'trial');
    const [a, b] = await Promise.all([
      s.claim<TrialPayload>(s.a, one ?? null, 'trial'),
      s.claim<TrialPayload>(s.a, two ?? null, 'trial'),
    ]);
    expect(a.payload.trials.map((each) => each.trial.id)).toEqual([0, 1]);
    expect(a.payload.stopInMs).toBeGreaterThan(40_000);
    expect(a.timeoutMs).toBeLessThanOrEqual(60_000);
    await finishTrials(a, [3, 2], '2000');
    expect(await tasksOf(queued.id, 'search')).toEqual([]);
    const half = await s.training.leaderboard(s.a.ctx, queued.id);
    expect(half.map(({ id, state }) => [id, state])).toEqual([
      [1, 'SUCCEEDED'],
      [0, 'SUCCEEDED'],
      [2, 'RUNNING'],
    ]);
    await finishTrials(b, [1], '3000');
    const board = await s.training.leaderboard(s.a.ctx, queued.id);
    expect(board.map(({ id, report }) => [id, report?.score.score])).toEqual([
      [2, 1],
      [1, 2],
      [0, 3],
    ]);
    expect(await s.training.leaderboard(s.b.ctx, queued.id)).toEqual([]);

    const last = await search(queued.id);
    expect(last.payload.shape).toEqual(shape);
    expect(last.payload.trials.map(({ report }) => report.state)).toEqual(['done', 'done', 'done']);
    const read = last.payload.trials[2]?.files;
    if (read == null) throw new Error('no files');
    expect((await s.fetchBytes(read.predictions)).toString()).toBe('predictions 2');
    expect(s.usage.filter((event) => event.jobId === queued.id)).toEqual([]);
    const before = await s.stored(s.a);
    await make(last);

    const ended = await job(queued.id);
    expect(ended).toMatchObject({ state: 'SUCCEEDED', fraction: 1 });
    await expect(s.registry.getVersion(s.a.ctx, ended.modelVersionId)).resolves.toMatchObject({
      jobId: ended.id,
    });
    const events = s.usage.filter((event) => event.jobId === queued.id);
    expect(events.map(({ reason }) => reason)).toEqual(['billable', 'billable', 'billable', 'billable']);
    expect(new Set(events.map(({ key }) => key)).size).toBe(4);
    expect(events.reduce((sum, each) => sum + Number(each.quantities.training_cpu_ns), 0)).toBe(7000);
    // What the trials kept is gone with the job.
    await s.catalogue.sweep();
    expect(before.filter((key) => key.includes('/trial/'))).toHaveLength(9);
    expect((await s.stored(s.a)).filter((key) => key.includes('/trial/'))).toEqual([]);
    await expect(s.training.get(s.b.ctx, queued.id)).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  it('goes on without a trial that failed, and keeps what a lost worker had reported', async () => {
    const queued = await begin();
    await send(await search(queued.id), [[trial(0), trial(1)], [trial(2)]]);
    const [one, two] = await tasksOf(queued.id, 'trial');
    const lost = await s.claim<TrialPayload>(s.a, one ?? null, 'trial');
    const kept = lost.payload.trials[0];
    if (kept === undefined) throw new Error('no trial');
    await s.beat(lost, progress(lost, [await done(kept, 5)]));
    await s.finish(lost, {
      status: 'failed',
      code: 'WORKER_LOST',
      message: 'gone',
      hint: null,
      column: null,
    });
    const again = await s.claim<TrialPayload>(s.a, one ?? null, 'trial');
    expect(again.payload.trials.map((each) => each.trial.id)).toEqual([1]);
    expect(
      await s.finish(lost, { status: 'succeeded', result: { kind: 'trial', trials: [] } }),
    ).toMatchObject({
      outcome: 'lost',
    });
    await s.finish(again, {
      status: 'failed',
      code: 'OUT_OF_MEMORY',
      message: 'too large',
      hint: null,
      column: null,
    });
    const other = await s.claim<TrialPayload>(s.a, two ?? null, 'trial');
    await finishTrials(other, [1]);
    expect(await trialsOf(queued.id)).toEqual([
      { id: 0, state: 'SUCCEEDED', error_code: null },
      { id: 1, state: 'FAILED', error_code: 'OUT_OF_MEMORY' },
      { id: 2, state: 'SUCCEEDED', error_code: null },
    ]);
    const last = await search(queued.id);
    expect(last.payload.trials.map(({ report }) => report.state)).toEqual(['done', 'failed', 'done']);
    await make(last);
    await expect(job(queued.id)).resolves.toMatchObject({ state: 'SUCCEEDED' });
    const reasons = s.usage.filter((event) => event.jobId === queued.id).map(({ reason }) => reason);
    expect(reasons.sort()).toEqual(['billable', 'billable', 'billable', 'failed', 'platform_fault']);
  });

  it('does not start what the budget cannot hold', async () => {
    const queued = await begin({ seconds: 10, trials: 3 });
    const first = await search(queued.id);
    expect(first.payload.budget).toMatchObject({ totalMs: 10_000, trialsLeft: 3 });
    await send(first, [[trial(0)]], 60_000);
    const [task] = await tasksOf(queued.id, 'trial');
    const request = {
      v: 1 as const,
      tenantId: s.a.tenantId,
      taskId: task ?? first.taskId,
      workerId: 'w',
      device: 'cpu' as const,
    };
    await expect(s.tasks.claim(request)).resolves.toMatchObject({ outcome: 'never' });
    await expect(trialsOf(queued.id)).resolves.toEqual([
      { id: 0, state: 'CANCELED', error_code: 'BUDGET_SPENT' },
    ]);
    const last = await search(queued.id);
    expect(last.payload.budget.trialsLeft).toBe(3);
    await make(last);
    await expect(job(queued.id)).resolves.toMatchObject({ state: 'SUCCEEDED' });
  });

  it('is canceled with all its trials, and nothing is charged', async () => {
    const queued = await begin();
    await send(await search(queued.id), [[trial(0)], [trial(1)], [trial(2)]]);
    const [one, two] = await tasksOf(queued.id, 'trial');
    const running = await s.claim<TrialPayload>(s.a, one ?? null, 'trial');
    await finishTrials(await s.claim<TrialPayload>(s.a, two ?? null, 'trial'), [1]);
    await s.within(s.a, (tx) => s.training.cancel(s.a.ctx, tx, queued.id));
    await expect(job(queued.id)).resolves.toMatchObject({ state: 'RUNNING', cancelRequested: true });
    await expect(s.beat(running)).resolves.toMatchObject({ outcome: 'cancel' });
    await s.finish(running, { status: 'canceled' });
    await expect(job(queued.id)).resolves.toMatchObject({ state: 'CANCELED' });
    expect((await trialsOf(queued.id)).map(({ state }) => state)).toEqual([
      'CANCELED',
      'SUCCEEDED',
      'CANCELED',
    ]);
    const reasons = s.usage.filter((event) => event.jobId === queued.id).map(({ reason }) => reason);
    expect(reasons).toEqual(['canceled', 'canceled', 'canceled']);
    expect(await tasksOf(queued.id, 'search')).toEqual([]);
  });

  it('shows trials that a search runs by itself', async () => {
    const queued = await begin();
    const only = await search(queued.id);
    const report: TrialReport = {
      state: 'failed',
      outcome: {
        status: 'failed',
        trial: trial(0),
        code: 'LOSS_NOT_FINITE',
        message: 'too fast',
        seconds: 1,
      },
    };
    await s.beat(only, progress(only, [{ state: 'running', trial: trial(0) }]));
    await expect(trialsOf(queued.id)).resolves.toMatchObject([{ state: 'RUNNING' }]);
    await s.beat(only, progress(only, [report]));
    await s.beat(only, progress(only, [report, { state: 'running', trial: trial(1) }]));
    await make(only);
    await expect(trialsOf(queued.id)).resolves.toEqual([
      { id: 0, state: 'FAILED', error_code: 'LOSS_NOT_FINITE' },
      { id: 1, state: 'CANCELED', error_code: null },
    ]);
  });
});

describe('a checkpoint', () => {
  it('is what the next attempt goes on from; a stale token can neither ask for a place nor use one', async () => {
    const version = await s.seal(s.a);
    const queued = await s.start(s.a, version.id);
    const first = await s.claim(s.a, queued.taskId, 'train');
    expect(first.checkpoint).toBeNull();
    const place = async (grant: Grant) => {
      const { tenantId } = grant.tenant;
      const reply = await s.tasks.checkpoint({ v: 1, tenantId, taskId: grant.taskId, fence: grant.fence });
      return reply.outcome === 'granted' ? reply.sink : null;
    };
    for (const state of ['epoch 1', 'epoch 2']) {
      const sink = await place(first);
      if (sink !== null) await s.write(sink, Buffer.from(state));
    }
    const unused = await place(first);
    await s.finish(first, { status: 'released' });

    const second = await s.claim(s.a, queued.taskId, 'train');
    if (second.checkpoint == null) throw new Error('no checkpoint');
    expect((await s.fetchBytes(second.checkpoint)).toString()).toBe('epoch 2');
    expect(await place(first)).toBeNull();
    expect(await place({ ...second, tenant: s.b })).toBeNull();
    expect((await s.put(unused?.url ?? '', 'epoch 9')).status).toBe(403);
    await s.finish(second, {
      status: 'failed',
      code: 'LOSS_NOT_FINITE',
      message: 'no',
      hint: null,
      column: null,
    });
    await s.catalogue.sweep();
    expect((await s.stored(s.a)).filter((key) => key.includes('/checkpoint/'))).toEqual([]);
  });
});
