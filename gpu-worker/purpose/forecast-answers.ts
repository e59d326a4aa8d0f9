/** What a forecast says of windows and what was true, in target units. */
import type { Metrics } from '../../contracts';
import { forecastSample } from '../evaluate/forecast';
import type { Forecasts } from '../evaluate/forecast';
import type { Served } from '../export/served';
import { seasonalNaive } from '../family/series/naive';
import type { ForecastTarget } from '../prepare/target';

/** Of windows, in target units, row-major. */
export interface Answers {
  readonly rows: Int32Array;
  /** [windows, horizon, series] */
  readonly points: Float32Array;
  readonly actual: Float64Array;
  /** [windows, horizon, series, levels]; empty for the naive forecast. */
  readonly quantiles: Float32Array;
}

export const answers = (outputs: Float32Array, rows: Int32Array, target: ForecastTarget): Answers => {
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

export const naiveAnswers = (rows: Int32Array, target: ForecastTarget): Answers => ({
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

export const metricsOf = (of: Answers, target: ForecastTarget): Metrics =>
  forecastSample(forecastsOf(of, target)).metrics();

export const forecastsOf = ({ points, actual, quantiles }: Answers, target: ForecastTarget): Forecasts => ({
  horizon: target.horizon,
  series: target.series.length,
  predicted: points,
  actual,
  scales: target.scales,
  ...(quantiles.length > 0 && { quantiles: { levels: target.quantiles, values: quantiles } }),
});

export const partOf = ({ rows, points, actual, quantiles }: Answers, places: readonly number[]): Answers => {
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

/** Mean squared error of each window; null where the file answers another question. */
export const squaredErrors = ({ predictions }: Served, { rows, actual }: Answers): Float64Array | null => {
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
