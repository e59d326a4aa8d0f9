/** Metrics of answers against what turned out to be true; computed where the rows are. */
import type { LearningTask, ModelVersionId, ScenarioId } from '../../contracts';
import type { TenantTx } from '../platform/database';

export interface QualityMetrics {
  /** Predicted rows with feedback. */
  readonly rows: number;
  /** By their usual names; null where too few or too equal rows leave it undefined. */
  readonly metrics: Readonly<Record<string, number | null>>;
  readonly firstAt: Date | null;
  readonly lastAt: Date | null;
}

export interface Qualities {
  readonly all: QualityMetrics;
  readonly byVersion: readonly (QualityMetrics & { readonly modelVersionId: ModelVersionId })[];
}

const LATEST = `
  with latest as (
    select distinct on (prediction_id, row) prediction_id, row, model_version_id, predicted_at, predicted, actual,
      probabilities
    from app.feedback where scenario_id = $1 order by prediction_id, row, revision desc
  )`;

/** Figures of a scenario's feedback, over all of it and by model version; none where answers are never right or wrong. */
export const qualityOf = async (
  tx: TenantTx,
  scenarioId: ScenarioId,
  task: LearningTask,
): Promise<Qualities> => {
  switch (task) {
    case 'regression':
      return numberQuality(tx, scenarioId, VALUES, regressionMetrics);
    case 'forecast':
      return numberQuality(tx, scenarioId, STEPS, forecastMetrics);
    case 'classification':
    case 'anomaly':
      return classQuality(tx, scenarioId);
    case 'clustering':
    case 'synthesis':
      return { all: { rows: 0, metrics: {}, firstAt: null, lastAt: null }, byVersion: [] };
  }
};

/** Pairs of answer and truth: one a row, or one a step and target of a forecast whose truth is known. */
const VALUES = `
  select l.*, (predicted #>> '{}')::float8 as p, (actual #>> '{}')::float8 as y, null::boolean as covered
  from latest l`;
const STEPS = `
  select l.*, cell.p::float8 as p, cell.y::float8 as y,
    cell.y::float8 between (cell.quantiles ->> 0)::float8 and (cell.quantiles ->> -1)::float8 as covered
  from latest l
  cross join lateral rows from (
    jsonb_array_elements(l.actual),
    jsonb_array_elements(l.predicted -> 'prediction'),
    jsonb_array_elements(l.predicted -> 'quantiles')) as step (y, p, quantiles)
  cross join lateral rows from (
    jsonb_array_elements_text(step.y),
    jsonb_array_elements_text(step.p),
    jsonb_array_elements(step.quantiles)) as cell (y, p, quantiles)
  where cell.y is not null`;

interface Sums {
  model_version_id: ModelVersionId | null;
  n: number;
  squared_error: number | null;
  absolute_error: number | null;
  variance: number | null;
  size: number | null;
  coverage: number | null;
  first_at: Date | null;
  last_at: Date | null;
}
type MetricsOf = (sums: Sums) => QualityMetrics['metrics'];

const numberQuality = async (
  tx: TenantTx,
  scenarioId: ScenarioId,
  pairs: string,
  metricsOf: MetricsOf,
): Promise<Qualities> => {
  const rows = await tx.query<Sums[]>(
    `${LATEST}, pair as (${pairs})
     select model_version_id, count(distinct (prediction_id, row))::int as n, avg((p - y) ^ 2)::float8 as squared_error,
       avg(abs(p - y))::float8 as absolute_error, var_pop(y)::float8 as variance, avg(abs(y))::float8 as size,
       avg(covered::int)::float8 as coverage, min(predicted_at) as first_at, max(predicted_at) as last_at
     from pair group by grouping sets ((), (model_version_id))`,
    [scenarioId],
  );
  const figures = (sums: Sums): QualityMetrics => ({
    rows: sums.n,
    metrics: metricsOf(sums),
    firstAt: sums.first_at,
    lastAt: sums.last_at,
  });
  return {
    all: figures(rows.find((row) => row.model_version_id === null) ?? NOTHING),
    byVersion: rows.flatMap((row) =>
      row.model_version_id === null ? [] : [{ modelVersionId: row.model_version_id, ...figures(row) }],
    ),
  };
};

