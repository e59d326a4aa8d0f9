import type { Metrics } from '../../contracts';

/** `predicted` and `actual` in target units, same length. Without rows every metric is null. */
export const regressionMetrics = (predicted: ArrayLike<number>, actual: ArrayLike<number>): Metrics => {
  const rows = actual.length;
  if (rows === 0) return { rmse: null, mae: null, r2: null };
  let sum = 0;
  let squares = 0;
  let absolute = 0;
  for (let i = 0; i < rows; i++) {
    const error = (predicted[i] ?? NaN) - (actual[i] ?? NaN);
    squares += error * error;
    absolute += Math.abs(error);
    sum += actual[i] ?? NaN;
  }
  const mean = sum / rows;
  let spread = 0;
  for (let i = 0; i < rows; i++) spread += ((actual[i] ?? NaN) - mean) ** 2;
  return {
    rmse: Math.sqrt(squares / rows),
    mae: absolute / rows,
    r2: spread > 0 ? 1 - squares / spread : null,
  };
};

/**
 * `probabilities`: row-major [rows, classes]; `actual`: class index a row, -1 = a class unknown to the model (always
 * wrong, and left out of the log loss). `auc` for two classes only: the second one counts as positive.
 */
export const classificationMetrics = (
  probabilities: ArrayLike<number>,
  actual: ArrayLike<number>,
  classes: number,
): Metrics => {
  const rows = actual.length;
  if (rows === 0)
    return { accuracy: null, logLoss: null, f1Macro: null, ...(classes === 2 ? { auc: null } : {}) };
  const confusion = new Float64Array(classes * 3);
  let right = 0;
  let loss = 0;
  let known = 0;
  for (let row = 0; row < rows; row++) {
    const guess = argMax(probabilities, row * classes, classes);
    const truth = actual[row] ?? -1;
    if (truth >= 0) {
      known++;
      loss -= Math.log(Math.max(probabilities[row * classes + truth] ?? 0, 1e-15));
      add(confusion, truth * 3 + 1);
    }
    add(confusion, guess * 3 + 2);
    if (guess === truth) {
      right++;
      add(confusion, truth * 3);
    }
  }
  return {
    accuracy: right / rows,
    logLoss: known > 0 ? loss / known : null,
    f1Macro: f1Macro(confusion, classes),
    ...(classes === 2 ? { auc: auc(probabilities, actual) } : {}),
  };
};

const argMax = (values: ArrayLike<number>, from: number, count: number): number => {
  let best = 0;
  for (let i = 1; i < count; i++) if ((values[from + i] ?? 0) > (values[from + best] ?? 0)) best = i;
  return best;
};

const add = (counts: Float64Array, at: number): void => {
  counts[at] = (counts[at] ?? 0) + 1;
};

/** Mean over the classes that occur of 2 hits / (actual + predicted). `counts`: hits, actual, predicted a class. */
const f1Macro = (counts: Float64Array, classes: number): number => {
  let sum = 0;
  let occurring = 0;
  for (let label = 0; label < classes; label++) {
    const hits = counts[label * 3] ?? 0;
    const total = (counts[label * 3 + 1] ?? 0) + (counts[label * 3 + 2] ?? 0);
    if (total === 0) continue;
    occurring++;
    sum += (2 * hits) / total;
  }
  return occurring > 0 ? sum / occurring : 0;
};

/** Area under the ROC curve as the Mann-Whitney statistic, ties counted half. */
const auc = (probabilities: ArrayLike<number>, actual: ArrayLike<number>): number | null => {
  const order = Int32Array.from({ length: actual.length }, (_, i) => i).filter(
    (row) => (actual[row] ?? -1) >= 0,
  );
  const score = (row: number): number => probabilities[row * 2 + 1] ?? 0;
  order.sort((a, b) => score(a) - score(b));
  let positives = 0;
  let rankSum = 0;
  for (let start = 0; start < order.length;) {
    let end = start;
    while (end < order.length && score(order[end] ?? 0) === score(order[start] ?? 0)) end++;
    for (let i = start; i < end; i++) {
      if (actual[order[i] ?? 0] === 1) {
        positives++;
        rankSum += (start + end + 1) / 2;
      }
    }
    start = end;
  }
  const negatives = order.length - positives;
  return positives > 0 && negatives > 0
    ? (rankSum - (positives * (positives + 1)) / 2) / (positives * negatives)
    : null;
};
