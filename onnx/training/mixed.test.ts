/** Training in mixed precision, with float16 rounded as a card does it (testing/rounded.ts). */
import { readFileSync } from 'node:fs';
import { dataFile } from '../../test/support/data';
import * as op from '../op';
import { readModel } from '../proto/read';
import type { GraphProto, NodeProto } from '../proto/model';
import { rounded } from '../testing/rounded';
import { evaluate, train } from '../testing/runtime';
import { input, type Value } from '../value';
import { compileTraining, type CompiledTraining, type TrainingPlan } from './compile';
import { weightConstants } from './forward';
import { meanSquaredError } from './losses';
import { adam, sgd } from './optimizer';
import { glorotUniform, permutation, randomKey, randomNormal } from './random';

const ROWS = 64;
const BATCH = 16;
const SIDE = 4;
const FLAT = 3 * SIDE * SIDE;
const parameters = { filter: [3, 1, 3, 3], hidden: [FLAT, 8], shift: [8], out: [8, 1] };
type Name = keyof typeof parameters;
const NAMES = Object.keys(parameters) as Name[];
const start = Object.fromEntries(NAMES.map((name, at) => [name, glorotUniform(parameters[name], 1, at)]));
const key = randomKey(7);
const x = Float32Array.from({ length: ROWS * SIDE ** 2 }, (_, at) => randomNormal(key, at));
const y = Float32Array.from({ length: ROWS }, (_, row) => x[row * SIDE ** 2] - 2 * x[row * SIDE ** 2 + 5]);

/** A convolution, a product with a bias, one without, and the number of steps in a buffer; the loss is `steep` times the error. */
const plan = (mixed: boolean, more: Partial<TrainingPlan<'x' | 'y'>> = {}, steep = 1) =>
  compileTraining<'x' | 'y'>({
    parameters,
    buffers: { steps: [1] },
    columns: { x: { dtype: 'float32', dims: [1, SIDE, SIDE] }, y: { dtype: 'float32', dims: [1] } },
    batchSize: BATCH,
    optimizer: adam(),
    mixed,
    build: ({ weights: { filter, hidden, shift, out, steps }, batch, carry }) => {
      if (!filter || !hidden || !shift || !out || !steps) throw new Error('four weights and a buffer');
      carry('steps', op.Add(steps, 1));
      const seen = op.Relu(op.Conv(batch.x, filter, undefined, { pads: 'same' }));
      const answer = op.MatMul(op.Relu(op.Gemm(op.Reshape(seen, [BATCH, FLAT]), hidden, shift)), out);
      return { loss: op.Mul(meanSquaredError(answer, batch.y), steep) };
    },
    ...more,
  });

/** Its float16 rounds as on a card. */
const onCard = (compiled: CompiledTraining): CompiledTraining => ({
  ...compiled,
  bytes: rounded(compiled.bytes),
});

const EPOCHS = Array.from({ length: 40 }, (_, epoch) => [...permutation(ROWS, 1, epoch)]).flat();
const run = (steps: number, learningRate = 0.01) => ({
  weights: { ...start, steps: new Float32Array(1) },
  data: { x: { data: x, dims: [ROWS, 1, SIDE, SIDE] }, y: { data: y, dims: [ROWS, 1] } },
  index: Int32Array.from(EPOCHS.slice(0, steps * BATCH)),
  learningRate,
});

const mean = (list: readonly number[]): number => list.reduce((sum, one) => sum + one, 0) / list.length;
const scaleOf = (state: Readonly<Record<string, Float32Array>>): number => state['scaling/scale']?.[0] ?? NaN;

