/** What anomaly detection and clustering share when a model is judged. */
import { Failure } from '../../contracts';
import type { Served } from '../export/served';
import { TOLERANCE } from '../export/verify';
import type { Split } from '../prepare/split';
import type { ClassificationTarget } from '../prepare/target';
import type { Judged } from './purpose';

/** The held-out rows where there are any. */
export const judgedRows = ({ test, training }: Split): Int32Array => (test.length > 0 ? test : training);

/** The file's probabilities against those that follow from the trainer's own answers. Throws VERIFY_FAILED. */
export const verifyProbabilities = (
  { probabilities }: Served,
  expected: Float32Array,
  rows: number,
): ReturnType<Judged['verify']> => {
  let worst = probabilities?.length === expected.length ? 0 : Infinity;
  expected.forEach((value, at) => {
    const error = Math.abs((probabilities?.[at] ?? NaN) - value);
    if (!(error <= worst)) worst = error;
  });
  if (!(worst <= TOLERANCE))
    throw new Failure(
      'VERIFY_FAILED',
      `the exported file does not answer as the trainer did: difference ${worst.toExponential(2)} on ${rows} rows, ${TOLERANCE.toExponential(0)} allowed`,
    );
  return { rows, maxRelativeError: worst, tolerance: TOLERANCE };
};

/** Labels and probabilities of golden rows, and what is known of them. */
export const goldenLabels = (
  { predictions, probabilities }: Served,
  positions: readonly number[],
  classes: number,
  known: (position: number) => string,
): ReturnType<Judged['golden']> => ({
  predictions: positions.map((at) => predictions[at] ?? ''),
  probabilities:
    probabilities === null
      ? null
      : positions.map((at) => [...probabilities.subarray(at * classes, (at + 1) * classes)]),
  actuals: positions.map(known),
});

export type Labels = Pick<ClassificationTarget, 'codes' | 'classes'>;
