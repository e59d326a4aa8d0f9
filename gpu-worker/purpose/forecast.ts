/** Forecast: the next values of one or many series, from windows of the past. */
import { Failure } from '../../contracts';
import type { MetricsBySplit } from '../../contracts';
import type { Column, Table } from '../data/table';
import { compare } from '../evaluate/compare';
import { forecastFindings } from '../evaluate/forecast-report';
import { verifyForecasts } from '../export/verify';
import { scalesOf } from '../family/series/naive';
import { forecastOptions, requireServable, shapeOf } from '../family/series/options';
import { regularSeries } from '../family/series/regular';
import { usualSeason } from '../family/series/step';
import { learnableInstants, splitWindows } from '../family/series/windows';
import type { WindowSplit } from '../family/series/windows';
import type { Trained } from '../family/trained';
import { columnNamed, requireTarget } from '../prepare/target';
import type { ForecastTarget } from '../prepare/target';
import type { TrainRequest } from '../train/train-table';
import { answers, forecastsOf, metricsOf, naiveAnswers, squaredErrors } from './forecast-answers';
import type { Answers } from './forecast-answers';
import { forecastReport } from './forecast-report';
import { answerGraph, golden } from './forecast-served';
import type { Judged, Pose } from './purpose';

export const forecast: Pose = (given, request, spec) => {
  const options = forecastOptions(spec);
  const time = options.time ?? timeColumn(given, request);
  const group = options.group ?? null;
  const series = options.targets ?? [requireTarget(request.target)];
  const kept = new Set([...series, time, ...(group === null ? [] : [group])]);
  const columns = given.columns.filter(
    ({ spec: { name }, kind }) => kept.has(name) || (kind !== 'text' && !request.exclude.includes(name)),
  );
  if (request.holdout.kind !== 'time' && given.holdout.includes(1))
    throw new Failure(
      'BAD_SPEC',
      'rows of this dataset are held out at random; a forecast needs the last ones',
      {
        path: ['task'],
        hint: 'make the dataset with the task forecast, or with a holdout by time',
      },
    );
  const { table, order, step, warnings } = regularSeries(given, columns, time, group, request.holdout);
  const instants = valuesOf(columnNamed(table, time));
  const values = series.map((name) => seriesValues(columnNamed(table, name)));
  const learnable = learnableInstants(table, instants);
  const heldOut = new Set(instants.filter((_, row) => table.holdout[row] === 1)).size;
  const shape = shapeOf(options, spec.family, usualSeason(step), { learnable: learnable.length, heldOut });
  requireServable(shape.horizon, series.length, options.quantiles.length);
  const { validationFraction } = options;
  const split = splitWindows(table, order, { ...shape, values, instants, validationFraction });
  if (heldOut > 0 && split.test.length === 0)
    throw new Failure(
      'TOO_FEW_ROWS',
      `no series has ${shape.horizon} known steps in its held-out part, which the horizon needs`,
      { path: ['spec', 'forecast', 'horizon'], hint: 'choose a shorter horizon, or hold more rows out' },
    );
  const scale = values.map((of, i) => scaleOf(of, split.trainingRows, series[i]));
  const target: ForecastTarget = {
    task: 'forecast',
    series,
    values,
    mean: scale.map(({ mean }) => mean),
    deviation: scale.map(({ deviation }) => deviation),
    scales: scalesOf(values, order, split.trainingRows, shape.season),
    order,
    step,
    ...shape,
    smooth: options.smooth,
    quantiles: options.quantiles,
    learnable: split.learnable,
    refit: options.refit,
  };
  return {
    table,
    columns: table.columns,
    target,
    split,
    order,
    judge: (trained, signal) =>
      judge(trained, { target, split, instants, warnings, time, group, request }, signal),
  };
};

interface Case {
  readonly target: ForecastTarget;
  readonly split: WindowSplit;
  readonly instants: Float64Array;
  readonly warnings: readonly string[];
  readonly time: string;
  readonly group: string | null;
  readonly request: TrainRequest;
}

/** Numbers that the windows of one part may answer; more are thinned out evenly. */
const MOST_ANSWERS = 16_000_000;
const MOST_TRAINING_WINDOWS = 2000;

