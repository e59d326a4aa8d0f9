import type { Residuals } from '../../contracts';
import { quantile } from '../prepare/quantile';

const LEVELS = [0, 0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99, 1];
const BARS = 30;
const GROUPS = 10;

/** Of predicted - actual, in target units. Undefined without rows. */
export const residuals = (predicted: ArrayLike<number>, actual: ArrayLike<number>): Residuals | undefined => {
  const rows = actual.length;
  if (rows === 0) return undefined;
  const errors = Float64Array.from({ length: rows }, (_, row) => predicted[row] - actual[row]);
  const sorted = Float64Array.from(errors).sort();
  const [low, high] = [sorted[0], sorted[rows - 1]];
  const counts = new Array<number>(BARS).fill(0);
  for (const error of errors)
    counts[high > low ? Math.min(BARS - 1, Math.floor(((error - low) / (high - low)) * BARS)) : 0]++;
  return {
    quantiles: LEVELS.map((level) => quantile(sorted, level)),
    histogram: { low, high, counts },
    byPrediction: byPrediction(predicted, errors),
  };
};

const byPrediction = (predicted: ArrayLike<number>, errors: Float64Array): Residuals['byPrediction'] => {
  const rows = errors.length;
  const order = Int32Array.from({ length: rows }, (_, row) => row).sort(
    (a, b) => predicted[a] - predicted[b],
  );
  const groups = Math.min(GROUPS, rows);
  return Array.from({ length: groups }, (_, group) => {
    const members = order.subarray(
      Math.floor((group * rows) / groups),
      Math.floor(((group + 1) * rows) / groups),
    );
    const sorted = Float64Array.from(members, (row) => errors[row]).sort();
    const mean = (of: (row: number) => number): number =>
      members.reduce((sum, row) => sum + of(row), 0) / members.length;
    return {
      rows: members.length,
      predicted: mean((row) => predicted[row]),
      mean: mean((row) => errors[row]),
      q10: quantile(sorted, 0.1),
      q90: quantile(sorted, 0.9),
    };
  });
};
