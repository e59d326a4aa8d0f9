/** Reads what a quote rests on: the dataset's profile, and the tenant's own jobs and versions. */
import { isSearched } from '../../contracts';
import type { DatasetVersionId, Device, ModelSpec } from '../../contracts';
import { excludedColumns } from '../dataset';
import type { DatasetService } from '../dataset';
import type { TenantContext } from '../platform/context';
import type { Database, TenantTx } from '../platform/database';
import type { TaskQueue } from '../platform/task';
import { purseOf, secondsOf, withBudget } from './budget';
import type { Budget } from './budget';
import type { TrainingPrices } from './ports';
import { billedAs, costOf, devicePrices } from './purse';
import { quoteScore, quoteSeconds } from './quote';
import type { PastJob, ScoreQuote, SecondsQuote } from './quote';
import { parseSpec } from './spec';
import type { Job } from './training.entity';

export interface QuoteTraining {
  readonly datasetVersionId: DatasetVersionId;
  readonly spec?: unknown;
  readonly budget?: Budget | null;
  readonly device?: Device | null;
}

export interface QuotedTraining {
  readonly seconds: SecondsQuote;
  readonly cost: {
    readonly lowNano: bigint;
    /** Null: nothing limits it. */
    readonly highNano: bigint | null;
    /** What is charged at most; null: the training has no such limit. */
    readonly capNano: bigint | null;
    readonly currency: string;
  };
  readonly expectedScore: ScoreQuote | null;
  readonly expectedScoreReason: string;
}

export interface QuotingParts {
  readonly db: Database;
  readonly datasets: DatasetService;
  readonly tasks: TaskQueue;
  readonly prices: TrainingPrices;
  readonly taskTimeoutMs: number;
}

const MOST_PAST = 20;

export class Quoting {
  constructor(private readonly parts: QuotingParts) {}

  /** Fails as a training with the same input would. */
  async quote(ctx: TenantContext, input: QuoteTraining): Promise<QuotedTraining> {
    const { db, datasets, tasks, prices } = this.parts;
    const workers = Math.max(1, await tasks.waitingWorkers('trial'));
    const device = input.device ?? 'cpu';
    return db.within(ctx, async (tx) => {
      const version = await datasets.requireSealed(tx, input.datasetVersionId);
      await datasets.requireActive(tx, version.scenarioId);
      const now = await devicePrices(prices, tx);
      const price = now[billedAs(device)];
      const job = withBudget(parseSpec(input.spec), input.budget, now);
      const searched =
        job.spec.family === 'auto' && isSearched({ ...version, exclude: excludedColumns(version) });
      const limit = this.limitSeconds(job, device, searched ? workers : null);
      const cells = (version.rows ?? 0) * version.columns.length;
      const seconds = quoteSeconds(job.spec, cells, await pastJobs(tx, job.spec.family, device), limit);
      const metric = await datasets.goalMetric(tx, version);
      const { score, reason } = quoteScore(
        version.task,
        metric,
        version.profile.find(({ name }) => name === version.target),
        await pastScores(tx, version.datasetId, metric),
      );
      const amount = job.cap?.money?.amountNano;
      // Whether more workers will join a search is not known: without an amount only what one worker does is bounded.
      const bounded = !searched && limit !== null;
      return {
        seconds,
        cost: {
          lowNano: costOf(seconds.low, price),
          highNano: seconds.high === null ? null : costOf(seconds.high, price),
          capNano:
            amount !== undefined
              ? BigInt(amount)
              : bounded || price === null
                ? costOf(limit ?? 0, price)
                : null,
          currency: now.currency,
        },
        expectedScore: score,
        expectedScoreReason: reason,
      };
    });
  }

  /** What the job may take at most, of all workers together. `searchers`: that share a search; null: it is one task. */
  private limitSeconds(
    job: Pick<Job, 'spec' | 'cap'>,
    device: Device,
    searchers: number | null,
  ): number | null {
    const seconds = secondsOf(job);
    const boughtMs = purseOf(job)?.buysMs(device) ?? null;
    const limits = [
      ...(searchers === null
        ? [seconds, this.parts.taskTimeoutMs / 1000]
        : [seconds === null ? null : seconds * searchers]),
      boughtMs === null ? null : boughtMs / 1000,
    ].filter((limit) => limit !== null);
    return limits.length === 0 ? null : Math.min(...limits);
  }
}

/** The tenant's last jobs of the family that made a model on this kind of device: what their attempts took. */
const pastJobs = async (tx: TenantTx, family: ModelSpec['family'], device: Device): Promise<PastJob[]> => {
  const rows = await tx.query<{ spec: ModelSpec; cells: string; seconds: number }[]>(
    `select j.spec, (d.rows * jsonb_array_length(d.columns))::text as cells, k.seconds
       from app.job j
       join app.dataset_version d on d.id = j.dataset_version_id
      cross join lateral (
        select (coalesce(sum(consumed_ns), 0) / 1e9)::float8 as seconds, bool_and((device = 'cpu') = $2) as alike
          from app.task where owner_id = j.id and state = 'SUCCEEDED' and kind in ('train', 'search', 'trial')) k
      where j.state = 'SUCCEEDED' and d.rows is not null and d.columns is not null and k.alike
        and j.spec->>'family' = $3
      order by j.id desc limit $1`,
    [MOST_PAST, device === 'cpu', family],
  );
  return rows.map(({ cells, ...rest }) => ({ ...rest, cells: Number(cells) }));
};

const pastScores = async (tx: TenantTx, datasetId: string, metric: string): Promise<number[]> => {
  const rows = await tx.query<{ score: number }[]>(
    `select (m.manifest #>> array['metrics', 'test', $2])::float8 as score from app.model_version m
       join app.dataset_version d on d.id = m.dataset_version_id
      where d.dataset_id = $1 and m.manifest #>> array['metrics', 'test', $2] is not null
      order by m.created_at desc limit $3`,
    [datasetId, metric, MOST_PAST],
  );
  return rows.map(({ score }) => score);
};
