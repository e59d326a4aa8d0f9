/** How far truths lie from forecasts: quantiles of the errors on windows that were not learned from. */
import type { ForecastTarget } from '../../prepare/target';
import { scaled } from './scale';
import type { SeriesScale } from './scale';

/** Fewer errors than this and those of neighbouring steps ahead count too. */
const ENOUGH = 100;

/**
 * [series, horizon, levels] row-major, in scale: the quantiles of truth - forecast at each step ahead, with the correction
 * for the number of errors that keeps the promise in small samples (split conformal prediction, Papadopoulos et al. 2002).
 * `points`: forecasts of `rows`, [rows, series, horizon] in scale.
 */
export const errorQuantiles = (
  target: ForecastTarget,
  scale: SeriesScale,
  rows: Int32Array,
  points: Float32Array,
): Float32Array => {
  const { series, values, horizon, quantiles } = target;
  const offsets = new Float32Array(series.length * horizon * quantiles.length);
  series.forEach((_, s) => {
    const errors = Array.from({ length: horizon }, (_step, ahead) =>
      Array.from(
        rows,
        (row, i) =>
          scaled(scale, s, values[s][row + 1 + ahead]) - points[(i * series.length + s) * horizon + ahead],
      ).filter((error) => !Number.isNaN(error)),
    );
    errors.forEach((_own, ahead) => {
      const sorted = Float64Array.from(around(errors, ahead)).sort();
      quantiles.forEach((level, q) => {
        offsets[(s * horizon + ahead) * quantiles.length + q] = outerQuantile(sorted, level);
      });
    });
  });
  return offsets;
};

const around = (errors: readonly number[][], ahead: number): number[] => {
  for (let reach = 0; ; reach++) {
    const from = Math.max(0, ahead - reach);
    const pooled = errors.slice(from, ahead + reach + 1).flat();
    if (pooled.length >= ENOUGH || reach >= errors.length) return pooled;
  }
};

/** The quantile moved outwards by the share that one more error would take. */
const outerQuantile = (sorted: Float64Array, level: number): number => {
  const n = sorted.length;
  if (n === 0) return 0;
  const place = level * (n + 1) - 1;
  const low = Math.min(n - 1, Math.max(0, Math.floor(place)));
  const high = Math.min(n - 1, Math.max(0, Math.ceil(place)));
  return sorted[low] + (sorted[high] - sorted[low]) * Math.min(1, Math.max(0, place - low));
};
