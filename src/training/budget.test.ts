/** What a training may use at most, with workers played by hand. */
import type { MergePayload, TrainPayload, TrialPayload } from '../../contracts';
import type { Budget } from './budget';
import { finishMerge } from './testing/merge-by-hand';
import { searchByHand, trial } from './testing/search-by-hand';
import { stage } from './testing/stage';
import type { Grant, Stage } from './testing/stage';
import type { Job } from './training.entity';

let s: Stage;
beforeAll(async () => {
  s = await stage();
});
afterAll(() => s.close());
const { job, tasksOf, trialsOf, begin, search, send, finishTrials, make } = searchByHand(() => s);

const seconds = (count: number): string => String(count * 1e9);
const events = (id: Job['id']) => s.usage.filter((event) => event.jobId === id);
/** Nano units, by the stage's prices: a nano unit a millisecond on a CPU, ten on a GPU. */
const charged = (id: Job['id']): number =>
  events(id)
    .filter(({ reason }) => reason === 'billable')
    .reduce(
      (sum, { quantities }) =>
        sum +
        (Number(quantities.training_cpu_ns ?? 0) * Number(s.prices.training_cpu_ns?.amountNano)) / 1e6 +
        (Number(quantities.training_gpu_ns ?? 0) * Number(s.prices.training_gpu_ns?.amountNano)) / 1e6,
      0,
    );
const grown = (grant: Grant<TrainPayload>, computeNs: string) =>
  s
    .writeModel(grant.payload)
    .then((files) =>
      s.finish(
        grant,
        { status: 'succeeded', result: { kind: 'train', manifest: s.manifest(grant.payload, files) } },
        computeNs,
      ),
    );
const lose = (grant: Grant) =>
  s.finish(
    grant,
    { status: 'failed', code: 'WORKER_LOST', message: 'gone', hint: null, column: null },
    seconds(50),
  );
const refused = (taskId: Grant['taskId'] | undefined) =>
  s.tasks.claim({
    v: 1,
    tenantId: s.a.tenantId,
    taskId: taskId ?? ('' as Grant['taskId']),
    workerId: 'w',
    device: 'cpu',
  });

