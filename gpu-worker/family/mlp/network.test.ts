import { constant, input, noDropout, op, tensor } from '../../../onnx';
import type { Value, Weights } from '../../../onnx';
import { evaluate } from '../../../onnx/testing/runtime';
import { MlpSpec } from '../../../contracts';
import { openSessionCount } from '../../engine/onnxruntime';
import type { FeatureBlock } from '../../prepare/blocks';
import type { ClassificationTarget, RegressionTarget } from '../../prepare/target';
import { regressionTable, request } from '../../testing/examples';
import { trainTable } from '../../train/train-table';
import { weightShapes } from '../network/network';
import { featureEmbedding } from './embedding';
import { mlpNetwork } from './network';
import type { MlpOptions } from './network';

const target: RegressionTarget = { task: 'regression', values: new Float64Array(0), mean: 0, deviation: 1 };
const block = (column: string, kind: FeatureBlock['kind'], from: number, width: number): FeatureBlock => ({
  ...{ column, kind, from, width },
});
const options = (more: Partial<MlpSpec>): MlpOptions =>
  MlpSpec.parse({ family: 'mlp', hidden: [6, 6], ...more });

const forward = async (
  network: ReturnType<typeof mlpNetwork>,
  weights: Weights,
  rows: readonly (readonly number[])[],
): Promise<number[]> => {
  const constants: Record<string, Value> = Object.fromEntries(
    Object.entries(weightShapes(network)).map(([name, dims]) => [
      name,
      constant(tensor('float32', weights[name] ?? [], dims)),
    ]),
  );
  const width = rows[0]?.length ?? 0;
  const x = input('x', 'float32', [rows.length, width]);
  const outputs = network.forward({ weights: constants, batch: { x }, resident: {}, dropout: noDropout });
  const y = network.answer?.(outputs) ?? outputs;
  const fed = { data: Float32Array.from(rows.flat()), dims: [rows.length, width] };
  return (await evaluate({ y }, [x], { x: fed }))['y']?.numbers ?? [];
};

const ROWS = [
  [0.5, -1, 2],
  [-0.3, 0.8, 0.1],
];

it('TabM-mini answers with the mean of k networks that read differently scaled inputs', async () => {
  const blocks = ['a', 'b', 'c'].map((name, at) => block(name, 'value', at, 1));
  const shared = mlpNetwork(target, { width: 3, blocks }, options({ sharedMembers: 4 }));
  const weights = shared.initial(9);
  const scales = weights['adapter/scale'] ?? new Float32Array(0);
  expect(new Set([...scales].map(Math.abs))).toEqual(new Set([1]));
  const single = mlpNetwork(target, { width: 3, blocks }, options({}));
  const cut = (name: string, member: number): Float32Array => {
    const all = weights[name] ?? new Float32Array(0);
    return all.slice((member * all.length) / 4, ((member + 1) * all.length) / 4);
  };
  const sums = [0, 0];
  for (let member = 0; member < 4; member++) {
    const own = {
      ...weights,
      'dense2/kernel': cut('dense2/kernel', member),
      'dense2/bias': cut('dense2/bias', member),
    };
    const rows = ROWS.map((row) => row.map((value, at) => value * (scales[3 * member + at] ?? 1)));
    (await forward(single, own, rows)).forEach((value, row) => (sums[row] = (sums[row] ?? 0) + value / 4));
  }
  const together = await forward(shared, weights, ROWS);
  together.forEach((value, row) => expect(value).toBeCloseTo(sums[row] ?? NaN, 5));
});

it('a residual layer adds to what it reads', async () => {
  const network = mlpNetwork(target, { width: 3, blocks: [] }, options({ residual: true }));
  const weights = { ...network.initial(1) };
  // A second layer of zeros changes nothing.
  weights['dense1/kernel'] = new Float32Array(36);
  const plain = mlpNetwork(target, { width: 3, blocks: [] }, options({ hidden: [6] }));
  const one = await forward(
    plain,
    {
      ...weights,
      'dense1/kernel': weights['dense2/kernel'],
      'dense1/bias': weights['dense2/bias'],
    },
    ROWS,
  );
  (await forward(network, weights, ROWS)).forEach((value, row) =>
    expect(value).toBeCloseTo(one[row] ?? NaN, 5),
  );
});

