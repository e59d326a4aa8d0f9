import { constant, glorotUniform, layer, op, randomKey, randomNormal, tensor } from '../../../onnx';
import type { Value, Weights } from '../../../onnx';
import { Failure } from '../../../contracts';
import type { TransformerSpec } from '../../../contracts';
import { headWeights } from '../series/sequence-core';
import type { CoreShape, SequenceCore } from '../series/sequence-core';

/**
 * Patches of the window as tokens with learned places, encoder layers normalised before each part (Xiong et al. 2020), and
 * a dense layer over all tokens (Nie et al. 2023). Throws BAD_SPEC where the heads do not divide the width.
 */
export const transformerCore = (spec: TransformerSpec, shape: CoreShape): SequenceCore => {
  const { width, heads, layers, feedForward, dropout: rate } = spec;
  if (width % heads !== 0)
    throw new Failure('BAD_SPEC', `layer attention: ${heads} heads do not divide a width of ${width}`, {
      path: ['spec', 'heads'],
    });
  const starts = patchStarts(spec, shape.length);
  const patch = Math.min(spec.patch, shape.length);
  const tokens = starts.length;
  const attention = layer.attentionParameters(width);
  const names = Array.from({ length: layers }, (_, i) => `layer${i}`);
  const parameters: Record<string, readonly number[]> = {
    'patch/kernel': [patch * shape.channels, width],
    'patch/bias': [width],
    'patch/place': [tokens, width],
  };
  for (const name of names) {
    Object.assign(parameters, layer.namedShapes(`${name}/attention`, attention));
    for (const norm of ['norm1', 'norm2']) {
      parameters[`${name}/${norm}/scale`] = [width];
      parameters[`${name}/${norm}/shift`] = [width];
    }
    parameters[`${name}/up/kernel`] = [width, feedForward];
    parameters[`${name}/up/bias`] = [feedForward];
    parameters[`${name}/down/kernel`] = [feedForward, width];
    parameters[`${name}/down/bias`] = [width];
  }
  Object.assign(parameters, {
    'norm/scale': [width],
    'norm/shift': [width],
    'head/kernel': [tokens * width, shape.outputs],
    'head/bias': [shape.outputs],
  });
  const places = starts.flatMap((start) => Array.from({ length: patch }, (_, i) => start + i));
  return {
    parameters,
    initial: (seed) => initialWeights(parameters, seed),
    decayed: Object.keys(parameters).filter((name) => name.endsWith('kernel') || /put$/.test(name)),
    work:
      tokens * (width * (4 * width + 2 * feedForward) * layers + patch * shape.channels * width) +
      2 * layers * tokens * tokens * width +
      tokens * width * shape.outputs,
    forward: ({ weights, dropout }, x) => {
      const [windows] = x.shape;
      const index = constant(tensor('int64', places.map(BigInt), [places.length]));
      const patches = op.Reshape(op.Gather(x, index, 1), [windows, tokens, patch * shape.channels]);
      const norm = (name: string, of: Value): Value =>
        op.LayerNormalization(of, weights[`${name}/scale`], weights[`${name}/shift`]);
      const dense = (name: string, of: Value): Value =>
        layer.dense(of, weights[`${name}/kernel`], weights[`${name}/bias`]);
      let values = dropout(op.Add(dense('patch', patches), weights['patch/place']), rate);
      for (const name of names) {
        const attended = layer.attention(
          norm(`${name}/norm1`, values),
          layer.weightsOf(weights, `${name}/attention`, attention),
          { heads },
        );
        values = op.Add(values, dropout(attended, rate));
        const wide = dropout(op.Gelu(dense(`${name}/up`, norm(`${name}/norm2`, values))), rate);
        values = op.Add(values, dropout(dense(`${name}/down`, wide), rate));
      }
      const flat = op.Reshape(norm('norm', values), [windows, tokens * width]);
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

const initialWeights = (parameters: Readonly<Record<string, readonly number[]>>, seed: number): Weights =>
  Object.fromEntries(
    Object.entries(parameters).map(([name, dims], stream) => {
      if (name.endsWith('scale')) return [name, new Float32Array(dims[0]).fill(1)];
      if (dims.length === 1) return [name, new Float32Array(dims[0])];
      if (name.startsWith('head')) return [name, headWeights(dims, seed, stream)];
      if (!name.endsWith('place')) return [name, glorotUniform(dims, seed, stream)];
      const key = randomKey(seed, 0x70, stream);
      return [name, Float32Array.from({ length: dims[0] * dims[1] }, (_, i) => 0.02 * randomNormal(key, i))];
    }),
  );
