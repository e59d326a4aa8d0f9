/** The gateway, wired by hand: every service once, in the order of the arrows in ARCHITECTURE.md. */
import { subject } from '../contracts';
import type { DeploymentId, ScenarioId, TenantId } from '../contracts';
import { RESOLVER_CLASSES } from './api/resolvers';
import { createApi } from './api/server';
import { PlatformStatusResolver } from './api/status.resolver';
import { Billing, BillingResolver } from './billing';
import { Dataset, DatasetResolver, DatasetService, DatasetVersion } from './dataset';
import { DeploymentResolver, Deployments } from './deployment';
import { FeedbackResolver, FeedbackService } from './feedback';
import {
  InferenceResolver,
  LogPacker,
  PredictionLog,
  Predictions,
  RouteCache,
  RunnerGoldenReplay,
  RunnerPool,
  storePredictions,
} from './inference';
import { systemClock } from './platform/clock';
import { Commands } from './platform/command';
import type { Config } from './platform/config';
import { Database } from './platform/database';
import { newId } from './platform/ids';
import type { Logger } from './platform/log';
import { Messaging } from './platform/messaging';
import { Metrics } from './platform/metrics';
import {
  ObjectCatalogue,
  objectKey,
  openObjectStore,
  registerObjectRoutes,
  SignedUrls,
} from './platform/object-store';
import { Pulse } from './platform/pulse';
import { Checkpoints, TaskQueue } from './platform/task';
import { Model, ModelResolver, ModelVersion, ModelVersionResolver, Registry } from './registry';
import { scenarioEntities, ScenarioResolver, ScenarioService } from './scenario';
import {
  ApiKeyResolver,
  ApiKeyService,
  Credentials,
  InvitationLinks,
  LoginGuard,
  MemberResolver,
  MemberService,
  Passwords,
  SessionService,
  tenantEntities,
  TenantResolver,
  TenantService,
} from './tenant';
import { Job, JobEpoch, JobResolver, TrainingService, Trial } from './training';
import type { ChampionSource, FeedbackSource } from './training';
import { Usage, UsageConsumer, UsageMeter, UsageResolver } from './usage';

export interface Gateway {
  readonly url: string;
  /** Drains: readiness fails at once, running requests end, usage is flushed. */
  stop(): Promise<void>;
}

const ENTITIES = [
  ...tenantEntities,
  ...scenarioEntities,
  Dataset,
  DatasetVersion,
  Model,
  ModelVersion,
  Job,
  JobEpoch,
  Trial,
];

const HOUSEKEEPING_MS = 3_600_000;

