import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { modelBytes } from './emit';
import * as layer from './layer';
import * as op from './op';
import { CASES } from './testing/cases';
import { distinctInputs } from './testing/inputs';
import { PLAIN_CASES } from './testing/plain-cases';
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

const folder = mkdtempSync(join(tmpdir(), 'exported-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const paths = FILES.map(({ bytes }, at) => {
  const path = join(folder, `${at}.onnx`);
  writeFileSync(path, bytes);
  return path;
});

test('every operator is among the files', () => {
  const names = new Set([...CASES.flatMap(({ name }) => name.split(' ')), ...Object.keys(PLAIN_CASES)]);
  const helpers = ['scalarBool', 'scalarInt64', 'windowOf'];
  expect(Object.keys(op).filter((name) => !names.has(name) && !helpers.includes(name))).toEqual([]);
});

const PYTHON = '/usr/bin/python3';
const withChecker = spawnSync(PYTHON, ['-c', 'import onnx']).status === 0;
const because = withChecker ? '' : ' (skipped: apt-get install python3-onnx)';

const CHECK = `
import json, sys, onnx
for path in json.load(open(sys.argv[1])):
    try:
        model = onnx.load(path)
        onnx.checker.check_model(model, full_check=True)
        opsets = {entry.domain: entry.version for entry in model.opset_import}
        assert model.ir_version <= 8 and opsets.get('', 0) <= 17 and opsets.get('ai.onnx.ml', 0) <= 3, opsets
        print('fine')
    except Exception as error:
        print(' '.join(str(error).split()))
`;

(withChecker ? test : test.skip)(`Debian's python3-onnx takes every file${because}`, () => {
  const list = join(folder, 'paths.json');
  writeFileSync(list, JSON.stringify(paths));
  const lines = execFileSync(PYTHON, ['-c', CHECK, list], { encoding: 'utf8' }).trim().split('\n');
  expect(lines).toHaveLength(FILES.length);
  const refused = FILES.flatMap(({ name }, at) => (lines[at] === 'fine' ? [] : [[name, lines[at]]]));
  expect(refused).toEqual([]);
});

interface Answer {
  readonly error?: string;
  readonly outputs?: Readonly<Record<string, { dims: number[]; data: (number | string)[] }>>;
}

const typeOf = ({ data }: FeedTensor): string =>
  data instanceof Float32Array ? 'float32' : Array.isArray(data) ? 'string' : 'unexpected';

test('onnxruntime-web answers as onnxruntime-node does', async () => {
  const runs = FILES.flatMap(({ name, bytes, feeds }, at) =>
    feeds === undefined ? [] : [{ name, bytes, feeds, file: paths[at] }],
  );
  const list = join(folder, 'runs.json');
  const asJson = runs.map(({ file, feeds }) => ({
    file,
    feeds: Object.entries(feeds).map(([name, feed]) => ({
      name,
      type: typeOf(feed),
      dims: feed.dims,
      data: Array.from<unknown>(feed.data as ArrayLike<unknown>),
    })),
  }));
  writeFileSync(list, JSON.stringify(asJson));
  const script = join(__dirname, 'testing', 'web.mjs');
  const printed = execFileSync(process.execPath, [script, list], { encoding: 'utf8', maxBuffer: 2 ** 26 });
  const answers = JSON.parse(printed) as Answer[];
  const differing: string[] = [];
  for (const [at, { name, bytes, feeds }] of runs.entries()) {
    const session = await openSession(bytes);
    const ours = await runSession(session, feeds);
    await session.release();
    const web = answers[at];
    if (web?.error !== undefined) differing.push(`${name}: ${web.error}`);
    for (const [output, { data, dims }] of Object.entries(ours)) {
      const there = web?.outputs?.[output];
      const same =
        there !== undefined &&
        JSON.stringify(there.dims) === JSON.stringify(dims) &&
        Array.from(data as ArrayLike<unknown>).every((value, place) => agree(value, there.data[place]));
      if (!same) differing.push(`${name}, ${output}`);
    }
  }
  expect(differing).toEqual([]);
});

/** Equal, or within a few last bits: the two builds order sums differently. */
const agree = (a: unknown, b: unknown): boolean => {
  if (typeof a === 'string') return a === b;
  const [x, y] = [Number(a), Number(b)];
  return Object.is(x, y) || Math.abs(x - y) <= 2e-6 * Math.max(1, Math.abs(x));
};
