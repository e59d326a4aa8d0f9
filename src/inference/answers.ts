import { Failure } from '../../contracts';
import type { ModelSignature, PredictionRecord } from '../../contracts';
import type { RunOutputs } from './runner/protocol';

/** One row's answer. */
export type Answer = PredictionRecord['outputs'][number];

/** A run's typed outputs as answers, one a row; fails with MODEL_FAILED when they are not what the signature says. */
export const answersOf = (outputs: RunOutputs, signature: ModelSignature): Answer[] => {
  const { prediction, probabilities, classes } = outputs;
  if (probabilities !== null && classes !== signature.classes.length)
    throw new Failure(
      'MODEL_FAILED',
      `the model gave ${classes} probabilities for ${signature.classes.length} classes`,
    );
  return Array.from(prediction as ArrayLike<number | string>, (value, row) => ({
    prediction: value,
    probabilities:
      probabilities === null ? null : Array.from(probabilities.subarray(row * classes, (row + 1) * classes)),
  }));
};
