import { LessThan } from 'typeorm';
import { Failure } from '../../contracts';
import type { DatasetVersionId, Device, Epoch, JobId, ModelVersionId, ScenarioId } from '../../contracts';
import type { DatasetService, SealedVersion } from '../dataset';
import type { TenantContext } from '../platform/context';
import type { Database, TenantTx } from '../platform/database';
import { newId } from '../platform/ids';
import { toPage } from '../platform/page';
import { requireScenario } from '../scenario';
import type { Page, PageRequest } from '../platform/page';
import type { Messaging } from '../platform/messaging';
import type { ObjectCatalogue, ObjectStore, SignedUrls } from '../platform/object-store';
import type { TaskQueue } from '../platform/task';
import type { ModelVersion, Registry } from '../registry';
import { withBudget } from './budget';
import type { Budget } from './budget';
import { requireJoinable, writeFeedback } from './feedback-file';
import { followJob } from './job-progress';
import type { JobUpdate, JobView } from './job-progress';
import { JobEnd } from './job-end';
import { JobTable } from './job-table';
import { MergeTask } from './merge-task';
import type { ChampionSource, FeedbackSource, TrainingMeter, TrainingPrices } from './ports';
import { billedAs, costOf, devicePrices } from './purse';
import { Quoting } from './quoting';
import type { QuoteTraining, QuotedTraining } from './quoting';
import { Search } from './search';
import { SearchTask } from './search-task';
import { parseSeed, parseSpec } from './spec';
import { TrainTask } from './train-task';
import { TrainingInputs } from './training-inputs';
import { Job, JobEpoch, JOB_TRANSITIONS } from './training.entity';
import type { Trial } from './training.entity';
import { TrialTable } from './trial-table';
import { TrialTask } from './trial-task';

export interface TrainingParts {
  readonly db: Database;
  readonly messaging: Messaging;
  readonly tasks: TaskQueue;
  readonly store: ObjectStore;
  readonly catalogue: ObjectCatalogue;
  readonly signedUrls: SignedUrls;
  readonly datasets: DatasetService;
  readonly registry: Registry;
  readonly meter: TrainingMeter;
  readonly feedback: FeedbackSource;
  readonly champions: ChampionSource;
  readonly prices: TrainingPrices;
  readonly taskTimeoutMs: number;
}

export interface StartTraining {
  readonly datasetVersionId: DatasetVersionId;
  /** JSON of a ModelSpec; default `{"family": "auto"}`. */
  readonly spec?: unknown;
  /** Default 1: the same data, spec and seed give the same model. */
  readonly seed?: number | null;
  readonly device?: Device | null;
  readonly modelName?: string | null;
  /** Hard limits. */
  readonly budget?: Budget | null;
}

export interface RankedTrial {
  readonly trial: Trial;
  /** 1 is the best so far; null without a score. */
  readonly rank: number | null;
  readonly costNano: bigint | null;
}

export interface Retrain {
  readonly scenarioId: ScenarioId;
  /** Default: the spec that made the deployed model. */
  readonly spec?: unknown;
  readonly seed?: number | null;
  /** Hard limits of the training; the merge before it is neither timed nor charged. */
  readonly budget?: Budget | null;
}

const HOUR_MS = 3_600_000;
const DEFAULT_MODEL = 'default';

const parseModelName = (name: string | null | undefined): string => {
  const text = (name ?? DEFAULT_MODEL).trim();
  if (text.length === 0 || text.length > 200) {
    throw new Failure('BAD_INPUT', 'modelName takes 1 to 200 characters', { path: ['modelName'] });
  }
  return text;
};

/** Jobs: a sealed version becomes a model version, and feedback becomes a better one. */
export class TrainingService {
  private readonly jobs: JobTable;
  private readonly trials: TrialTable;
  private readonly quoting: Quoting;

