import type { Heartbeat, TaskResult } from '../../contracts';
import { subject } from '../../contracts';
import { eventually } from '../platform/testing/two-tenants';
import { manifestIdentity } from '../registry';
import type { JobUpdate } from './job-progress';
import { finishMerge } from './testing/merge-by-hand';
import { stage } from './testing/stage';
import type { Grant, MergePayload, Stage, TrainPayload } from './testing/stage';
import { JOB_STATES, JOB_TRANSITIONS } from './training.entity';
import type { Job } from './training.entity';

let s: Stage;
beforeAll(async () => {
  s = await stage();
});
afterAll(() => s.close());

const job = (id: Job['id']) => s.training.get(s.a.ctx, id);
const usageOf = (id: Job['id']) => s.usage.filter((event) => event.jobId === id);
const progress = (grant: Grant, epochs: [number, number] | null, fraction = 0.5): Heartbeat['progress'] => ({
  v: 1,
  tenantId: grant.tenant.tenantId,
  taskId: grant.taskId,
  fence: grant.fence,
  phase: 'TRAINING',
  fraction,
  message: null,
  epochs: epochs === null ? [] : s.epochs(...epochs),
  atMs: 0,
});
const live = (grant: Grant, epochs: [number, number]) =>
  s.messaging.publish(subject.progress(grant.tenant.tenantId, grant.taskId), progress(grant, epochs));
const failed = (code: string) => ({
  status: 'failed' as const,
  code,
  message: 'said why',
  hint: null,
  column: null,
});

