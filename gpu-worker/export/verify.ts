import { Failure } from '../../contracts';
import type { ModelManifest } from '../../contracts';
import type { Predicted } from '../evaluate/predict';
import type { SupervisedTarget } from '../prepare/target';
import type { Served } from './served';

/** float32 keeps 24 bits; a different order of additions in fused operators costs a few of them. */
export const TOLERANCE = 1e-5;

/**
 * Compares the sealed file's answers with the trainer's own on the same rows. A difference counts relative to the
 * value, or to the target's spread (1 for probabilities) where that is larger. Throws VERIFY_FAILED.
 */
export const verify = (
  served: Served,
  trainer: Predicted,
  target: SupervisedTarget,
): ModelManifest['verified'] => {
  const scale = target.task === 'regression' ? target.deviation : 1;
  const got = served.probabilities ?? served.predictions;
  let worst = 0;
  for (let i = 0; i < trainer.values.length; i++) {
    const expected = trainer.values[i] ?? NaN;
    const error = Math.abs(Number(got[i] ?? NaN) - expected) / Math.max(Math.abs(expected), scale);
    if (!(error <= worst)) worst = error;
  }
  if (got.length !== trainer.values.length || !(worst <= TOLERANCE)) {
    throw new Failure(
      'VERIFY_FAILED',
      `the exported file does not answer as the trainer did: relative difference ${worst.toExponential(2)} on ${trainer.rows} rows, ${TOLERANCE.toExponential(0)} allowed`,
    );
  }
  return { rows: trainer.rows, maxRelativeError: worst, tolerance: TOLERANCE };
};
