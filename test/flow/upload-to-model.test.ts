/** The first half of the walk with the real worker process: a CSV becomes a sealed version, and that a model version. */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { eventually } from '../../src/platform/testing/two-tenants';
import { stage } from '../../src/training/testing/stage';
import type { Stage } from '../../src/training/testing/stage';

let s: Stage;
let scratch: string;
let worker: ChildProcess;
let said = '';

beforeAll(async () => {
  s = await stage();
  scratch = await mkdtemp(join(tmpdir(), 'mm-worker-'));
  worker = spawn(process.execPath, [resolve(__dirname, '../../dist/gpu-worker/main.js')], {
    env: {
      ...process.env,
      NATS_URL: s.nats.url,
      MM_WORKER_ID: 'real',
      MM_SCRATCH_DIR: scratch,
      MM_LOG_LEVEL: 'info',
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const ready = new Promise<void>((done, failed) => {
    const hear = (chunk: Buffer): void => {
      said += chunk.toString();
      if (said.includes('"ready"')) done();
    };
    worker.stdout?.on('data', hear);
    worker.stderr?.on('data', hear);
    worker.once('exit', () => failed(new Error(`the worker ended:\n${said}`)));
  });
  await ready;
});
afterAll(async () => {
  const ended = new Promise((done) => worker.once('exit', done));
  worker.kill('SIGTERM');
  await ended;
  await s.close();
  await rm(scratch, { recursive: true, force: true });
});

const houses = (rows: number): string => {
  let seed = 7;
  const next = (): number => (seed = (seed * 48271) % 2147483647) / 2147483647;
  const lines = ['area,rooms,district,price'];
  for (let i = 0; i < rows; i++) {
    const area = 40 + next() * 160;
    const rooms = 1 + Math.floor(area / 30);
    const district = ['north', 'south', 'centre'][Math.floor(next() * 3)] ?? 'north';
    const price = 1000 * area + 5000 * rooms + (district === 'centre' ? 40_000 : 0) + next() * 5000;
    lines.push(`${area.toFixed(1)},${i % 17 === 0 ? '?' : rooms},${district},${price.toFixed(0)}`);
  }
  return `${lines.join('\n')}\n`;
};

it('a CSV becomes a model that beats the mean', async () => {
  const csv = houses(2000);
  const { version, upload } = await s.declare(s.a, { sizeBytes: Buffer.byteLength(csv) });
  expect((await s.put(upload.url, csv)).status).toBe(200);
  for await (const update of s.datasets.progress(s.a.ctx, version.id)) {
    expect(update.version.errorMessage).toBeNull();
  }
  const sealed = await s.datasets.getVersion(s.a.ctx, version.id);
  expect(sealed).toMatchObject({ state: 'SEALED', rows: 2000, task: 'regression' });

  const from = performance.now();
  const job = await s.start(s.a, version.id, { family: 'mlp', epochs: 20 });
  const phases = new Set<string>();
  const epochs: number[] = [];
  let firstPhaseMs = 0;
  for await (const update of s.training.progress(s.a.ctx, job.id)) {
    if (update.phase !== null) {
      if (phases.size === 0) firstPhaseMs = performance.now() - from;
      phases.add(update.phase);
    }
    epochs.push(...update.epochs.map((epoch) => epoch.epoch));
  }
  const done = await s.training.get(s.a.ctx, job.id);
  expect(done).toMatchObject({ state: 'SUCCEEDED', errorMessage: null });
  expect(epochs).toEqual(Array.from({ length: 20 }, (_, i) => (epochs[0] ?? 0) + i));
  expect([...phases]).toEqual(expect.arrayContaining(['TRAINING']));
  expect(firstPhaseMs).toBeLessThan(10_000);
  const { manifest } = await s.registry.getVersion(s.a.ctx, done.modelVersionId);
  expect(manifest.metrics.test['rmse']).toBeLessThan((manifest.metrics.baseline['rmse'] ?? 0) / 2);
  expect(s.usage).toMatchObject([{ reason: 'billable' }]);
});

it('sixty columns of numbers fit into the memory of a profile', async () => {
  const names = Array.from({ length: 60 }, (_, at) => `n${at}`);
  const rows = Array.from({ length: 300 }, (_, row) =>
    [...names.map((_name, at) => ((row + 1) * (at + 3)) % 997), row % 89].join(),
  );
  const csv = `${[...names, 'price'].join()}\n${rows.join('\n')}\n`;
  const { version, upload } = await s.declare(s.a, { sizeBytes: Buffer.byteLength(csv) });
  await s.put(upload.url, csv);
  for await (const _ of s.datasets.progress(s.a.ctx, version.id)) continue;
  await expect(s.datasets.getVersion(s.a.ctx, version.id)).resolves.toMatchObject({
    ...{ state: 'SEALED', errorCode: null, rows: 300 },
  });
});

it('a file that is no data is rejected, and nothing of it stays', async () => {
  const { version, upload } = await s.declare(s.b, { sizeBytes: 12 });
  await s.put(upload.url, 'area,price\n\n');
  for await (const _ of s.datasets.progress(s.b.ctx, version.id)) continue;
  await expect(s.datasets.getVersion(s.b.ctx, version.id)).resolves.toMatchObject({
    state: 'REJECTED',
    errorCode: 'NO_ROWS',
  });
  // The file goes when the rejection stands.
  expect(
    await eventually(
      () => s.stored(s.b),
      (left) => left.length === 0,
    ),
  ).toEqual([]);
});

it('sealed bytes that were changed are not trained on', async () => {
  const csv = houses(200);
  const { version, upload } = await s.declare(s.b, { sizeBytes: Buffer.byteLength(csv) });
  await s.put(upload.url, csv);
  for await (const _ of s.datasets.progress(s.b.ctx, version.id)) continue;
  const { sealedKey, sealedBytes } = await s.datasets.getVersion(s.b.ctx, version.id);
  const file = await open(join(s.folder, sealedKey ?? ''), 'r+');
  await file.write(Buffer.from('x'), 0, 1, Math.floor((sealedBytes ?? 0) / 2));
  await file.close();
  const job = await s.start(s.b, version.id);
  for await (const _ of s.training.progress(s.b.ctx, job.id)) continue;
  await expect(s.training.get(s.b.ctx, job.id)).resolves.toMatchObject({
    state: 'FAILED',
    errorCode: 'DATASET_CHANGED',
  });
});

it('a running job is canceled within two seconds', async () => {
  const csv = houses(2000);
  const { version, upload } = await s.declare(s.b, { sizeBytes: Buffer.byteLength(csv) });
  await s.put(upload.url, csv);
  for await (const _ of s.datasets.progress(s.b.ctx, version.id)) continue;
  const job = await s.start(s.b, version.id, { family: 'mlp', epochs: 10_000 });
  let askedAt = 0;
  for await (const update of s.training.progress(s.b.ctx, job.id)) {
    if (update.epochs.length === 0 || askedAt > 0) continue;
    askedAt = performance.now();
    await s.within(s.b, (tx) => s.training.cancel(s.b.ctx, tx, job.id));
  }
  expect(performance.now() - askedAt).toBeLessThan(2000);
  await expect(s.training.get(s.b.ctx, job.id)).resolves.toMatchObject({ state: 'CANCELED' });
  expect(s.usage.at(-1)).toMatchObject({ jobId: job.id, reason: 'canceled' });
});
