import type { Metrics } from '../../contracts';
import type { SupervisedTarget } from '../prepare/target';
import { classificationMetrics, regressionMetrics } from './metrics';
import type { Predicted } from './predict';

/** Metrics of predictions for the table rows `rows`, in the same order. */
export const metricsOf = (predicted: Predicted, target: SupervisedTarget, rows: Int32Array): Metrics =>
  target.task === 'regression'
    ? regressionMetrics(
        predicted.values,
        Float64Array.from(rows, (row) => target.values[row] ?? NaN),
      )
    : classificationMetrics(
        predicted.values,
        Int32Array.from(rows, (row) => target.codes[row] ?? -1),
        target.classes.length,
      );

/** What knowing nothing but the training targets gives: their mean, or their class frequencies. */
export const baselineOf = (target: SupervisedTarget, rows: Int32Array): Metrics => {
  if (target.task === 'regression') {
    const values = new Float32Array(rows.length).fill(target.mean);
    return metricsOf({ rows: rows.length, values }, target, rows);
  }
  const total = target.counts.reduce((sum, count) => sum + count, 0);
  const values = new Float32Array(rows.length * target.classes.length);
  for (let i = 0; i < values.length; i++) values[i] = (target.counts[i % target.classes.length] ?? 0) / total;
  return metricsOf({ rows: rows.length, values }, target, rows);
};
