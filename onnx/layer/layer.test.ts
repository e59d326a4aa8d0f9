import { modelProto } from '../emit';
import * as op from '../op';
import { countOf, tensor } from '../tensor';
import { evaluate, train } from '../testing/runtime';
import { compileTraining, meanSquaredError, sgd } from '../training';
import { randomKey, randomNormal } from '../training/random';
import { constant, input, type Value } from '../value';
import * as layer from '.';

const normals = (dims: readonly number[], stream: number): Float32Array => {
  const key = randomKey(5, stream);
  return Float32Array.from({ length: countOf(dims) }, (_, at) => randomNormal(key, at));
};

const constants = <K extends string>(shapes: Readonly<Record<K, readonly number[]>>): Record<K, Value> =>
  Object.fromEntries(
    Object.entries<readonly number[]>(shapes).map(([name, dims], at) => [
      name,
      constant(tensor('float32', normals(dims, at), dims)),
    ]),
  ) as Record<K, Value>;

const [BATCH, TIME, SIGNALS, HIDDEN] = [3, 7, 2, 4] as const;
const series = { data: normals([BATCH, TIME, SIGNALS], 50), dims: [BATCH, TIME, SIGNALS] };

const expectClose = (a: readonly number[] = [], b: readonly number[] = [], digits = 6): void => {
  expect(a).toHaveLength(b.length);
  a.forEach((value, at) => expect(value).toBeCloseTo(b[at] ?? NaN, digits));
};

describe.each([
  ['GRU', false],
  ['GRU', true],
  ['LSTM', false],
  ['LSTM', true],
] as const)('%s, reverse %s', (kind, reverse) => {
  test.each([BATCH, 'n'] as const)('unrolled and fused agree, batch %s', async (batch) => {
    const x = input('x', 'float32', [batch, TIME, SIGNALS]);
    const [plain, fused] =
      kind === 'GRU'
        ? [
            layer.gru(x, constants(layer.gruParameters(SIGNALS, HIDDEN)), { reverse }),
            layer.fusedGru(x, constants(layer.gruParameters(SIGNALS, HIDDEN)), { reverse }),
          ]
        : [
            layer.lstm(x, constants(layer.lstmParameters(SIGNALS, HIDDEN)), { reverse }),
            layer.fusedLstm(x, constants(layer.lstmParameters(SIGNALS, HIDDEN)), { reverse }),
          ];
    const results = await evaluate(
      { sequence: plain.sequence, last: plain.last, fused: fused.sequence, fusedLast: fused.last },
      [x],
      { x: series },
    );
    expect(results.sequence?.dims).toEqual([BATCH, TIME, HIDDEN]);
    expectClose(results.sequence?.numbers, results.fused?.numbers, 5);
    expectClose(results.last?.numbers, results.fusedLast?.numbers, 5);
    const at = reverse ? 0 : TIME - 1;
    expect(results.last?.numbers.slice(0, HIDDEN)).toEqual(
      results.sequence?.numbers.slice(at * HIDDEN, (at + 1) * HIDDEN),
    );
  });
});

test('kernels that do not fit the series are refused', () => {
  const x = input('x', 'float32', ['n', TIME, 3]);
  expect(() => layer.gru(x, constants(layer.gruParameters(SIGNALS, HIDDEN)))).toThrow(
    /gru: kernels \[2, 12\] and \[4, 12\] do not fit \[n, 7, 3\]/,
  );
});

describe('attention', () => {
  const weights = constants(layer.attentionParameters(4));
  const [tokens, width] = [5, 4];
  const x = input('x', 'float32', ['n', tokens, width]);
  const mask = input('mask', 'float32', ['n', tokens]);
  const data = normals([2, tokens, width], 60);

  test('padding has no influence: an exact zero', async () => {
    const outputs = { y: layer.attention(x, weights, { heads: 2, mask }) };
    const seen = { data: Float32Array.from([1, 1, 1, 0, 0, 1, 1, 1, 1, 1]), dims: [2, tokens] };
    const one = await evaluate(outputs, [x, mask], { x: { data, dims: [2, tokens, width] }, mask: seen });
    const other = data.slice();
    other.fill(9, 3 * width, 5 * width);
    const two = await evaluate(outputs, [x, mask], {
      x: { data: other, dims: [2, tokens, width] },
      mask: seen,
    });
    expect(one.y?.dims).toEqual([2, tokens, width]);
    const visible = 3 * width;
    expect(one.y?.numbers.slice(0, visible)).toEqual(two.y?.numbers.slice(0, visible));
    expect(one.y?.numbers.slice(5 * width)).toEqual(two.y?.numbers.slice(5 * width));
  });

  test('heads that do not divide the width and masks of another shape are refused', () => {
    expect(() => layer.attention(x, weights, { heads: 3 })).toThrow(/3 heads do not divide a width of 4/);
    expect(() => layer.attention(x, weights, { heads: 2, mask: x })).toThrow(/shape \[n, 5\]/);
  });
});

