/** How good forecasts are: errors of the forecast itself, of its quantiles, and against the seasonal-naive forecast. */
import type { Sample } from './sample';

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

/** Sums over the known values of a window, of which all figures are made. */
const [COUNT, ABSOLUTE, SQUARES, SIZE, RELATIVE, SCALED, SCALED_COUNT, LOSS, INSIDE] = [
  0, 1, 2, 3, 4, 5, 6, 7, 8,
];
const SUMS = 9;

/**
 * Of windows: mae, rmse; mase (Hyndman and Koehler 2006); smape, from 0 to 2 (as in the M4 competition, Makridakis et al.
 * 2020); wape, the sum of the errors over that of the values. With quantiles: quantileLoss, the mean over the levels of
 * twice the pinball loss over the sum of the values (Amazon's average weighted quantile loss), and coverage, the share
 * between the outermost levels. Null where nothing is known, or all that would be divided by is zero. `steps`: only these
 * steps ahead, from 0; all when left out.
 */
export const forecastSample = (forecasts: Forecasts, steps?: ReadonlySet<number>): Sample => {
  const { horizon, series, actual, quantiles } = forecasts;
  const rows = actual.length / (horizon * series);
  const sums = windowSums(forecasts, steps);
  return {
    rows,
    work: rows * SUMS,
    metrics: (weights) => {
      const total = new Float64Array(SUMS);
      for (let window = 0; window < rows; window++) {
        const weight = weights === undefined ? 1 : weights[window];
        if (weight > 0) for (let i = 0; i < SUMS; i++) total[i] += weight * sums[window * SUMS + i];
      }
      const of = (sum: number, divisor: number): number | null =>
        total[divisor] > 0 ? total[sum] / total[divisor] : null;
      const squares = of(SQUARES, COUNT);
      const loss = of(LOSS, SIZE);
      return {
        mae: of(ABSOLUTE, COUNT),
        rmse: squares === null ? null : Math.sqrt(squares),
        mase: of(SCALED, SCALED_COUNT),
        smape: of(RELATIVE, COUNT),
        wape: of(ABSOLUTE, SIZE),
        ...(quantiles && {
          quantileLoss: loss === null ? null : (2 * loss) / quantiles.levels.length,
          coverage: quantiles.levels.length > 1 ? of(INSIDE, COUNT) : null,
        }),
      };
    },
  };
};

const windowSums = (
  { horizon, series, predicted, actual, scales, quantiles }: Forecasts,
  steps?: ReadonlySet<number>,
): Float64Array => {
  const width = horizon * series;
  const sums = new Float64Array((actual.length / width) * SUMS);
  for (let at = 0; at < actual.length; at++) {
    const truth = actual[at];
    if (Number.isNaN(truth) || steps?.has(Math.floor(at / series) % horizon) === false) continue;
    const to = Math.floor(at / width) * SUMS;
    const error = Math.abs(predicted[at] - truth);
    sums[to + COUNT]++;
    sums[to + ABSOLUTE] += error;
    sums[to + SQUARES] += error * error;
    sums[to + SIZE] += Math.abs(truth);
    sums[to + RELATIVE] += error === 0 ? 0 : (2 * error) / (Math.abs(truth) + Math.abs(predicted[at]));
    const scale = scales[at % series];
    if (scale !== null) {
      sums[to + SCALED] += error / scale;
      sums[to + SCALED_COUNT]++;
    }
    if (quantiles === undefined) continue;
    const { levels, values } = quantiles;
    const from = at * levels.length;
    if (values[from] <= truth && truth <= values[from + levels.length - 1]) sums[to + INSIDE]++;
    for (let level = 0; level < levels.length; level++)
      sums[to + LOSS] += pinball(truth - values[from + level], levels[level]);
  }
  return sums;
};

/**
 * By level: the share of the known values at or below their quantile, and how far the quantile lies above the forecast on
 * average. Empty without quantiles or known values.
 */
export const quantilesHeld = ({
  predicted,
  actual,
  quantiles,
}: Forecasts): { level: number; share: number; size: number }[] =>
  (quantiles?.levels ?? []).flatMap((level, q, { length }) => {
    let [known, below, above] = [0, 0, 0];
    for (let at = 0; at < actual.length; at++) {
      if (Number.isNaN(actual[at])) continue;
      const value = quantiles?.values[at * length + q] ?? NaN;
      known++;
      if (actual[at] <= value) below++;
      above += value - predicted[at];
    }
    return known > 0 ? [{ level, share: below / known, size: above / known }] : [];
  });

/** Koenker and Bassett 1978. `error`: actual - predicted. */
export const pinball = (error: number, level: number): number =>
  error >= 0 ? level * error : (level - 1) * error;