describe('a training job', () => {
  it('makes one model version of a sealed version', async () => {
    const version = await s.seal(s.a);
    const queued = await s.start(s.a, version.id, { family: 'mlp', epochs: 5 });
    expect(queued).toMatchObject({
      state: 'QUEUED',
      seed: 1,
      spec: { family: 'mlp', epochs: 5, hidden: [64, 64] },
    });

    const grant = await s.claim<TrainPayload>(s.a, queued.taskId, 'train');
    expect(grant.payload).toMatchObject({
      target: 'price',
      task: 'regression',
      exclude: ['id'],
      champion: null,
      data: { sha256: version.sealedSha256, sizeBytes: version.sealedBytes },
    });
    expect(s.sha(await s.fetchBytes(grant.payload.data))).toBe(version.sealedSha256);
    await expect(job(queued.id)).resolves.toMatchObject({ state: 'RUNNING' });
    await s.beat(grant, progress(grant, [1, 3]));
    await s.beat(grant, progress(grant, [2, 4]));
    await expect(job(queued.id)).resolves.toMatchObject({ phase: 'TRAINING', fraction: 0.5 });
    await expect(s.training.history(s.a.ctx, queued.id)).resolves.toEqual(s.epochs(1, 4));

    const files = await s.writeModel(grant.payload);
    const manifest = s.manifest(grant.payload, files);
    const result: TaskResult = { kind: 'train', manifest };
    await expect(s.succeed(grant, result)).resolves.toMatchObject({ outcome: 'recorded' });
    await expect(s.succeed(grant, result)).resolves.toMatchObject({ outcome: 'recorded' });

    const done = await job(queued.id);
    expect(done).toMatchObject({ state: 'SUCCEEDED', fraction: 1 });
    const model = await s.registry.getVersion(s.a.ctx, done.modelVersionId);
    expect(model).toMatchObject({
      number: 1,
      jobId: queued.id,
      datasetVersionId: version.id,
      identity: manifestIdentity(manifest),
      manifest,
    });
    expect(Buffer.from(await (await fetch(s.registry.downloadUrl(model))).arrayBuffer()).toString()).toBe(
      `onnx ${done.modelVersionId}`,
    );
    await expect(s.training.history(s.a.ctx, queued.id)).resolves.toEqual(s.epochs(1, 5));
    expect(usageOf(queued.id)).toEqual([
      {
        kind: 'training',
        key: `${grant.taskId}/${grant.fence}`,
        quantities: { training_cpu_ns: '1000' },
        reason: 'billable',
        scenarioId: s.a.scenarioId,
        jobId: queued.id,
        modelVersionId: done.modelVersionId,
      },
    ]);
    for (const file of [files.onnx, files.golden]) {
      expect(s.storage).toContainEqual(expect.objectContaining({ objectKey: file.key, event: 'created' }));
    }
    await expect(s.registry.getVersion(s.b.ctx, done.modelVersionId)).rejects.toMatchObject({
      code: 'NOT_FOUND',
    });
    await expect(s.training.get(s.b.ctx, queued.id)).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  it('numbers the versions of a model, also when they end together', async () => {
    const version = await s.seal(s.a);
    const jobs = await Promise.all([1, 2, 3, 4].map(() => s.train(s.a, version.id)));
    const models = await Promise.all(jobs.map((each) => s.registry.getVersion(s.a.ctx, each.modelVersionId)));
    const numbers = models.map((model) => model.number).sort((x, y) => x - y);
    expect(new Set(numbers).size).toBe(4);
    expect(numbers[3]).toBe((numbers[0] ?? 0) + 3);
    expect(new Set(models.map((model) => model.modelId)).size).toBe(1);
  });

  it('keeps one attempt: the files of a lost one go, its time is recorded at no cost', async () => {
    const version = await s.seal(s.a);
    const { id, taskId } = await s.start(s.a, version.id);
    const lost = await s.claim<TrainPayload>(s.a, taskId, 'train');
    await s.beat(lost);
    const files = await s.writeModel(lost.payload);
    await s.look(`update app.task set lease_until = now() - interval '1 s' where id = $1`, [taskId]);
    await s.tasks.sweep();
    await expect(job(id)).resolves.toMatchObject({ state: 'RUNNING' });
    const heir = await s.claim<TrainPayload>(s.a, taskId, 'train');
    expect(heir.payload.onnx.key).not.toBe(lost.payload.onnx.key);
    expect(heir.payload.modelVersionId).toBe(lost.payload.modelVersionId);
    const kept = await s.writeModel(heir.payload);
    await s.succeed(heir, { kind: 'train', manifest: s.manifest(heir.payload, kept) });
    await expect(
      s.succeed(lost, { kind: 'train', manifest: s.manifest(lost.payload, files) }),
    ).resolves.toMatchObject({ outcome: 'lost' });
    await expect(job(id)).resolves.toMatchObject({ state: 'SUCCEEDED' });
    expect(usageOf(id).map((event) => event.reason)).toEqual(['platform_fault', 'billable']);
    await eventually(
      () => s.stored(s.a),
      (keys) => keys.includes(kept.onnx.key) && !keys.includes(files.onnx.key),
    );
  });

  it('that fails says why, and its time is recorded at no cost', async () => {
    const version = await s.seal(s.a);
    const { id, taskId } = await s.start(s.a, version.id);
    const grant = await s.claim<TrainPayload>(s.a, taskId, 'train');
    await s.finish(grant, failed('LOSS_NOT_FINITE'));
    await expect(job(id)).resolves.toMatchObject({
      state: 'FAILED',
      errorCode: 'LOSS_NOT_FINITE',
      errorMessage: 'said why',
    });
    expect(usageOf(id)).toMatchObject([{ reason: 'failed', quantities: { training_cpu_ns: '1000' } }]);
  });

  it('refuses a model of other data', async () => {
    const version = await s.seal(s.a);
    const { id, taskId } = await s.start(s.a, version.id);
    const grant = await s.claim<TrainPayload>(s.a, taskId, 'train');
    const manifest = s.manifest(grant.payload, await s.writeModel(grant.payload));
    const data = { ...manifest.data, sha256: s.sha(Buffer.from('other')) };
    await s.succeed(grant, { kind: 'train', manifest: { ...manifest, data } });
    await expect(job(id)).resolves.toMatchObject({ state: 'FAILED', errorCode: 'DATASET_CHANGED' });
  });

  it('is canceled at once while it waits, and soon while it runs', async () => {
    const version = await s.seal(s.a);
    const cancel = (id: Job['id']) => s.within(s.a, (tx) => s.training.cancel(s.a.ctx, tx, id));
    const waiting = await s.start(s.a, version.id);
    await expect(cancel(waiting.id)).resolves.toMatchObject({ state: 'CANCELED', cancelRequested: true });
    expect(usageOf(waiting.id)).toEqual([]);

    const running = await s.start(s.a, version.id);
    const grant = await s.claim<TrainPayload>(s.a, running.taskId, 'train');
    await expect(cancel(running.id)).resolves.toMatchObject({ state: 'RUNNING', cancelRequested: true });
    await expect(s.beat(grant)).resolves.toMatchObject({ outcome: 'cancel' });
    await s.finish(grant, { status: 'canceled' });
    await expect(job(running.id)).resolves.toMatchObject({ state: 'CANCELED' });
    await expect(cancel(running.id)).resolves.toMatchObject({ state: 'CANCELED' });
    expect(usageOf(running.id)).toMatchObject([{ reason: 'canceled' }]);
    await expect(s.within(s.b, (tx) => s.training.cancel(s.b.ctx, tx, running.id))).rejects.toMatchObject({
      code: 'NOT_FOUND',
    });
  });

  it('is not started on what is not sealed, not there, or not the tenant’s', async () => {
    const sealed = await s.seal(s.a);
    const { version } = await s.declare(s.a);
    await expect(s.start(s.a, version.id)).rejects.toMatchObject({ code: 'STATE_CONFLICT' });
    await expect(s.start(s.b, sealed.id)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await s.within(s.a, (tx) => s.datasets.deleteVersion(s.a.ctx, tx, sealed.id));
    await expect(s.start(s.a, sealed.id)).rejects.toMatchObject({ code: 'STATE_CONFLICT' });
  });
});

describe('the progress of a job', () => {
  const followed = (id: Job['id']) => {
    const updates: JobUpdate[] = [];
    const end = (async () => {
      for await (const update of s.training.progress(s.a.ctx, id)) updates.push(update);
    })();
    return {
      updates,
      end,
      epochs: () => updates.flatMap((update) => update.epochs.map((each) => each.epoch)),
    };
  };

  it('shows stored epochs, then live ones: none missing, none twice', async () => {
    const version = await s.seal(s.a);
    const { id, taskId } = await s.start(s.a, version.id);
    const early = followed(id);
    await eventually(
      async () => early.updates.length,
      (count) => count > 0,
    );
    const grant = await s.claim<TrainPayload>(s.a, taskId, 'train');
    live(grant, [1, 2]);
    await eventually(
      async () => early.epochs(),
      (seen) => seen.length === 2,
    );
    await s.beat(grant, progress(grant, [1, 3]));
    const late = followed(id);
    await eventually(
      async () => late.epochs(),
      (seen) => seen.length === 3,
    );
    live(grant, [3, 4]);
    // The live message of epoch 5 was lost on the way: 6 waits until the heartbeat brought it.
    live(grant, [6, 6]);
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(late.epochs()).toEqual([1, 2, 3, 4]);
    await s.beat(grant, progress(grant, [4, 7]));
    live(grant, [8, 8]);
    const manifest = s.manifest(grant.payload, await s.writeModel(grant.payload));
    await s.succeed(grant, { kind: 'train', manifest: { ...manifest, history: s.epochs(1, 9) } });
    await Promise.all([early.end, late.end]);
    for (const { epochs, updates } of [early, late]) {
      expect(epochs()).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9]);
      expect(updates.at(-1)?.job.state).toBe('SUCCEEDED');
    }
    const after = followed(id);
    await after.end;
    expect(after.updates).toHaveLength(1);
    expect(after.epochs()).toHaveLength(9);
  });

  it('is not found by another tenant, and leaves no listener behind', async () => {
    const version = await s.seal(s.a);
    const { id } = await s.start(s.a, version.id);
    await expect(s.training.progress(s.b.ctx, id).next()).rejects.toMatchObject({ code: 'NOT_FOUND' });
    const stream = s.training.progress(s.a.ctx, id);
    await stream.next();
    await stream.return(undefined);
    await expect(stream.next()).resolves.toMatchObject({ done: true });
  });
});

describe('a retrain', () => {
  const retrain = () =>
    s.within(s.a, (tx) => s.training.retrain(s.a.ctx, tx, { scenarioId: s.a.scenarioId }));

  it('joins feedback to the old rows, trains, and compares with the deployed model', async () => {
    const base = await s.seal(s.a);
    const old = await s.train(s.a, base.id);
    await s.train(s.a, base.id);
    s.deploy(old.modelVersionId);
    s.feedback.length = 0;
    await expect(retrain()).rejects.toMatchObject({ code: 'STATE_CONFLICT' });
    s.feedback.push({ values: { area: 7 }, actual: 70 }, { values: { area: null }, actual: '80' });

    const queued = await retrain();
    expect(queued).toMatchObject({ kind: 'retrain', championId: old.modelVersionId, baseVersionId: base.id });
    const merge = await s.claim<MergePayload>(s.a, queued.taskId, 'merge');
    expect(merge.payload).toMatchObject({ holdout: base.holdout, columns: base.columns, target: 'price' });
    expect((await s.fetchBytes(merge.payload.feedback)).toString()).toBe(
      '{"values":{"area":7},"actual":70}\n{"values":{"area":null},"actual":"80"}\n',
    );
    const sealed = await finishMerge(s, merge);
    const version = await s.datasets.getVersion(s.a.ctx, queued.datasetVersionId);
    expect(version).toMatchObject({ state: 'SEALED', parentId: base.id, holdout: base.holdout, rows: 12 });
    await eventually(
      () => s.stored(s.a),
      (keys) => !keys.some((key) => key.includes('/feedback/')),
    );

    const training = await job(queued.id);
    expect(training).toMatchObject({ state: 'RUNNING', fraction: 0.1 });
    const grant = await s.claim<TrainPayload>(s.a, training.taskId, 'train');
    const champion = await s.registry.getVersion(s.a.ctx, old.modelVersionId);
    expect(grant.payload.champion).toMatchObject({
      modelVersionId: old.modelVersionId,
      onnx: { sha256: champion.manifest.onnx.sha256 },
    });
    expect(grant.payload.data.sha256).toBe(sealed.sha256);
    const comparison = {
      metric: 'rmse',
      rows: 2,
      champion: 3,
      challenger: 2,
      difference: -1,
      low: -2,
      high: -0.5,
      better: 'challenger' as const,
    };
    const manifest = s.manifest(grant.payload, await s.writeModel(grant.payload), { comparison });
    await s.succeed(grant, { kind: 'train', manifest });
    await expect(job(queued.id)).resolves.toMatchObject({ state: 'SUCCEEDED', comparison });
  });

  it('that cannot merge leaves a rejected version and no file', async () => {
    const before = (await s.stored(s.a)).length;
    const queued = await retrain();
    const merge = await s.claim<MergePayload>(s.a, queued.taskId, 'merge');
    await s.write(merge.payload.sealed, Buffer.from('half'));
    await s.finish(merge, failed('OUT_OF_MEMORY'));
    await expect(job(queued.id)).resolves.toMatchObject({ state: 'FAILED', errorCode: 'OUT_OF_MEMORY' });
    await expect(s.datasets.getVersion(s.a.ctx, queued.datasetVersionId)).resolves.toMatchObject({
      state: 'REJECTED',
      errorCode: 'OUT_OF_MEMORY',
    });
    await eventually(
      () => s.stored(s.a),
      (keys) => keys.length === before,
    );
  });

  it('that is canceled during the merge never trains', async () => {
    const queued = await retrain();
    const merge = await s.claim<MergePayload>(s.a, queued.taskId, 'merge');
    await s.within(s.a, (tx) => s.training.cancel(s.a.ctx, tx, queued.id));
    // The merge was ready before the worker heard of it.
    await finishMerge(s, merge);
    await expect(job(queued.id)).resolves.toMatchObject({ state: 'CANCELED' });
  });

  it('needs a model', async () => {
    await expect(
      s.within(s.b, (tx) => s.training.retrain(s.b.ctx, tx, { scenarioId: s.b.scenarioId })),
    ).rejects.toMatchObject({ code: 'NOT_FOUND' });
    s.deploy(null);
    await expect(
      s.within(s.b, (tx) => s.training.retrain(s.b.ctx, tx, { scenarioId: s.b.scenarioId })),
    ).rejects.toMatchObject({ code: 'STATE_CONFLICT' });
  });
});

it('state machine: the database holds the same table', async () => {
  const [row] = await s.look<{ pairs: string[] }>(
    `select string_to_array(encode(tgargs, 'escape'), '\\000') as pairs
       from pg_trigger where tgname = 'job_transition'`,
  );
  const allowed = JOB_STATES.flatMap((from) => JOB_TRANSITIONS[from].map((to) => `${from}>${to}`));
  expect(row?.pairs.filter((pair) => pair.length > 0).sort()).toEqual(allowed.sort());
});

it('a model version is never changed or removed', async () => {
  for (const sql of [`update app.model_version set number = 99`, 'delete from app.model_version']) {
    await expect(s.within(s.a, (tx) => tx.query(sql))).rejects.toThrow('permission denied');
    await expect(s.look(sql)).rejects.toThrow('append-only');
  }
});
