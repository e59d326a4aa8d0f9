/** Metrics of answers against what turned out to be true; computed where the rows are. */
import type { ModelVersionId, ScenarioId } from '../../contracts';
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
    select distinct on (prediction_id, row) model_version_id, predicted_at, predicted #>> '{}' as predicted,
      actual #>> '{}' as actual, probabilities
    from app.feedback where scenario_id = $1 order by prediction_id, row, revision desc
  )`;

interface Sums {
  model_version_id: ModelVersionId | null;
  n: number;
  squared_error: number | null;
  absolute_error: number | null;
  variance: number | null;
  first_at: Date | null;
  last_at: Date | null;
}

/** rmse, mae, r2 in the target's units. */
export const regressionQuality = async (tx: TenantTx, scenarioId: ScenarioId): Promise<Qualities> => {
  const rows = await tx.query<Sums[]>(
    `${LATEST}
     select model_version_id, count(*)::int as n,
       avg((predicted::float8 - actual::float8) ^ 2)::float8 as squared_error,
       avg(abs(predicted::float8 - actual::float8))::float8 as absolute_error,
       var_pop(actual::float8)::float8 as variance, min(predicted_at) as first_at, max(predicted_at) as last_at
     from latest group by grouping sets ((), (model_version_id))`,
    [scenarioId],
  );
  const metrics = (row: Sums): QualityMetrics => ({
    rows: row.n,
    metrics: {
      rmse: row.squared_error === null ? null : Math.sqrt(row.squared_error),
      mae: row.absolute_error,
      r2:
        row.squared_error === null || row.variance === null || row.variance === 0
          ? null
          : 1 - row.squared_error / row.variance,
    },
    firstAt: row.first_at,
    lastAt: row.last_at,
  });
  return {
    all: metrics(rows.find((row) => row.model_version_id === null) ?? NOTHING),
    byVersion: rows.flatMap((row) =>
      row.model_version_id === null ? [] : [{ modelVersionId: row.model_version_id, ...metrics(row) }],
    ),
  };
};

const NOTHING: Sums = {
  model_version_id: null,
  n: 0,
  squared_error: null,
  absolute_error: null,
  variance: null,
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
export const classificationQuality = async (tx: TenantTx, scenarioId: ScenarioId): Promise<Qualities> => {
  const cells = await tx.query<Cell[]>(
    `${LATEST}
     select model_version_id, predicted, actual, count(*)::int as n,
       sum(-ln(greatest((probabilities ->> actual)::float8, 1e-15)))::float8 as log_loss,
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
