import { seasonalScale } from '../../evaluate/forecast';
import type { ForecastTarget } from '../../prepare/target';
import type { RowOrder } from '../../prepare/window';

/**
 * What the same step of the last season says: [windows, horizon, series] row-major, in target units. Where that value is
 * missing, an earlier season's, else the last known value, else the mean.
 */
export const seasonalNaive = (
  {
    values,
    order,
    season,
    horizon,
    mean,
  }: Pick<ForecastTarget, 'values' | 'order' | 'season' | 'horizon' | 'mean'>,
  windows: Int32Array,
): Float32Array => {
  const answers = new Float32Array(windows.length * horizon * values.length);
  let at = 0;
  for (const row of windows)
    for (let ahead = 1; ahead <= horizon; ahead++)
      for (let s = 0; s < values.length; s++) {
        const start = order.start[row];
        answers[at++] =
          lastKnown(values[s], row + ahead - season * Math.ceil(ahead / season), season, start) ??
          lastKnown(values[s], row, 1, start) ??
          mean[s];
      }
  return answers;
};

const lastKnown = (values: Float64Array, from: number, by: number, start: number): number | undefined => {
  for (let row = from; row >= start; row -= by) if (!Number.isNaN(values[row])) return values[row];
  return undefined;
};

/** What MASE is measured in, one a series, from `rows` only; series of different groups do not touch. */
export const scalesOf = (
  values: readonly Float64Array[],
  { start }: RowOrder,
  rows: Int32Array,
  season: number,
): (number | null)[] => {
  const learned = new Set(rows);
  return values.map((of) => {
    const apart: number[] = [];
    of.forEach((value, row) => {
      if (start[row] === row) for (let i = 0; i < season; i++) apart.push(NaN);
      apart.push(learned.has(row) ? value : NaN);
    });
    return seasonalScale(apart, season);
  });
};
