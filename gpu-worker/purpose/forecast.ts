/** Forecast: the next values of one or many series, from windows of the past. */
import { Failure } from '../../contracts';
import type { ForecastAnswer, ForecastReport, Metrics, MetricsBySplit } from '../../contracts';
import { op, vector } from '../../onnx';
import type { Value } from '../../onnx';
import type { Column, Table } from '../data/table';
import { compare } from '../evaluate/compare';
import { forecastSample } from '../evaluate/forecast';
import type { Forecasts } from '../evaluate/forecast';
import { forecastFindings } from '../evaluate/forecast-report';
import type { Served } from '../export/served';
import { verifyForecasts } from '../export/verify';
import { scalesOf, seasonalNaive } from '../family/series/naive';
import { forecastOptions, requireServable, shapeOf } from '../family/series/options';
import { regularSeries } from '../family/series/regular';
import { usualSeason } from '../family/series/step';
import { learnableInstants, splitWindows } from '../family/series/windows';
import type { WindowSplit } from '../family/series/windows';
import type { Trained } from '../family/trained';
import { columnNamed, requireTarget } from '../prepare/target';
import type { ForecastTarget } from '../prepare/target';
import type { TrainRequest } from '../train/train-table';
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
  if (request.holdout.kind === 'hash' && given.holdout.includes(1))
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
const BACKTESTS = 6;

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
    manifest: { forecast: report(its, validation, judged, naive) },
  };
};

/** Of windows, in target units, row-major. */
interface Answers {
  readonly rows: Int32Array;
  /** [windows, horizon, series] */
  readonly points: Float32Array;
  readonly actual: Float64Array;
  /** [windows, horizon, series, levels]; empty for the naive forecast. */
  readonly quantiles: Float32Array;
}

const answers = (outputs: Float32Array, rows: Int32Array, target: ForecastTarget): Answers => {
  const { mean, deviation, quantiles: levels } = target;
  const actual = actualOf(rows, target);
  const points = new Float32Array(actual.length);
  const quantiles = new Float32Array(actual.length * levels.length);
  const width = 1 + levels.length;
  for (let i = 0; i < actual.length; i++) {
    const s = i % mean.length;
    points[i] = outputs[i * width] * deviation[s] + mean[s];
    for (let q = 0; q < levels.length; q++)
      quantiles[i * levels.length + q] = outputs[i * width + 1 + q] * deviation[s] + mean[s];
  }
  return { rows, points, actual, quantiles };
};

const naiveAnswers = (rows: Int32Array, target: ForecastTarget): Answers => ({
  rows,
  points: seasonalNaive(target, rows),
  actual: actualOf(rows, target),
  quantiles: new Float32Array(0),
});

/** What was true: [windows, horizon, series], NaN = not known. */
const actualOf = (rows: Int32Array, { values, horizon }: ForecastTarget): Float64Array => {
  const actual = new Float64Array(rows.length * horizon * values.length);
  let at = 0;
  for (const row of rows)
    for (let ahead = 1; ahead <= horizon; ahead++) for (const of of values) actual[at++] = of[row + ahead];
  return actual;
};

const metricsOf = (of: Answers, target: ForecastTarget): Metrics =>
  forecastSample(forecastsOf(of, target)).metrics();

const forecastsOf = ({ points, actual, quantiles }: Answers, target: ForecastTarget): Forecasts => ({
  horizon: target.horizon,
  series: target.series.length,
  predicted: points,
  actual,
  scales: target.scales,
  ...(quantiles.length > 0 && { quantiles: { levels: target.quantiles, values: quantiles } }),
});

const report = (
  { target, instants, warnings }: Case,
  validation: Answers,
  judged: Answers,
  naive: Answers,
): ForecastReport => {
  const naiveByStep = byStep(naive, target);
  return {
    step: target.step,
    season: target.season,
    lookback: target.lookback,
    byHorizon: byStep(judged, target).map((ours, i) => {
      const theirs = naiveByStep[i];
      return { step: i + 1, ...ours, naiveMae: theirs.mae, naiveRmse: theirs.rmse };
    }),
    backtests: backtests(validation, target, instants),
    warnings: [...warnings],
  };
};

