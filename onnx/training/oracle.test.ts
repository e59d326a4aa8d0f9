import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-core/dist/register_all_gradients';
import '@tensorflow/tfjs-backend-cpu';
import * as op from '../op';
import { countOf, tensor } from '../tensor';
import { train } from '../testing/runtime';
import { constant, int64s, type Value } from '../value';
import { compileTraining, type Column } from './compile';
import { meanSquaredError, softmaxCrossEntropy } from './losses';
import type { Parameters } from './layout';
import { adam, sgd } from './optimizer';
import { glorotUniform, permutation, randomKey, randomNormal } from './random';

/** Networks of other kinds than the platform's families, trained here and by TensorFlow.js on its CPU backend. */

const STEPS = 20;
const BATCH = 8;
const ROWS = 40;
const RATE = 0.01;
const CLASSES = 3;

type Tensors = Record<string, tf.Tensor>;

interface Subject {
  readonly parameters: Parameters;
  readonly row: readonly number[];
  readonly output: 'class' | 'number';
  readonly ours: (weights: Readonly<Record<string, Value>>, x: Value) => Value;
  readonly theirs: (weights: Tensors, x: tf.Tensor) => tf.Tensor;
}

const get = <T>(record: Readonly<Record<string, T>>, name: string): T => {
  const value = record[name];
  if (value === undefined) throw new Error(`no ${name}`);
  return value;
};

const normals = (count: number, stream: number): Float32Array => {
  const key = randomKey(3, stream);
  return Float32Array.from({ length: count }, (_, at) => randomNormal(key, at));
};

const dataOf = (subject: Subject) => {
  const x = normals(ROWS * countOf(subject.row), 1);
  const width = countOf(subject.row);
  const score = (row: number): number =>
    x.subarray(row * width, (row + 1) * width).reduce((sum, value, at) => sum + value * Math.sin(at + 1), 0) /
    Math.sqrt(width);
  const y =
    subject.output === 'number'
      ? Float32Array.from({ length: ROWS }, (_, row) => score(row))
      : Float32Array.from({ length: ROWS * CLASSES }, (_, at) => {
          const s = score(Math.floor(at / CLASSES));
          return at % CLASSES === (s < -0.3 ? 0 : s < 0.3 ? 1 : 2) ? 1 : 0;
        });
  const index = new Int32Array(STEPS * BATCH);
  for (let epoch = 0; epoch * ROWS < index.length; epoch++)
    index.set(permutation(ROWS, 5, epoch), epoch * ROWS);
  return { x, y, outputs: subject.output === 'number' ? 1 : CLASSES, index };
};

const initialWeights = (parameters: Parameters): Record<string, Float32Array> =>
  Object.fromEntries(
    Object.entries(parameters).map(([name, dims], stream) => [
      name,
      name.endsWith('scale')
        ? new Float32Array(countOf(dims)).fill(1)
        : dims.length === 1
          ? normals(countOf(dims), 100 + stream).map((value) => value * 0.1)
          : glorotUniform(dims, 9, stream),
    ]),
  );

const trainOurs = async (
  subject: Subject,
  data: ReturnType<typeof dataOf>,
  optimizer = adam(),
): Promise<number[]> => {
  const columns: Record<'x' | 'y', Column> = {
    x: { dtype: 'float32', dims: subject.row },
    y: { dtype: 'float32', dims: [data.outputs] },
  };
  const compiled = compileTraining({
    parameters: subject.parameters,
    columns,
    batchSize: BATCH,
    optimizer,
    build: ({ weights, batch }) => {
      const result = subject.ours(weights, batch.x);
      return {
        loss:
          subject.output === 'number'
            ? meanSquaredError(result, batch.y)
            : softmaxCrossEntropy(result, batch.y),
      };
    },
  });
  const trained = await train(compiled, {
    weights: initialWeights(subject.parameters),
    data: {
      x: { data: data.x, dims: [ROWS, ...subject.row] },
      y: { data: data.y, dims: [ROWS, data.outputs] },
    },
    index: data.index,
    learningRate: RATE,
  });
  return trained.loss;
};

