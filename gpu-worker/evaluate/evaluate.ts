import type { Metrics } from '../../contracts';
import type { SupervisedTarget } from '../prepare/target';
import type { Predicted } from './predict';
import { classificationSample, regressionSample } from './sample';
import type { Sample } from './sample';

/** Metrics of predictions for the table rows `rows`, in the same order. */
export const metricsOf = (predicted: Predicted, target: SupervisedTarget, rows: Int32Array): Metrics =>
  sampleOf(predicted, target, rows).metrics();

/** The same by how often each of `rows` counts. */
export const sampleOf = (predicted: Predicted, target: SupervisedTarget, rows: Int32Array): Sample =>
  target.task === 'regression'
    ? regressionSample(
        predicted.values,
        Float64Array.from(rows, (row) => target.values[row] ?? NaN),
      )
    : classificationSample(
        predicted.values,
        Int32Array.from(rows, (row) => target.codes[row] ?? -1),
        target.classes.length,
      );

/** What knowing nothing but the training targets gives: their mean, or their class frequencies. */
export const baselineOf = (target: SupervisedTarget, rows: Int32Array): Metrics =>
  baselineSample(target, rows).metrics();

/** The same by how often each of `rows` counts. */
export const baselineSample = (target: SupervisedTarget, rows: Int32Array): Sample => {
  if (target.task === 'regression') {
    const values = new Float32Array(rows.length).fill(target.mean);
    return sampleOf({ rows: rows.length, values }, target, rows);
  }
  const total = target.counts.reduce((sum, count) => sum + count, 0);
  const values = new Float32Array(rows.length * target.classes.length);
  for (let i = 0; i < values.length; i++) values[i] = (target.counts[i % target.classes.length] ?? 0) / total;
  return sampleOf({ rows: rows.length, values }, target, rows);
};
