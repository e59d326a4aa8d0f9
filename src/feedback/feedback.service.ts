import { Failure } from '../../contracts';
import type {
  ForecastAnswer,
  LearningTask,
  ModelManifest,
  ModelVersionId,
  PredictionId,
  ScenarioId,
} from '../../contracts';
import type { Answer, PredictionLog, Predictions, RawRow, RecordedPrediction } from '../inference';
import type { TenantContext } from '../platform/context';
import type { Database, TenantTx } from '../platform/database';
import type { FeedbackRow, FeedbackSource } from '../training';
import { qualityOf } from './quality';
import type { QualityMetrics } from './quality';
import { truthOf } from './truth';
import type { Truth } from './truth';

export interface FeedbackRequest {
  readonly predictionId: PredictionId;
  /** Which row of the prediction, from 0. */
  readonly row: number;
  /** What turned out to be true, as `truthOf` takes it. */
  readonly actual: unknown;
  /** The row's values by column name; needed where the scenario did not log the prediction. */
  readonly values?: unknown;
}

/** Checked and completed, ready to be recorded. */
export interface PreparedFeedback {
  readonly prediction: RecordedPrediction;
  readonly row: number;
  readonly values: RawRow;
  readonly predicted: Predicted;
  readonly probabilities: Readonly<Record<string, number>> | null;
  readonly actual: Truth;
}

/** A number, a class, or a whole forecast. */
type Predicted = string | number | ForecastAnswer;

export interface Feedback {
  readonly predictionId: PredictionId;
  readonly row: number;
  /** 1 for the first; a correction is a further one. */
  readonly revision: number;
  readonly predicted: Predicted;
  readonly actual: Truth;
  readonly createdAt: Date;
}

export interface VersionQuality extends QualityMetrics {
  readonly modelVersionId: ModelVersionId;
}

export interface Quality extends QualityMetrics {
  readonly scenarioId: ScenarioId;
  readonly byVersion: readonly VersionQuality[];
}

interface VersionSource {
  getVersion(ctx: TenantContext, id: ModelVersionId): Promise<{ manifest: ModelManifest }>;
}

const EXPORT_PAGE = 1000;

/** What turned out to be true: kept for ever, the newest correction counts. */
export class FeedbackService implements FeedbackSource {
  constructor(
    private readonly db: Database,
    private readonly log: PredictionLog,
    private readonly predictions: Predictions,
    private readonly versions: VersionSource,
  ) {}

  /**
   * Finds the prediction and its row. Fails with NOT_FOUND, FEEDBACK_NEEDS_ROW when the scenario did not log it and the
   * feedback carries no values, NO_TRUTH for answers that are never right or wrong, BAD_INPUT for a row that is not there.
   * Outside any transaction: it may ask a runner.
   */
  async prepare(ctx: TenantContext, request: FeedbackRequest): Promise<PreparedFeedback> {
    const prediction = await this.log.get(ctx, request.predictionId);
    const { manifest } = await this.versions.getVersion(ctx, prediction.modelVersionId);
    const { row } = request;
    const actual = truthOf(request.actual, manifest.signature);
    if (row < 0 || row >= prediction.rowCount)
      throw new Failure('BAD_INPUT', `the prediction has ${prediction.rowCount} rows, counted from 0`, {
        path: ['row'],
      });
    let values = prediction.rows?.[row];
    let answer: Answer | undefined = prediction.outputs?.[row];
    if (request.values != null) {
      const own = await this.predictions.answer(ctx, manifest, request.values);
      values = own.row;
      answer ??= own.answer;
    }
    const predicted = answer?.forecast ?? answer?.prediction;
    if (values === undefined || answer === undefined || predicted == null)
      throw new Failure(
        'FEEDBACK_NEEDS_ROW',
        'this prediction was not logged, so its feedback must carry the row',
        {
          path: ['values'],
          hint: 'send the values by column name in `values`, as they were sent to predict',
        },
      );
    const { classes } = manifest.signature;
    const { probabilities } = answer;
    return {
      prediction,
      row,
      values,
      predicted,
      actual,
      probabilities:
        probabilities === null
          ? null
          : Object.fromEntries(classes.map((name, index) => [name, probabilities[index] ?? 0])),
    };
  }

