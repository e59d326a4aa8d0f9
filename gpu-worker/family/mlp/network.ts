/** A stack of dense layers as graph values; the same function makes the training and the served forward pass. */
import { glorotUniform, noDropout, op } from '../../../onnx';
import type { Parameters, Value, Weights } from '../../../onnx';
import type { MlpSpec } from '../../../contracts';

export interface NetworkShape {
  readonly inputs: number;
  /** Empty: a linear model. */
  readonly hidden: readonly number[];
  readonly outputs: number;
  readonly activation: MlpSpec['activation'];
}

const kernel = (layer: number): string => `dense${layer}/kernel`;
const bias = (layer: number): string => `dense${layer}/bias`;

/** Dimensions of the weights: a kernel [from, to] and a bias [to] a layer. */
export const networkParameters = ({ inputs, hidden, outputs }: NetworkShape): Parameters => {
  const sizes = [inputs, ...hidden, outputs];
  const layers = sizes.slice(1).map((to, layer) => ({ from: sizes[layer] ?? 0, to }));
  return Object.fromEntries(
    layers.flatMap(({ from, to }, layer) => [
      [kernel(layer), [from, to]],
      [bias(layer), [to]],
    ]),
  );
};

export const kernelNames = ({ hidden }: NetworkShape): string[] =>
  [...hidden, 0].map((_, layer) => kernel(layer));

const ACTIVATIONS = { relu: op.Relu, gelu: op.Gelu, tanh: op.Tanh } as const;

/** [rows, inputs] -> [rows, outputs] before any softmax; `dropout` acts on the output of every hidden layer. */
export const forward = (
  shape: NetworkShape,
  weights: Readonly<Record<string, Value>>,
  features: Value,
  dropout: (values: Value) => Value = noDropout,
): Value => {
  let values = features;
  for (let layer = 0; layer <= shape.hidden.length; layer++) {
    const [matrix, offset] = [weights[kernel(layer)], weights[bias(layer)]];
    if (matrix === undefined || offset === undefined) throw new Error(`layer ${layer} has no weights`);
    values = op.Gemm(values, matrix, offset);
    if (layer < shape.hidden.length) values = dropout(ACTIVATIONS[shape.activation](values));
  }
  return values;
};

/** Keras' defaults for Dense: Glorot uniform kernels, zero biases. */
export const initialWeights = (shape: NetworkShape, seed: number): Weights =>
  Object.fromEntries(
    Object.entries(networkParameters(shape)).map(([name, dims], stream) => [
      name,
      dims.length === 2 ? glorotUniform(dims, seed, stream) : new Float32Array(dims[0] ?? 0),
    ]),
  );