it('hidden layers of different widths cannot be residual', async () => {
  await expect(
    trainTable(regressionTable(), request({ family: 'mlp', hidden: [8, 4], residual: true, epochs: 1 }), {
      ...{ signal: new AbortController().signal, progress: () => undefined, champion: null },
    }),
  ).rejects.toMatchObject({
    code: 'BAD_SPEC',
    path: ['spec', 'hidden', 1],
    message:
      'layer dense1: a residual block keeps the shape [rows, 8] of the layer before it, so it needs 8 units, got 4',
  });
});

it.each([
  ['piecewise-linear', { numeric: 'piecewise', bins: 6, embedding: 'linear', embeddingSize: 4 }],
  ['periodic', { embedding: 'periodic', embeddingSize: 4, frequencies: 6, sigma: 0.3 }],
  ['TabM-mini', { sharedMembers: 4, normalization: 'layer', optimizer: 'adamW', weightDecay: 0.001 }],
  ['categories as vectors', { categoryEmbedding: 3, residual: true, schedule: 'cosine' }],
] as const)('%s learns and is verified', async (_name, more) => {
  const spec = { family: 'mlp', hidden: [24, 24], epochs: 60, learningRate: 0.01, ...more };
  const made = await trainTable(regressionTable(), request(spec), {
    ...{ signal: new AbortController().signal, progress: () => undefined, champion: null },
  });
  expect(made.manifest.metrics.test['rmse']).toBeLessThan((made.manifest.metrics.baseline['rmse'] ?? 0) / 3);
  expect(openSessionCount()).toBe(0);
});

describe('number embeddings', () => {
  // Feature 0 and 1 are values; column a has two bins (features 2 and 3), column b one (feature 4).
  const blocks = [
    block('a', 'value', 0, 1),
    block('b', 'value', 1, 1),
    block('a', 'bins', 2, 2),
    block('b', 'bins', 4, 1),
    block('c', 'one-hot', 5, 2),
  ];
  const row = [0.5, -2, 1, 0.25, 0.75, 0, 1];
  const embed = async (more: Partial<MlpSpec>, weights: Weights): Promise<number[]> => {
    const embedding = featureEmbedding(blocks, 7, options(more));
    const constants = Object.fromEntries(
      Object.entries(embedding.parameters).map(([name, dims]) => [
        name,
        constant(tensor('float32', weights[name] ?? [], dims)),
      ]),
    );
    const x = input('x', 'float32', [1, 7]);
    const y = embedding.apply(x, constants);
    expect(y.shape).toEqual([1, embedding.width]);
    const fed = { data: Float32Array.from(row), dims: [1, 7] };
    return (await evaluate({ y }, [x], { x: fed }))['y']?.numbers ?? [];
  };
  const close = (got: readonly number[], wanted: readonly number[]): void => {
    expect(got).toHaveLength(wanted.length);
    wanted.forEach((value, i) => expect(got[i]).toBeCloseTo(value, 5));
  };

  it('piecewise-linear: value and bins times the weights of their own column', async () => {
    const weights = {
      // [column][value, first bin, second bin][two numbers]; the third input of b does not exist and counts nothing.
      'number/kernel': Float32Array.of(1, 2, 10, 20, 100, 200, 3, 4, 30, 40, 999, 999),
      'number/bias': Float32Array.of(0.1, 0.2, 0.3, 0.4),
    };
    const a = [0.5 * 1 + 1 * 10 + 0.25 * 100 + 0.1, 0.5 * 2 + 1 * 20 + 0.25 * 200 + 0.2];
    const b = [-2 * 3 + 0.75 * 30 + 0.3, -2 * 4 + 0.75 * 40 + 0.4];
    close(await embed({ embedding: 'linear', embeddingSize: 2 }, weights), [...a, ...b, 0, 1]);
    const negative = { ...weights, 'number/bias': Float32Array.of(-99, 0.2, 0.3, -99) };
    const kept = [0, a[1] ?? NaN, b[0] ?? NaN, 0, 0, 1];
    close(
      await embed({ embedding: 'linear', embeddingSize: 2, embeddingActivation: 'relu' }, negative),
      kept,
    );
  });

  it('periodic: sin and cos of 2πcx, a product of their own, ReLU', async () => {
    const weights = {
      'number/frequencies': Float32Array.of(0.5, 0.2, 0.3, 0.1),
      'number/kernel': Float32Array.of(1, 2, 3, 4, -1, -2, -3, -4),
      'number/bias': Float32Array.of(0.5, 0.25),
    };
    const waves = (x: number, c: readonly number[]): number[] => [
      ...c.map((one) => Math.sin(2 * Math.PI * one * x)),
      ...c.map((one) => Math.cos(2 * Math.PI * one * x)),
    ];
    const sum = (values: readonly number[], kernel: readonly number[]): number =>
      values.reduce((total, value, i) => total + value * (kernel[i] ?? NaN), 0);
    const a = Math.max(0, sum(waves(0.5, [0.5, 0.2]), [1, 2, 3, 4]) + 0.5);
    const b = Math.max(0, sum(waves(-2, [0.3, 0.1]), [-1, -2, -3, -4]) + 0.25);
    // A periodic embedding reads the values; bins stay what they are.
    close(await embed({ embedding: 'periodic', embeddingSize: 1, frequencies: 2 }, weights), [
      a,
      b,
      ...row.slice(2),
    ]);
  });

  it('categories: the row of the table', async () => {
    const weights = { 'category0/table': Float32Array.of(1, 2, 3, 4, 5, 6) };
    close(await embed({ categoryEmbedding: 3 }, weights), [4, 5, 6, 0.5, -2, 1, 0.25, 0.75]);
  });
});