const trainTheirs = (
  subject: Subject,
  data: ReturnType<typeof dataOf>,
  optimizer: tf.Optimizer = tf.train.adam(RATE, 0.9, 0.999, 1e-7),
): number[] => {
  const weights = Object.fromEntries(
    Object.entries(initialWeights(subject.parameters)).map(([name, values]) => [
      name,
      tf.variable(tf.tensor(values, [...get(subject.parameters, name)])),
    ]),
  );
  const x = tf.tensor(data.x, [ROWS, ...subject.row]);
  const y = tf.tensor2d(data.y, [ROWS, data.outputs]);
  const losses: number[] = [];
  for (let step = 0; step < STEPS; step++) {
    const rows = tf.tensor1d(data.index.slice(step * BATCH, (step + 1) * BATCH), 'int32');
    const loss = optimizer.minimize(() => {
      const result = subject.theirs(weights, tf.gather(x, rows));
      const truth = tf.gather(y, rows);
      return subject.output === 'number'
        ? tf.mean(tf.square(tf.sub(result, truth)))
        : tf.neg(tf.mean(tf.sum(tf.mul(truth, tf.logSoftmax(result)), 1)));
    }, true);
    losses.push(loss?.dataSync()[0] ?? NaN);
  }
  return losses;
};

const convolutional: Subject = {
  parameters: {
    conv1: [4, 1, 3, 3],
    bias1: [4],
    conv2: [6, 4, 3, 3],
    bias2: [6],
    dense: [24, CLASSES],
    bias3: [CLASSES],
  },
  row: [1, 10, 10],
  output: 'class',
  ours: (w, x) => {
    const first = op.Relu(op.Conv(x, get(w, 'conv1'), get(w, 'bias1'), { pads: 'same' }));
    const pooled = op.MaxPool(first, [2, 2]);
    const second = op.Relu(op.Conv(pooled, get(w, 'conv2'), get(w, 'bias2'), { strides: [2, 2] }));
    return op.Gemm(op.Flatten(second), get(w, 'dense'), get(w, 'bias3'));
  },
  theirs: (w, x) => {
    // TensorFlow.js has channels last: [batch, height, width, channels] and [height, width, channels, filters].
    const kernel = (name: string) => tf.transpose(get(w, name) as tf.Tensor4D, [2, 3, 1, 0]);
    const image = tf.transpose(x as tf.Tensor4D, [0, 2, 3, 1]);
    const first = tf.relu(tf.add<tf.Tensor4D>(tf.conv2d(image, kernel('conv1'), 1, 'same'), get(w, 'bias1')));
    const pooled = tf.maxPool(first, 2, 2, 'valid');
    const second = tf.relu(tf.add(tf.conv2d(pooled, kernel('conv2'), 2, 'valid'), get(w, 'bias2')));
    const flat = tf.reshape(tf.transpose(second, [0, 3, 1, 2]), [-1, 24]);
    return tf.add(tf.matMul(flat, get(w, 'dense')), get(w, 'bias3'));
  },
};

const TIME = 24;
const HIDDEN = 6;
const SIGNALS = 3;

