import type { Metrics } from '../../contracts';
import { classificationSample, regressionSample } from './sample';

/** `predicted` and `actual` in target units, same length. Without rows every metric is null. */
export const regressionMetrics = (predicted: ArrayLike<number>, actual: ArrayLike<number>): Metrics =>
  regressionSample(predicted, actual).metrics();

/**
 * `probabilities`: row-major [rows, classes]; `actual`: class index a row, -1 = a class unknown to the model (always
 * wrong, and left out of the log loss); `decided`: the labels, the most probable ones when left out. `auc` and
 * `averagePrecision` for two classes only: the second one counts as positive.
 */
export const classificationMetrics = (
  probabilities: ArrayLike<number>,
  actual: ArrayLike<number>,
  classes: number,
  decided?: ArrayLike<number>,
): Metrics => classificationSample(probabilities, actual, classes, decided).metrics();