const byStep = (
  { points, actual }: Answers,
  { horizon, series }: ForecastTarget,
): { mae: number | null; rmse: number | null }[] => {
  const [count, absolute, squares] = [0, 1, 2].map(() => new Float64Array(horizon));
  for (let i = 0; i < actual.length; i++) {
    const error = points[i] - actual[i];
    if (Number.isNaN(error)) continue;
    const step = Math.floor(i / series.length) % horizon;
    count[step]++;
    absolute[step] += Math.abs(error);
    squares[step] += error * error;
  }
  return Array.from(count, (known, step) =>
    known === 0
      ? { mae: null, rmse: null }
      : { mae: absolute[step] / known, rmse: Math.sqrt(squares[step] / known) },
  );
};

const backtests = (
  validation: Answers,
  target: ForecastTarget,
  instants: Float64Array,
): ForecastReport['backtests'] => {
  const byTime = Array.from(validation.rows.keys()).sort(
    (a, b) => instants[validation.rows[a]] - instants[validation.rows[b]],
  );
  const naive = naiveAnswers(validation.rows, target);
  const size = Math.max(1, Math.ceil(byTime.length / BACKTESTS));
  const parts: ForecastReport['backtests'] = [];
  for (let from = 0; from < byTime.length; from += size) {
    const places = byTime.slice(from, from + size);
    parts.push({
      fromMicros: instants[validation.rows[places[0]]],
      toMicros: instants[validation.rows[places[places.length - 1]]],
      windows: places.length,
      metrics: metricsOf(partOf(validation, places), target),
      naive: metricsOf(partOf(naive, places), target),
    });
  }
  return parts;
};

const partOf = ({ rows, points, actual, quantiles }: Answers, places: readonly number[]): Answers => {
  const cut = <T extends Float32Array | Float64Array>(of: T): T => {
    const width = of.length / rows.length;
    const part = of.slice(0, places.length * width) as T;
    places.forEach((place, i) => part.set(of.subarray(place * width, (place + 1) * width), i * width));
    return part;
  };
  return {
    rows: Int32Array.from(places, (place) => rows[place]),
    points: cut(points),
    actual: cut(actual),
    quantiles: cut(quantiles),
  };
};

/** `Trained.output` of a forecast, [rows, horizon · series · (1 + levels)] standardised, as the two outputs of the file. */
const answerGraph = (output: Value, target: ForecastTarget): Record<string, Value> => {
  const { horizon, series, quantiles, mean, deviation } = target;
  const [rows] = output.shape;
  const shape = [rows, horizon, series.length, 1 + quantiles.length];
  const column = (of: readonly number[]): Value => op.Unsqueeze(vector(of, 'float64'), [1]);
  const scaled = op.Cast(op.Reshape(output, shape), 'float64');
  const all = op.Cast(op.Add(op.Mul(scaled, column(deviation)), column(mean)), 'float32');
  const [points, levels] = op.Split(all, [1, quantiles.length], 3);
  return { prediction: op.Squeeze(points, [3]), quantiles: levels };
};

const golden = (
  { predictions, quantiles }: Served,
  positions: readonly number[],
  rows: Int32Array,
  { horizon, values, quantiles: { length: levels } }: ForecastTarget,
): ReturnType<Judged['golden']> => {
  const width = horizon * values.length;
  const nested = (from: number): ForecastAnswer => ({
    prediction: Array.from({ length: horizon }, (_, step) =>
      values.map((_of, s) => Number(predictions[from + step * values.length + s])),
    ),
    quantiles: Array.from({ length: horizon }, (_, step) =>
      values.map((_of, s) => {
        const at = (from + step * values.length + s) * levels;
        return [...(quantiles?.subarray(at, at + levels) ?? [])];
      }),
    ),
  });
  const forecasts = positions.map((at) => nested(at * width));
  return {
    predictions: forecasts.map(({ prediction }) => prediction[0][0]),
    probabilities: null,
    // JSON has no NaN; the first known value ahead stands where the first step is missing.
    actuals: positions.map(
      (at) =>
        values[0].subarray(rows[at] + 1, rows[at] + 1 + horizon).find((value) => !Number.isNaN(value)) ?? '',
    ),
    forecasts,
  };
};

/** Mean squared error of each window; null where the file answers another question. */
const squaredErrors = ({ predictions }: Served, { rows, actual }: Answers): Float64Array | null => {
  if (predictions.length !== actual.length) return null;
  const width = actual.length / rows.length;
  return Float64Array.from(rows, (_, window) => {
    let [sum, count] = [0, 0];
    for (let i = window * width; i < (window + 1) * width; i++) {
      if (Number.isNaN(actual[i])) continue;
      sum += (Number(predictions[i]) - actual[i]) ** 2;
      count++;
    }
    return count === 0 ? 0 : sum / count;
  });
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