it('members answer with their mean probability, and smoothing spreads the truth', async () => {
  const classes: ClassificationTarget = {
    ...{ task: 'classification', codes: new Int32Array(0), classes: ['x', 'y', 'z'], counts: [1, 1, 1] },
  };
  const network = mlpNetwork(
    classes,
    { width: 2, blocks: [] },
    options({ sharedMembers: 2, labelSmoothing: 0.3 }),
  );
  // [members, rows, classes]; the second member is so sure that its probabilities underflow.
  const logits = [
    [1, 2, 0],
    [200, 0, -200],
  ];
  const outputs = input('outputs', 'float32', [2, 1, 3]);
  const truth = input('y', 'float32', [1, 3]);
  const answer = op.Softmax(network.answer?.(outputs) ?? outputs, 1);
  const loss = network.loss(outputs, { x: truth, y: truth });
  const got = await evaluate({ answer, loss }, [outputs, truth], {
    outputs: { data: Float32Array.from(logits.flat()), dims: [2, 1, 3] },
    y: { data: Float32Array.of(0, 2, 0), dims: [1, 3] },
  });
  const exponents = [Math.E, Math.E ** 2, 1];
  const total = exponents.reduce((sum, value) => sum + value, 0);
  const wanted = [(exponents[0] ?? 0) / total + 1, (exponents[1] ?? 0) / total, 1 / total].map((p) => p / 2);
  wanted.forEach((p, i) => expect(got['answer']?.numbers[i]).toBeCloseTo(p, 5));
  // A row of weight 2 of the class y: 0.7 · 2 stays, 0.3 · 2 is spread.
  const spread = [0.2, 1.6, 0.2];
  const losses = [Math.log(total), 200].map((normal, member) =>
    spread.reduce((sum, share, i) => sum + share * (normal - (logits[member]?.[i] ?? NaN)), 0),
  );
  expect(got['loss']?.numbers[0]).toBeCloseTo(((losses[0] ?? 0) + (losses[1] ?? 0)) / 2, 3);
});