describe('a budget of money', () => {
  it('is shared by trials in flight, and is what is charged at most; what went beyond is the platform’s', async () => {
    const { id } = await begin({}, { amountNano: 10_000n, trials: 7, seconds: 30 });
    const first = await search(id);
    expect(first.payload.budget).toMatchObject({ totalMs: 30_000, computeLeftMs: 10_000, trialsLeft: 7 });
    expect(first.timeoutMs).toBe(10_000);
    await send(first, [[trial(0)], [trial(1)], [trial(2)]], 1500);
    const [one, two, three] = await tasksOf(id, 'trial');
    // A tenth is kept for the model, the rest is divided among the three.
    const a = await s.claim<TrialPayload>(s.a, one ?? null, 'trial');
    const b = await s.claim<TrialPayload>(s.a, two ?? null, 'trial');
    expect(Math.round(a.payload.stopInMs ?? 0)).toBe(3000);
    expect(Math.round(b.payload.stopInMs ?? 0)).toBe(3000);
    await finishTrials(a, [1], seconds(1));
    // What the first left over is there for the third.
    const c = await s.claim<TrialPayload>(s.a, three ?? null, 'trial');
    expect(Math.round(c.payload.stopInMs ?? 0)).toBe(5000);
    await finishTrials(b, [2], seconds(4));
    await finishTrials(c, [3], seconds(6));
    const last = await search(id);
    expect(last.payload.budget.computeLeftMs).toBe(0);
    await make(last, seconds(2));
    await expect(job(id)).resolves.toMatchObject({ state: 'SUCCEEDED' });
    expect(charged(id)).toBeLessThanOrEqual(10_000);
    expect(charged(id)).toBeGreaterThan(9_999);
    expect(events(id).filter(({ reason }) => reason === 'platform_fault')).not.toHaveLength(0);
    expect(new Set(events(id).map(({ key }) => key)).size).toBe(events(id).length);
  });

  it('counts a second on a GPU by its own price', async () => {
    const { id } = await begin({}, { amountNano: 10_000n });
    const first = await search(id, 'cuda');
    expect(first.payload.budget.computeLeftMs).toBe(1000);
    await send(first, [[trial(0)], [trial(1)]], 100);
    const [one, two] = await tasksOf(id, 'trial');
    const gpu = await s.claim<TrialPayload>(s.a, one ?? null, 'trial', 'cuda');
    expect(Math.round(gpu.payload.stopInMs ?? 0)).toBe(450);
    await finishTrials(gpu, [1], seconds(0.4));
    const cpu = await s.claim<TrialPayload>(s.a, two ?? null, 'trial');
    expect(Math.round(cpu.payload.stopInMs ?? 0)).toBe(5000);
    await finishTrials(cpu, [2], seconds(5));
    const board = await s.training.leaderboard(s.a.ctx, id);
    expect(board.map(({ costNano }) => costNano)).toEqual([5000n, 500n]);
    await make(await search(id), seconds(3));
    expect(charged(id)).toBeLessThanOrEqual(10_000);
    expect(charged(id)).toBeGreaterThan(9_990);
  });

  it('holds when the price rises on the way', async () => {
    const { id } = await begin({}, { amountNano: 10_000n });
    const only = await search(id);
    s.prices.training_cpu_ns = { amountNano: 3n, perQuantity: 1_000_000n };
    try {
      await make(only, seconds(8));
      expect(charged(id)).toBeLessThanOrEqual(10_000);
      expect(charged(id)).toBeGreaterThan(9_999);
    } finally {
      s.prices.training_cpu_ns = { amountNano: 1n, perQuantity: 1_000_000n };
    }
  });

  it('is not used up by a worker that was killed, and pays nothing twice', async () => {
    const { id } = await begin({}, { amountNano: 10_000n });
    await send(await search(id), [[trial(0)], [trial(1)]], 3000);
    const [one, two] = await tasksOf(id, 'trial');
    const lost = await s.claim<TrialPayload>(s.a, one ?? null, 'trial');
    const other = await s.claim<TrialPayload>(s.a, two ?? null, 'trial');
    await lose(lost);
    const again = await s.claim<TrialPayload>(s.a, one ?? null, 'trial');
    expect(Math.round(again.payload.stopInMs ?? 0)).toBe(4500);
    // The zombie comes back: its token is stale.
    const zombie = await finishTrials(lost, [9], seconds(3));
    expect(zombie).toMatchObject({ outcome: 'lost' });
    await finishTrials(again, [1], seconds(2));
    await finishTrials(again, [1], seconds(2));
    await finishTrials(other, [2], seconds(3));
    await make(await search(id), seconds(1));
    expect(charged(id)).toBeCloseTo(6000, 2);
    const keys = events(id).map(({ key }) => key);
    expect(new Set(keys).size).toBe(keys.length);
    expect(events(id).filter(({ reason }) => reason === 'platform_fault')).toHaveLength(1);
  });

  it('does not start a trial that it cannot hold', async () => {
    const { id } = await begin({}, { amountNano: 10_000n });
    await send(await search(id), [[trial(0)]], 9500);
    const [one] = await tasksOf(id, 'trial');
    await expect(refused(one)).resolves.toMatchObject({ outcome: 'never' });
    await expect(trialsOf(id)).resolves.toEqual([{ id: 0, state: 'CANCELED', error_code: 'BUDGET_SPENT' }]);
    await make(await search(id));
    await expect(job(id)).resolves.toMatchObject({ state: 'SUCCEEDED' });
  });

  it('is one tenant’s own', async () => {
    const mine = await begin({}, { amountNano: 10_000n });
    const version = await s.seal(s.b);
    const theirs = await s.start(s.b, version.id, undefined, { amountNano: 2000n, seconds: 20 });
    const grants = [
      await s.claim<TrainPayload>(s.a, mine.taskId, 'search' as 'train'),
      await s.claim<TrainPayload>(s.b, theirs.taskId, 'train'),
    ];
    expect(grants.map(({ timeoutMs }) => timeoutMs)).toEqual([10_000, 2000]);
    expect(await s.training.leaderboard(s.b.ctx, mine.id)).toEqual([]);
    await expect(s.training.get(s.b.ctx, mine.id)).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });
});

describe('a budget of seconds', () => {
  const started = async (budget: Budget) => {
    const version = await s.seal(s.a);
    return s.start(s.a, version.id, { family: 'mlp' }, budget);
  };
  /** As if the training had begun so long ago. */
  const age = (id: Job['id'], by: number) =>
    s.look(`update app.job set search_from = search_from - $2 * interval '1 second' where id = $1`, [id, by]);

  it('limits any family, and time beyond it is not charged', async () => {
    const { id, taskId, cap } = await started({ seconds: 20, trials: 1 });
    expect(cap).toEqual({ seconds: 20, money: null });
    const grant = await s.claim<TrainPayload>(s.a, taskId, 'train');
    expect(grant.payload.stopInMs).toBe(20_000);
    expect(grant.timeoutMs).toBe(20_000);
    await grown(grant, seconds(23));
    expect(charged(id)).toBeGreaterThan(19_900);
    expect(charged(id)).toBeLessThanOrEqual(20_001);
    expect(events(id).map(({ reason }) => reason)).toEqual(['billable', 'platform_fault']);
  });

  it('runs on while a lost attempt is taken up again, and ends the job when it is over', async () => {
    const { id, taskId } = await started({ seconds: 20 });
    await lose(await s.claim<TrainPayload>(s.a, taskId, 'train'));
    await age(id, 15);
    const again = await s.claim<TrainPayload>(s.a, taskId, 'train');
    expect(again.payload.stopInMs).toBeLessThanOrEqual(5000);
    await lose(again);
    await age(id, 15);
    for (const _ of [1, 2, 3]) if ((await job(id)).state === 'RUNNING' && taskId) await refused(taskId);
    await expect(job(id)).resolves.toMatchObject({ state: 'FAILED', errorCode: 'BUDGET_SPENT' });
    expect(charged(id)).toBe(0);
  });

  it('names itself when it ended the training', async () => {
    const { id, taskId } = await started({ seconds: 20 });
    const grant = await s.claim<TrainPayload>(s.a, taskId, 'train');
    await age(id, 20);
    await s.finish(
      grant,
      { status: 'failed', code: 'TASK_TIMEOUT', message: 'too long', hint: null, column: null },
      seconds(20),
    );
    await expect(job(id)).resolves.toMatchObject({
      state: 'FAILED',
      errorCode: 'BUDGET_SPENT',
      errorMessage: expect.stringContaining('it was fetching, at 0 %') as string,
      errorHint: expect.stringContaining('give it 40 seconds at least') as string,
    });
    expect(charged(id)).toBe(0);
  });

  it('does not hide the platform’s own limit', async () => {
    const { id, taskId } = await started({ seconds: 500 });
    const grant = await s.claim<TrainPayload>(s.a, taskId, 'train');
    await s.finish(
      grant,
      { status: 'failed', code: 'TASK_TIMEOUT', message: 'too long', hint: null, column: null },
      seconds(60),
    );
    await expect(job(id)).resolves.toMatchObject({ state: 'FAILED', errorCode: 'TASK_TIMEOUT' });
  });
});