/** Gated recurrent unit in Keras' form (reset after the product), unrolled over 24 steps. */
const recurrent: Subject = {
  parameters: {
    kernel: [SIGNALS, 3 * HIDDEN],
    recurrent: [HIDDEN, 3 * HIDDEN],
    inputBias: [3 * HIDDEN],
    recurrentBias: [3 * HIDDEN],
    dense: [HIDDEN, 1],
    bias: [1],
  },
  row: [TIME, SIGNALS],
  output: 'number',
  ours: (w, x) => {
    let hidden: Value = constant(tensor('float32', new Float32Array(BATCH * HIDDEN), [BATCH, HIDDEN]));
    const three = [HIDDEN, HIDDEN, HIDDEN];
    for (let time = 0; time < TIME; time++) {
      const now = op.Squeeze(op.Gather(x, int64s([time]), 1), [1]);
      const [xz, xr, xh] = op.Split(op.Gemm(now, get(w, 'kernel'), get(w, 'inputBias')), three, 1);
      const [hz, hr, hh] = op.Split(op.Gemm(hidden, get(w, 'recurrent'), get(w, 'recurrentBias')), three, 1);
      if (!xz || !xr || !xh || !hz || !hr || !hh) throw new Error('three parts');
      const update = op.Sigmoid(op.Add(xz, hz));
      const reset = op.Sigmoid(op.Add(xr, hr));
      const candidate = op.Tanh(op.Add(xh, op.Mul(reset, hh)));
      hidden = op.Add(op.Mul(update, hidden), op.Mul(op.Sub(1, update), candidate));
    }
    return op.Gemm(hidden, get(w, 'dense'), get(w, 'bias'));
  },
  theirs: (w, x) => {
    let hidden: tf.Tensor = tf.zeros([BATCH, HIDDEN]);
    for (let time = 0; time < TIME; time++) {
      const now = tf.reshape(tf.slice(x, [0, time, 0], [-1, 1, -1]), [BATCH, SIGNALS]);
      const [xz, xr, xh] = tf.split(tf.add(tf.matMul(now, get(w, 'kernel')), get(w, 'inputBias')), 3, 1);
      const [hz, hr, hh] = tf.split(
        tf.add(tf.matMul(hidden, get(w, 'recurrent')), get(w, 'recurrentBias')),
        3,
        1,
      );
      if (!xz || !xr || !xh || !hz || !hr || !hh) throw new Error('three parts');
      const update = tf.sigmoid(tf.add(xz, hz));
      const reset = tf.sigmoid(tf.add(xr, hr));
      const candidate = tf.tanh(tf.add(xh, tf.mul(reset, hh)));
      hidden = tf.add(tf.mul(update, hidden), tf.mul(tf.sub(1, update), candidate));
    }
    return tf.add(tf.matMul(hidden, get(w, 'dense')), get(w, 'bias'));
  },
};

const TOKENS = 6;
const WIDTH = 8;
const HEADS = 2;

