/** A text read word by word: learned vectors and places, encoder layers, the mean over the words. */
import { layer, op } from '../../../onnx';
import type { TransformerSpec } from '../../../contracts';
import type { Column } from '../../data/table';
import { fitTokens } from '../../prepare/text';
import type { TokenFit } from '../../prepare/text';
import { tokenIds } from '../../prepare/text-graph';
import { tokensOf } from '../../prepare/tokens';
import { named } from '../network/network';
import { encoded, encoderParameters, encoderWeights, encoderWork } from '../transformer/encoder';
import type { Branch } from './branch';

export type TextColumn = Extract<Column, { readonly codes: Int32Array }>;

/** Words that have a vector of their own; the others share one. */
const VOCABULARY = 20_000;
const [PADDING, UNKNOWN, FIRST] = [0, 1, 2];

/** `rows`: those whose words are known (the training rows). */
export const textBranch = (column: TextColumn, rows: Int32Array, spec: TransformerSpec): Branch => {
  const { name } = column.spec;
  const fit = fitTokens(column, rows, { size: VOCABULARY, length: spec.tokens, cut: 'words-and-signs' });
  const prefix = `${name}/`;
  const parameters = {
    [`${prefix}embedding`]: [fit.tokens.length + FIRST, spec.width],
    [`${prefix}place`]: [fit.length, spec.width],
    ...encoderParameters(prefix, spec),
  };
  const ids = idsOf(fit, column);
  return {
    name,
    reads: [{ spec: column.spec, known: null }],
    parameters,
    buffers: {},
    decayed: Object.keys(parameters).filter((key) => key.endsWith('kernel') || /put$/.test(key)),
    initial: (seed) => encoderWeights(parameters, seed),
    inputs: { [name]: { dtype: 'int32', dims: [fit.length] } },
    work: encoderWork(fit.length, spec),
    width: spec.width,
    forward: ({ weights, batch, dropout }) => {
      const tokens = named(batch, name);
      const seen = op.Add(
        layer.embedding(named(weights, `${prefix}embedding`), tokens),
        named(weights, `${prefix}place`),
      );
      const mask = op.Min(op.Cast(tokens, 'float32'), 1);
      const values = encoded(prefix, spec, dropout(seen, spec.dropout), { weights, dropout, mask });
      const present = op.Unsqueeze(mask, [2]);
      const sum = op.ReduceSum(op.Mul(values, present), { axes: [1] });
      // An empty text has no word to take the mean of.
      return op.Div(sum, op.Max(op.ReduceSum(present, { axes: [1] }), 1));
    },
    data: (some) => {
      const data = new Int32Array(some.length * fit.length);
      some.forEach((row, at) => {
        const code = column.codes[row];
        if (code >= 0) data.set(ids.subarray(code * fit.length, (code + 1) * fit.length), at * fit.length);
      });
      return Promise.resolve({ [name]: data });
    },
    served: (columns) => ({ [name]: op.Cast(tokenIds(fit, named(columns, name)), 'int32') }),
  };
};

/** Of every distinct text, [texts, length]. */
const idsOf = ({ tokens, length, cut }: TokenFit, { dictionary }: TextColumn): Int32Array => {
  const places = new Map(tokens.map((token, at) => [token, at + FIRST]));
  const ids = new Int32Array(dictionary.length * length).fill(PADDING);
  dictionary.forEach((text, at) => {
    const found = tokensOf(text, cut).slice(0, length);
    found.forEach((token, place) => (ids[at * length + place] = places.get(token) ?? UNKNOWN));
  });
  return ids;
};
