/** The training graph of a network: forward pass, loss, gradients and Adam, looped over a chunk of mini-batches. */
import { constant, gradients, input, modelBytes, op, tensor } from '../../../onnx';
import type { Value } from '../../../onnx';
import { forward, weightShapes } from './network';
import type { NetworkShape } from './network';

export interface ProgramOptions {
  readonly shape: NetworkShape;
  readonly batch: number;
  readonly loss: 'squaredError' | 'crossEntropy';
  readonly dropout: number;
  readonly l2: number;
  /** Weight of each class in the cross-entropy; empty for a regression. */
  readonly classWeights: Float32Array;
}

/** Adam (Kingma and Ba 2015) with Keras' constants. */
export const BETA1 = 0.9;
export const BETA2 = 0.999;
const EPSILON = 1e-7;

/**
 * Inputs: `x` [steps, batch, inputs], `y` [steps, batch] (target or class), `rates` [steps], `keep` [steps, batch,
 * hidden units] when dropping out, and the state `weights`, `first`, `second` [all weights]. Outputs: the state under
 * `weights_out`, `first_out`, `second_out`, and `outputs` [steps, batch, outputs] as they were before each update.
 *
 * The state is folded: first / (1 - beta1) and second / (1 - beta2) are carried, which saves two passes a step;
 * `adamRate` has the other half of it.
 */
export const trainingProgram = (options: ProgramOptions): Uint8Array => {
  const { shape, batch, dropout } = options;
  const shapes = weightShapes(shape);
  const lengths = shapes.map((dims) => dims.reduce((product, dim) => product * dim, 1));
  const total = lengths.reduce((sum, length) => sum + length, 0);
  const units = shape.hidden.reduce((sum, width) => sum + width, 0);

  const x = input('x', 'float32', ['steps', batch, shape.inputs]);
  const y = input('y', options.loss === 'squaredError' ? 'float32' : 'int64', ['steps', batch]);
  const rates = input('rates', 'float32', ['steps']);
  const keep = input('keep', 'uint8', ['steps', batch, units]);
  const state = ['weights', 'first', 'second'].map((name) => input(name, 'float32', [total]));
  const drops = dropout > 0;

  const { state: after, collected } = op.Scan({
    state,
    sequences: [x, y, rates, ...(drops ? [keep] : [])],
    body: ([weights, first, second], [features, target, rate, mask]) => {
      if (!weights || !first || !second || !features || !target || !rate)
        throw new Error('the scan lost a value');
      const parameters = op.Split(weights, lengths, 0).map((part, i) => op.Reshape(part, shapes[i] ?? []));
      const masks = mask === undefined ? [] : op.Split(mask, shape.hidden, 1);
      const outputs = forward(shape, parameters, features, (values, layer) => {
        const kept = masks[layer];
        return kept === undefined
          ? values
          : op.Mul(op.Mul(values, op.Cast(kept, 'float32')), 1 / (1 - dropout));
      });
      const loss = withPenalty(lossOf(options, outputs, target), parameters, options.l2);
      const gradient = op.Concat(
        gradients(loss, parameters).map((part, i) => op.Reshape(part, [lengths[i] ?? 0])),
        0,
      );
      const nextFirst = op.Add(op.Mul(first, BETA1), gradient);
      const nextSecond = op.Add(op.Mul(second, BETA2), op.Mul(gradient, gradient));
      const scale = op.Add(op.Sqrt(nextSecond), EPSILON / Math.sqrt(1 - BETA2));
      const next = op.Sub(weights, op.Mul(op.Div(nextFirst, scale), rate));
      return { state: [next, nextFirst, nextSecond], collect: [outputs] };
    },
  });
  const [weights, first, second] = after;
  const [outputs] = collected;
  if (!weights || !first || !second || !outputs) throw new Error('the scan lost a value');
  return modelBytes({
    name: 'training',
    inputs: [x, y, rates, ...(drops ? [keep] : []), ...state],
    outputs: { weights_out: weights, first_out: first, second_out: second, outputs },
  });
};

/** Step size of step `step` (from 1): Adam's bias correction and the folded constants. */
export const adamRate = (learningRate: number, step: number): number =>
  (learningRate * Math.sqrt(1 - BETA2 ** step) * (1 - BETA1)) / ((1 - BETA1 ** step) * Math.sqrt(1 - BETA2));

const lossOf = (options: ProgramOptions, outputs: Value, target: Value): Value => {
  if (options.loss === 'squaredError') {
    const error = op.Sub(op.Squeeze(outputs, [1]), target);
    return op.ReduceMean(op.Mul(error, error));
  }
  const hot = op.OneHot(target, options.shape.outputs);
  const weighted = op.Mul(hot, constant(tensor('float32', options.classWeights)));
  return op.Mul(op.ReduceSum(op.Mul(op.LogSoftmax(outputs, 1), weighted)), -1 / options.batch);
};

/** l2 times the sum of the squared matrices; biases are free. */
const withPenalty = (loss: Value, parameters: readonly Value[], l2: number): Value => {
  if (l2 === 0) return loss;
  const squares = parameters.flatMap((matrix) =>
    matrix.rank === 2 ? [op.ReduceSum(op.Mul(matrix, matrix))] : [],
  );
  return squares.reduce((sum, square) => op.Add(sum, op.Mul(square, l2)), loss);
};
