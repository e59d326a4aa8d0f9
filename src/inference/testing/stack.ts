/** The serving side of a gateway on real PostgreSQL, NATS and runner processes, for tests. */
import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { Readable } from 'node:stream';
import { pathToFileURL } from 'node:url';
import { Client } from 'pg';
import { pino } from 'pino';
import { freshDatabase } from '../../../test/support/database';
import { startNats } from '../../../test/support/nats';
import { subject } from '../../../contracts';
import type {
  DeploymentId,
  GoldenRows,
  LearningTask,
  ModelManifest,
  ModelSignature,
  ModelVersionId,
  ScenarioId,
  Sha256,
  StoredFile,
  TenantId,
} from '../../../contracts';
import { Deployments } from '../../deployment';
import { FeedbackService } from '../../feedback';
import { systemClock } from '../../platform/clock';
import type { TenantContext } from '../../platform/context';
import { Database } from '../../platform/database';
import { newId } from '../../platform/ids';
import { Messaging } from '../../platform/messaging';
import { mintKey, objectKey, openObjectStore, SignedUrls } from '../../platform/object-store';
import { Pulse } from '../../platform/pulse';
import { Model, ModelVersion, Registry } from '../../registry';
import { Usage, UsageConsumer, UsageMeter } from '../../usage';
import { RunnerGoldenReplay } from '../golden';
import { PredictionLog, storePredictions } from '../prediction-log';
import { Predictions } from '../prediction.service';
import { RouteCache } from '../route-cache';
import { RunnerPool } from '../runner/pool';

const MB = 1024 * 1024;
export const column = (
  name: string,
  type: ModelSignature['inputs'][number]['spec']['type'],
): ModelSignature['inputs'][number] => ({
  spec: {
    v: 1,
    name,
    type,
    missing: ['?'],
    ...(type === 'number' ? { number: { decimal: '.', group: ',' } } : {}),
  },
  known: null,
});

export interface TestVersion {
  readonly onnx: Uint8Array;
  readonly signature?: Partial<ModelSignature>;
  readonly golden?: GoldenRows;
}

