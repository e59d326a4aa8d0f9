/** Vectors for numbers: Gorishniy, Rubachev & Babenko, «On embeddings for numerical features», NeurIPS 2022. */
import { glorotUniform, op, randomKey, randomNormal, randomUnit, vector } from '../../../onnx';
import type { Parameters, Value, Weights } from '../../../onnx';
import type { MlpSpec } from '../../../contracts';
import type { FeatureBlock } from '../../prepare/blocks';
import { named } from '../network/network';

export type EmbeddingOptions = Pick<
  MlpSpec,
  'embedding' | 'embeddingSize' | 'embeddingActivation' | 'frequencies' | 'sigma' | 'categoryEmbedding'
>;

/** A part of the features with weights of its own: [rows, features] -> [rows, width]. */
export interface Embedding {
  readonly width: number;
  /** Lengths of what belongs to one column, in order; they add up to `width`. */
  readonly sections: readonly number[];
  readonly parameters: Parameters;
  readonly initial: (seed: number) => Weights;
  readonly apply: (features: Value, weights: Readonly<Record<string, Value>>) => Value;
}

interface NumberPlace {
  readonly value: number;
  /** Features of its piecewise-linear encoding. */
  readonly bins: readonly number[];
}

/** Everything about a row side by side: embedded numbers, embedded categories, and all other features as they are. */
export const featureEmbedding = (
  blocks: readonly FeatureBlock[],
  width: number,
  options: EmbeddingOptions,
): Embedding => {
  const numbers = options.embedding === 'none' ? [] : numberPlaces(blocks, options.embedding);
  const categories = options.categoryEmbedding === 0 ? [] : blocks.filter(({ kind }) => kind === 'one-hot');
  const taken = new Set([
    ...numbers.flatMap(({ value, bins }) => [value, ...bins]),
    ...categories.flatMap(range),
  ]);
  const rest = Array.from({ length: width }, (_, feature) => feature).filter(
    (feature) => !taken.has(feature),
  );
  return sideBySide([
    ...(numbers.length > 0 ? [numberEmbedding(numbers, options)] : []),
    ...categories.map((block, at) => categoryEmbedding(block, at, options.categoryEmbedding)),
    ...(rest.length > 0 ? [unchanged(rest, width)] : []),
  ]);
};

const range = ({ from, width }: FeatureBlock): number[] =>
  Array.from({ length: width }, (_, feature) => from + feature);

/** A periodic embedding reads the values alone; bins then stay features of their own. */
const numberPlaces = (blocks: readonly FeatureBlock[], kind: EmbeddingOptions['embedding']): NumberPlace[] =>
  blocks
    .filter(({ kind }) => kind === 'value')
    .map(({ column, from }) => {
      const bins =
        kind === 'periodic'
          ? undefined
          : blocks.find((block) => block.kind === 'bins' && block.column === column);
      return { value: from, bins: bins === undefined ? [] : range(bins) };
    });

const sideBySide = (parts: readonly Embedding[]): Embedding => {
  const [only] = parts;
  if (parts.length === 1 && only !== undefined) return only;
  return {
    width: parts.reduce((sum, { width }) => sum + width, 0),
    sections: parts.flatMap(({ sections }) => sections),
    parameters: Object.assign({}, ...parts.map(({ parameters }) => parameters)) as Parameters,
    initial: (seed) => Object.assign({}, ...parts.map(({ initial }) => initial(seed))) as Weights,
    apply: (features, weights) =>
      op.Concat(
        parts.map(({ apply }) => apply(features, weights)),
        1,
      ),
  };
};

const unchanged = (features: readonly number[], width: number): Embedding => ({
  width: features.length,
  sections: features.map(() => 1),
  parameters: {},
  initial: () => ({}),
  apply: (values) => (features.length === width ? values : op.Gather(values, vector(features, 'int64'), 1)),
});

const categoryEmbedding = ({ from, width }: FeatureBlock, at: number, size: number): Embedding => {
  const table = `category${at}/table`;
  return {
    width: size,
    sections: [size],
    parameters: { [table]: [width, size] },
    initial: (seed) => ({ [table]: glorotUniform([width, size], seed, 0x200 + at) }),
    apply: (features, weights) =>
      op.Gemm(op.Slice(features, [{ axis: 1, start: from, end: from + width }]), named(weights, table)),
  };
};

