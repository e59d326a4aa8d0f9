/** Metrics as functions of how often each row counts, so that resampled rows cost one pass and nothing is sorted twice. */
import type { Metrics } from '../../contracts';
import { decide } from '../calibrate/decision';

export interface Sample {
  readonly rows: number;
  /** What one call takes, in rows looked at; as many as there are when left out. */
  readonly work?: number;
  /** `weights`: how often each row counts; once each when left out. Without rows every metric is null. */
  metrics(weights?: ArrayLike<number>): Metrics;
}

const REGRESSION = ['rmse', 'mae', 'medianAbsoluteError', 'r2'] as const;

/** `predicted` and `actual` in target units, same length. */
export const regressionSample = (predicted: ArrayLike<number>, actual: ArrayLike<number>): Sample => {
  const rows = actual.length;
  const errors = Float64Array.from({ length: rows }, (_, row) => Math.abs(predicted[row] - actual[row]));
  let sum = 0;
  for (let row = 0; row < rows; row++) sum += actual[row];
  const centre = sum / rows;
  // Distances from one centre keep the digits that squares of the values themselves would lose.
  const centred = Float64Array.from({ length: rows }, (_, row) => actual[row] - centre);
  const order = Int32Array.from({ length: rows }, (_, row) => row).sort((a, b) => errors[a] - errors[b]);
  return {
    rows,
    metrics: (weights) => {
      if (rows === 0) return Object.fromEntries(REGRESSION.map((name) => [name, null]));
      let [count, absolute, squares, spread, shift] = [0, 0, 0, 0, 0];
      for (let row = 0; row < rows; row++) {
        const weight = weights === undefined ? 1 : weights[row];
        const error = errors[row];
        const distance = centred[row];
        count += weight;
        absolute += weight * error;
        squares += weight * error * error;
        shift += weight * distance;
        spread += weight * distance * distance;
      }
      spread -= (shift * shift) / count;
      return {
        rmse: Math.sqrt(squares / count),
        mae: absolute / count,
        medianAbsoluteError: median(errors, order, count, weights),
        r2: spread > 0 ? 1 - squares / spread : null,
      };
    },
  };
};

/** Of values in ascending `order`; the mean of the two in the middle where their number is even. */
const median = (
  values: Float64Array,
  order: Int32Array,
  count: number,
  weights?: ArrayLike<number>,
): number => {
  const [lower, upper] = [Math.floor((count - 1) / 2), Math.floor(count / 2)];
  let passed = 0;
  let low: number | undefined;
  for (const row of order) {
    passed += weights === undefined ? 1 : weights[row];
    if (low === undefined && passed > lower) low = values[row];
    if (passed > upper) return ((low ?? values[row]) + values[row]) / 2;
  }
  return NaN;
};

/**
 * `probabilities`: row-major [rows, classes]; `actual`: class index a row, -1 = a class unknown to the model (always
 * wrong, and left out of what is about probabilities). `decided`: the model's labels; the most probable ones when left
 * out. Of two classes the second counts as positive.
 */
export const classificationSample = (
  probabilities: ArrayLike<number>,
  actual: ArrayLike<number>,
  classes: number,
  decided: ArrayLike<number> = decide(probabilities, classes),
): Sample => {
  const rows = actual.length;
  const losses = Float64Array.from({ length: rows }, (_, row) =>
    actual[row] < 0 ? 0 : -Math.log(Math.max(probabilities[row * classes + actual[row]], 1e-15)),
  );
  const distances = Float64Array.from({ length: rows }, (_, row) =>
    brierDistance(probabilities, row, actual[row], classes),
  );
  const truths = Int32Array.from(actual);
  const labels = Int32Array.from(decided);
  const ranking =
    classes === 2
      ? rankingSample(
          Float64Array.from(actual, (_, row) => probabilities[row * 2 + 1]),
          actual,
        )
      : undefined;
  return {
    rows,
    metrics: (weights) => {
      const counts = new Float64Array(classes * 3);
      let [count, known, right, loss, distance] = [0, 0, 0, 0, 0];
      for (let row = 0; row < rows; row++) {
        const weight = weights === undefined ? 1 : weights[row];
        const truth = truths[row];
        count += weight;
        counts[labels[row] * 3 + 2] += weight;
        if (truth < 0) continue;
        known += weight;
        loss += weight * losses[row];
        distance += weight * distances[row];
        counts[truth * 3 + 1] += weight;
        if (labels[row] !== truth) continue;
        right += weight;
        counts[truth * 3] += weight;
      }
      const of = (value: number, total: number): number | null => (total > 0 ? value / total : null);
      return {
        accuracy: of(right, count),
        logLoss: of(loss, known),
        brier: of(distance, known),
        ...(count > 0 ? byClass(counts, classes, count) : NO_CLASS_METRICS),
        ...ranking?.metrics(weights),
      };
    },
  };
};