/** One block of a transformer: attention, two normalisations, a feed-forward part with Gelu. */
const attention: Subject = {
  parameters: {
    query: [WIDTH, WIDTH],
    key: [WIDTH, WIDTH],
    value: [WIDTH, WIDTH],
    project: [WIDTH, WIDTH],
    scale: [WIDTH],
    shift: [WIDTH],
    up: [WIDTH, 16],
    upBias: [16],
    down: [16, WIDTH],
    'last/scale': [WIDTH],
    'last/shift': [WIDTH],
    dense: [WIDTH, CLASSES],
    bias: [CLASSES],
  },
  row: [TOKENS, WIDTH],
  output: 'class',
  ours: (w, x) => {
    const heads = (name: string): Value =>
      op.Transpose(
        op.Reshape(op.MatMul(x, get(w, name)), [BATCH, TOKENS, HEADS, WIDTH / HEADS]),
        [0, 2, 1, 3],
      );
    const scores = op.MatMul(heads('query'), op.Transpose(heads('key'), [0, 1, 3, 2]));
    const mixed = op.MatMul(op.Softmax(op.Mul(scores, 1 / Math.sqrt(WIDTH / HEADS))), heads('value'));
    const joined = op.Reshape(op.Transpose(mixed, [0, 2, 1, 3]), [BATCH, TOKENS, WIDTH]);
    const attended = op.LayerNormalization(
      op.Add(x, op.MatMul(joined, get(w, 'project'))),
      get(w, 'scale'),
      get(w, 'shift'),
    );
    const inner = op.Gelu(op.Add(op.MatMul(attended, get(w, 'up')), get(w, 'upBias')));
    const block = op.LayerNormalization(
      op.Add(attended, op.MatMul(inner, get(w, 'down'))),
      get(w, 'last/scale'),
      get(w, 'last/shift'),
    );
    return op.Gemm(op.ReduceMean(block, { axes: [1] }), get(w, 'dense'), get(w, 'bias'));
  },
  theirs: (w, x) => {
    const product = (value: tf.Tensor, name: string): tf.Tensor => {
      const matrix = get(w, name);
      const [from = 1, to = 1] = matrix.shape;
      return tf.reshape(tf.matMul(tf.reshape(value, [-1, from]), matrix as tf.Tensor2D), [BATCH, TOKENS, to]);
    };
    const heads = (name: string): tf.Tensor =>
      tf.transpose(tf.reshape(product(x, name), [BATCH, TOKENS, HEADS, WIDTH / HEADS]), [0, 2, 1, 3]);
    const normalise = (value: tf.Tensor, scale: string, shift: string): tf.Tensor => {
      const { mean, variance } = tf.moments(value, -1, true);
      const normal = tf.div(tf.sub(value, mean), tf.sqrt(tf.add(variance, 1e-5)));
      return tf.add(tf.mul(normal, get(w, scale)), get(w, shift));
    };
    const scores = tf.matMul(heads('query'), heads('key'), false, true);
    const mixed = tf.matMul(tf.softmax(tf.mul(scores, 1 / Math.sqrt(WIDTH / HEADS))), heads('value'));
    const joined = tf.reshape(tf.transpose(mixed, [0, 2, 1, 3]), [BATCH, TOKENS, WIDTH]);
    const attended = normalise(tf.add(x, product(joined, 'project')), 'scale', 'shift');
    const raw = tf.add(product(attended, 'up'), get(w, 'upBias'));
    const inner = tf.mul(tf.mul(raw, 0.5), tf.add(tf.erf(tf.mul(raw, Math.SQRT1_2)), 1));
    const block = normalise(tf.add(attended, product(inner, 'down')), 'last/scale', 'last/shift');
    return tf.add(tf.matMul(tf.mean(block, 1), get(w, 'dense')), get(w, 'bias'));
  },
};

const dense: Subject = {
  parameters: { k1: [5, 7], b1: [7], k2: [7, CLASSES], b2: [CLASSES] },
  row: [5],
  output: 'class',
  ours: (w, x) => op.Gemm(op.Relu(op.Gemm(x, get(w, 'k1'), get(w, 'b1'))), get(w, 'k2'), get(w, 'b2')),
  theirs: (w, x) =>
    tf.add(tf.matMul(tf.relu(tf.add(tf.matMul(x, get(w, 'k1')), get(w, 'b1'))), get(w, 'k2')), get(w, 'b2')),
};

const expectSameCurve = (ours: readonly number[], theirs: readonly number[]): void => {
  expect(ours).toHaveLength(STEPS);
  const distance = Math.max(...ours.map((loss, step) => Math.abs(loss - (theirs[step] ?? NaN))));
  expect(distance).toBeLessThan(1e-3);
  expect(ours.at(-1)).toBeLessThan(ours[0] ?? 0);
};

beforeAll(async () => {
  tf.enableProdMode(); // no advice about faster backends
  await tf.setBackend('cpu');
});

test.each([
  ['a Conv2D net', convolutional],
  ['a GRU over 24 steps', recurrent],
  ['an attention block', attention],
  ['a dense net', dense],
])('%s takes 20 Adam steps as TensorFlow.js does', async (_name, subject) => {
  const data = dataOf(subject);
  expectSameCurve(await trainOurs(subject, data), trainTheirs(subject, data));
});

test('stochastic gradient descent with momentum is the one of TensorFlow.js', async () => {
  const data = dataOf(dense);
  expectSameCurve(
    await trainOurs(dense, data, sgd({ momentum: 0.9 })),
    trainTheirs(dense, data, tf.train.momentum(RATE, 0.9)),
  );
});
