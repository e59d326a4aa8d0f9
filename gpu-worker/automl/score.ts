/** What a candidate is judged by: squared error of the standardised target, or log loss. */
import type { FoldScore } from '../../contracts';
import type { SupervisedTarget } from '../prepare/target';

/** A probability below this counts as this: one hopeless row must not decide a search. */
export const LEAST_PROBABILITY = 1e-7;

/** Outputs a row: 1, or one a class. */
export const outputWidth = (target: SupervisedTarget): number =>
  target.task === 'regression' ? 1 : target.classes.length;

/** Loss of each of `rows`; `outputs` row-major [rows, width] as `Trained.output` gives them. */
export const rowLosses = (
  outputs: ArrayLike<number>,
  target: SupervisedTarget,
  rows: Int32Array,
): Float64Array => {
  const width = outputWidth(target);
  return target.task === 'regression'
    ? Float64Array.from(
        rows,
        (row, i) =>
          ((outputs[i] ?? NaN) - ((target.values[row] ?? NaN) - target.mean) / target.deviation) ** 2,
      )
    : Float64Array.from(
        rows,
        (row, i) =>
          -Math.log(Math.max(outputs[i * width + (target.codes[row] ?? -1)] ?? 0, LEAST_PROBABILITY)),
      );
};

/** Mean and its standard error. */
export const meanOf = (losses: Float64Array): { readonly loss: number; readonly error: number } => {
  let sum = 0;
  for (const loss of losses) sum += loss;
  const loss = sum / losses.length;
  let squares = 0;
  for (const one of losses) squares += (one - loss) ** 2;
  return { loss, error: Math.sqrt(squares / Math.max(1, losses.length - 1) / losses.length) };
};

/** Over several folds, each counted by its rows. */
export const pooled = (folds: readonly FoldScore[]): { readonly loss: number; readonly error: number } => {
  let rows = 0;
  let sum = 0;
  let variance = 0;
  for (const fold of folds) {
    rows += fold.rows;
    sum += fold.loss * fold.rows;
    variance += (fold.error * fold.rows) ** 2;
  }
  return { loss: sum / rows, error: Math.sqrt(variance) / rows };
};
