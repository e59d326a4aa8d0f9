/** The networks of the training benchmark, built on onnx/ alone; peers.py holds the same ones in PyTorch. */
import {
  adam,
  glorotUniform,
  layer,
  meanSquaredError,
  op,
  randomKey,
  randomNormal,
  softmaxCrossEntropy,
} from '../../onnx';
import type { Parameters, TrainingPlan, Value, Weights } from '../../onnx';

/** As peers.py calls them. */
export type NetworkName = 'mlp-64' | 'mlp-512' | 'cnn' | 'gru' | 'transformer';

export interface Network {
  readonly name: NetworkName;
  readonly title: string;
  readonly rows: number;
  /** Dimensions of one row of x. */
  readonly row: readonly number[];
  /** Width of y: one number, or one-hot classes. */
  readonly outputs: number;
  readonly plan: TrainingPlan<'x' | 'y'>;
}

interface Definition extends Omit<Network, 'plan'> {
  readonly batch: number;
  readonly parameters: Parameters;
  readonly forward: (weights: Readonly<Record<string, Value>>, x: Value) => Value;
}

const network = ({ batch, parameters, forward, ...rest }: Definition): Network => ({
  ...rest,
  plan: {
    parameters,
    columns: { x: { dtype: 'float32', dims: rest.row }, y: { dtype: 'float32', dims: [rest.outputs] } },
    batchSize: batch,
    optimizer: adam(),
    build: ({ weights, batch: { x, y } }) => {
      const result = forward(weights, x);
      return { loss: rest.outputs === 1 ? meanSquaredError(result, y) : softmaxCrossEntropy(result, y) };
    },
  },
});

const get = <T>(weights: Readonly<Record<string, T>>, name: string): T => {
  const value = weights[name];
  if (value === undefined) throw new Error(`no ${name}`);
  return value;
};

const mlp = (name: NetworkName, title: string, sizes: readonly number[], batch: number, rows: number) => {
  const layers = sizes.slice(1).map((to, at) => ({ at, from: sizes[at] ?? 0, to }));
  return network({
    name,
    title,
    rows,
    batch,
    row: [sizes[0] ?? 0],
    outputs: 1,
    parameters: Object.fromEntries(
      layers.flatMap(({ at, from, to }) => [
        [`k${at}`, [from, to]],
        [`b${at}`, [to]],
      ]),
    ),
    forward: (weights, x) =>
      layers.reduce((values, { at }) => {
        const sum = op.Gemm(values, get(weights, `k${at}`), get(weights, `b${at}`));
        return at === layers.length - 1 ? sum : op.Relu(sum);
      }, x),
  });
};

const cnn = network({
  name: 'cnn',
  title: 'CNN 1-16-32 on 28 x 28, batch 64',
  rows: 1024,
  batch: 64,
  row: [1, 28, 28],
  outputs: 10,
  parameters: { c1: [16, 1, 3, 3], b1: [16], c2: [32, 16, 3, 3], b2: [32], k: [32 * 49, 10], b: [10] },
  forward: (weights, x) => {
    const w = (name: string): Value => get(weights, name);
    const one = op.MaxPool(op.Relu(op.Conv(x, w('c1'), w('b1'), { pads: 'same' })), [2, 2]);
    const two = op.MaxPool(op.Relu(op.Conv(one, w('c2'), w('b2'), { pads: 'same' })), [2, 2]);
    return op.Gemm(op.Flatten(two), w('k'), w('b'));
  },
});

const SIGNALS = 8;
const HIDDEN = 64;
const gruShapes = layer.gruParameters(SIGNALS, HIDDEN);
const gru = network({
  name: 'gru',
  title: 'GRU 64, 24 steps of 8 signals, batch 64',
  rows: 2048,
  batch: 64,
  row: [24, SIGNALS],
  outputs: 1,
  parameters: { ...layer.namedShapes('gru', gruShapes), k: [HIDDEN, 1], b: [1] },
  forward: (weights, x) => {
    const { last } = layer.gru(x, layer.weightsOf(weights, 'gru', gruShapes));
    return op.Gemm(last, get(weights, 'k'), get(weights, 'b'));
  },
});

const TOKENS = 32;
const WIDTH = 64;
const attentionShapes = layer.attentionParameters(WIDTH);
const transformer = network({
  name: 'transformer',
  title: 'transformer block d64, 4 heads, 32 tokens, batch 32',
  rows: 1024,
  batch: 32,
  row: [TOKENS, SIGNALS],
  outputs: 1,
  parameters: {
    'in/k': [SIGNALS, WIDTH],
    'in/b': [WIDTH],
    ...layer.namedShapes('attention', attentionShapes),
    'norm1/scale': [WIDTH],
    'norm1/b': [WIDTH],
    'up/k': [WIDTH, 4 * WIDTH],
    'up/b': [4 * WIDTH],
    'down/k': [4 * WIDTH, WIDTH],
    'down/b': [WIDTH],
    'norm2/scale': [WIDTH],
    'norm2/b': [WIDTH],
    k: [WIDTH, 1],
    b: [1],
  },
  // Norms after the residuals, as PyTorch's TransformerEncoderLayer has them by default.
  forward: (weights, x) => {
    const w = (name: string): Value => get(weights, name);
    const tokens = layer.dense(x, w('in/k'), w('in/b'));
    const heads = layer.weightsOf(weights, 'attention', attentionShapes);
    const attended = op.Add(tokens, layer.attention(tokens, heads, { heads: 4 }));
    const one = op.LayerNormalization(attended, w('norm1/scale'), w('norm1/b'));
    const inner = op.Relu(layer.dense(one, w('up/k'), w('up/b')));
    const down = op.Add(one, layer.dense(inner, w('down/k'), w('down/b')));
    const two = op.LayerNormalization(down, w('norm2/scale'), w('norm2/b'));
    return op.Gemm(op.ReduceMean(two, { axes: [1] }), w('k'), w('b'));
  },
});

export const NETWORKS: Readonly<Record<NetworkName, Network>> = {
  'mlp-64': mlp('mlp-64', 'mlp 64-64-1, batch 32, 16,512 rows', [8, 64, 64, 1], 32, 16_512),
  'mlp-512': mlp('mlp-512', 'mlp 512-512-512, batch 1024', [8, 512, 512, 512, 1], 1024, 8192),
  cnn,
  gru,
  transformer,
};

export const initialWeights = (parameters: Parameters): Weights =>
  Object.fromEntries(
    Object.entries(parameters).map(([name, dims], stream) => [
      name,
      dims.length > 1
        ? glorotUniform(dims, 1, stream)
        : new Float32Array(dims[0] ?? 0).fill(name.endsWith('scale') ? 1 : 0),
    ]),
  );

/** Normal x; a y that depends on it, so that training has something to find. */
export const dataOf = ({ rows, row, outputs }: Network): { x: Float32Array; y: Float32Array } => {
  const width = row.reduce((product, dim) => product * dim, 1);
  const key = randomKey(3);
  const x = Float32Array.from({ length: rows * width }, (_, at) => randomNormal(key, at));
  const y = new Float32Array(rows * outputs);
  for (let at = 0; at < rows; at++) {
    const score = (x[at * width] ?? 0) - 2 * (x[at * width + 1] ?? 0);
    if (outputs === 1) y[at] = score;
    else y[at * outputs + (score > 0 ? 1 : 0)] = 1;
  }
  return { x, y };
};
