import { constant, layer, op, tensor } from '../../../onnx';
import type { TransformerSpec } from '../../../contracts';
import { headWeights } from '../series/sequence-core';
import type { CoreShape, SequenceCore } from '../series/sequence-core';
import { encoded, encoderParameters, encoderWeights, encoderWork } from './encoder';

/**
 * Patches of the window as tokens with learned places, encoder layers, and a dense layer over all tokens (Nie et al. 2023).
 * Throws BAD_SPEC where the heads do not divide the width.
 */
export const transformerCore = (spec: TransformerSpec, shape: CoreShape): SequenceCore => {
  const { width, dropout: rate } = spec;
  const starts = patchStarts(spec, shape.length);
  const patch = Math.min(spec.patch, shape.length);
  const tokens = starts.length;
  const parameters: Record<string, readonly number[]> = {
    'patch/kernel': [patch * shape.channels, width],
    'patch/bias': [width],
    'patch/place': [tokens, width],
    ...encoderParameters('', spec),
    'head/kernel': [tokens * width, shape.outputs],
    'head/bias': [shape.outputs],
  };
  const places = starts.flatMap((start) => Array.from({ length: patch }, (_, i) => start + i));
  return {
    parameters,
    initial: (seed) => ({
      ...encoderWeights(parameters, seed),
      'head/kernel': headWeights(parameters['head/kernel'], seed, Object.keys(parameters).length - 2),
    }),
    decayed: Object.keys(parameters).filter((name) => name.endsWith('kernel') || /put$/.test(name)),
    work:
      encoderWork(tokens, spec) + tokens * patch * shape.channels * width + tokens * width * shape.outputs,
    forward: ({ weights, dropout }, x) => {
      const [windows] = x.shape;
      const index = constant(tensor('int64', places.map(BigInt), [places.length]));
      const patches = op.Reshape(op.Gather(x, index, 1), [windows, tokens, patch * shape.channels]);
      const seen = layer.dense(patches, weights['patch/kernel'], weights['patch/bias']);
      const values = dropout(op.Add(seen, weights['patch/place']), rate);
      const flat = op.Reshape(encoded('', spec, values, { weights, dropout }), [windows, tokens * width]);
      return op.Gemm(dropout(flat, rate), weights['head/kernel'], weights['head/bias']);
    },
  };
};

/** Where patches begin: they end with the window, so the latest steps are always whole in one. */
const patchStarts = ({ patch, stride }: TransformerSpec, length: number): number[] => {
  const starts: number[] = [];
  for (let start = Math.max(0, length - patch); start >= 0; start -= stride) starts.unshift(start);
  return starts;
};
