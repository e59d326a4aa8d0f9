/** The loop of an automatic training with two workers played by hand. */
import type { TrialPayload, TrialReport } from '../../contracts';
import { searchByHand, shape, trial } from './testing/search-by-hand';
import { stage } from './testing/stage';
import type { Grant, Stage } from './testing/stage';

let s: Stage;
beforeAll(async () => {
  s = await stage();
});
afterAll(() => s.close());

const { job, tasksOf, trialsOf, begin, search, send, done, finishTrials, make, progress } = searchByHand(
  () => s,
);

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
    expect(half.map(({ trial: { id, state }, rank }) => [id, state, rank])).toEqual([
      [1, 'SUCCEEDED', 1],
      [0, 'SUCCEEDED', 2],
      [2, 'RUNNING', null],
    ]);
    await finishTrials(b, [1], '3000');
    const board = await s.training.leaderboard(s.a.ctx, queued.id);
    expect(
      board.map(({ trial: { id, report }, rank, costNano }) => [id, report?.score.score, rank, costNano]),
    ).toEqual([
      [2, 1, 1, 500n],
      [1, 2, 2, 500n],
      [0, 3, 3, 500n],
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

  it('tells whoever follows it when a trial begins and ends', async () => {
    const { id } = await begin();
    await send(await search(id), [[trial(0)]]);
    const updates = s.training.progress(s.a.ctx, id);
    const states = async (): Promise<string[]> => {
      await updates.next();
      return (await s.training.leaderboard(s.a.ctx, id)).map((ranked) => ranked.trial.state);
    };
    try {
      expect(await states()).toEqual(['QUEUED']);
      const [task] = await tasksOf(id, 'trial');
      const grant = await s.claim<TrialPayload>(s.a, task ?? null, 'trial');
      expect(await states()).toEqual(['RUNNING']);
      await finishTrials(grant, [1]);
      expect(await states()).toEqual(['SUCCEEDED']);
    } finally {
      await updates.return(undefined);
    }
    await expect(s.training.progress(s.b.ctx, id).next()).rejects.toMatchObject({ code: 'NOT_FOUND' });
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
