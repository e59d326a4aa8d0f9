/** A stack of dense layers as graph values; the same function makes the training and the served forward pass. */
import { op } from '../../../onnx';
import type { Value } from '../../../onnx';
import type { MlpSpec } from '../../../contracts';
import { CounterRandom, STREAMS } from '../../engine/counter-random';

export interface NetworkShape {
  readonly inputs: number;
  /** Empty: a linear model. */
  readonly hidden: readonly number[];
  readonly outputs: number;
  readonly activation: MlpSpec['activation'];
}

/** Shapes of the weights in order: matrix [from, to] and bias [to] of each layer. */
export const weightShapes = ({ inputs, hidden, outputs }: NetworkShape): number[][] => {
  const sizes = [inputs, ...hidden, outputs];
  return sizes.slice(1).flatMap((to, layer) => [[sizes[layer] ?? 0, to], [to]]);
};

const ACTIVATIONS = { relu: op.Relu, gelu: op.Gelu, tanh: op.Tanh } as const;

/**
 * [rows, inputs] -> [rows, outputs] before any softmax.
 * @param drop applied to the output of every hidden layer, for dropout
 */
export const forward = (
  shape: NetworkShape,
  weights: readonly Value[],
  features: Value,
  drop: (activations: Value, layer: number) => Value = (activations) => activations,
): Value => {
  const layers = shape.hidden.length + 1;
  let values = features;
  for (let layer = 0; layer < layers; layer++) {
    const [matrix, bias] = [weights[2 * layer], weights[2 * layer + 1]];
    if (matrix === undefined || bias === undefined) throw new Error(`layer ${layer} has no weights`);
    values = op.Gemm(values, matrix, bias);
    if (layer < layers - 1) values = drop(ACTIVATIONS[shape.activation](values), layer);
  }
  return values;
};

/** Glorot uniform matrices (Glorot and Bengio 2010, the default of Keras' Dense) and zero biases. */
export const initialWeights = (shape: NetworkShape, seed: number, member: number): Float32Array[] => {
  const random = new CounterRandom(seed, STREAMS.weights, member);
  return weightShapes(shape).map(([from = 0, to]) => {
    if (to === undefined) return new Float32Array(from);
    const limit = Math.sqrt(6 / (from + to));
    return Float32Array.from({ length: from * to }, () => (2 * random.uniform() - 1) * limit);
  });
};
