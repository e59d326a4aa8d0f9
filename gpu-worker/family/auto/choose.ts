import type { Predicted } from '../../evaluate/predict';
import type { SupervisedTarget } from '../../prepare/target';

/** Loss of each row: squared error in target units, or minus the log of what the true class was given. */
export const rowLosses = (predicted: Predicted, target: SupervisedTarget, rows: Int32Array): Float64Array =>
  target.task === 'regression'
    ? Float64Array.from(rows, (row, i) => ((predicted.values[i] ?? NaN) - (target.values[row] ?? NaN)) ** 2)
    : Float64Array.from(rows, (row, i) => {
        const label = target.codes[row] ?? -1;
        return -Math.log(Math.max(predicted.values[i * target.classes.length + label] ?? 0, 1e-15));
      });

/**
 * Which candidate to keep, given the losses of each on the same rows. The last one is what is known to do best on
 * tables in general; another must beat it by more than one standard error of their paired difference (the rule of
 * Breiman et al. 1984 for pruning), else a hundred validation rows would choose by luck.
 */
export const choose = (losses: readonly Float64Array[]): number => {
  const last = losses.length - 1;
  const favourite = losses[last] ?? new Float64Array(0);
  const means = losses.map(mean);
  const best = means.indexOf(Math.min(...means));
  const challenger = losses[best];
  if (best === last || challenger === undefined) return last;
  const gains = challenger.map((loss, row) => (favourite[row] ?? NaN) - loss);
  const gain = mean(gains);
  const variance = gains.reduce((sum, one) => sum + (one - gain) ** 2, 0) / Math.max(1, gains.length - 1);
  return gain > Math.sqrt(variance / gains.length) ? best : last;
};

const mean = (values: Float64Array): number => values.reduce((sum, value) => sum + value, 0) / values.length;
