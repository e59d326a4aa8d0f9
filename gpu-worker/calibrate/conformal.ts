/**
 * Split conformal prediction (Vovk et al. 2005; Lei et al. 2018): rows that were not learned from say how far the truth
 * lies from an answer, and that makes intervals and sets which hold the truth as often as promised, whatever the model.
 */
import type { Conformal } from '../../contracts';
import { op } from '../../onnx';
import type { Value } from '../../onnx';
import type { Labelled } from './labelled';

export type IntervalFit = Extract<Conformal, { kind: 'interval' }>;
export type SetFit = Extract<Conformal, { kind: 'set' }>;

/**
 * The ceil((n + 1) · level)-th smallest score: a new one is at most as large with probability `level` or a little more.
 * Undefined when there are too few scores to promise that.
 */
export const conformalQuantile = (scores: Float64Array, level: number): number | undefined => {
  // The tiny step down keeps 10 · 0.9 from becoming 9.000000000000002 and then 10.
  const rank = Math.ceil((scores.length + 1) * level - 1e-9);
  return rank > scores.length ? undefined : Float64Array.from(scores).sort()[Math.max(rank, 1) - 1];
};

/** Prediction ± radius, in target units. Undefined with fewer rows than `level` needs (9 for 0.9). */
export const fitInterval = (
  predicted: ArrayLike<number>,
  actual: ArrayLike<number>,
  level: number,
): IntervalFit | undefined => {
  const radius = conformalQuantile(
    Float64Array.from(actual, (value, row) => Math.abs(value - predicted[row])),
    level,
  );
  return radius === undefined
    ? undefined
    : { kind: 'interval', method: 'absolute', level, radius, rows: actual.length };
};

/** Where the truth should be, one pair a row. */
export const intervals = (
  { radius }: IntervalFit,
  predicted: ArrayLike<number>,
): { low: Float64Array; high: Float64Array } => ({
  low: Float64Array.from(predicted, (value) => value - radius),
  high: Float64Array.from(predicted, (value) => value + radius),
});

/** `intervals` as nodes: values [rows] of one type, in target units. */
export const intervalGraph = ({ radius }: IntervalFit, predicted: Value): { low: Value; high: Value } => ({
  low: op.Sub(predicted, radius),
  high: op.Add(predicted, radius),
});

/**
 * Least ambiguous set-valued classifier (Sadinle et al. 2019): the smallest sets on average for a coverage. Undefined
 * with fewer rows than `level` needs.
 */
export const fitSet = ({ probabilities, codes, classes }: Labelled, level: number): SetFit | undefined => {
  const scores = Float64Array.from(codes, (code, row) => 1 - probabilities[row * classes + code]);
  const quantile = conformalQuantile(scores, level);
  if (quantile === undefined) return undefined;
  return { kind: 'set', method: 'least-ambiguous', level, threshold: 1 - quantile, rows: codes.length };
};

/** float32 probabilities are compared, so the threshold is one, at or just below the fitted value. */
const float32Below = (value: number): number => {
  const near = Math.fround(value);
  return near <= value ? near : Math.fround(value - Math.abs(value) * 2 ** -23);
};

/** Row-major [rows, classes], 1 = in the set. */
export const sets = (
  { threshold }: SetFit,
  probabilities: ArrayLike<number>,
  classes: number,
): Uint8Array => {
  const least = float32Below(threshold);
  const chosen = new Uint8Array(probabilities.length);
  for (let from = 0; from < chosen.length; from += classes) {
    let best = from;
    for (let at = from; at < from + classes; at++) {
      if (probabilities[at] > probabilities[best]) best = at;
      if (Math.fround(probabilities[at]) >= least) chosen[at] = 1;
    }
    chosen[best] = 1;
  }
  return chosen;
};

/** `sets` as nodes: float32 [rows, classes] to bool [rows, classes]. */
export const setGraph = ({ threshold }: SetFit, probabilities: Value, classes: number): Value => {
  const likely = op.GreaterOrEqual(probabilities, float32Below(threshold));
  return op.Or(likely, op.Cast(op.OneHot(op.ArgMax(probabilities, 1), classes), 'bool'));
};
