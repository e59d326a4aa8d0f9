import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-core/dist/register_all_gradients';
import '@tensorflow/tfjs-backend-cpu';
import { differentiableOps, gradients } from '.';
import * as op from '../op';
import { countOf, tensor } from '../tensor';
import { distinctInputs } from '../testing/inputs';
import { evaluate } from '../testing/runtime';
import { randomKey, randomUnit } from '../training/random';
import { constant, input, int64s, type Value } from '../value';

/**
 * Values and gradients of every differentiable operator against TensorFlow.js on its CPU backend: an implementation
 * that shares nothing with ours.
 */

type Shapes = readonly (readonly number[])[];
type Ours = (...x: Value[]) => Value;
type Theirs = (...x: tf.Tensor[]) => tf.Tensor;
type Row = readonly [
  op: string,
  shapes: Shapes,
  ours: Ours,
  theirs: Theirs,
  range?: readonly [number, number],
];

const need = <T>(value: T | undefined): T => {
  if (value === undefined) throw new Error('missing');
  return value;
};

const M = [3, 4];
const channelsLast = (x: tf.Tensor): tf.Tensor4D => tf.transpose(x as tf.Tensor4D, [0, 2, 3, 1]);
const channelsFirst = (x: tf.Tensor): tf.Tensor => tf.transpose(x, [0, 3, 1, 2]);
const normalised = (x: tf.Tensor, mean: tf.Tensor, variance: tf.Tensor): tf.Tensor =>
  tf.div(tf.sub(x, mean), tf.sqrt(tf.add(variance, 1e-3)));
/** [3, 2] columns of [3, 4], one pick per place. */
const PICKS = [0, 3, 1, 2, 2, 0];
const picks = constant(tensor('int64', PICKS, [3, 2]));
/** [3, 2, 4]: 1 where a place picks a column. */
const picked = (): tf.Tensor => tf.cast(tf.oneHot(tf.tensor2d(PICKS, [3, 2], 'int32'), 4), 'float32');
const flags = [true, false, true, false];