  /** The same actual again changes nothing; another one is a correction. */
  async record(ctx: TenantContext, tx: TenantTx, prepared: PreparedFeedback): Promise<Feedback> {
    const { prediction, row, predicted, actual } = prepared;
    // Two corrections of one row at a time stand in line.
    await tx.query('select pg_advisory_xact_lock(hashtextextended($1, 0))', [
      `feedback ${ctx.tenantId} ${prediction.id} ${row}`,
    ]);
    const [last] = await tx.query<{ revision: number; actual: Truth; created_at: Date }[]>(
      `select revision, actual, created_at from app.feedback where prediction_id = $1 and row = $2
       order by revision desc limit 1`,
      [prediction.id, row],
    );
    const given = { predictionId: prediction.id, row, predicted, actual };
    if (last !== undefined && JSON.stringify(last.actual) === JSON.stringify(actual))
      return { ...given, revision: last.revision, createdAt: last.created_at };
    const revision = (last?.revision ?? 0) + 1;
    const [inserted] = await tx.query<{ created_at: Date }[]>(
      `insert into app.feedback (tenant_id, prediction_id, row, revision, scenario_id, deployment_id,
         model_version_id, predicted_at, values, predicted, probabilities, actual)
       values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) returning created_at`,
      [
        ctx.tenantId,
        prediction.id,
        row,
        revision,
        prediction.scenarioId,
        prediction.deploymentId,
        prediction.modelVersionId,
        prediction.at,
        JSON.stringify(prepared.values),
        JSON.stringify(predicted),
        prepared.probabilities === null ? null : JSON.stringify(prepared.probabilities),
        JSON.stringify(actual),
      ],
    );
    return { ...given, revision, createdAt: inserted?.created_at ?? new Date(0) };
  }

  /** How good the scenario's answers turned out to be, over all predictions with feedback and version by version. */
  async quality(ctx: TenantContext, scenarioId: ScenarioId): Promise<Quality> {
    return this.db.within(ctx, async (tx) => {
      const [scenario] = await tx.query<{ task: LearningTask }[]>(
        'select task from app.scenario where id = $1',
        [scenarioId],
      );
      if (scenario === undefined) throw new Failure('NOT_FOUND', 'no such scenario');
      const { all, byVersion } = await qualityOf(tx, scenarioId, scenario.task);
      return { scenarioId, ...all, byVersion };
    });
  }

  /** Every row with feedback, oldest first, as a labelled row for training. */
  async *export(tx: TenantTx, _ctx: TenantContext, scenarioId: ScenarioId): AsyncIterable<FeedbackRow> {
    interface Row {
      prediction_id: string;
      row: number;
      values: RawRow;
      actual: string | number;
      first_at: string;
    }
    let after: Row | null = null;
    for (;;) {
      const rows: Row[] = await tx.query<Row[]>(
        `select f.prediction_id, f.row, l.values, l.actual, f.created_at::text as first_at
         from app.feedback f
         cross join lateral (select values, actual from app.feedback n
           where n.tenant_id = f.tenant_id and n.prediction_id = f.prediction_id and n.row = f.row
           order by revision desc limit 1) l
         where f.scenario_id = $1 and f.revision = 1
           and ($2::timestamptz is null or (f.created_at, f.prediction_id, f.row) > ($2::timestamptz, $3::uuid, $4::int))
         order by f.created_at, f.prediction_id, f.row limit ${EXPORT_PAGE}`,
        [scenarioId, after?.first_at ?? null, after?.prediction_id ?? null, after?.row ?? null],
      );
      for (const { values, actual } of rows) yield { values: ownCells(values), actual };
      after = rows.at(-1) ?? null;
      if (rows.length < EXPORT_PAGE) return;
    }
  }
}

/** A row of the data has one cell a column: of a window, its own is the last. */
const ownCells = (values: RawRow): FeedbackRow['values'] =>
  Object.fromEntries(
    Object.entries(values).map(([name, value]) => [
      name,
      Array.isArray(value) ? (value.at(-1) ?? null) : value,
    ]),
  );
