import { GraphError } from '../errors';
import * as op from '../op';
import { readModel } from '../proto/read';
import { evaluate, train } from '../testing/runtime';
import { input, type Value } from '../value';
import { compileTraining, type Ingredients, type TrainingPlan } from './compile';
import { noDropout, weightConstants } from './forward';
import { WeightLayout } from './layout';
import { huberLoss, meanAbsoluteError, meanSquaredError, sigmoidCrossEntropy } from './losses';
import { adam, adamW, sgd } from './optimizer';
import {
  dropoutMasks,
  glorotUniform,
  heNormal,
  permutation,
  randomKey,
  randomNormal,
  randomUnit,
} from './random';

const parameters = { k1: [3, 8], b1: [8], k2: [8, 1], b2: [1] };
const ROWS = 24;
const BATCH = 4;

type Given = Ingredients<'x' | 'y' | 'weight'>;

const network = (
  weights: Readonly<Record<string, Value>>,
  x: Value,
  dropout: Given['dropout'],
  rate = 0,
): Value => {
  const { k1, b1, k2, b2 } = weights;
  if (!k1 || !b1 || !k2 || !b2) throw new Error('four parameters');
  return op.Gemm(dropout(op.Relu(op.Gemm(x, k1, b1)), rate), k2, b2);
};

const plan = (
  more: Partial<TrainingPlan<'x' | 'y' | 'weight'>> = {},
  rate = 0,
): TrainingPlan<'x' | 'y' | 'weight'> => ({
  parameters,
  columns: {
    x: { dtype: 'float32', dims: [3] },
    y: { dtype: 'float32', dims: [1] },
    weight: { dtype: 'float32', dims: [] },
  },
  batchSize: BATCH,
  optimizer: adam(),
  build: ({ weights, batch, dropout }) => {
    const prediction = network(weights, batch.x, dropout, rate);
    return {
      loss: meanSquaredError(prediction, batch.y, batch.weight),
      metrics: { mae: meanAbsoluteError(prediction, batch.y) },
    };
  },
  ...more,
});

const key = randomKey(1);
const x = Float32Array.from({ length: ROWS * 3 }, (_, at) => randomNormal(key, at));
const y = Float32Array.from({ length: ROWS }, (_, row) => (x[3 * row] ?? 0) - 2 * (x[3 * row + 2] ?? 0));
const weight = new Float32Array(ROWS).fill(1);
const weights = {
  k1: glorotUniform([3, 8], 1, 0),
  b1: new Float32Array(8),
  k2: glorotUniform([8, 1], 1, 1),
  b2: new Float32Array(1),
};
const index = Int32Array.from([0, 1, 2, 3, 4].flatMap((epoch) => [...permutation(ROWS, 1, epoch)]));
const run = {
  weights,
  data: {
    x: { data: x, dims: [ROWS, 3] },
    y: { data: y, dims: [ROWS, 1] },
    weight: { data: weight, dims: [ROWS] },
  },
  index,
  learningRate: 0.01,
};
const STEPS = index.length / BATCH;

test('a plan compiles to the same bytes every time', () => {
  expect(compileTraining(plan({}, 0.3)).bytes).toEqual(compileTraining(plan({}, 0.3)).bytes);
});

test('training lowers the loss and reports loss and metrics of every step', async () => {
  const { reports } = await train(compileTraining(plan()), run);
  expect(Object.keys(reports)).toEqual(['loss', 'mae']);
  expect(reports.mae).toHaveLength(STEPS);
  const mean = (list: readonly number[] = []): number =>
    list.reduce((sum, value) => sum + value, 0) / list.length;
  expect(mean(reports.loss?.slice(-6))).toBeLessThan(0.6 * mean(reports.loss?.slice(0, 6)));
});

test('however the steps are cut into runs, the weights end in the same bits, dropout included', async () => {
  const compiled = compileTraining(plan({ l2: { factor: 1e-3, parameters: ['k1'] }, clipNorm: 1 }, 0.4));
  const whole = await train(compiled, run);
  const cut = await train(compiled, { ...run, chunks: [1, 7, 2, STEPS - 10] });
  expect(cut.weights).toEqual(whole.weights);
  expect(cut.reports).toEqual(whole.reports);
  // Batches of 16 rows are long enough for the loop to hand out what the reports are computed from.
  const wide = compileTraining(plan({ batchSize: 16 }, 0.4));
  const sixteens = { ...run, index: index.slice(0, 7 * 16) };
  const { reports } = await train(wide, sixteens);
  expect((await train(wide, { ...sixteens, chunks: [1, 2, 4] })).reports).toEqual(reports);
  const other = await train(compiled, { ...run, seed: 2 });
  expect(other.weights).not.toEqual(whole.weights);
});