const TABLE: readonly Row[] = [
  ['Add', [M, [4]], op.Add, tf.add],
  ['Sub', [[4], M], op.Sub, tf.sub],
  ['Mul', [M, [3, 1]], op.Mul, tf.mul],
  ['Div', [M, [4]], op.Div, tf.div, [0.5, 2]],
  ['Pow', [M, [4]], op.Pow, tf.pow, [0.5, 2]],
  // tfjs does not sum these two over broadcast axes.
  ['Max', [M, M], op.Max, tf.maximum],
  ['Min', [M, M], op.Min, tf.minimum],
  ['Mod', [[6], [1]], op.Mod, tf.mod, [0.3, 1]],
  [
    'Where',
    [M, [4]],
    (a, b) => op.Where(constant(tensor('bool', flags)), a, b),
    (a, b) => tf.where(tf.tensor1d(flags, 'bool'), a, tf.broadcastTo(b, M)),
  ],
  ['Neg', [M], op.Neg, tf.neg],
  ['Abs', [M], op.Abs, tf.abs],
  ['Sqrt', [M], op.Sqrt, tf.sqrt, [0.5, 2]],
  ['Exp', [M], op.Exp, tf.exp],
  ['Log', [M], op.Log, tf.log, [0.5, 2]],
  ['Erf', [M], op.Erf, tf.erf],
  ['Sin', [M], op.Sin, tf.sin],
  ['Cos', [M], op.Cos, tf.cos],
  ['Tanh', [M], op.Tanh, tf.tanh],
  ['Sigmoid', [M], op.Sigmoid, tf.sigmoid],
  ['Relu', [M], op.Relu, tf.relu],
  ['LeakyRelu', [M], (x) => op.LeakyRelu(x, 0.2), (x) => tf.leakyRelu(x, 0.2)],
  ['Elu', [M], (x) => op.Elu(x), tf.elu],
  ['Softplus', [M], op.Softplus, tf.softplus],
  [
    'HardSigmoid',
    [M],
    (x) => op.HardSigmoid(x, 0.4, 0.5),
    (x) => tf.clipByValue(tf.add(tf.mul(x, 0.4), 0.5), 0, 1),
    [-2.4, 2.4],
  ],
  ['Reciprocal', [M], op.Reciprocal, tf.reciprocal, [0.5, 2]],
  ['Identity', [M], op.Identity, tf.clone],
  ['Cast', [M], (x) => op.Cast(op.Cast(x, 'float64'), 'float32'), (x) => tf.cast(x, 'float32')],
  ['Clip', [M], (x) => op.Clip(x, -0.5, 0.5), (x) => tf.clipByValue(x, -0.5, 0.5)],
  ['Sign', [M], op.Sign, tf.sign],
  ['Floor', [M], op.Floor, tf.floor],
  ['Ceil', [M], op.Ceil, tf.ceil],
  ['Round', [M], op.Round, tf.round],
  [
    'MatMul',
    [
      [2, 3, 4],
      [2, 4, 2],
    ],
    op.MatMul,
    (a, b) => tf.matMul(a, b),
  ],
  [
    'Gemm',
    [[3, 4], [2, 4], [2]],
    (a, b, bias) => op.Gemm(a, b, bias, { transB: true, alpha: 0.7, beta: 1.5 }),
    (a, b, bias) => tf.add(tf.mul(tf.matMul(a, b, false, true), 0.7), tf.mul(bias, 1.5)),
  ],
  ['Softmax', [M], (x) => op.Softmax(x), (x) => tf.softmax(x)],
  ['LogSoftmax', [M], (x) => op.LogSoftmax(x), (x) => tf.logSoftmax(x)],
  [
    'LayerNormalization',
    [M, [4], [4]],
    (x, scale, shift) => op.LayerNormalization(x, scale, shift, -1, 1e-3),
    (x, scale, shift) => {
      const { mean, variance } = tf.moments(x, -1, true);
      return tf.add(tf.mul(normalised(x, mean, variance), scale), shift);
    },
  ],
  [
    'BatchNormalization',
    [[2, 3, 2, 2], [3], [3], [3], [3]],
    (x, scale, shift, mean, variance) => op.BatchNormalization(x, { scale, shift, mean, variance }, 1e-3),
    (x, scale, shift, mean, variance) =>
      channelsFirst(
        tf.batchNorm(
          channelsLast(x),
          mean as tf.Tensor1D,
          variance as tf.Tensor1D,
          shift as tf.Tensor1D,
          scale as tf.Tensor1D,
          1e-3,
        ),
      ),
    [0.5, 2],
  ],
  ['ReduceSum', [M], (x) => op.ReduceSum(x, { axes: [1] }), (x) => tf.sum(x, 1)],
  ['ReduceMean', [M], (x) => op.ReduceMean(x, { axes: [0] }), (x) => tf.mean(x, 0)],
  ['ReduceMax', [M], (x) => op.ReduceMax(x, { axes: [1] }), (x) => tf.max(x, 1)],
  ['ReduceMin', [M], (x) => op.ReduceMin(x, { axes: [1] }), (x) => tf.min(x, 1)],
  [
    'TopK',
    [M],
    (x) => op.TopK(x, 2).values,
    // tfjs cannot differentiate its topk: the same picks as a product.
    (x) =>
      tf.sum(
        tf.mul(
          tf.cast(tf.oneHot(tf.topk(tf.tensor(x.dataSync(), M), 2).indices, 4), 'float32'),
          tf.expandDims(x, 1),
        ),
        2,
      ),
  ],
  ['Reshape', [M], (x) => op.Reshape(x, [2, 6]), (x) => tf.reshape(x, [2, 6])],
  ['Unsqueeze', [M], (x) => op.Unsqueeze(x, [1]), (x) => tf.expandDims(x, 1)],
  ['Squeeze', [[3, 1, 4]], (x) => op.Squeeze(x, [1]), (x) => tf.squeeze(x, [1])],
  ['Transpose', [[2, 3, 2]], (x) => op.Transpose(x, [2, 0, 1]), (x) => tf.transpose(x, [2, 0, 1])],
  ['Expand', [[3, 1]], (x) => op.Expand(x, [2, 3, 4]), (x) => tf.tile(tf.reshape(x, [1, 3, 1]), [2, 1, 4])],
  ['Concat', [M, [3, 2]], (a, b) => op.Concat([a, b, a], 1), (a, b) => tf.concat([a, b, a], 1)],
  [
    'Split',
    [[2, 6]],
    (x) => {
      const [a, b] = op.Split(x, [2, 4], 1);
      return op.Concat([op.Exp(need(b)), need(a)], 1);
    },
    (x) => {
      const [a, b] = tf.split(x, [2, 4], 1);
      return tf.concat([tf.exp(need(b)), need(a)], 1);
    },
  ],
  ['Slice', [M], (x) => op.Slice(x, [{ axis: 1, start: 1, end: -1 }]), (x) => tf.slice(x, [0, 1], [3, 2])],
  [
    'Pad',
    [M],
    (x) => op.Pad(x, [1, 0], [0, 2]),
    (x) =>
      tf.pad(x, [
        [1, 0],
        [0, 2],
      ]),
  ],
  [
    'Gather',
    [[5, 2]],
    (x) => op.Gather(x, int64s([0, 3, 3])),
    (x) => tf.gather(x, tf.tensor1d([0, 3, 3], 'int32')),
  ],
  [
    'GatherElements',
    [M],
    (x) => op.GatherElements(x, picks, 1),
    (x) => tf.sum(tf.mul(picked(), tf.expandDims(x, 1)), 2),
  ],
  [
    'ScatterElements',
    [M, [3, 2]],
    (x, u) => op.ScatterElements(x, picks, u, 1, 'add'),
    (x, u) => tf.add(x, tf.sum(tf.mul(picked(), tf.expandDims(u, 2)), 1)),
  ],
  [
    'Conv',
    [[2, 2, 6, 5], [3, 2, 3, 2], [3]],
    (x, w, b) => op.Conv(x, w, b, { strides: [2, 1], pads: 'same' }),
    (x, w, b) =>
      channelsFirst(
        tf.add(tf.conv2d(channelsLast(x), tf.transpose(w as tf.Tensor4D, [2, 3, 1, 0]), [2, 1], 'same'), b),
      ),
  ],
  [
    'Conv',
    [[2, 3, 8], [4, 3, 3], [4]],
    (x, w, b) => op.Conv(x, w, b),
    (x, w, b) => {
      const last = tf.transpose(x as tf.Tensor3D, [0, 2, 1]);
      const result = tf.conv1d(last, tf.transpose(w as tf.Tensor3D, [2, 1, 0]), 1, 'valid');
      return tf.transpose(tf.add(result, b), [0, 2, 1]);
    },
  ],
  [
    'MaxPool',
    [[1, 2, 5, 5]],
    (x) => op.MaxPool(x, [3, 3], { strides: [2, 2] }),
    (x) => channelsFirst(tf.maxPool(channelsLast(x), 3, 2, 'valid')),
  ],
  [
    // Without padding, which tfjs' gradient counts.
    'AveragePool',
    [[1, 2, 5, 5]],
    (x) => op.AveragePool(x, [3, 3], { strides: [2, 2] }),
    (x) => channelsFirst(tf.avgPool(channelsLast(x), 3, 2, 'valid')),
  ],
  ['GlobalAveragePool', [[2, 3, 2, 4]], op.GlobalAveragePool, (x) => tf.mean(x, [2, 3], true)],
];