export const startStack = async (options: { timeoutMs?: number } = {}) => {
  const log = pino({ level: 'silent' });
  const [urls, nats, folder] = await Promise.all([
    freshDatabase(),
    startNats(),
    mkdtemp(join(tmpdir(), 'modelmint-stack-')),
  ]);
  const db = await Database.connect({
    appUrl: urls.appUrl,
    platformUrl: urls.platformUrl,
    entities: [Model, ModelVersion],
  });
  const messaging = await Messaging.connect(nats.url, 'test', log);
  await messaging.ensureStreams();
  const store = await openObjectStore(pathToFileURL(folder).href);
  const signedUrls = new SignedUrls({
    publicUrl: () => 'http://127.0.0.1:1',
    secret: Buffer.alloc(32, 7),
    clock: systemClock,
  });
  const registry = new Registry(db, signedUrls);
  const open = (key: string) => store.get(objectKey(key));
  const pool = await RunnerPool.start({
    runners: 1,
    limits: { timeoutMs: options.timeoutMs ?? 1500, memoryBytes: 768 * MB, cacheBytes: 64 * MB },
    openFile: open,
    log,
    entry: resolve(__dirname, '../../../dist/src/inference/runner.main.js'),
  });
  const announced: DeploymentId[] = [];
  const deployments = new Deployments(
    db,
    registry,
    new RunnerGoldenReplay(pool, open),
    ({ tenantId, deploymentId }) => {
      announced.push(deploymentId);
      messaging.publish(subject.changed, { v: 1, kind: 'deployment', tenantId, id: deploymentId });
    },
    log,
  );
  const pulse = new Pulse(messaging, 'test', log);
  pulse.start();
  const routes = new RouteCache(db, pulse);
  const stopListening = messaging.listen(subject.changed, (body) => {
    const change = body as { kind: string; tenantId: TenantId; id: DeploymentId };
    if (change.kind === 'deployment') routes.changed(change.tenantId, change.id);
  });
  const meter = new UsageMeter({
    store: (...message) => messaging.store(...message),
    producer: `g-${newId()}`,
    patienceMs: 1000,
    log,
  });
  const usage = new Usage(db, systemClock);
  const predictions = new Predictions(routes, pool, meter, systemClock);
  const predictionLog = new PredictionLog(db);
  const feedback = new FeedbackService(db, predictionLog, predictions, registry);
  const consumer = new UsageConsumer(db, messaging, log, storePredictions);
  await consumer.start();
  await pool.ready();

  const superuser = new Client({ connectionString: urls.superuserUrl });
  await superuser.connect();
  // The rows that other features write, without the walk that leads to them.
  await superuser.query('set session_replication_role = replica');

  const put = async (tenantId: TenantId, kind: 'onnx' | 'golden', bytes: Uint8Array): Promise<StoredFile> => {
    const key = mintKey(tenantId, kind);
    const { sizeBytes } = await store.put(key, Readable.from([Buffer.from(bytes)]), {
      maxBytes: bytes.length,
    });
    return { key, sizeBytes, sha256: createHash('sha256').update(bytes).digest('hex') as Sha256 };
  };

  return {
    db,
    nats,
    messaging,
    store,
    signedUrls,
    pool,
    deployments,
    routes,
    meter,
    usage,
    predictions,
    predictionLog,
    feedback,
    consumer,
    superuser,
    announced,
    log,

    async tenant(): Promise<TenantContext> {
      const tenantId = newId<TenantId>();
      await superuser.query('insert into app.tenant (tenant_id, name) values ($1, $2)', [
        tenantId,
        `t${tenantId.slice(-12)}`,
      ]);
      return {
        tenantId,
        principal: { kind: 'system', reason: 'test', scopes: [] },
        requestId: 'test',
        log,
      };
    },

    async scenario(ctx: TenantContext, task: LearningTask = 'regression'): Promise<ScenarioId> {
      const id = newId<ScenarioId>();
      await superuser.query(
        `insert into app.scenario (tenant_id, id, name, task, target, goal_metric, currency)
         values ($1, $2, $3, $4, 'y', 'rmse', 'EUR')`,
        [ctx.tenantId, id, `s-${id}`, task],
      );
      return id;
    },

    async version(ctx: TenantContext, scenarioId: ScenarioId, made: TestVersion): Promise<ModelVersionId> {
      const id = newId<ModelVersionId>();
      const golden: GoldenRows = made.golden ?? { v: 1, rows: [], predictions: [], probabilities: null };
      const manifest: Partial<ModelManifest> = {
        v: 1,
        onnx: await put(ctx.tenantId, 'onnx', made.onnx),
        golden: await put(ctx.tenantId, 'golden', Buffer.from(JSON.stringify(golden))),
        signature: {
          v: 1,
          task: 'regression',
          target: 'y',
          inputs: [column('x', 'number')],
          classes: [],
          outputs: ['prediction'],
          ...made.signature,
        },
      };
      await superuser.query(
        `insert into app.model_version (tenant_id, id, model_id, scenario_id, number, job_id, dataset_version_id, identity, manifest)
         values ($1, $2, $3, $4, 1, $5, $6, $7, $8)`,
        [
          ctx.tenantId,
          id,
          newId(),
          scenarioId,
          newId(),
          newId(),
          createHash('sha256').update(id).digest('hex'),
          JSON.stringify(manifest),
        ],
      );
      return id;
    },

    /** Deploys and waits for the outcome. */
    async deploy(ctx: TenantContext, modelVersionId: ModelVersionId, name = `d-${newId().slice(-12)}`) {
      const { id } = await db.within(ctx, (tx) => deployments.deploy(ctx, tx, { modelVersionId, name }));
      return deployments.settled(ctx, id);
    },

    async stop(): Promise<void> {
      await meter.stop();
      await consumer.stop();
      await deployments.close();
      await pool.stop();
      stopListening();
      pulse.stop();
      await superuser.end();
      await messaging.close();
      await db.close();
      await store.close();
      await nats.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
};
export type Stack = Awaited<ReturnType<typeof startStack>>;

export const until = async (done: () => Promise<boolean> | boolean, limitMs = 8000): Promise<void> => {
  const limit = Date.now() + limitMs;
  while (!(await done())) {
    if (Date.now() > limit) throw new Error('did not happen in time');
    await new Promise((done_) => setTimeout(done_, 25));
  }
};
export const codeOf = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => 'answered',
    (error: { code?: string; message?: string }) => error.code ?? error.message ?? 'failed',
  );