test('Loop and Scan end in the same bits', async () => {
  const scan = await train(compileTraining(plan({ loop: 'scan' }, 0.4)), run);
  const loop = await train(compileTraining(plan({ loop: 'loop' }, 0.4)), run);
  expect(loop).toEqual(scan);
});

test('the last, smaller batch runs in a model of its own on the same state', async () => {
  const main = compileTraining(plan());
  const rest = compileTraining(plan({ batchSize: 3 }));
  expect(rest.state).toEqual(main.state);
  const first = await train(main, { ...run, index: index.slice(0, 20) });
  const second = await train(rest, { ...run, weights: first.weights, index: index.slice(20, 23) });
  expect(second.loss).toHaveLength(1);
});

test('rows of weight zero change nothing', async () => {
  const data = { ...run.data, weight: { data: new Float32Array(ROWS), dims: [ROWS] } };
  const { loss, weights: end } = await train(compileTraining(plan({ optimizer: sgd() })), { ...run, data });
  expect(Math.max(...loss)).toBe(0);
  expect(end).toEqual(weights);
});

test('l2 adds factor times the sum of squares to the loss and pulls only the named parameters', async () => {
  const l2 = { factor: 0.1, parameters: ['k1', 'k2'] };
  const zero = { ...run.data, weight: { data: new Float32Array(ROWS), dims: [ROWS] } };
  const start = { ...weights, b1: new Float32Array(8).fill(1) };
  const one = { ...run, weights: start, data: zero, index: index.slice(0, BATCH), learningRate: 0.5 };
  const { loss, weights: end } = await train(compileTraining(plan({ optimizer: sgd(), l2 })), one);
  const squares = [...weights.k1, ...weights.k2].reduce((sum, value) => sum + value * value, 0);
  expect(loss[0]).toBeCloseTo(0.1 * squares, 5);
  expect(end.b1).toEqual(start.b1);
  // w - 0.5 * 2 * 0.1 * w
  end.k1?.forEach((value, at) => expect(value).toBeCloseTo(0.9 * (weights.k1[at] ?? 0), 6));
  expect(() => compileTraining(plan({ l2: { factor: 1, parameters: ['k9'] } }))).toThrow(
    /no parameter k9; one of: k1/,
  );
});

test('adamW takes rate · decay · weight from kernels, or from what it is told, besides the step of Adam', async () => {
  const once = { ...run, index: index.slice(0, BATCH), learningRate: 0.5 };
  const start = { ...weights, b1: new Float32Array(8).fill(1) };
  const step = async (optimizer = adam()) =>
    (await train(compileTraining(plan({ optimizer })), { ...once, weights: start })).weights;
  const plain = await step();
  const decaying = await step(adamW({ weightDecay: 0.1 }));
  const chosen = await step(adamW({ weightDecay: 0.1, decays: ({ name }) => name.startsWith('b') }));
  for (const name of ['k1', 'b1', 'k2', 'b2'] as const)
    plain[name]?.forEach((value, at) => {
      const lost = 0.5 * 0.1 * (start[name][at] ?? NaN);
      expect(decaying[name]?.[at]).toBeCloseTo(value - (name.startsWith('k') ? lost : 0), 6);
      expect(chosen[name]?.[at]).toBeCloseTo(value - (name.startsWith('b') ? lost : 0), 6);
    });
  expect(decaying.b1).toEqual(plain.b1);
  expect(decaying.k1).not.toEqual(plain.k1);
});

test('a buffer has a name of its own and exists', () => {
  const objective = { loss: op.ReduceSum(input('unused', 'float32', [1])) };
  expect(() => compileTraining(plan({ buffers: { k1: [1] } }))).toThrow(/k1 is a parameter and a buffer/);
  expect(() =>
    compileTraining(
      plan({
        build: ({ carry, batch }) => {
          carry('mean', batch.x);
          return objective;
        },
      }),
    ),
  ).toThrow(/carry: no buffer mean/);
});

