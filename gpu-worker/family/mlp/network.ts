/** A stack of dense layers. */
import { glorotUniform, op } from '../../../onnx';
import type { Parameters, Value, Weights } from '../../../onnx';
import type { MlpSpec } from '../../../contracts';
import type { SupervisedTarget } from '../../prepare/target';
import { inLayer } from '../network/network';
import type { Given, Network } from '../network/network';
import { outputsOf, supervisedLoss, targetColumn } from '../network/supervised';

export interface NetworkShape {
  readonly inputs: number;
  /** Empty: a linear model. */
  readonly hidden: readonly number[];
  readonly outputs: number;
  readonly activation: MlpSpec['activation'];
}

const kernel = (layer: number): string => `dense${layer}/kernel`;
const bias = (layer: number): string => `dense${layer}/bias`;

/** Column `x` [inputs] is one example's features; `y` see network/supervised.ts. */
export const mlpNetwork = (
  target: SupervisedTarget,
  options: Omit<NetworkShape, 'outputs'> & { readonly dropout: number },
): Network<'x', 'y'> => {
  const shape: NetworkShape = { ...options, outputs: outputsOf(target) };
  return {
    parameters: networkParameters(shape),
    initial: (seed) => initialWeights(shape, seed),
    inputs: { x: { dtype: 'float32', dims: [shape.inputs] } },
    targets: { y: targetColumn(target) },
    forward: (given) => forward(shape, options.dropout, given),
    loss: (outputs, { y }) => supervisedLoss(target, outputs, y),
    decayed: kernelNames(shape),
  };
};

/** Dimensions of the weights: a kernel [from, to] and a bias [to] a layer. */
const networkParameters = ({ inputs, hidden, outputs }: NetworkShape): Parameters => {
  const sizes = [inputs, ...hidden, outputs];
  const layers = sizes.slice(1).map((to, layer) => ({ from: sizes[layer] ?? 0, to }));
  return Object.fromEntries(
    layers.flatMap(({ from, to }, layer) => [
      [kernel(layer), [from, to]],
      [bias(layer), [to]],
    ]),
  );
};

const kernelNames = ({ hidden }: NetworkShape): string[] => [...hidden, 0].map((_, layer) => kernel(layer));

const ACTIVATIONS = { relu: op.Relu, gelu: op.Gelu, tanh: op.Tanh } as const;

/** [rows, inputs] -> [rows, outputs] before any softmax; dropout acts on the output of every hidden layer. */
const forward = (shape: NetworkShape, rate: number, { weights, batch, dropout }: Given<'x'>): Value => {
  let values = batch.x;
  for (let layer = 0; layer <= shape.hidden.length; layer++) {
    values = inLayer(`dense${layer}`, ['hidden', layer], () => {
      const [matrix, offset] = [weights[kernel(layer)], weights[bias(layer)]];
      if (matrix === undefined || offset === undefined) throw new Error(`layer ${layer} has no weights`);
      return op.Gemm(values, matrix, offset);
    });
    if (layer < shape.hidden.length) values = dropout(ACTIVATIONS[shape.activation](values), rate);
  }
  return values;
};

/** Keras' defaults for Dense: Glorot uniform kernels, zero biases. */
const initialWeights = (shape: NetworkShape, seed: number): Weights =>
  Object.fromEntries(
    Object.entries(networkParameters(shape)).map(([name, dims], stream) => [
      name,
      dims.length === 2 ? glorotUniform(dims, seed, stream) : new Float32Array(dims[0] ?? 0),
    ]),
  );
