/** For tests: datasets, registry and training on real PostgreSQL, NATS, HTTP and files, and a worker played by hand. */
import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { fastify } from 'fastify';
import { randomBytes } from 'node:crypto';
import type {
  ClaimReply,
  Consumed,
  Epoch,
  Finish,
  Heartbeat,
  Device,
  Meter,
  MergePayload,
  ModelManifest,
  ModelVersionId,
  ProfilePayload,
  Sha256,
  Sink,
  Source,
  StoredFile,
  TaskId,
  TaskPayload,
  TaskResult,
  TrainPayload,
} from '../../../contracts';
import { Dataset, DatasetService, DatasetVersion } from '../../dataset';
import type { DeclareDataset } from '../../dataset';
import {
  ObjectCatalogue,
  SignedUrls,
  openObjectStore,
  registerObjectRoutes,
} from '../../platform/object-store';
import type { ObjectStore } from '../../platform/object-store';
import { Checkpoints, TaskQueue } from '../../platform/task';
import { eventually, log, twoTenants } from '../../platform/testing/two-tenants';
import type { TestTenant, TwoTenants } from '../../platform/testing/two-tenants';
import { Model, ModelVersion, Registry } from '../../registry';
import { Scenario, ScenarioService } from '../../scenario';
import type { FeedbackRow, TrainingUsage, UnitPrice } from '../ports';
import type { Budget } from '../budget';
import { Job, JobEpoch, Trial } from '../training.entity';
import { TrainingService } from '../training.service';

type Granted = Extract<ClaimReply, { outcome: 'granted' }>;
export interface Grant<P extends TaskPayload = TaskPayload> extends Omit<Granted, 'payload'> {
  readonly tenant: TestTenant;
  readonly taskId: TaskId;
  readonly device: Device;
  readonly payload: P;
}

const sha = (bytes: Buffer): Sha256 => createHash('sha256').update(bytes).digest('hex') as Sha256;
export const SEALED_BYTES = Buffer.from('typed parquet');

