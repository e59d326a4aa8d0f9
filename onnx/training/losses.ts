import * as op from '../op';
import { requireDtype } from '../shape';
import type { Value } from '../value';

/**
 * Losses as one scalar: the mean over the batch. `weights` [batch] multiply each row's loss and the sum is still
 * divided by the batch size, which is how Keras treats class and sample weights.
 */
const weightedMean = (perRow: Value, weights: Value | undefined): Value =>
  op.ReduceMean(weights === undefined ? perRow : op.Mul(perRow, weights));

/** Mean over all elements of (prediction - target)^2; both [batch, outputs]. */
export const meanSquaredError = (prediction: Value, target: Value, weights?: Value): Value => {
  const difference = op.Sub(prediction, target);
  const squares = op.Mul(difference, difference);
  return weights === undefined
    ? op.ReduceMean(squares)
    : weightedMean(op.ReduceMean(squares, { axes: [1] }), weights);
};

/** Mean over all elements of |prediction - target|; both [batch, outputs]. */
export const meanAbsoluteError = (prediction: Value, target: Value, weights?: Value): Value => {
  const distance = op.Abs(op.Sub(prediction, target));
  return weights === undefined
    ? op.ReduceMean(distance)
    : weightedMean(op.ReduceMean(distance, { axes: [1] }), weights);
};

/** Huber's loss (1964): quadratic up to `delta`, linear beyond. */
export const huberLoss = (prediction: Value, target: Value, delta = 1, weights?: Value): Value => {
  const distance = op.Abs(op.Sub(prediction, target));
  const near = op.Min(distance, delta);
  const loss = op.Mul(near, op.Sub(distance, op.Mul(near, 0.5)));
  return weights === undefined
    ? op.ReduceMean(loss)
    : weightedMean(op.ReduceMean(loss, { axes: [1] }), weights);
};

/**
 * Cross-entropy of logits against probabilities (one-hot for plain classes), both [batch, classes], in the
 * numerically safe form.
 */
export const softmaxCrossEntropy = (logits: Value, probabilities: Value, weights?: Value): Value => {
  requireDtype('softmaxCrossEntropy', 'probabilities', probabilities, [logits.dtype]);
  const likelihood = op.ReduceSum(op.Mul(probabilities, op.LogSoftmax(logits)), { axes: [1] });
  return op.Neg(weightedMean(likelihood, weights));
};

/** Cross-entropy of one logit against 0 or 1, both [batch, outputs]: max(z, 0) - z·t + log(1 + exp(-|z|)). */
export const sigmoidCrossEntropy = (logits: Value, target: Value, weights?: Value): Value => {
  const loss = op.Sub(op.Softplus(logits), op.Mul(logits, target));
  return weights === undefined
    ? op.ReduceMean(loss)
    : weightedMean(op.ReduceMean(loss, { axes: [1] }), weights);
};
