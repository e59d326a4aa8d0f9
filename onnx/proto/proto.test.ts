import * as fc from 'fast-check';
import { OnnxFormatError } from '../errors';
import { modelBytes } from '../emit';
import * as op from '../op';
import { DTYPE_CODES, tensor, type Dtype } from '../tensor';
import { constant, input, scalar } from '../value';
import type { GraphProto, ModelProto, NodeProto } from './model';
import { readModel } from './read';
import { WireWriter } from './wire';
import { writeModel } from './write';

const graphOf = (nodes: readonly NodeProto[], name = 'g'): GraphProto => ({
  name,
  nodes,
  initializers: [],
  inputs: [],
  outputs: [],
});

const modelOf = (graph: GraphProto): ModelProto => ({
  irVersion: 8,
  opsetImports: [{ domain: '', version: 17 }],
  graph,
});

const nodeOf = (attributes: NodeProto['attributes']): NodeProto => ({
  op: 'Op',
  domain: 'ai.onnx.ml',
  name: 'n',
  inputs: ['a', '', 'b'],
  outputs: ['c'],
  attributes,
});

const FULL: ModelProto = {
  irVersion: 8,
  producerName: 'modelmint',
  producerVersion: '0.1',
  modelVersion: 3,
  docString: 'ünïcode ☃',
  opsetImports: [
    { domain: '', version: 17 },
    { domain: 'ai.onnx.ml', version: 3 },
  ],
  metadata: [
    ['a', '1'],
    ['b', ''],
  ],
  graph: {
    name: 'main',
    nodes: [
      nodeOf([
        { name: 'f', type: 'float', value: 0.5 },
        { name: 'i', type: 'int', value: -7 },
        { name: 'big', type: 'int', value: 2n ** 62n },
        { name: 's', type: 'string', value: 'text' },
        { name: 't', type: 'tensor', value: { name: 'inner', ...tensor('int64', [1, -2, 3]) } },
        { name: 'g', type: 'graph', value: graphOf([nodeOf([])], 'nested') },
        { name: 'fs', type: 'floats', value: [1, -0.25] },
        { name: 'is', type: 'ints', value: [0, -1, 2 ** 53 - 1] },
        { name: 'ss', type: 'strings', value: ['', 'x'] },
        { name: 'none', type: 'ints', value: [] },
      ]),
    ],
    initializers: [
      { name: 'w', ...tensor('float32', [1, 2, 3, 4], [2, 2]) },
      { name: 'text', ...tensor('string', ['a', '', 'ü']) },
      { name: 'empty', ...tensor('float64', [], [0, 3]) },
    ],
    inputs: [{ name: 'a', dtype: 'float32', shape: ['n', 4, '?'] }],
    outputs: [
      { name: 'c', dtype: 'string', shape: [] },
      { name: 'unknown', dtype: 'float32' },
      { name: 'untyped' },
    ],
  },
};

test('a model is read as it was written, and written again to the same bytes', () => {
  const bytes = writeModel(FULL);
  expect(readModel(bytes)).toEqual(FULL);
  expect(writeModel(readModel(bytes))).toEqual(bytes);
});

test('tensors of every type come back', () => {
  const types = Object.keys(DTYPE_CODES) as Dtype[];
  fc.assert(
    fc.property(
      fc.constantFrom(...types),
      fc.array(fc.integer({ min: 0, max: 127 }), { maxLength: 20 }),
      (dtype, values) => {
        const made = { name: 'x', ...tensor(dtype, dtype === 'string' ? values.map(String) : values) };
        const model = modelOf({ ...graphOf([]), initializers: [made] });
        expect(readModel(writeModel(model)).graph.initializers[0]).toEqual(made);
      },
    ),
  );
});

test('data that other writers store in typed fields is understood', () => {
  const writer = new WireWriter();
  writer.int(1, 8);
  writer.message(8, (opset) => opset.int(2, 17));
  writer.message(7, (graph) => {
    graph.message(5, (one) => {
      one.int(1, 2);
      one.int(2, DTYPE_CODES.float32);
      one.bytes(4, new Uint8Array(Float32Array.from([1.5, -2]).buffer));
    });
    graph.message(5, (one) => {
      one.bytes(1, Uint8Array.from([3])); // packed
      one.int(2, DTYPE_CODES.int64);
      one.int(7, 1);
      one.bytes(7, Uint8Array.from([2, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1]));
    });
    graph.message(5, (one) => {
      one.int(1, 1);
      one.int(2, DTYPE_CODES.float64);
      one.bytes(10, new Uint8Array(Float64Array.from([0.1]).buffer));
    });
  });
  const [floats, ints, doubles] = readModel(writer.view()).graph.initializers;
  expect(floats?.data).toEqual(Float32Array.from([1.5, -2]));
  expect(ints?.data).toEqual(BigInt64Array.from([1n, 2n, -1n]));
  expect(doubles?.data).toEqual(Float64Array.from([0.1]));
});