const judge = async (trained: Trained, its: Case, signal: AbortSignal): Promise<Judged> => {
  const { target, split } = its;
  const width = target.horizon * target.series.length * (1 + target.quantiles.length);
  const most = Math.max(1, Math.floor(MOST_ANSWERS / width));
  const answersOf = async (rows: Int32Array): Promise<Answers> =>
    answers(await trained.predict(rows, signal), rows, target);
  const test = await answersOf(thinned(split.test, most));
  const training = await answersOf(thinned(split.training, Math.min(most, MOST_TRAINING_WINDOWS)));
  const validation =
    trained.outOfSample === undefined
      ? await answersOf(thinned(split.validation, most))
      : answers(trained.outOfSample.outputs, trained.outOfSample.rows, target);
  const tests = test.rows.length > 0;
  const judged = tests ? test : validation;
  const naive = naiveAnswers(judged.rows, target);
  const checked = tests ? test : training;
  const metrics: MetricsBySplit = {
    train: metricsOf(training, target),
    validation: metricsOf(validation, target),
    test: metricsOf(test, target),
    baseline: metricsOf(naive, target),
  };
  return {
    metrics,
    answer: (output) => answerGraph(output, target),
    signature: {
      classes: [],
      outputs: ['prediction', 'quantiles'],
      window: { order: its.time, group: its.group, step: target.step },
      horizon: target.horizon,
      targets: [...target.series],
      levels: [...target.quantiles],
    },
    checked: checked.rows,
    verify: (served) => verifyForecasts(served, { windows: checked.rows.length, ...checked }, target),
    golden: (served, positions) => golden(served, positions, checked.rows, target),
    compare: (champion, challenger) => {
      const scores = { champion: squaredErrors(champion, test), challenger: squaredErrors(challenger, test) };
      if (scores.champion === null || scores.challenger === null) return null;
      return (
        compare(
          { metric: 'rmse', champion: scores.champion, challenger: scores.challenger },
          its.request.seed,
        ) ?? null
      );
    },
    findings: (signal) =>
      forecastFindings({
        forecasts: forecastsOf(test, target),
        instants: Float64Array.from(test.rows, (row) => its.instants[row]),
        fittedOn: validation.rows.length,
        ...{ seed: its.request.seed, signal },
      }),
    manifest: { forecast: forecastReport(target, its, validation, judged, naive) },
  };
};

/** At most `most` of the rows, spread evenly. */
const thinned = (rows: Int32Array, most: number): Int32Array =>
  rows.length <= most
    ? rows
    : Int32Array.from({ length: most }, (_, i) => rows[Math.floor((i * rows.length) / most)]);

const timeColumn = (table: Table, { holdout }: TrainRequest): string => {
  if (holdout.kind === 'time') return holdout.column;
  const times = table.columns.filter(({ kind }) => kind === 'time').map(({ spec }) => spec.name);
  if (times.length === 1) return times[0];
  throw new Failure(
    'BAD_SPEC',
    times.length === 0
      ? 'a forecast needs a time column, and the data has none'
      : `several columns hold instants; say which one orders the series: ${times.join(', ')}`,
    { path: ['spec', 'forecast', 'time'] },
  );
};

const valuesOf = (column: Column): Float64Array => ('values' in column ? column.values : new Float64Array(0));

const seriesValues = (column: Column): Float64Array => {
  if (column.kind === 'number') return column.values;
  throw new Failure(
    'TARGET_NOT_NUMERIC',
    `column ${column.spec.name} holds no numbers, so it cannot be forecast`,
    {
      path: ['spec', 'forecast', 'targets'],
    },
  );
};

const scaleOf = (
  values: Float64Array,
  rows: Int32Array,
  name: string,
): { mean: number; deviation: number } => {
  const known = rows.filter((row) => !Number.isNaN(values[row]));
  const mean = known.reduce((sum, row) => sum + values[row], 0) / known.length;
  const deviation = Math.sqrt(known.reduce((sum, row) => sum + (values[row] - mean) ** 2, 0) / known.length);
  if (deviation > Math.abs(mean) * 1e-12) return { mean, deviation };
  throw new Failure('TARGET_CONSTANT', `column ${name} has one value only in the rows to learn from`, {
    path: ['spec', 'forecast', 'targets'],
  });
};
