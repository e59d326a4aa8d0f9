/** The product's own tasks through the real worker process: from an uploaded CSV to a verified model file. */
import { createHash, randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EvaluationReport, MlpSpec } from '../contracts';
import type {
  DatasetVersionId,
  JobId,
  ModelVersionId,
  ProfileResult,
  Sha256,
  Sink,
  Source,
  TaskPayload,
  TaskResult,
} from '../contracts';
import { startNats } from '../test/support/nats';
import type { TestNats } from '../test/support/nats';
import { ControlDouble } from './testing/control-double';
import type { DoubleTask } from './testing/control-double';
import { FileStore } from './testing/file-store';
import { REAL_WORKER, startWorkerProcess, until } from './testing/worker-process';
import type { WorkerProcess } from './testing/worker-process';

/** Prices that follow area and rooms, with some cells missing. */
const houses = (rows: number): Buffer => {
  const lines = ['area,rooms,district,price'];
  for (let row = 0; row < rows; row++) {
    const area = 30 + ((row * 37) % 170);
    const rooms = 1 + ((row * 7) % 6);
    const district = ['north', 'south', 'west'][row % 3];
    lines.push(
      `${row % 50 === 0 ? '' : area},${rooms},${district},${area * 2000 + rooms * 9000 + (row % 11) * 300}`,
    );
  }
  return Buffer.from(`${lines.join('\n')}\n`);
};

describe('real tasks in the worker process', () => {
  let nats: TestNats;
  let files: FileStore;
  let control: ControlDouble;
  let worker: WorkerProcess;
  let scratchDir: string;

  const source = (name: string): Source => {
    const bytes = files.files.get(name) ?? Buffer.alloc(0);
    return {
      url: files.url(name),
      sha256: createHash('sha256').update(bytes).digest('hex') as Sha256,
      sizeBytes: bytes.length,
    };
  };
  const sink = (name: string): Sink => ({ url: files.url(name), key: name });
  const profile = (name: string, target: string): TaskPayload => ({
    kind: 'profile',
    datasetVersionId: randomUUID() as DatasetVersionId,
    source: source(name),
    format: 'csv',
    target,
    task: null,
    holdout: null,
    holdoutFraction: 0.2,
    salt: 'salt',
    sealed: sink(`${name}.sealed`),
  });
  const train = (name: string, target: string, profiled: ProfileResult): TaskPayload => ({
    kind: 'train',
    jobId: randomUUID() as JobId,
    modelVersionId: randomUUID() as ModelVersionId,
    data: source(`${name}.sealed`),
    columns: profiled.columns,
    target,
    task: profiled.task,
    holdout: profiled.holdout,
    exclude: [],
    spec: MlpSpec.parse({ family: 'mlp', epochs: 20 }),
    seed: 1,
    device: null,
    onnx: sink(`${name}.onnx`),
    golden: sink(`${name}.golden`),
    evaluation: sink(`${name}.evaluation`),
    card: sink(`${name}.card`),
    champion: null,
  });
  const resultOf = async <K extends TaskResult['kind']>(
    task: DoubleTask,
    kind: K,
  ): Promise<Extract<TaskResult, { kind: K }>> => {
    await until(`${kind} ended`, () => task.state === 'ENDED', 60_000);
    const outcome = task.finish?.outcome;
    if (outcome?.status !== 'succeeded' || outcome.result.kind !== kind) {
      throw new Error(`${kind} did not succeed: ${JSON.stringify(outcome)}\n${worker.log()}`);
    }
    return outcome.result as Extract<TaskResult, { kind: K }>;
  };

  beforeAll(async () => {
    nats = await startNats();
    files = await FileStore.start();
    files.files.set('houses', houses(2000));
    control = await ControlDouble.start(nats.url);
    await control.createStream();
    scratchDir = await mkdtemp(join(tmpdir(), 'mm-tasks-'));
    worker = startWorkerProcess({ NATS_URL: nats.url, MM_SCRATCH_DIR: scratchDir }, REAL_WORKER);
    await until('worker ready', () => worker.log().includes('"msg":"ready"'));
  });
  afterAll(async () => {
    worker?.process.kill('SIGTERM');
    expect(await worker?.exited).toBe(0);
    await control?.close();
    await files?.close();
    await nats?.stop();
    await rm(scratchDir, { recursive: true, force: true });
  });

  it('profiles and seals a file, trains on it, and streams every epoch', async () => {
    const profiled = await resultOf(await control.submit(profile('houses', 'price')), 'profile');
    expect(profiled.rows).toBe(2000);
    expect(profiled.task).toBe('regression');
    expect(profiled.sealed.key).toBe('houses.sealed');

    const task = await control.submit(train('houses', 'price', profiled));
    const { manifest } = await resultOf(task, 'train');
    expect(manifest.history.map(({ epoch }) => epoch)).toEqual(
      Array.from({ length: 20 }, (_, index) => index + 1),
    );
    const live = control.progress.filter((said) => said.taskId === task.taskId);
    expect(live.flatMap((said) => said.epochs).map(({ epoch }) => epoch)).toEqual(
      manifest.history.map(({ epoch }) => epoch),
    );
    expect(new Set(live.map((said) => said.phase)).size).toBeGreaterThan(3);
    expect(manifest.metrics.test['rmse']).toBeLessThan(manifest.metrics.baseline['rmse'] ?? 0);
    const onnx = files.files.get('houses.onnx') ?? Buffer.alloc(0);
    expect(createHash('sha256').update(onnx).digest('hex')).toBe(manifest.onnx.sha256);
    const report = files.files.get(manifest.evaluation?.key ?? '') ?? Buffer.alloc(0);
    expect(EvaluationReport.parse(JSON.parse(report.toString())).rows).toMatchObject({ of: 'test' });
    expect(files.files.get(manifest.card?.key ?? '')?.toString()).toContain('# Model card: regression');
  });

  it('refuses an empty file with its code, and a target that is no column', async () => {
    files.files.set('empty', Buffer.alloc(0));
    const empty = await control.submit(profile('empty', 'price'));
    const missing = await control.submit(profile('houses', 'prize'));
    for (const task of [empty, missing]) await until('ended', () => task.state === 'ENDED', 20_000);
    expect(empty.finish?.outcome).toMatchObject({ status: 'failed', code: 'EMPTY_FILE' });
    expect(missing.finish?.outcome).toMatchObject({ status: 'failed', code: 'TARGET_MISSING' });
  });

  it('cancels a training in the middle of it within 2 s', async () => {
    const profiled = await resultOf(await control.submit(profile('houses', 'price')), 'profile');
    const payload = train('houses', 'price', profiled);
    if (payload.kind !== 'train' || payload.spec.family !== 'mlp') throw new Error('not an mlp');
    const task = await control.submit({ ...payload, spec: { ...payload.spec, epochs: 10_000 } });
    await until('training', () =>
      control.progress.some((said) => said.taskId === task.taskId && said.epochs.length > 0),
    );
    const canceledAt = Date.now();
    control.pushCancel(task);
    await until('canceled', () => task.state === 'ENDED', 2000);
    expect(Date.now() - canceledAt).toBeLessThan(2000);
    expect(task.finish?.outcome.status).toBe('canceled');
  });
});
