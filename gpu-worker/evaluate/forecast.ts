/** How good forecasts are: errors of the forecast itself, of its quantiles, and against the seasonal-naive forecast. */
import type { Metrics } from '../../contracts';

/** Answers to windows, every array row-major [windows, horizon, series]. */
export interface Forecasts {
  readonly horizon: number;
  readonly series: number;
  readonly predicted: ArrayLike<number>;
  /** NaN = not known: left out of everything. */
  readonly actual: ArrayLike<number>;
  /** One a series: `seasonalScale` of what came before; null where it is not defined. */
  readonly scales: readonly (number | null)[];
  /** `values`: row-major [windows, horizon, series, levels], levels rising. */
  readonly quantiles?: { readonly levels: readonly number[]; readonly values: ArrayLike<number> };
}

/**
 * Mean absolute error of the seasonal-naive forecast within the values that were learned from: what MASE is measured in
 * (Hyndman and Koehler 2006). `values`: one series in order, NaN = missing. Null where nothing changes, or nothing is
 * a season apart.
 */
export const seasonalScale = (values: ArrayLike<number>, season: number): number | null => {
  let [sum, count] = [0, 0];
  for (let at = season; at < values.length; at++) {
    const change = Math.abs(values[at] - values[at - season]);
    if (Number.isNaN(change)) continue;
    sum += change;
    count++;
  }
  return sum > 0 ? sum / count : null;
};

/**
 * mae, rmse; mase (Hyndman and Koehler 2006); smape, from 0 to 2 (as in the M4 competition, Makridakis et al. 2020); wape,
 * the sum of the errors over that of the values. With quantiles: quantileLoss, the mean over the levels of twice the
 * pinball loss over the sum of the values (Amazon's average weighted quantile loss), and coverage, the share between the
 * outermost levels. Null where nothing is known, or all that would be divided by is zero. `steps`: only these steps
 * ahead, from 0; all when left out.
 */
export const forecastMetrics = (forecasts: Forecasts, steps?: ReadonlySet<number>): Metrics => {
  const { horizon, series, predicted, actual, scales, quantiles } = forecasts;
  let [count, absolute, squares, size, relative, scaled, scaledCount] = [0, 0, 0, 0, 0, 0, 0];
  for (let at = 0; at < actual.length; at++) {
    const truth = actual[at];
    if (Number.isNaN(truth) || steps?.has(Math.floor(at / series) % horizon) === false) continue;
    const error = Math.abs(predicted[at] - truth);
    count++;
    absolute += error;
    squares += error * error;
    size += Math.abs(truth);
    relative += error === 0 ? 0 : (2 * error) / (Math.abs(truth) + Math.abs(predicted[at]));
    const scale = scales[at % series];
    if (scale === null) continue;
    scaled += error / scale;
    scaledCount++;
  }
  const of = (sum: number, total: number): number | null => (total > 0 ? sum / total : null);
  return {
    mae: of(absolute, count),
    rmse: count > 0 ? Math.sqrt(squares / count) : null,
    mase: of(scaled, scaledCount),
    smape: of(relative, count),
    wape: of(absolute, size),
    ...(quantiles && quantileMetrics(forecasts, quantiles, steps)),
  };
};

const quantileMetrics = (
  { horizon, series, actual }: Forecasts,
  { levels, values }: NonNullable<Forecasts['quantiles']>,
  steps?: ReadonlySet<number>,
): Metrics => {
  let [count, inside, loss, size] = [0, 0, 0, 0];
  for (let at = 0; at < actual.length; at++) {
    const truth = actual[at];
    if (Number.isNaN(truth) || steps?.has(Math.floor(at / series) % horizon) === false) continue;
    const from = at * levels.length;
    count++;
    size += Math.abs(truth);
    if (values[from] <= truth && truth <= values[from + levels.length - 1]) inside++;
    for (let level = 0; level < levels.length; level++)
      loss += pinball(truth - values[from + level], levels[level]);
  }
  return {
    quantileLoss: size > 0 ? (2 * loss) / (levels.length * size) : null,
    coverage: count > 0 && levels.length > 1 ? inside / count : null,
  };
};

/** Koenker and Bassett 1978. `error`: actual - predicted. */
export const pinball = (error: number, level: number): number =>
  error >= 0 ? level * error : (level - 1) * error;