/** Squared distance from the truth: over all classes, or of two the second's only (Brier 1950; half of the former). */
export const brierDistance = (
  probabilities: ArrayLike<number>,
  row: number,
  truth: number,
  classes: number,
): number => {
  if (classes === 2) return (probabilities[row * 2 + 1] - (truth === 1 ? 1 : 0)) ** 2;
  let sum = 0;
  for (let label = 0; label < classes; label++)
    sum += (probabilities[row * classes + label] - (label === truth ? 1 : 0)) ** 2;
  return sum;
};

const NO_CLASS_METRICS: Metrics = {
  f1Macro: null,
  precisionMacro: null,
  recallMacro: null,
  balancedAccuracy: null,
  matthews: null,
};

/**
 * Means over the classes that occur, and the correlation of truth and decision (Matthews 1975; Gorodkin 2004 for many
 * classes). `counts`: hits, actual, decided a class.
 */
const byClass = (counts: Float64Array, classes: number, total: number): Metrics => {
  let [f1, precision, recall, occurring, present] = [0, 0, 0, 0, 0];
  let [hits, together, actualSquares, decidedSquares] = [0, 0, 0, 0];
  for (let label = 0; label < classes; label++) {
    const [right, actual, decided] = [counts[label * 3], counts[label * 3 + 1], counts[label * 3 + 2]];
    hits += right;
    together += actual * decided;
    actualSquares += actual * actual;
    decidedSquares += decided * decided;
    if (actual + decided === 0) continue;
    occurring++;
    f1 += (2 * right) / (actual + decided);
    precision += decided > 0 ? right / decided : 0;
    if (actual === 0) continue;
    present++;
    recall += right / actual;
  }
  const spread = Math.sqrt((total * total - decidedSquares) * (total * total - actualSquares));
  return {
    f1Macro: occurring > 0 ? f1 / occurring : 0,
    precisionMacro: occurring > 0 ? precision / occurring : 0,
    recallMacro: occurring > 0 ? recall / occurring : 0,
    balancedAccuracy: present > 0 ? recall / present : null,
    matthews: spread > 0 ? (hits * total - together) / spread : null,
  };
};

/**
 * Area under the ROC curve (as the Mann-Whitney statistic, ties counted half) and average precision (the sum over
 * thresholds of precision times the growth of recall, as scikit-learn has it) of scores. `actual`: 1 = positive, -1 =
 * left out. Both are null without positives, the first also without negatives.
 */
export const rankingSample = (scores: ArrayLike<number>, actual: ArrayLike<number>): Sample => {
  const known = Array.from({ length: actual.length }, (_, row) => row).filter((row) => actual[row] >= 0);
  const order = Int32Array.from(known).sort((a, b) => scores[b] - scores[a]);
  const positive = Uint8Array.from(order, (row) => (actual[row] === 1 ? 1 : 0));
  /** 1 where the next score is another one. */
  const last = Uint8Array.from(order, (row, at) => (scores[order[at + 1]] === scores[row] ? 0 : 1));
  return {
    rows: order.length,
    metrics: (weights) => {
      let [positives, negatives, won, precisions] = [0, 0, 0, 0];
      let [more, fewer] = [0, 0];
      for (let at = 0; at < order.length; at++) {
        const weight = weights === undefined ? 1 : weights[order[at]];
        if (positive[at] === 1) more += weight;
        else fewer += weight;
        if (last[at] === 0) continue;
        // Negatives of this step lose to all positives before it, and half to those beside them.
        won += fewer * (positives + more / 2);
        positives += more;
        negatives += fewer;
        if (more > 0) precisions += (positives / (positives + negatives)) * more;
        more = fewer = 0;
      }
      return {
        auc: positives > 0 && negatives > 0 ? won / (positives * negatives) : null,
        averagePrecision: positives > 0 ? precisions / positives : null,
      };
    },
  };
};
