/** Encoder layers, normalised before each part (Xiong et al. 2020), for patches of series and for words alike. */
import { glorotUniform, layer, op, randomKey, randomNormal } from '../../../onnx';
import type { Parameters, Value, Weights } from '../../../onnx';
import { Failure } from '../../../contracts';
import type { TransformerSpec } from '../../../contracts';

type Shape = Pick<TransformerSpec, 'width' | 'heads' | 'layers' | 'feedForward' | 'dropout'>;

/** Under `prefix`. Throws BAD_SPEC where the heads do not divide the width. */
export const encoderParameters = (
  prefix: string,
  { width, heads, layers, feedForward }: Shape,
): Parameters => {
  if (width % heads !== 0)
    throw new Failure(
      'BAD_SPEC',
      `layer attention: ${heads} heads need a width that is a multiple of ${heads}, got ${width}`,
      { path: ['spec', 'heads'] },
    );
  const parameters: Record<string, readonly number[]> = {};
  for (const name of namesOf(prefix, layers)) {
    Object.assign(parameters, layer.namedShapes(`${name}/attention`, layer.attentionParameters(width)));
    for (const norm of ['norm1', 'norm2']) {
      parameters[`${name}/${norm}/scale`] = [width];
      parameters[`${name}/${norm}/shift`] = [width];
    }
    parameters[`${name}/up/kernel`] = [width, feedForward];
    parameters[`${name}/up/bias`] = [feedForward];
    parameters[`${name}/down/kernel`] = [feedForward, width];
    parameters[`${name}/down/bias`] = [width];
  }
  parameters[`${prefix}norm/scale`] = [width];
  parameters[`${prefix}norm/shift`] = [width];
  return parameters;
};

const namesOf = (prefix: string, layers: number): string[] =>
  Array.from({ length: layers }, (_, i) => `${prefix}layer${i}`);

/** [rows, tokens, width] -> the same, normalised. `mask` [rows, tokens]: 1 where there is a token. */
export const encoded = (
  prefix: string,
  { width, heads, layers, dropout: rate }: Shape,
  tokens: Value,
  given: {
    readonly weights: Readonly<Record<string, Value>>;
    readonly dropout: (x: Value, rate: number) => Value;
    readonly mask?: Value;
  },
): Value => {
  const { weights, dropout, mask } = given;
  const norm = (name: string, of: Value): Value =>
    op.LayerNormalization(of, weights[`${name}/scale`], weights[`${name}/shift`]);
  const dense = (name: string, of: Value): Value =>
    layer.dense(of, weights[`${name}/kernel`], weights[`${name}/bias`]);
  const shapes = layer.attentionParameters(width);
  let values = tokens;
  for (const name of namesOf(prefix, layers)) {
    const attended = layer.attention(
      norm(`${name}/norm1`, values),
      layer.weightsOf(weights, `${name}/attention`, shapes),
      { heads, ...(mask !== undefined && { mask }) },
    );
    values = op.Add(values, dropout(attended, rate));
    const wide = dropout(op.Gelu(dense(`${name}/up`, norm(`${name}/norm2`, values))), rate);
    values = op.Add(values, dropout(dense(`${name}/down`, wide), rate));
  }
  return norm(`${prefix}norm`, values);
};

/** Matrices Glorot uniform, scales 1, vectors 0, places and embeddings small normal numbers. */
export const encoderWeights = (parameters: Parameters, seed: number): Weights =>
  Object.fromEntries(
    Object.entries(parameters).map(([name, dims], stream) => {
      const [from = 0, to = 0] = dims;
      if (name.endsWith('scale')) return [name, new Float32Array(from).fill(1)];
      if (dims.length === 1) return [name, new Float32Array(from)];
      if (!/(place|embedding)$/.test(name)) return [name, glorotUniform(dims, seed, stream)];
      const key = randomKey(seed, 0x70, stream);
      return [name, Float32Array.from({ length: from * to }, (_, i) => 0.02 * randomNormal(key, i))];
    }),
  );

export const encoderWork = (tokens: number, { width, feedForward, layers }: Shape): number =>
  layers * (tokens * width * (4 * width + 2 * feedForward) + 2 * tokens * tokens * width);
