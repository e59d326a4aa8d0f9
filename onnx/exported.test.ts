import { modelBytes } from './emit';
import * as layer from './layer';
import * as op from './op';
import { CASES } from './testing/cases';
import { distinctInputs } from './testing/inputs';
import { checkerName, differingOnWeb, refusedByChecker, withChecker, type Run } from './testing/outside';
import { PLAIN_CASES } from './testing/plain-cases';
import { readModel } from './proto/read';
import { openSession, runSession, type FeedTensor } from './testing/runtime';
import { tensor } from './tensor';
import { adam, compileTraining, meanSquaredError } from './training';
import { constant, input, type Value } from './value';

/**
 * Every operator and some whole models as files: the ONNX project's own checker takes them, and onnxruntime-web, a
 * build of its own for WebAssembly, answers as onnxruntime-node does.
 */

interface Exported {
  readonly name: string;
  readonly bytes: Uint8Array;
  /** Absent: checked, not run. */
  readonly feeds?: Readonly<Record<string, FeedTensor>>;
}

const random = (dims: readonly number[], which: number): Float32Array => {
  const [array] = distinctInputs([dims]);
  return (array ?? new Float32Array(0)).map((value) => value * Math.cos(which));
};

const constants = <K extends string>(shapes: Readonly<Record<K, readonly number[]>>): Record<K, Value> =>
  Object.fromEntries(
    Object.entries<readonly number[]>(shapes).map(([name, dims], at) => [
      name,
      constant(tensor('float32', random(dims, at), dims)),
    ]),
  ) as Record<K, Value>;

const operators = (): Exported[] => [
  ...CASES.map(({ name, shapes, build, range }): Exported => {
    const inputs = shapes.map((dims, at) => input(`x${at}`, 'float32', dims));
    const arrays = distinctInputs(shapes, range);
    return {
      name,
      bytes: modelBytes({ name: 'operator', inputs, outputs: { y: build(...inputs) } }),
      feeds: Object.fromEntries(
        shapes.map((dims, at) => [`x${at}`, { data: arrays[at] ?? new Float32Array(0), dims }]),
      ),
    };
  }),
  ...Object.entries(PLAIN_CASES).map(([name, build]): Exported => {
    const outputs = Object.fromEntries(build().map((value, at) => [`y${at}`, value]));
    return { name, bytes: modelBytes({ name: 'operator', inputs: [], outputs }), feeds: {} };
  }),
];

