import { Failure } from '../../contracts';
import type { ModelManifest } from '../../contracts';
import { intervals, sets } from '../calibrate/conformal';
import { decide } from '../calibrate/decision';
import type { PostProcessing } from '../calibrate/post-processing';
import type { Predicted } from '../evaluate/predict';
import type { ForecastTarget, SupervisedTarget } from '../prepare/target';
import type { Served } from './served';

/** float32 keeps 24 bits; a different order of additions in fused operators costs a few of them. */
export const TOLERANCE = 1e-5;

/**
 * Compares the sealed file's answers with the trainer's own on the same rows (`trainer`: calibrated as the file is). A
 * difference counts relative to the value, or to the target's spread (1 for probabilities) where that is larger. Labels
 * and sets must be those that follow from the file's own probabilities, intervals those around its own numbers. Throws
 * VERIFY_FAILED.
 */
export const verify = (
  served: Served,
  trainer: Predicted,
  target: SupervisedTarget,
  post: PostProcessing,
): ModelManifest['verified'] => {
  const scale = target.task === 'regression' ? target.deviation : 1;
  const got = served.probabilities ?? served.predictions;
  const worst = Math.max(
    worstDifference(got, trainer.values, scale),
    target.task === 'regression' ? boundsDifference(served, post, scale) : 0,
  );
  const verified = accepted(worst, trainer.rows);
  if (target.task === 'classification' && !followFromProbabilities(served, target.classes, post)) {
    throw new Failure(
      'VERIFY_FAILED',
      'labels or sets of the exported file do not follow from its probabilities',
    );
  }
  return verified;
};

const accepted = (worst: number, rows: number): ModelManifest['verified'] => {
  if (worst <= TOLERANCE) return { rows, maxRelativeError: worst, tolerance: TOLERANCE };
  throw new Failure(
    'VERIFY_FAILED',
    `the exported file does not answer as the trainer did: relative difference ${worst.toExponential(2)} on ${rows} rows, ${TOLERANCE.toExponential(0)} allowed`,
  );
};

/** The same for forecasts of `windows` windows, each difference relative to the spread of its own series. */
export const verifyForecasts = (
  served: Served,
  trainer: { readonly windows: number; readonly points: Float32Array; readonly quantiles: Float32Array },
  { deviation, quantiles: { length: levels } }: ForecastTarget,
): ModelManifest['verified'] => {
  const scale = (i: number): number => deviation[i % deviation.length];
  const worst = Math.max(
    worstDifference(served.predictions, trainer.points, scale),
    worstDifference(served.quantiles ?? [], trainer.quantiles, (i) => scale(Math.floor(i / levels))),
  );
  return accepted(worst, trainer.windows);
};

/** Infinite where the lengths differ, so that no tolerance lets it pass. */
const worstDifference = (
  got: ArrayLike<number | string>,
  expected: ArrayLike<number>,
  scale: number | ((i: number) => number),
): number => {
  if (got.length !== expected.length) return Infinity;
  let worst = 0;
  for (let i = 0; i < expected.length; i++) {
    const error =
      Math.abs(Number(got[i]) - expected[i]) /
      Math.max(Math.abs(expected[i]), typeof scale === 'number' ? scale : scale(i));
    if (!(error <= worst)) worst = error;
  }
  return worst;
};

const boundsDifference = (
  { predictions, bounds }: Served,
  { conformal }: PostProcessing,
  scale: number,
): number => {
  if (conformal?.kind !== 'interval') return bounds === null ? 0 : Infinity;
  if (bounds === null || !(predictions instanceof Float32Array)) return Infinity;
  const { low, high } = intervals(conformal, predictions);
  return Math.max(worstDifference(bounds.low, low, scale), worstDifference(bounds.high, high, scale));
};

const followFromProbabilities = (
  served: Served,
  classes: readonly string[],
  { costs, conformal }: PostProcessing,
): boolean => {
  const { probabilities } = served;
  if (probabilities === null) return false;
  const decided = decide(probabilities, classes.length, costs);
  if (decided.some((label, row) => served.predictions[row] !== classes[label])) return false;
  if (conformal?.kind !== 'set') return served.sets === null;
  const expected = sets(conformal, probabilities, classes.length);
  return served.sets?.length === expected.length && expected.every((one, i) => served.sets?.[i] === one);
};