describe('hostile bytes', () => {
  const x = input('x', 'float32', ['n', 2]);
  const looped = op.Loop({
    steps: scalar(3, 'int64'),
    state: [x],
    length: 3,
    body: (_at, state) => ({ state: state.map((value) => op.Mul(value, 2)) }),
  });
  const weights = constant(tensor('float32', new Float32Array(600).fill(0.5), [2, 300]));
  const outputs = { y: op.MatMul(looped.state[0] ?? x, weights) };
  const good = modelBytes({ name: 'm', inputs: [x], outputs });

  const readOrRefuse = (bytes: Uint8Array): void => {
    try {
      readModel(bytes);
    } catch (error) {
      expect(error).toBeInstanceOf(OnnxFormatError);
    }
  };

  test('cut off anywhere, the file is refused', () => {
    for (let length = 0; length < good.length - 1; length++)
      if (length < 200 || length % 7 === 0 || length > good.length - 200)
        readOrRefuse(good.subarray(0, length));
    expect(() => readModel(good.subarray(0, good.length / 2))).toThrow(OnnxFormatError);
    expect(() => readModel(new Uint8Array(0))).toThrow(/not an ONNX model/);
  });

  test('changed bytes are read or refused, nothing else', () => {
    fc.assert(
      fc.property(fc.nat(good.length - 1), fc.nat(255), (at, value) => {
        const changed = good.slice();
        changed[at] = value;
        readOrRefuse(changed);
      }),
      { numRuns: 3000 },
    );
  });

  test('random bytes are refused', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), readOrRefuse), { numRuns: 2000 });
  });

  test('graphs within graphs end at a depth', () => {
    let graph = graphOf([]);
    for (let depth = 0; depth < 40; depth++)
      graph = graphOf([nodeOf([{ name: 'body', type: 'graph', value: graph }])]);
    expect(() => readModel(writeModel(modelOf(graph)))).toThrow(/nest deeper than 16/);
  });

  const initializer = (fill: (one: WireWriter) => void): Uint8Array => {
    const writer = new WireWriter();
    writer.int(1, 8);
    writer.message(8, (opset) => opset.int(2, 17));
    writer.message(7, (graph) => graph.message(5, fill));
    return writer.view();
  };

  test.each<[string, RegExp, (one: WireWriter) => void]>([
    [
      'a huge tensor without data',
      /1000000000000 elements holds data for 0/,
      (one) => (one.int(1, 1e12), one.int(2, 1)),
    ],
    ['a dimension below zero', /out of range/, (one) => (one.int(1, -4), one.int(2, 1))],
    [
      'dimensions whose product overflows',
      /out of range/,
      (one) => (one.int(1, 2 ** 40), one.int(1, 2 ** 40), one.int(2, 1)),
    ],
    ['an element type that does not exist', /element type 99/, (one) => (one.int(1, 0), one.int(2, 99))],
    [
      'half a number',
      /elements holds data for 0.25/,
      (one) => (one.int(1, 1), one.int(2, 1), one.bytes(9, Uint8Array.of(1))),
    ],
    ['data outside the file', /outside the file/, (one) => (one.int(2, 1), one.int(14, 1))],
    [
      'text that is no UTF-8',
      /not valid UTF-8/,
      (one) => (one.int(1, 1), one.int(2, 8), one.bytes(6, Uint8Array.of(0xff))),
    ],
    ['a string where a number belongs', /wire type/, (one) => one.string(2, 'x')],
  ])('%s is refused', (_name, message, fill) => {
    expect(() => readModel(initializer(fill))).toThrow(message);
    expect(() => readModel(initializer(fill))).toThrow(OnnxFormatError);
  });

  test('a length beyond the end is refused before memory is taken', () => {
    expect(() => readModel(Uint8Array.of(0x3a, 0xff, 0xff, 0xff, 0xff, 0x0f))).toThrow(
      /claims 4294967295 bytes where 0/,
    );
    expect(() => readModel(Uint8Array.from([0x08, ...new Array<number>(12).fill(0xff)]))).toThrow(
      /longer than ten bytes/,
    );
  });
});