/** Models as families export them: columns with a row count that is known only when they run. */
const models = (): Exported[] => {
  const rows = (dims: readonly number[]) => {
    const x = input('x', 'float32', ['rows', ...dims]);
    return { x, feeds: { x: { data: random([3, ...dims], 0), dims: [3, ...dims] } } };
  };
  const table = rows([5]);
  const color = input('color', 'string', ['rows']);
  const prepared = op.Concat([op.OneHotStrings(color, ['red', 'blue']), table.x], 1);
  const mlp = constants({ k1: [7, 16], b1: [16], k2: [16, 3], b2: [3] });
  const logits = op.Gemm(op.Gelu(op.Gemm(prepared, mlp.k1, mlp.b1)), mlp.k2, mlp.b2);
  const label = op.IntToString(op.ArgMax(logits), [0, 1, 2], ['low', 'middle', 'high'], '?');

  const image = rows([1, 10, 10]);
  const cnn = constants({ conv: [4, 1, 3, 3], bias: [4], dense: [4, 2], last: [2] });
  const { parameters, buffers } = layer.batchNormalizationWeights('norm', 4);
  const norm = constants({ ...parameters, ...buffers });
  const positive = { ...norm, 'norm/variance': op.Exp(norm['norm/variance'] ?? cnn.bias) };
  const seen = op.Relu(
    layer.batchNormalization(op.Conv(image.x, cnn.conv, cnn.bias, { pads: 'same' }), positive, 'norm'),
  );
  const pooled = op.Flatten(op.GlobalAveragePool(op.MaxPool(seen, [2, 2])));

  const series = rows([12, 3]);
  const gru = layer.fusedGru(series.x, constants(layer.gruParameters(3, 4)));
  const back = layer.fusedLstm(gru.sequence, constants(layer.lstmParameters(4, 5)), { reverse: true });
  const unrolled = layer.lstm(series.x, constants(layer.lstmParameters(3, 4)));

  const text = rows([6, 8]);
  const attended = layer.attention(text.x, constants(layer.attentionParameters(8)), { heads: 2 });
  const shift = constants({ scale: [8], bias: [8] });

  return [
    {
      name: 'table',
      bytes: modelBytes({
        name: 'table',
        inputs: [color, table.x],
        outputs: { label, probabilities: op.Softmax(logits) },
        metadata: { made: 'here' },
      }),
      feeds: { ...table.feeds, color: { data: ['red', 'green', 'blue'], dims: [3] } },
    },
    {
      name: 'images',
      bytes: modelBytes({
        name: 'images',
        inputs: [image.x],
        outputs: { y: op.Gemm(pooled, cnn.dense, cnn.last) },
      }),
      feeds: image.feeds,
    },
    {
      name: 'series',
      bytes: modelBytes({
        name: 'series',
        inputs: [series.x],
        outputs: { last: back.last, sequence: back.sequence, unrolled: unrolled.sequence },
      }),
      feeds: series.feeds,
    },
    {
      name: 'transformer',
      bytes: modelBytes({
        name: 'transformer',
        inputs: [text.x],
        outputs: { y: op.LayerNormalization(op.Add(text.x, attended), shift.scale, shift.bias) },
      }),
      feeds: text.feeds,
    },
    {
      name: 'a training',
      bytes: compileTraining({
        parameters: { kernel: [5, 1], bias: [1] },
        columns: { x: { dtype: 'float32', dims: [5] }, y: { dtype: 'float32', dims: [1] } },
        batchSize: 4,
        optimizer: adam(),
        build: ({ weights: { kernel = table.x, bias = table.x }, batch }) => ({
          loss: meanSquaredError(op.Gemm(batch.x, kernel, bias), batch.y),
        }),
      }).bytes,
    },
  ];
};

const FILES = [...operators(), ...models()];

test('every operator is among the files', () => {
  const names = new Set([...CASES.flatMap(({ name }) => name.split(' ')), ...Object.keys(PLAIN_CASES)]);
  const helpers = ['scalarBool', 'scalarInt64', 'windowOf'];
  expect(Object.keys(op).filter((name) => !names.has(name) && !helpers.includes(name))).toEqual([]);
});

(withChecker ? test : test.skip)(`${checkerName} takes every file`, () => {
  expect(refusedByChecker(FILES)).toEqual([]);
});

test('text is put in lower case by a locale that every machine has', () => {
  const nodes = FILES.flatMap(({ bytes }) => readModel(bytes).graph.nodes);
  const normalizers = nodes.filter(({ op: name }) => name === 'StringNormalizer');
  expect(normalizers).not.toEqual([]);
  for (const { attributes } of normalizers)
    expect(attributes).toContainEqual({ name: 'locale', type: 'string', value: 'C.UTF-8' });
});

const typeOf = ({ data }: FeedTensor): string =>
  data instanceof Float32Array ? 'float32' : Array.isArray(data) ? 'string' : 'unexpected';

test('onnxruntime-web answers as onnxruntime-node does', async () => {
  const runs: Run[] = [];
  for (const { name, bytes, feeds } of FILES) {
    if (feeds === undefined) continue;
    const session = await openSession(bytes);
    const answers = await runSession(session, feeds);
    await session.release();
    const typed = Object.entries(feeds).map(([input, feed]) => [input, { ...feed, type: typeOf(feed) }]);
    runs.push({ name, bytes, answers, feeds: Object.fromEntries(typed) as Run['feeds'] });
  }
  expect(differingOnWeb(runs)).toEqual([]);
});