  constructor(private readonly parts: TrainingParts) {
    const ttlMs = parts.taskTimeoutMs + HOUR_MS;
    this.jobs = new JobTable(parts.messaging);
    this.trials = new TrialTable(parts.catalogue);
    const common = { ...parts, jobs: this.jobs, trials: this.trials, ttlMs };
    const inputs = new TrainingInputs(common);
    const end = new JobEnd(common);
    const search = new Search({ ...common, end });
    this.quoting = new Quoting(parts);
    parts.tasks.register(new TrainTask({ ...common, inputs, end, search }));
    parts.tasks.register(new SearchTask({ ...common, inputs, end, search }));
    parts.tasks.register(new TrialTask({ ...common, inputs, end, search }));
    parts.tasks.register(new MergeTask(common));
  }

  async start(_ctx: TenantContext, tx: TenantTx, input: StartTraining): Promise<Job> {
    const version = await this.parts.datasets.requireSealed(tx, input.datasetVersionId);
    await this.parts.datasets.requireActive(tx, version.scenarioId);
    const job = await this.insert(tx, version, {
      kind: 'train',
      datasetVersionId: version.id,
      ...withBudget(parseSpec(input.spec), input.budget, await devicePrices(this.parts.prices, tx)),
      seed: parseSeed(input.seed),
      device: input.device ?? null,
      modelName: parseModelName(input.modelName),
    });
    return this.enqueue(tx, job, job.spec.family === 'auto' ? 'search' : 'train');
  }

  /**
   * Old rows and everything that came back become a new dataset version, a new model is trained on it and compared with
   * the current one on the same held-out rows. Fails with STATE_CONFLICT without a model or without feedback.
   */
  async retrain(ctx: TenantContext, tx: TenantTx, input: Retrain): Promise<Job> {
    const { datasets } = this.parts;
    await datasets.requireActive(tx, input.scenarioId);
    const champion = await this.champion(ctx, tx, input.scenarioId);
    const base = await datasets.requireSealed(tx, champion.datasetVersionId);
    const [model] = await tx.query<{ name: string }[]>('select name from app.model where id = $1', [
      champion.modelId,
    ]);
    requireJoinable(champion.manifest.signature);
    const spec = input.spec == null ? champion.manifest.spec : parseSpec(input.spec);
    const limited = withBudget(spec, input.budget, await devicePrices(this.parts.prices, tx));
    const feedbackKey = await writeFeedback(tx, ctx, this.parts, input.scenarioId, HOUR_MS);
    const merged = await datasets.beginMerge(tx, base);
    const job = await this.insert(tx, base, {
      kind: 'retrain',
      datasetVersionId: merged.id,
      baseVersionId: base.id,
      championId: champion.id,
      ...limited,
      seed: input.seed == null ? champion.manifest.seed : parseSeed(input.seed),
      device: null,
      modelName: model?.name ?? DEFAULT_MODEL,
      feedbackKey,
    });
    const queued = await this.enqueue(tx, job, 'merge');
    await datasets.mergedBy(tx, merged, queued.taskId);
    return queued;
  }

  /** What a training would probably take, cost and reach. Fails as `start` would. */
  quote(ctx: TenantContext, input: QuoteTraining): Promise<QuotedTraining> {
    return this.quoting.quote(ctx, input);
  }

  private async champion(ctx: TenantContext, tx: TenantTx, scenarioId: ScenarioId): Promise<ModelVersion> {
    const { registry, champions } = this.parts;
    const deployed: ModelVersionId | null = await champions.current(tx, ctx, scenarioId);
    if (deployed !== null) return registry.require(tx, deployed);
    const newest = await registry.newest(tx, scenarioId);
    if (newest !== null) return newest;
    throw new Failure('STATE_CONFLICT', 'this scenario has no model yet', {
      hint: 'train one with startTraining first',
    });
  }

  private async insert(tx: TenantTx, version: SealedVersion, set: Partial<Job>): Promise<Job> {
    const id = newId<JobId>();
    await tx.insert(Job, {
      ...set,
      tenantId: version.tenantId,
      id,
      scenarioId: version.scenarioId,
      modelVersionId: newId<ModelVersionId>(),
      state: 'QUEUED',
      cancelRequested: false,
      fraction: 0,
      createdAt: new Date(),
    });
    return tx.findOneByOrFail(Job, { id });
  }

  private async enqueue(tx: TenantTx, job: Job, kind: 'train' | 'search' | 'merge'): Promise<Job> {
    const taskId = await this.parts.tasks.enqueue(tx, {
      kind,
      ownerId: job.id,
      scenarioId: job.scenarioId,
    });
    await this.jobs.set(tx, job, { taskId });
    return { ...job, taskId };
  }