describe('a retrain', () => {
  const retrain = (budget: Budget, spec?: unknown, tenant = s.a) =>
    s.within(tenant, (tx) =>
      s.training.retrain(tenant.ctx, tx, { scenarioId: s.a.scenarioId, spec, budget }),
    );
  /** Up to where the training begins. */
  const merged = async ({ id, taskId }: Job) => {
    await finishMerge(s, await s.claim<MergePayload>(s.a, taskId, 'merge'));
    return job(id);
  };

  beforeAll(async () => {
    const { id } = await s.seal(s.a);
    s.deploy((await s.train(s.a, id)).modelVersionId);
    s.feedback.push({ values: { area: 7 }, actual: 70 });
  });

  it('is charged its amount at most, and has its seconds from the merge on', async () => {
    const { id, taskId, cap } = await merged(await retrain({ amountNano: 5000n, seconds: 20 }));
    expect(cap).toMatchObject({ seconds: 20, money: { amountNano: '5000' } });
    const grant = await s.claim<TrainPayload>(s.a, taskId, 'train');
    expect([grant.payload.stopInMs, grant.timeoutMs]).toEqual([5000, 5000]);
    await grown(grant, seconds(9));
    await expect(job(id)).resolves.toMatchObject({ kind: 'retrain', state: 'SUCCEEDED' });
    expect(charged(id)).toBe(5000);
    expect(events(id).map(({ reason }) => reason)).toEqual(['billable', 'platform_fault']);
  });

  it('plans an automatic search with it', async () => {
    const begun = await retrain({ seconds: 12, trials: 3 }, { family: 'auto' });
    expect(begun.spec).toMatchObject({ seconds: 12, trials: 3 });
    const { payload } = await search((await merged(begun)).id);
    expect(payload.budget).toMatchObject({ totalMs: 12_000, leftMs: 12_000, trialsLeft: 3 });
  });

  it('with a budget of nothing is refused before anything is made', async () => {
    const made = async () => s.look('select 1 from app.dataset_version where tenant_id = $1', [s.a.tenantId]);
    const before = await made();
    await expect(retrain({ seconds: 0 })).rejects.toMatchObject({
      code: 'BAD_INPUT',
      path: ['budget', 'seconds'],
    });
    expect(await made()).toHaveLength(before.length);
  });

  it('is not there for the other tenant, whatever the budget', async () => {
    await expect(retrain({ amountNano: 5000n }, undefined, s.b)).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });
});

it('a budget of trials is not exceeded by a search that sends more', async () => {
  const { id } = await begin({}, { trials: 2 });
  const first = await search(id);
  expect(first.payload.budget.trialsLeft).toBe(2);
  await send(first, [[trial(0)], [trial(1)], [trial(2)]]);
  expect(await trialsOf(id)).toEqual([]);
});

it.each<[Budget, string]>([
  [{ seconds: 0 }, 'seconds'],
  [{ seconds: -1 }, 'seconds'],
  [{ seconds: NaN }, 'seconds'],
  [{ trials: 0 }, 'trials'],
  [{ trials: -3 }, 'trials'],
  [{ amountNano: 0n }, 'amountNano'],
  [{ amountNano: -1n }, 'amountNano'],
  // A nano unit buys a millisecond.
  [{ amountNano: 1n }, 'amountNano'],
])('a budget of %p is refused, whatever is trained', async (budget, field) => {
  const { id } = await s.seal(s.a);
  const problem = { code: 'BAD_INPUT', path: ['budget', field], hint: expect.any(String) as string };
  for (const spec of [{ family: 'auto' }, { family: 'mlp' }]) {
    await expect(s.start(s.a, id, spec, budget)).rejects.toMatchObject(problem);
    const quoted = s.training.quote(s.a.ctx, { datasetVersionId: id, spec, budget });
    await expect(quoted).rejects.toMatchObject(problem);
  }
});
