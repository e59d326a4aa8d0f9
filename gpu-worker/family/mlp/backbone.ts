/** The hidden layers: dense, normalised, activated, dropped out; plain or residual. */
import { GraphError, glorotUniform, op } from '../../../onnx';
import type { Parameters, Value, Weights } from '../../../onnx';
import type { MlpSpec } from '../../../contracts';
import { inLayer, named } from '../network/network';

export type BackboneOptions = Pick<
  MlpSpec,
  'hidden' | 'activation' | 'residual' | 'normalization' | 'dropout'
>;

export const ACTIVATIONS = { relu: op.Relu, gelu: op.Gelu, tanh: op.Tanh } as const;

export const kernel = (layer: number): string => `dense${layer}/kernel`;
export const bias = (layer: number): string => `dense${layer}/bias`;
const scale = (layer: number): string => `dense${layer}/scale`;
const shift = (layer: number): string => `dense${layer}/shift`;

export const backboneParameters = (
  { hidden, residual, normalization }: BackboneOptions,
  inputs: number,
): Parameters => {
  const entries = hidden.flatMap((to, layer): [string, readonly number[]][] => {
    const from = layer === 0 ? inputs : hidden[layer - 1];
    const normalized = residual && layer > 0 ? from : to;
    return [
      [kernel(layer), [from, to]],
      [bias(layer), [to]],
      ...(normalization === 'layer'
        ? ([
            [scale(layer), [normalized]],
            [shift(layer), [normalized]],
          ] satisfies [string, number[]][])
        : []),
    ];
  });
  return Object.fromEntries(entries);
};

/** Keras' defaults for Dense and LayerNormalization: Glorot uniform kernels, unit scales, zeros elsewhere. */
export const backboneStart = (parameters: Parameters, seed: number): Weights =>
  Object.fromEntries(
    Object.entries(parameters).map(([name, dims], stream) => {
      const [size = 0] = dims;
      if (dims.length === 2) return [name, glorotUniform(dims, seed, stream)];
      return [name, new Float32Array(size).fill(name.endsWith('/scale') ? 1 : 0)];
    }),
  );

/**
 * [rows, inputs] -> [rows, last hidden]. Residual: every hidden layer but the first is x + dropout(f(W · norm(x) + b)),
 * the pre-normalised block of Gorishniy et al. 2021 with one product.
 */
export const backbone = (
  { hidden, activation, residual, normalization, dropout: rate }: BackboneOptions,
  x: Value,
  weights: Readonly<Record<string, Value>>,
  dropout: (x: Value, rate: number) => Value,
): Value => {
  const normalized = (values: Value, layer: number): Value =>
    normalization === 'none'
      ? values
      : op.LayerNormalization(values, named(weights, scale(layer)), named(weights, shift(layer)));
  const dense = (values: Value, layer: number): Value =>
    op.Gemm(values, named(weights, kernel(layer)), named(weights, bias(layer)));
  let values = x;
  hidden.forEach((_, layer) => {
    values = inLayer(`dense${layer}`, ['hidden', layer], () => {
      if (!residual || layer === 0)
        return dropout(ACTIVATIONS[activation](normalized(dense(values, layer), layer)), rate);
      if (hidden[layer] !== hidden[0])
        throw new GraphError(
          `a residual block keeps the shape [rows, ${hidden[0]}] of the layer before it, so it needs ${hidden[0]} units, got ${hidden[layer]}`,
        );
      const step = ACTIVATIONS[activation](dense(normalized(values, layer), layer));
      return op.Add(values, dropout(step, rate));
    });
  });
  return values;
};