test.each([0.01, 1e-7])(
  'the gradients of a loss times %d are those of float32 to two digits',
  async (steep) => {
    // Unscaled, those of the smaller loss would be zero in float16, whose smallest number is 6e-8.
    const [optimizer, step] = [sgd(), run(1, 0.1 / steep)];
    const single = await train(plan(false, { optimizer }, steep), step);
    const mixed = await train(onCard(plan(true, { optimizer }, steep)), step);
    for (const name of NAMES) {
      const moved = (weights: Readonly<Record<string, Float32Array>>): number[] =>
        Array.from(weights[name] ?? [], (weight, at) => weight - (start[name]?.[at] ?? NaN));
      const exact = moved(single.weights);
      const largest = Math.max(...exact.map(Math.abs));
      expect(largest).toBeGreaterThan(0.01);
      const apart = Math.max(...moved(mixed.weights).map((one, at) => Math.abs(one - (exact[at] ?? NaN))));
      expect(apart).toBeGreaterThan(0);
      expect(apart).toBeLessThan(0.005 * largest);
    }
  },
);

test('half precision learns what single precision does', async () => {
  const single = await train(plan(false), run(160));
  const mixed = await train(onCard(plan(true)), run(160));
  expect(mixed.loss).not.toEqual(single.loss);
  expect(mean(mixed.loss.slice(0, 4))).toBeGreaterThan(20 * mean(mixed.loss.slice(-16)));
  expect(mean(mixed.loss.slice(-16))).toBeLessThan(1.2 * mean(single.loss.slice(-16)));
});

/** The concrete set in the order of a seed, every column standardised; the first 206 rows are held out. */
const concrete = (path: string) => {
  const [, ...lines] = readFileSync(path, 'utf8').trim().split('\n');
  const rows = lines.map((line) => line.split(',').map(Number));
  const order = permutation(rows.length, 3, 0);
  const columns = Array.from({ length: 9 }, (_, at) => {
    const values = [...order].map((row) => rows[row]?.[at] ?? NaN);
    const centre = mean(values);
    const deviation = Math.sqrt(mean(values.map((value) => (value - centre) ** 2)));
    return values.map((value) => (value - centre) / deviation);
  });
  const part = (from: number, to?: number) => {
    const strength = Float32Array.from(columns[8]?.slice(from, to) ?? []);
    const features = columns.slice(0, 8).map((values) => values.slice(from, to));
    const count = strength.length;
    const values = Float32Array.from({ length: 8 * count }, (_, at) => features[at % 8]?.[at >> 3] ?? NaN);
    return { count, x: { data: values, dims: [count, 8] }, y: { data: strength, dims: [count, 1] } };
  };
  return { training: part(206), test: part(0, 206) };
};

test('concrete: the error on held-out rows is that of single precision', async () => {
  const path = dataFile('concrete.csv');
  if (path === undefined)
    return void process.stderr.write('skipped: ../shared/data/concrete.csv is not here\n');
  const { training, test: held } = concrete(path);
  const shapes = { a: [8, 64], b: [64], c: [64, 64], d: [64], e: [64, 1] };
  const answer = ({ a, b, c, d, e }: Readonly<Record<string, Value>>, features: Value): Value => {
    if (!a || !b || !c || !d || !e) throw new Error('five weights');
    return op.MatMul(op.Relu(op.Gemm(op.Relu(op.Gemm(features, a, b)), c, d)), e);
  };
  const errorOf = async (mixed: boolean, seed: number): Promise<number> => {
    const compiled = compileTraining({
      parameters: shapes,
      columns: { x: { dtype: 'float32', dims: [8] }, y: { dtype: 'float32', dims: [1] } },
      batchSize: 32,
      optimizer: adam(),
      mixed,
      build: ({ weights, batch }) => ({ loss: meanSquaredError(answer(weights, batch.x), batch.y) }),
    });
    const epochs = Array.from({ length: 60 }, (_, epoch) => [
      ...permutation(training.count, seed, epoch).subarray(0, 32 * 25),
    ]);
    const { weights } = await train(mixed ? onCard(compiled) : compiled, {
      weights: Object.fromEntries(
        Object.entries(shapes).map(([name, dims], at) => [
          name,
          dims.length === 1 ? new Float32Array(64) : glorotUniform(dims, seed, at),
        ]),
      ),
      data: { x: training.x, y: training.y },
      index: Int32Array.from(epochs.flat()),
      learningRate: 0.003,
    });
    const features = input('x', 'float32', held.x.dims);
    const outputs = { y: answer(weightConstants(shapes, weights), features) };
    const predicted = (await evaluate(outputs, [features], { x: held.x }))['y']?.numbers ?? [];
    return Math.sqrt(mean(predicted.map((one, at) => (one - (held.y.data[at] ?? NaN)) ** 2)));
  };
  const errors: { single: number; mixed: number }[] = [];
  for (const seed of [0, 1, 2])
    errors.push({ single: await errorOf(false, seed), mixed: await errorOf(true, seed) });
  const single = mean(errors.map((each) => each.single));
  expect(single).toBeLessThan(0.4);
  expect(mean(errors.map(({ mixed }) => mixed))).toBeLessThan(1.05 * single);
});