export const startGateway = async (config: Config, log: Logger): Promise<Gateway> => {
  const clock = systemClock;
  const gatewayId = config.gatewayId ?? newId();
  let listeningAt = '';
  const publicUrl = (): string => config.publicUrl ?? listeningAt;

  // platform
  const [db, messaging, store] = await Promise.all([
    Database.connect({
      appUrl: config.appDatabaseUrl,
      platformUrl: config.platformDatabaseUrl,
      entities: ENTITIES,
    }),
    Messaging.connect(config.natsUrl, `gateway ${gatewayId}`, log),
    openObjectStore(config.objectStoreUrl, config.s3Credentials ?? undefined),
  ]);
  await messaging.ensureStreams();
  const metrics = new Metrics();
  const commands = new Commands(db, config.secret);
  const pulse = new Pulse(messaging, gatewayId, log);
  const signedUrls = new SignedUrls({ publicUrl, secret: config.secret, clock });
  const catalogue = new ObjectCatalogue(db, store, log);
  const { leaseMs, heartbeatMs, taskTimeoutMs } = config;
  const tasks = new TaskQueue(db, messaging, log, {
    leaseMs,
    heartbeatMs,
    timeoutMs: taskTimeoutMs,
    checkpoints: new Checkpoints(catalogue, signedUrls, taskTimeoutMs),
  });

  // tenant, scenario
  const passwords = new Passwords();
  const loginGuard = new LoginGuard(db);
  const sessions = new SessionService(db, passwords, loginGuard);
  const credentials = new Credentials(db, messaging, pulse, sessions, log);
  const tenants = new TenantService(db);
  const members = new MemberService(db, passwords);
  const links = new InvitationLinks(publicUrl);
  const apiKeys = new ApiKeyService(db, messaging);
  const scenarios = new ScenarioService(db, messaging);

  // usage, registry, dataset
  const usage = new Usage(db, clock);
  const registry = new Registry(db, signedUrls);
  const datasets = new DatasetService({
    db,
    messaging,
    tasks,
    catalogue,
    signedUrls,
    meter: usage,
    scenarios,
    maxUploadBytes: config.maxUploadBytes,
    taskTimeoutMs,
  });

  // deployment, inference, feedback
  const openFile = (key: string): ReturnType<typeof store.get> => store.get(objectKey(key));
  const pool = await RunnerPool.start({
    runners: config.runners,
    limits: {
      timeoutMs: config.runnerTimeoutMs,
      memoryBytes: config.runnerMemoryMb * 2 ** 20,
      cacheBytes: config.sessionCacheMb * 2 ** 20,
    },
    openFile,
    log,
  });
  const deployments = new Deployments(
    db,
    registry,
    new RunnerGoldenReplay(pool, openFile),
    ({ tenantId, deploymentId }) =>
      messaging.publish(subject.changed, { v: 1, kind: 'deployment', tenantId, id: deploymentId }),
    log,
  );
  const routes = new RouteCache(db, pulse);
  // A producer's numbers start at 1: every start is a producer of its own.
  const meter = new UsageMeter({
    store: (to, body, id, timeoutMs) => messaging.store(to, body, id, timeoutMs),
    producer: `${gatewayId}-${newId()}`,
    log,
  });
  const predictions = new Predictions(routes, pool, meter, clock);
  const predictionLog = new PredictionLog(db);
  const consumer = new UsageConsumer(db, messaging, log, storePredictions);
  const packer = new LogPacker({ db, store, catalogue, signedUrls, tasks, usage, log });
  const feedback = new FeedbackService(db, predictionLog, predictions, registry);

  // training closes the loop: it reads feedback and the deployed version through its own two ports
  const feedbackSource: FeedbackSource = feedback;
  const champions: ChampionSource = deployments;
  const billing = new Billing(db, usage, clock);
  const training = new TrainingService({
    db,
    messaging,
    tasks,
    store,
    catalogue,
    signedUrls,
    datasets,
    registry,
    meter: usage,
    feedback: feedbackSource,
    champions,
    prices: billing,
    taskTimeoutMs,
  });
  tasks.register(packer);

  const checks = { postgres: () => db.ping(), nats: () => messaging.ping() };
  const api = await createApi({
    resolverClasses: RESOLVER_CLASSES,
    resolvers: [
      new TenantResolver(tenants, members, commands, links),
      new MemberResolver(members, tenants, sessions, commands, links),
      new ApiKeyResolver(apiKeys, commands),
      new ScenarioResolver(scenarios, commands),
      new DatasetResolver(datasets, commands),
      new ModelResolver(registry),
      new ModelVersionResolver(registry),
      new JobResolver(training, registry, commands),
      new DeploymentResolver(deployments, commands),
      new InferenceResolver(predictions, predictionLog),
      new FeedbackResolver(feedback, commands),
      new UsageResolver(usage),
      new BillingResolver(billing, commands),
      new PlatformStatusResolver(gatewayId, checks),
    ],
    authenticator: credentials,
    checks,
    metrics,
    log,
    publicUrl,
    limits: { perSecond: config.ratePerSecond, burst: 2 * config.ratePerSecond },
    routes: (app) =>
      registerObjectRoutes(app, {
        store,
        signedUrls,
        catalogue,
        db,
        log,
        hooks: { dataset: datasets.uploaded },
      }),
  });

  metrics.gauge('runner_requests', 'Prediction requests given to runners', () => pool.counts.requests);
  metrics.gauge('runner_runs', 'Runs that answered them', () => pool.counts.runs);
  metrics.gauge('runners_killed', 'Runners killed for time or memory', () => pool.counts.killed);
  metrics.gauge('usage_events', 'Usage events that JetStream stored', () => meter.counts.events);
  metrics.gauge('usage_messages', 'Messages that carried them', () => meter.counts.messages);
  metrics.gauge(
    'usage_refused',
    'Predictions refused because usage could not be stored',
    () => meter.counts.refused,
  );

  pulse.start();
  credentials.start();
  const stopListening = messaging.listen(subject.changed, (body) => {
    const { kind, tenantId, id } = body as { kind?: unknown; tenantId?: unknown; id?: unknown };
    if (kind === 'deployment') routes.changed(tenantId as TenantId, id as DeploymentId);
    if (kind === 'scenario') routes.scenarioChanged(tenantId as TenantId, id as ScenarioId);
  });
  await consumer.start();
  tasks.start();
  catalogue.start();
  packer.start();
  deployments.start();
  const housekeeping = setInterval(() => {
    Promise.all([commands.forgetOld(), loginGuard.forgetOld()]).catch((error: unknown) =>
      log.warn({ err: error }, 'old answers and login attempts stay another hour'),
    );
  }, HOUSEKEEPING_MS);
  const listened = await api.app.listen({ port: config.port, host: config.host });
  listeningAt = listened.replace('//0.0.0.0:', '//127.0.0.1:').replace('//[::]:', '//127.0.0.1:');
  log.info({ url: publicUrl() }, 'ready');

  const stop = async (): Promise<void> => {
    clearInterval(housekeeping);
    api.drain();
    await api.app.close();
    await meter.stop();
    await consumer.stop();
    await packer.stop();
    await tasks.stop();
    await catalogue.stop();
    await deployments.close();
    await pool.stop();
    stopListening();
    await credentials.stop();
    pulse.stop();
    await messaging.close();
    await db.close();
  };
  return { url: listeningAt, stop };
};