beforeAll(async () => {
  tf.enableProdMode(); // no advice about faster backends
  await tf.setBackend('cpu');
});

test.each(TABLE.map((row) => [row[0], JSON.stringify(row[1]), row] as const))(
  '%s %s',
  async (_op, _shapes, row) => {
    const [, shapes, ours, theirs, range] = row;
    const arrays = distinctInputs(shapes, range);
    const inputs = shapes.map((dims, at) => input(`x${at}`, 'float32', dims));
    const y = ours(...inputs);
    const dims = y.shape.map(Number);
    const key = randomKey(11);
    const weights = Float32Array.from({ length: countOf(dims) }, (_, at) => randomUnit(key, at) + 0.5);
    const slopes = gradients(op.ReduceSum(op.Mul(y, constant(tensor('float32', weights, dims)))), inputs);
    const results = await evaluate(
      { y, ...Object.fromEntries(slopes.map((slope, at) => [`g${at}`, slope])) },
      inputs,
      Object.fromEntries(arrays.map((data, at) => [`x${at}`, { data, dims: need(shapes[at]) }])),
    );
    const tensors = arrays.map((data, at) => tf.tensor(data, [...need(shapes[at])]));
    const expected = [
      theirs(...tensors),
      ...tf.grads((...x: tf.Tensor[]) => tf.sum(tf.mul(theirs(...x), tf.tensor(weights, dims))))(tensors),
    ];
    ['y', ...slopes.map((_, at) => `g${at}`)].forEach((name, at) => {
      const [mine, other] = [need(results[name]), need(expected[at])];
      expect(mine.dims).toEqual(other.shape);
      other.dataSync().forEach((value, place) => {
        const error = Math.abs((mine.numbers[place] ?? NaN) - value) / Math.max(1, Math.abs(value));
        if (!(error < 2e-5)) throw new Error(`${name}[${place}]: ${mine.numbers[place]}, tfjs says ${value}`);
      });
    });
  },
);

test('every differentiable operator is in the table', () => {
  // Their results are whole numbers or depend on shapes only.
  const without = ['ArgMax', 'OneHot', 'Shape', 'Size'];
  const names = new Set(TABLE.map(([name]) => name));
  expect(differentiableOps().filter((name) => !names.has(name) && !without.includes(name))).toEqual([]);
});