test('clipNorm bounds the step of plain descent', async () => {
  const steep = { ...run.data, y: { data: y.map((value) => value * 1000), dims: [ROWS, 1] } };
  const once = { ...run, data: steep, index: index.slice(0, BATCH), learningRate: 1 };
  const { weights: end } = await train(compileTraining(plan({ optimizer: sgd(), clipNorm: 0.5 })), once);
  const moved = (['k1', 'b1', 'k2', 'b2'] as const).flatMap((name) =>
    Array.from(end[name] ?? [], (value, at) => (value - (weights[name][at] ?? 0)) ** 2),
  );
  expect(Math.sqrt(moved.reduce((sum, value) => sum + value, 0))).toBeCloseTo(0.5, 3);
});

test('what only reports need is computed after the loop, to the same numbers', async () => {
  const build: TrainingPlan<'x' | 'y' | 'weight'>['build'] = (given) => {
    const prediction = network(given.weights, given.batch.x, given.dropout);
    const error = op.Sub(prediction, given.batch.y);
    return {
      loss: meanSquaredError(prediction, given.batch.y),
      // The largest error stays inside, and with it its mean.
      metrics: { bias: op.ReduceMean(error), half: op.Mul(op.ReduceMax(error), 0.5) },
    };
  };
  const compiled = compileTraining({ ...plan({ batchSize: 16 }), build });
  const scan = readModel(compiled.bytes).graph.nodes.find(({ op: name }) => name === 'Scan');
  const body = scan?.attributes.find(({ type }) => type === 'graph');
  if (body?.type !== 'graph') throw new Error('the loop has a body');
  const inside = body.value.nodes.map(({ op: name }) => name);
  expect(inside).toContain('ReduceMax');
  expect(inside).not.toContain('ReduceMean');
  const { reports } = await train(compiled, { ...run, index: index.slice(0, 16) });
  const order = [...index.slice(0, 16)];
  const hidden = (row: number): number[] =>
    [0, 1, 2, 3, 4, 5, 6, 7].map((unit) =>
      Math.max(
        0,
        [0, 1, 2].reduce((sum, at) => sum + (x[3 * row + at] ?? 0) * (weights.k1[8 * at + unit] ?? 0), 0),
      ),
    );
  const errors = order.map(
    (row) =>
      hidden(row).reduce((sum, value, unit) => sum + value * (weights.k2[unit] ?? 0), 0) - (y[row] ?? 0),
  );
  const mean = (list: readonly number[]): number => list.reduce((sum, value) => sum + value, 0) / 16;
  expect(reports.loss?.[0]).toBeCloseTo(mean(errors.map((error) => error ** 2)), 4);
  expect(reports.bias?.[0]).toBeCloseTo(mean(errors), 4);
  expect(reports.half?.[0]).toBeCloseTo(Math.max(...errors) / 2, 4);
});

test('the exported network computes what training computed, and dropout is gone', async () => {
  const compiled = compileTraining(plan({}, 0.5));
  const trained = await train(compiled, run);
  const rows = input('x', 'float32', ['n', 3]);
  const exported = network(weightConstants(parameters, trained.weights), rows, noDropout, 0.5);
  const feed = { x: { data: x, dims: [ROWS, 3] } };
  const served = await evaluate({ y: exported }, [rows], feed);
  // The same forward graph fed with the carried state, as validation during training does.
  const carried = compiled.layout.inputs('weights');
  const live = network(compiled.layout.unpack(carried), rows, noDropout, 0.5);
  const arrays = compiled.layout.arrays(trained.weights);
  const validated = await evaluate({ y: live }, [rows, ...carried], {
    ...feed,
    [compiled.state[0]?.input ?? '']: { data: arrays[0] ?? [], dims: [1, arrays[0]?.length ?? 0] },
  });
  // Constant weights are packed for another kernel by onnxruntime: the last bit may differ.
  served.y?.numbers.forEach((value, row) => expect(value).toBeCloseTo(validated.y?.numbers[row] ?? NaN, 5));
  expect(served.y?.dims).toEqual([ROWS, 1]);
});