const over = (sum: number | null, total: number | null): number | null =>
  sum === null || total === null || total === 0 ? null : sum / total;
const rmse = ({ squared_error: squares }: Sums): number | null =>
  squares === null ? null : Math.sqrt(squares);

/** rmse, mae in the target's units; r2. */
const regressionMetrics: MetricsOf = (sums) => {
  const unexplained = over(sums.squared_error, sums.variance);
  return { rmse: rmse(sums), mae: sums.absolute_error, r2: unexplained === null ? null : 1 - unexplained };
};

/** rmse, mae over all steps and targets; wape, the errors over the values; coverage, the share between the outermost levels. */
const forecastMetrics: MetricsOf = (sums) => ({
  rmse: rmse(sums),
  mae: sums.absolute_error,
  wape: over(sums.absolute_error, sums.size),
  coverage: sums.coverage,
});

const NOTHING: Sums = {
  model_version_id: null,
  n: 0,
  squared_error: null,
  absolute_error: null,
  variance: null,
  size: null,
  coverage: null,
  first_at: null,
  last_at: null,
};

interface Cell {
  model_version_id: ModelVersionId;
  predicted: string;
  actual: string;
  n: number;
  log_loss: number | null;
  first_at: Date;
  last_at: Date;
}

/** accuracy, f1Macro, logLoss. */
const classQuality = async (tx: TenantTx, scenarioId: ScenarioId): Promise<Qualities> => {
  const cells = await tx.query<Cell[]>(
    `${LATEST}
     select model_version_id, predicted #>> '{}' as predicted, actual #>> '{}' as actual, count(*)::int as n,
       sum(-ln(greatest((probabilities ->> (actual #>> '{}'))::float8, 1e-15)))::float8 as log_loss,
       min(predicted_at) as first_at, max(predicted_at) as last_at
     from latest group by 1, 2, 3`,
    [scenarioId],
  );
  const versions = [...new Set(cells.map((cell) => cell.model_version_id))];
  return {
    all: ofCells(cells),
    byVersion: versions.map((modelVersionId) => ({
      modelVersionId,
      ...ofCells(cells.filter((cell) => cell.model_version_id === modelVersionId)),
    })),
  };
};

const ofCells = (cells: readonly Cell[]): QualityMetrics => {
  const sum = (of: readonly Cell[]): number => of.reduce((total, cell) => total + cell.n, 0);
  const rows = sum(cells);
  if (rows === 0)
    return { rows, metrics: { accuracy: null, f1Macro: null, logLoss: null }, firstAt: null, lastAt: null };
  const right = (cell: Cell): boolean => cell.predicted === cell.actual;
  const classes = [...new Set(cells.flatMap((cell) => [cell.predicted, cell.actual]))];
  const f1 = classes.map((name) => {
    const hit = sum(cells.filter((cell) => right(cell) && cell.actual === name));
    const named = sum(cells.filter((cell) => cell.predicted === name || cell.actual === name)) + hit;
    return named === 0 ? 0 : (2 * hit) / named;
  });
  const losses = cells.map((cell) => cell.log_loss);
  const at = (pick: (cell: Cell) => Date): number[] => cells.map((cell) => pick(cell).getTime());
  return {
    rows,
    metrics: {
      accuracy: sum(cells.filter(right)) / rows,
      f1Macro: f1.reduce((total, value) => total + value, 0) / f1.length,
      logLoss: losses.some((loss) => loss === null)
        ? null
        : losses.reduce<number>((total, loss) => total + (loss ?? 0), 0) / rows,
    },
    firstAt: new Date(Math.min(...at((cell) => cell.first_at))),
    lastAt: new Date(Math.max(...at((cell) => cell.last_at))),
  };
};