export const stage = async () => {
  const world: TwoTenants = await twoTenants([
    Scenario,
    Dataset,
    DatasetVersion,
    Model,
    ModelVersion,
    Job,
    JobEpoch,
    Trial,
  ]);
  const { db, messaging } = world;
  const folder = await mkdtemp(join(tmpdir(), 'mm-stage-'));
  const store: ObjectStore = await openObjectStore(pathToFileURL(folder).href);
  const app = fastify({ requestTimeout: 0 });
  let publicUrl = '';
  const signedUrls = new SignedUrls({
    publicUrl: () => publicUrl,
    secret: randomBytes(32),
    clock: { now: () => new Date() },
  });
  const catalogue = new ObjectCatalogue(db, store, log);
  const tasks = new TaskQueue(db, messaging, log, {
    leaseMs: 5000,
    heartbeatMs: 100,
    timeoutMs: 60_000,
    retryBaseMs: 1,
    sweepMs: 60_000,
    checkpoints: new Checkpoints(catalogue, signedUrls, 60_000),
  });
  const storage: { objectKey: string; bytes: number; event: string }[] = [];
  const usage: TrainingUsage[] = [];
  const feedback: FeedbackRow[] = [];
  let deployed: ModelVersionId | null = null;
  /** A millisecond costs a nano unit on a CPU, ten on a GPU. */
  const prices: Partial<Record<Meter, UnitPrice>> = {
    training_cpu_ns: { amountNano: 1n, perQuantity: 1_000_000n },
    training_gpu_ns: { amountNano: 10n, perQuantity: 1_000_000n },
  };
  const meter = {
    storageChanged: async (_tx: unknown, change: (typeof storage)[number]) => void storage.push(change),
    record: async (_tx: unknown, event: TrainingUsage) => void usage.push(event),
  };
  const datasets = new DatasetService({
    db,
    messaging,
    tasks,
    catalogue,
    signedUrls,
    meter,
    scenarios: new ScenarioService(db, messaging),
    maxUploadBytes: 10_000_000,
    taskTimeoutMs: 60_000,
  });
  const registry = new Registry(db, signedUrls);
  const training = new TrainingService({
    db,
    messaging,
    tasks,
    store,
    catalogue,
    signedUrls,
    datasets,
    registry,
    meter,
    feedback: {
      async *export() {
        yield* feedback;
      },
    },
    champions: { current: async () => deployed },
    prices: { pricesNow: async () => ({ currency: 'USD', prices }) },
    taskTimeoutMs: 60_000,
  });
  await registerObjectRoutes(app, {
    store,
    signedUrls,
    catalogue,
    db,
    log,
    hooks: { dataset: datasets.uploaded },
  });
  publicUrl = await app.listen({ port: 0, host: '127.0.0.1' });
  tasks.start();

  const within = <T>(tenant: TestTenant, work: Parameters<typeof db.within<T>>[1]) => db.within(tenant, work);
  const declare = (tenant: TestTenant, set: Partial<DeclareDataset> = {}) =>
    within(tenant, (tx) =>
      datasets.declare(tenant.ctx, tx, {
        scenarioId: tenant.scenarioId,
        name: 'houses',
        format: 'csv',
        sizeBytes: 11,
        ...set,
      }),
    );
  const put = (url: string, body: string | Buffer): Promise<Response> =>
    fetch(url, { method: 'PUT', body } as RequestInit);
  const fetchBytes = async (source: Source): Promise<Buffer> =>
    Buffer.from(await (await fetch(source.url)).arrayBuffer());

  /** What the worker does with a task's announcement. */
  const claim = async <P extends TaskPayload>(
    tenant: TestTenant,
    taskId: TaskId | null,
    kind: P['kind'],
    device: Device = 'cpu',
  ): Promise<Grant<P>> => {
    if (taskId === null) throw new Error('no task');
    const request = {
      v: 1 as const,
      tenantId: tenant.tenantId,
      taskId,
      workerId: 'w',
      device,
    };
    const reply = await eventually(
      () => tasks.claim(request),
      (answer) => answer.outcome === 'granted',
    );
    if (reply.outcome !== 'granted' || reply.payload.kind !== kind) throw new Error('another task');
    return { ...reply, payload: reply.payload as P, tenant, taskId, device };
  };
  const write = async (sink: Sink, bytes: Buffer): Promise<StoredFile> =>
    (await (await put(sink.url, bytes)).json()) as StoredFile;
  const base = ({ tenant, taskId, fence, device }: Grant, computeNs = '1000') => ({
    v: 1 as const,
    tenantId: tenant.tenantId,
    taskId,
    fence,
    consumed: { device, computeNs } satisfies Consumed,
  });
  const finish = (grant: Grant, outcome: Finish['outcome'], computeNs?: string) =>
    tasks.finish({ ...base(grant, computeNs), outcome });
  const succeed = (grant: Grant, result: TaskResult) => finish(grant, { status: 'succeeded', result });
  const beat = (grant: Grant, progress: Heartbeat['progress'] = null) =>
    tasks.heartbeat({ ...base(grant), progress });

  const profileResult = (payload: ProfilePayload, sealed: StoredFile): TaskResult => ({
    kind: 'profile',
    rows: 10,
    holdoutRows: 2,
    task: payload.task ?? 'regression',
    columns: [
      { v: 1, name: 'area', type: 'number', missing: [] },
      { v: 1, name: 'id', type: 'text', missing: [] },
      { v: 1, name: 'price', type: 'number', missing: [] },
    ],
    profile: [{ name: 'area', type: 'number', rows: 10, missing: 0, distinct: 10 }],
    warnings: [{ code: 'IDENTIFIER_COLUMN', column: 'id', message: 'one value a row' }],
    holdout: payload.holdout ?? { kind: 'hash', salt: payload.salt, fraction: 0.2 },
    sealed,
  });
  /** From declaration to a sealed version. */
  const seal = async (tenant: TestTenant, set: Partial<DeclareDataset> = {}, bytes = SEALED_BYTES) => {
    const { version, upload } = await declare(tenant, set);
    const answer = await put(upload.url, 'area,price\n');
    if (!answer.ok) throw new Error(await answer.text());
    const { taskId } = await datasets.getVersion(tenant.ctx, version.id);
    const grant = await claim<ProfilePayload>(tenant, taskId, 'profile');
    await succeed(grant, profileResult(grant.payload, await write(grant.payload.sealed, bytes)));
    return datasets.getVersion(tenant.ctx, version.id);
  };
  const epochs = (from: number, to: number): Epoch[] =>
    Array.from({ length: to - from + 1 }, (_, i) => ({
      epoch: from + i,
      loss: 1 / (from + i),
      valLoss: null,
    }));
  const manifest = (
    payload: TrainPayload,
    files: { onnx: StoredFile; golden: StoredFile },
    set: Partial<ModelManifest> = {},
  ): ModelManifest => ({
    v: 1,
    ...files,
    signature: {
      v: 1,
      task: payload.task,
      target: payload.target,
      inputs: [{ spec: { v: 1, name: 'area', type: 'number', missing: [] }, known: null }],
      classes: [],
      outputs: ['prediction'],
    },
    spec: payload.spec,
    chosen: payload.spec,
    seed: payload.seed,
    engine: { name: 'onnxruntime', device: 'cpu', version: '1' },
    codeVersion: 'test',
    data: {
      sha256: payload.data.sha256 ?? sha(Buffer.alloc(0)),
      trainRows: 6,
      validationRows: 2,
      testRows: 2,
    },
    metrics: { train: { rmse: 1 }, validation: { rmse: 2 }, test: { rmse: 3 }, baseline: { rmse: 9 } },
    history: epochs(1, 5),
    verified: { rows: 2, maxRelativeError: 0, tolerance: 1e-5 },
    comparison: null,
    trainingMs: 12,
    ...set,
  });
  const writeModel = async (payload: TrainPayload) => ({
    onnx: await write(payload.onnx, Buffer.from(`onnx ${payload.modelVersionId}`)),
    golden: await write(payload.golden, Buffer.from('golden')),
  });
  const start = (
    tenant: TestTenant,
    datasetVersionId: DatasetVersion['id'],
    spec: unknown = { family: 'mlp' },
    budget?: Budget,
  ) => within(tenant, (tx) => training.start(tenant.ctx, tx, { datasetVersionId, spec, budget }));
  const train = async (tenant: TestTenant, datasetVersionId: DatasetVersion['id']): Promise<Job> => {
    const job = await start(tenant, datasetVersionId, { family: 'mlp' });
    const grant = await claim<TrainPayload>(tenant, job.taskId, 'train');
    await succeed(grant, {
      kind: 'train',
      manifest: manifest(grant.payload, await writeModel(grant.payload)),
    });
    return training.get(tenant.ctx, job.id);
  };
  const stored = async (tenant: TestTenant): Promise<string[]> => {
    const keys: string[] = [];
    for await (const key of store.list(`t/${tenant.tenantId}/`)) keys.push(key);
    return keys.sort();
  };

  return {
    ...world,
    folder,
    store,
    catalogue,
    tasks,
    datasets,
    registry,
    training,
    signedUrls,
    storage,
    usage,
    feedback,
    prices,
    deploy: (id: ModelVersionId | null) => {
      deployed = id;
    },
    get publicUrl() {
      return publicUrl;
    },
    within,
    declare,
    put,
    fetchBytes,
    claim,
    write,
    finish,
    succeed,
    beat,
    profileResult,
    seal,
    epochs,
    manifest,
    writeModel,
    start,
    train,
    stored,
    sha,
    close: async () => {
      await tasks.stop();
      await catalogue.stop();
      await app.close();
      await world.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
};
export type Stage = Awaited<ReturnType<typeof stage>>;
export type { MergePayload, ProfilePayload, TrainPayload };