  /** A waiting job ends at once, a running one within two seconds; one that has ended stays as it is. */
  async cancel(_ctx: TenantContext, tx: TenantTx, id: JobId): Promise<Job> {
    // Tasks are locked before the job, as everywhere: a result that arrives now waits, or is waited for.
    if ((await tx.findOneBy(Job, { id })) === null) throw new Failure('NOT_FOUND', 'no such job');
    await this.parts.tasks.lockAll(tx, id);
    const job = await this.jobs.lock(tx, id);
    if (JOB_TRANSITIONS[job.state].length === 0) return job;
    await this.jobs.set(tx, job, { cancelRequested: true });
    // What began in between is being granted by somebody who waits for the job's row, and sees the request there.
    await this.parts.tasks.cancelAll(tx, id);
    return tx.findOneByOrFail(Job, { id });
  }

  async get(ctx: TenantContext, id: JobId): Promise<Job> {
    const found = await this.parts.db.within(ctx, (tx) => tx.findOneBy(Job, { id }));
    if (found === null) throw new Failure('NOT_FOUND', 'no such job');
    return found;
  }

  /** Newest first. */
  list(ctx: TenantContext, scenarioId: ScenarioId | null, page: PageRequest): Promise<Page<Job>> {
    return this.parts.db.within(ctx, async (tx) => {
      await requireScenario(tx, scenarioId);
      return toPage(
        await tx.find(Job, {
          where: {
            ...(scenarioId === null ? {} : { scenarioId }),
            ...(page.after === null ? {} : { id: LessThan(page.after as JobId) }),
          },
          order: { id: 'DESC' },
          take: page.limit + 1,
        }),
        page,
      );
    });
  }

  /**
   * Trials of an automatic training: of the last rung first, the best of a rung first, those without a score last. Each
   * with its place among those that have a score, and what its time costs now on the device that it ran on.
   */
  leaderboard(ctx: TenantContext, id: JobId): Promise<RankedTrial[]> {
    return this.parts.db.within(ctx, async (tx) => {
      const trials = await this.trials.list(tx, id);
      if (trials.length === 0) return [];
      const devices = await this.trials.devices(tx, id);
      const prices = await devicePrices(this.parts.prices, tx);
      const score = ({ report }: Trial): number => report?.score.score ?? Number.MAX_VALUE;
      trials.sort((a, b) => b.spec.rung - a.spec.rung || score(a) - score(b) || a.id - b.id);
      let rank = 0;
      return trials.map((trial) => {
        const price = prices[billedAs(devices.get(trial.taskId) ?? 'cpu')];
        const { report } = trial;
        return {
          trial,
          rank: report === null ? null : ++rank,
          costNano: report === null ? null : costOf(report.outcome.seconds, price),
        };
      });
    });
  }

  /** Stored epochs after number `after`, in order. */
  history(ctx: TenantContext, id: JobId, after = -1): Promise<Epoch[]> {
    return this.parts.db.within(ctx, (tx) => this.epochs(tx, id, after));
  }

  private async epochs(tx: TenantTx, id: JobId, after: number): Promise<Epoch[]> {
    const rows = await tx
      .createQueryBuilder(JobEpoch, 'e')
      .where('e.jobId = :id and e.epoch > :after', { id, after })
      .orderBy('e.epoch')
      .getMany();
    return rows.map((row) => row.figures);
  }

  /** The job now and as it goes, until it ends. Fails with NOT_FOUND. */
  progress(ctx: TenantContext, id: JobId): AsyncGenerator<JobUpdate> {
    const read = (after: number): Promise<JobView> =>
      this.parts.db.within(ctx, async (tx) => {
        const job = await tx.findOneBy(Job, { id });
        if (job === null) throw new Failure('NOT_FOUND', 'no such job');
        const epochs = await this.epochs(tx, id, after);
        const trials = job.spec.family === 'auto' ? await this.trials.count(tx, id) : {};
        return { job, epochs, trials };
      });
    return followJob(this.parts.messaging, ctx.tenantId, id, read);
  }
}
