/** Dense layers one after another, the last of them without an activation. */
import { op } from '../../../onnx';
import type { Parameters, Value, Weights } from '../../../onnx';
import { inLayer, named } from './network';

export interface DenseLayer {
  readonly name: string;
  readonly from: number;
  readonly to: number;
}

export const kernelOf = ({ name }: Pick<DenseLayer, 'name'>): string => `${name}/kernel`;
const biasOf = ({ name }: Pick<DenseLayer, 'name'>): string => `${name}/bias`;

/** Layers between `sizes`, the inputs first: `${prefix}0`, `${prefix}1`, ... */
export const denseLayers = (prefix: string, sizes: readonly number[]): DenseLayer[] =>
  sizes.slice(1).map((to, at) => ({ name: `${prefix}${at}`, from: sizes[at], to }));

export const denseParameters = (layers: readonly DenseLayer[]): Parameters =>
  Object.fromEntries(
    layers.flatMap((layer): [string, readonly number[]][] => [
      [kernelOf(layer), [layer.from, layer.to]],
      [biasOf(layer), [layer.to]],
    ]),
  );

/** Biases of 0, and for each layer the kernel that `kernel` gives. */
export const denseStart = (
  layers: readonly DenseLayer[],
  kernel: (dims: readonly [number, number], layer: number) => Float32Array,
): Weights =>
  Object.fromEntries(
    layers.flatMap((layer, at): [string, Float32Array][] => [
      [kernelOf(layer), kernel([layer.from, layer.to], at)],
      [biasOf(layer), new Float32Array(layer.to)],
    ]),
  );

/** Multiplications of one example. */
export const denseWork = (layers: readonly DenseLayer[]): number =>
  layers.reduce((sum, { from, to }) => sum + from * to, 0);

/** One layer: [rows, from] -> [rows, to]. */
export const dense = (x: Value, weights: Readonly<Record<string, Value>>, layer: DenseLayer): Value =>
  inLayer(layer.name, ['hidden'], () =>
    op.Gemm(x, named(weights, kernelOf(layer)), named(weights, biasOf(layer))),
  );

/** [rows, inputs] -> [rows, outputs]; `dropout` is asked before every layer. */
export const denseStack = (
  x: Value,
  weights: Readonly<Record<string, Value>>,
  layers: readonly DenseLayer[],
  {
    activation = op.Relu,
    dropout = (values) => values,
  }: { readonly activation?: (x: Value) => Value; readonly dropout?: (x: Value) => Value } = {},
): Value =>
  layers.reduce((values, layer, at) => {
    const made = dense(dropout(values), weights, layer);
    return at < layers.length - 1 ? activation(made) : made;
  }, x);
