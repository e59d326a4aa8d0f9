import { constant, input, noDropout, tensor } from '../../../onnx';
import type { Value, Weights } from '../../../onnx';
import { evaluate } from '../../../onnx/testing/runtime';
import { MlpSpec } from '../../../contracts';
import { openSessionCount } from '../../engine/onnxruntime';
import type { FeatureBlock } from '../../prepare/blocks';
import type { RegressionTarget } from '../../prepare/target';
import { regressionTable, request } from '../../testing/examples';
import { trainTable } from '../../train/train-table';
import { weightShapes } from '../network/network';
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
  ).rejects.toMatchObject({ code: 'BAD_SPEC' });
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