/**
 * A product of its own for every number, all of them as one batched product [numbers, rows, inputs] x [numbers, inputs,
 * size]. Inputs of a linear embedding: the scaled value and its piecewise-linear encoding, whose weights start at zero
 * («version B» of the authors' later code); of a periodic one: sin and cos of 2π·c·x for each frequency c.
 */
const numberEmbedding = (numbers: readonly NumberPlace[], options: EmbeddingOptions): Embedding => {
  const { embeddingSize: size } = options;
  const count = numbers.length;
  const periodic = options.embedding === 'periodic';
  const inputs = periodic ? 2 * options.frequencies : 1 + Math.max(...numbers.map(({ bins }) => bins.length));
  const parameters: Parameters = {
    'number/kernel': [count, inputs, size],
    'number/bias': [count, size],
    ...(periodic && { 'number/frequencies': [count, options.frequencies] }),
  };
  const apply = (features: Value, weights: Readonly<Record<string, Value>>): Value => {
    const given = periodic
      ? waves(features, numbers, named(weights, 'number/frequencies'))
      : encodings(features, numbers, inputs);
    const product = op.MatMul(op.Transpose(given, [1, 0, 2]), named(weights, 'number/kernel'));
    const embedded = op.Add(op.Transpose(product, [1, 0, 2]), named(weights, 'number/bias'));
    const active = periodic || options.embeddingActivation === 'relu' ? op.Relu(embedded) : embedded;
    return op.Reshape(active, [features.shape[0], count * size]);
  };
  return {
    width: count * size,
    sections: numbers.map(() => size),
    parameters,
    initial: (seed) => startOf(parameters, options, seed),
    apply,
  };
};

/** [rows, numbers, inputs]: value and bins; columns with fewer bins than others are filled up with zeros. */
const encodings = (features: Value, numbers: readonly NumberPlace[], inputs: number): Value => {
  const places = numbers.flatMap(({ value, bins }) =>
    Array.from({ length: inputs }, (_, i) => (i === 0 ? value : (bins[i - 1] ?? value))),
  );
  const used = numbers.flatMap(({ bins }) =>
    Array.from({ length: inputs }, (_, i) => (i <= bins.length ? 1 : 0)),
  );
  const picked = op.Gather(features, vector(places, 'int64'), 1);
  const filled = used.includes(0) ? op.Mul(picked, vector(used)) : picked;
  return op.Reshape(filled, [features.shape[0], numbers.length, inputs]);
};

/** [rows, numbers, 2 · frequencies] */
const waves = (features: Value, numbers: readonly NumberPlace[], frequencies: Value): Value => {
  const places = numbers.map(({ value }) => value);
  const values = op.Unsqueeze(op.Gather(features, vector(places, 'int64'), 1), [2]);
  const turns = op.Mul(values, op.Mul(frequencies, 2 * Math.PI));
  return op.Concat([op.Sin(turns), op.Cos(turns)], 2);
};

const startOf = (parameters: Parameters, options: EmbeddingOptions, seed: number): Weights => {
  const [count = 0, inputs = 0, size = 0] = parameters['number/kernel'] ?? [];
  const uniform = (length: number, limit: number, stream: number): Float32Array => {
    const key = randomKey(seed, 0x300, stream);
    return Float32Array.from({ length }, (_, i) => (2 * randomUnit(key, i) - 1) * limit);
  };
  const periodic = options.embedding === 'periodic';
  const limit = 1 / Math.sqrt(periodic ? inputs : size);
  const kernel = uniform(count * inputs * size, limit, 0);
  if (!periodic)
    for (let number = 0; number < count; number++)
      kernel.fill(0, (number * inputs + 1) * size, (number + 1) * inputs * size);
  const key = randomKey(seed, 0x301);
  return {
    'number/kernel': kernel,
    'number/bias': uniform(count * size, limit, 1),
    ...(periodic && {
      'number/frequencies': Float32Array.from(
        { length: count * options.frequencies },
        (_, i) => randomNormal(key, i) * options.sigma,
      ),
    }),
  };
};