test('a step that overflows changes nothing but the scale, which is halved until one does not', async () => {
  const steep = 1000;
  const once = await train(onCard(plan(true, {}, steep)), run(1));
  expect(once.weights).toEqual({ ...start, steps: Float32Array.of(0) });
  expect(once.loss[0]).toBeGreaterThan(1000);
  expect(scaleOf(once.state)).toBe(2 ** 15);
  const { state, weights } = await train(onCard(plan(true, {}, steep)), run(40));
  const halved = 16 - Math.log2(scaleOf(state));
  expect(halved).toBeGreaterThan(5);
  expect(halved).toBeLessThan(20);
  expect(weights.steps).toEqual(Float32Array.of(40 - halved));
  expect(weights.hidden).not.toEqual(start.hidden);
  expect(Object.values(state).every((values) => values.every(Number.isFinite))).toBe(true);
});

test('after two thousand good steps the scale is doubled', async () => {
  const compiled = plan(true, {}, 1e-3);
  const rows = run(160);
  const long = { ...rows, index: Int32Array.from({ length: 2001 * BATCH }, (_, at) => at % ROWS) };
  const { state } = await train(compiled, long);
  expect(scaleOf(state)).toBe(2 ** 17);
  expect(state['scaling/good']).toEqual(Float32Array.of(1));
});

test('however the steps are cut into runs, the weights end in the same bits', async () => {
  const compiled = onCard(plan(true, { l2: { factor: 1e-3, parameters: ['hidden'] }, clipNorm: 1 }, 100));
  const whole = await train(compiled, run(40));
  expect(await train(compiled, { ...run(40), chunks: [1, 7, 32] })).toEqual(whole);
});

/** All nodes of a graph and its bodies, and what they read. */
const nodesOf = (graph: GraphProto): NodeProto[] =>
  graph.nodes.flatMap((item) => [
    item,
    ...item.attributes.flatMap((each) => (each.type === 'graph' ? nodesOf(each.value) : [])),
  ]);

test('products take float16, but not those of the optimizer nor sums; nothing changes without being asked for', () => {
  const halves = (mixed: boolean): string[] => {
    const nodes = nodesOf(readModel(plan(mixed).bytes).graph);
    const half = new Set(
      nodes
        .filter(({ attributes }) =>
          attributes.some(({ name, ...to }) => name === 'to' && Number(to.value) === 10),
        )
        .flatMap(({ outputs }) => outputs),
    );
    return nodes
      .filter(({ op: name }) => ['Conv', 'Gemm', 'MatMul'].includes(name))
      .map(
        ({ op: name, inputs }) =>
          `${name} ${inputs.every((operand) => half.has(operand)) ? 'half' : 'single'}`,
      );
  };
  // Forward Conv, Gemm, MatMul; five gradients; the column sums of the shift, and Adam's three.
  const all = halves(true);
  expect(all.filter((one) => one.endsWith('half')).sort()).toEqual([
    'Conv half',
    ...new Array<string>(6).fill('Gemm half'),
    'MatMul half',
  ]);
  expect(all.filter((one) => one.endsWith('single')).sort()).toEqual([
    ...new Array<string>(3).fill('Gemm single'),
    'MatMul single',
  ]);
  expect(halves(false).every((one) => one.endsWith('single'))).toBe(true);
});