test('a batch normalisation trains on the batch, hands its statistics on, and is served with them', async () => {
  const channels = 3;
  const { parameters, buffers } = layer.batchNormalizationWeights('norm', channels);
  const compiled = compileTraining({
    parameters,
    buffers,
    columns: { x: { dtype: 'float32', dims: [channels] } },
    batchSize: 4,
    optimizer: sgd(),
    build: ({ weights, batch, carry }) => {
      const y = layer.batchNormalization(batch.x, weights, 'norm', { carry, momentum: 0.5 });
      return { loss: meanSquaredError(y, op.Mul(batch.x, 0)), metrics: { y } };
    },
  });
  const rows = normals([4, channels], 70).map((value, at) => value * 2 + (at % channels));
  const start = {
    'norm/scale': new Float32Array(channels).fill(1),
    'norm/shift': new Float32Array(channels),
    'norm/mean': new Float32Array(channels),
    'norm/variance': new Float32Array(channels).fill(1),
  };
  const { weights, reports } = await train(compiled, {
    weights: start,
    data: { x: { data: rows, dims: [4, channels] } },
    index: Int32Array.from([0, 1, 2, 3, 3, 2, 1, 0]),
    learningRate: 0,
  });
  const columns = [0, 1, 2].map((channel) => rows.filter((_, at) => at % channels === channel));
  const mean = (list: Float32Array): number => list.reduce((sum, value) => sum + value, 0) / list.length;
  columns.forEach((column, channel) => {
    const center = mean(column);
    const variance = mean(column.map((value) => (value - center) ** 2));
    // Twice half-way from the start to the batch's own.
    expect(weights['norm/mean']?.[channel]).toBeCloseTo(0.75 * center, 4);
    expect(weights['norm/variance']?.[channel]).toBeCloseTo(0.25 + 0.75 * variance, 4);
    expect(reports.y?.[channel]).toBeCloseTo(((column[0] ?? 0) - center) / Math.sqrt(variance + 1e-5), 4);
  });
  const x = input('x', 'float32', ['n', channels]);
  const held = Object.fromEntries(
    Object.entries(weights).map(([name, values]) => [name, constant(tensor('float32', values))]),
  );
  const served = layer.batchNormalization(x, held, 'norm');
  expect(modelProto({ name: 'm', inputs: [x], outputs: { served } }).graph.nodes).toHaveLength(1);
  const answer = await evaluate({ served }, [x], { x: { data: rows, dims: [4, channels] } });
  expect(answer.served?.numbers[0]).toBeCloseTo(
    ((rows[0] ?? 0) - (weights['norm/mean']?.[0] ?? 0)) /
      Math.sqrt((weights['norm/variance']?.[0] ?? 0) + 1e-5),
    4,
  );
});

test('the layers of a network find their weights by name', () => {
  const shapes = layer.namedShapes('encoder/0', layer.lstmParameters(SIGNALS, HIDDEN));
  expect(Object.keys(shapes)).toEqual(['encoder/0/kernel', 'encoder/0/recurrent', 'encoder/0/bias']);
  const found = layer.weightsOf(constants(shapes), 'encoder/0', layer.lstmParameters(SIGNALS, HIDDEN));
  expect(found.recurrent.shape).toEqual([HIDDEN, 4 * HIDDEN]);
  expect(() => layer.weightsOf({}, 'encoder/0', { kernel: [] })).toThrow(
    /layer encoder\/0: no weights encoder\/0\/kernel/,
  );
});

test('an embedding gives a vector for each index', async () => {
  const table = constant(tensor('float32', [0, 1, 10, 11, 20, 21], [3, 2]));
  const tokens = input('tokens', 'int32', ['n', 2]);
  const { y } = await evaluate({ y: layer.embedding(table, tokens) }, [tokens], {
    tokens: { data: Int32Array.from([2, 0, 1, 1]), dims: [2, 2] },
  });
  expect(y?.dims).toEqual([2, 2, 2]);
  expect(y?.numbers).toEqual([20, 21, 0, 1, 10, 11, 10, 11]);
});
