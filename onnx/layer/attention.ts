import { GraphError } from '../errors';
import * as op from '../op';
import { knownDim, requireRank } from '../shape';
import { sameShape, showShape } from '../tensor';
import type { Value } from '../value';
import { dense } from './dense';
import type { Shapes } from './names';

export interface AttentionWeights {
  /** [width, 3 · width]: queries, keys and values side by side. */
  readonly input: Value;
  /** [3 · width] */
  readonly inputBias: Value;
  /** [width, width] */
  readonly output: Value;
  /** [width] */
  readonly outputBias: Value;
}

export const attentionParameters = (width: number): Shapes<AttentionWeights> => ({
  input: [width, 3 * width],
  inputBias: [3 * width],
  output: [width, width],
  outputBias: [width],
});

export interface AttentionOptions {
  readonly heads: number;
  /** [batch, tokens]: 1 for a token that may be looked at, 0 for padding. */
  readonly mask?: Value;
}

/** What a masked score is lowered by: enough for an exact zero after the softmax, finite in float32. */
const MASKED = 1e9;

/** Multi-head self-attention (Vaswani et al. 2017): [batch, tokens, width] -> the same shape. */
export const attention = (x: Value, weights: AttentionWeights, { heads, mask }: AttentionOptions): Value => {
  requireRank('attention', 'x', x, 3);
  const [batch, tokens, width] = [x.shape[0] ?? 1, x.shape[1] ?? 1, knownDim('attention', x.shape, 2)];
  if (!Number.isInteger(heads) || heads < 1 || width % heads !== 0)
    throw new GraphError(`attention: ${heads} heads do not divide a width of ${width}`);
  if (mask !== undefined && !sameShape(mask.shape, [batch, tokens]))
    throw new GraphError(
      `attention: the mask must have shape ${showShape([batch, tokens])}, got ${showShape(mask.shape)}`,
    );
  const size = width / heads;
  const projected = op.Reshape(dense(x, weights.input, weights.inputBias), [batch, tokens, 3, heads, size]);
  const [query, key, value] = op
    .Split(op.Transpose(projected, [2, 0, 3, 1, 4]), [1, 1, 1], 0)
    .map((part) => op.Squeeze(part, [0]));
  if (!query || !key || !value) throw new GraphError('attention: three projections');
  const scores = op.MatMul(op.Mul(query, 1 / Math.sqrt(size)), op.Transpose(key, [0, 1, 3, 2]));
  const seen =
    mask === undefined ? scores : op.Add(scores, op.Unsqueeze(op.Mul(op.Sub(mask, 1), MASKED), [1, 2]));
  const mixed = op.Transpose(op.MatMul(op.Softmax(seen), value), [0, 2, 1, 3]);
  return dense(op.Reshape(mixed, [batch, tokens, width]), weights.output, weights.outputBias);
};