test('large parameters are carried alone, small ones share a vector, and both come back by name', async () => {
  const sizes = { table: [200, 200], bias: [200], other: [200, 2] };
  const layout = new WeightLayout(sizes);
  expect(layout.groups.map(({ name, dims }) => [name, dims])).toEqual([
    ['shared', [1, 600]],
    ['table', [1, 40_000]],
  ]);
  const values = {
    table: heNormal([200, 200], 1, 0),
    bias: heNormal([200], 1, 1),
    other: heNormal([200, 2], 1, 2),
  };
  expect(layout.weights(layout.arrays(values))).toEqual(values);
  expect(() => layout.arrays({ ...values, bias: new Float32Array(3) })).toThrow(
    /bias needs 200 weights, got 3/,
  );
  const compiled = compileTraining({
    parameters: sizes,
    columns: { x: { dtype: 'float32', dims: [200] } },
    batchSize: 2,
    optimizer: adam(),
    build: ({ weights: { table, bias, other }, batch }) => {
      if (!table || !bias || !other) throw new Error('three parameters');
      return { loss: op.ReduceMean(op.Gemm(op.Tanh(op.Gemm(batch.x, table, bias)), other)) };
    },
  });
  const { loss } = await train(compiled, {
    weights: values,
    data: { x: { data: heNormal([4, 200], 3, 3), dims: [4, 200] } },
    index: Int32Array.from([0, 1, 2, 3, 0, 1]),
    learningRate: 0.01,
  });
  expect(loss[2]).toBeLessThan(loss[0] ?? NaN);
});

test('a plan that cannot work is refused', () => {
  expect(() => compileTraining(plan({ batchSize: 0 }))).toThrow(
    /batchSize must be a positive whole number, got 0/,
  );
  expect(() => compileTraining(plan({ parameters: {} }))).toThrow(GraphError);
  expect(() => compileTraining(plan({}, 1))).toThrow(/rate must be in \[0, 1\), got 1/);
  expect(() => compileTraining(plan({ build: ({ batch }) => ({ loss: batch.x }) }))).toThrow(
    /loss must be one float/,
  );
});

test('losses have the values of their formulas', async () => {
  const p = input('p', 'float32', [4, 1]);
  const t = input('t', 'float32', [4, 1]);
  const results = await evaluate({ huber: huberLoss(p, t, 1), cross: sigmoidCrossEntropy(p, t) }, [p, t], {
    p: { data: Float32Array.from([0.5, -3, 2, 80]), dims: [4, 1] },
    t: { data: Float32Array.from([0, 0, 1, 0]), dims: [4, 1] },
  });
  expect(results.huber?.numbers[0]).toBeCloseTo((0.125 + 2.5 + 0.5 + 79.5) / 4, 4);
  const safe = [Math.log(1 + Math.exp(0.5)), Math.log(1 + Math.exp(-3)), Math.log(1 + Math.exp(-2)), 80];
  expect(results.cross?.numbers[0]).toBeCloseTo(safe.reduce((a, b) => a + b) / 4, 4);
});

describe('random numbers', () => {
  test('are uniform and normal, and differ between seeds, streams and counters', () => {
    const draws = 20_000;
    const mean = (draw: (at: number) => number): number =>
      Array.from({ length: draws }, (_, at) => draw(at)).reduce((sum, value) => sum + value, 0) / draws;
    for (const seed of [0, 1, 2 ** 40]) {
      const one = randomKey(seed, 3);
      expect(mean((at) => randomUnit(one, at))).toBeCloseTo(0.5, 1);
      expect(mean((at) => (randomUnit(one, at) - 0.5) ** 2)).toBeCloseTo(1 / 12, 2);
      expect(mean((at) => randomNormal(one, at))).toBeCloseTo(0, 1);
      expect(mean((at) => randomNormal(one, at) ** 2)).toBeCloseTo(1, 1);
    }
    const keys = [0, 1, 2, 2 ** 32, 2 ** 40].flatMap((seed) =>
      [0, 1, 2].map((stream) => randomKey(seed, stream)),
    );
    expect(new Set(keys).size).toBe(keys.length);
  });

  test('a permutation holds every row once and differs between epochs', () => {
    const one = permutation(1000, 7, 0);
    expect([...one].sort((a, b) => a - b)).toEqual(Array.from({ length: 1000 }, (_, at) => at));
    expect(permutation(1000, 7, 1)).not.toEqual(one);
    expect(permutation(1000, 7, 0)).toEqual(one);
  });

  test('dropout keeps the right share, scaled so that the mean stays', () => {
    const masks = dropoutMasks(999, 0.3, { seed: 1, stream: 0, firstStep: 0, steps: 40 });
    const mean = masks.reduce((sum, value) => sum + value, 0) / masks.length;
    expect(mean).toBeGreaterThan(0.98);
    expect(mean).toBeLessThan(1.02);
    expect(new Set(masks)).toEqual(new Set([0, Math.fround(1 / 0.7)]));
    const later = dropoutMasks(999, 0.3, { seed: 1, stream: 0, firstStep: 25, steps: 5 });
    expect(later).toEqual(masks.slice(25 * 999, 30 * 999));
  });
});
