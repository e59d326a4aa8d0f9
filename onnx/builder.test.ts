import { modelBytes, modelProto } from './emit';
import { GraphError } from './errors';
import * as op from './op';
import { tensor } from './tensor';
import { evaluate } from './testing/runtime';
import { constant, input, int64s, scalar, vector, type Value } from './value';

const x = input('x', 'float32', ['n', 4]);
const first = (values: readonly Value[]): Value => {
  const [value] = values;
  if (value === undefined) throw new Error('no value');
  return value;
};
const opsOf = (outputs: Record<string, Value>, inputs: readonly Value[] = [x]): string[] =>
  modelProto({ name: 'm', inputs, outputs }).graph.nodes.map(({ op: name }) => name);

describe('errors at build time name the operator and the shapes', () => {
  const table = constant(tensor('float32', new Float32Array(12), [3, 4]));
  const text = input('text', 'string', ['n']);
  test.each<[RegExp, () => unknown]>([
    [
      /MatMul: shapes \[n, 4\] and \[3, 4\] do not fit: inner dimensions 4 and 3 differ/,
      () => op.MatMul(x, table),
    ],
    [
      /Gemm: shapes \[4\] and \[n, 3\] do not broadcast/,
      () => op.Gemm(x, table, vector([1, 2, 3, 4]), { transB: true }),
    ],
    [/Add: shapes \[n, 4\] and \[3, 4\] do not broadcast/, () => op.Add(x, table)],
    [/Mul: types float32 and int64 differ; Cast one of them/, () => op.Mul(x, int64s([1]))],
    [/Exp: needs a floating-point type, got int64/, () => op.Exp(int64s([1]))],
    [/Max: onnxruntime errs on int64/, () => op.Max(int64s([2 ** 31]), 0)],
    [/Add: cannot calculate with string/, () => op.Add(text, text)],
    [/Cast: from string to float32 is not safe/, () => op.Cast(text, 'float32')],
    [/Reshape: shape \[n, 4\] cannot become \[3, 5\]/, () => op.Reshape(x, [3, 5])],
    [/Reshape: shape \[3, 4\] cannot become \[3, 5\]/, () => op.Reshape(table, [3, 5])],
    [
      /Concat on axis 0: float32 \[n, 4\], float32 \[3\] do not fit/,
      () => op.Concat([x, vector([1, 2, 3])], 0),
    ],
    [/Split: lengths 1\+2 do not add up on axis 1/, () => op.Split(x, [1, 2], 1)],
    [/Softmax: axis 2 does not exist in shape \[n, 4\]/, () => op.Softmax(x, 2)],
    [
      /Conv: input \[1, 2, 5, 5\] has 2 channels, weights \[1, 3, 3, 3\] expect 3/,
      () => op.Conv(input('i', 'float32', [1, 2, 5, 5]), input('w', 'float32', [1, 3, 3, 3])),
    ],
    [
      /Conv: a kernel of \[7, 7\] is larger than the input/,
      () => op.Conv(input('i', 'float32', [1, 2, 5, 5]), input('w', 'float32', [1, 2, 7, 7])),
    ],
    [/Squeeze: dimension 1 of shape \[n, 4\] is not 1/, () => op.Squeeze(x, [1])],
    [/Where: the condition must be of type bool, got float32/, () => op.Where(x, 1, 2)],
    [
      /LayerNormalization: scale and bias must have shape \[4\], got \[3\]/,
      () => op.LayerNormalization(x, vector([1, 2, 3]), vector([1, 2, 3])),
    ],
    [/LabelEncoder: needs as many values as keys/, () => op.StringToInt(text, ['a', 'a'], [1, 2], 0)],
    [
      /Loop: state 0 enters as float32 \[n, 4\] and leaves as float32 \[n\]/,
      () =>
        op.Loop({
          steps: scalar(2, 'int64'),
          state: [x],
          length: 2,
          body: (_i, [s]) => ({ state: [op.ReduceSum(s ?? x, { axes: [1] })] }),
        }),
    ],
    [/tensor of shape \[2,2\] needs 4 values, got 3/, () => tensor('float32', [1, 2, 3], [2, 2])],
    [/tensor of type int64 cannot hold 0.5/, () => op.Add(int64s([1]), 0.5)],
    [/-1 is not a dimension/, () => input('bad', 'float32', [-1])],
  ])('%s', (message, build) => {
    expect(build).toThrow(message);
    expect(build).toThrow(GraphError);
  });

  test('an input that is not listed, a name used twice, a value from inside a body', () => {
    expect(() => modelBytes({ name: 'm', inputs: [], outputs: { y: op.Exp(x) } })).toThrow(
      /need input "x", which is not listed/,
    );
    expect(() => modelBytes({ name: 'm', inputs: [x], outputs: { x: op.Exp(x) } })).toThrow(
      /"x" is empty or taken/,
    );
    let inside = x;
    op.Loop({
      steps: scalar(2, 'int64'),
      state: [x],
      length: 2,
      body: (_i, state) => ({ state: [(inside = op.Exp(first(state)))] }),
    });
    expect(() => modelBytes({ name: 'm', inputs: [x], outputs: { y: inside } })).toThrow(/used outside of/);
  });
});

describe('what is emitted', () => {
  test('unused nodes vanish, equal ones and equal constants are shared', () => {
    op.Tanh(x);
    const sum = op.Add(op.Mul(op.Exp(x), 2), op.Mul(op.Exp(x), 2));
    const { graph } = modelProto({ name: 'm', inputs: [x], outputs: { y: sum } });
    expect(graph.nodes.map(({ op: name }) => name)).toEqual(['Exp', 'Mul', 'Add']);
    expect(graph.initializers).toHaveLength(1);
  });

  test('the same build gives the same bytes, whatever was built before', () => {
    const build = (): Uint8Array => {
      const input1 = input('x', 'float32', ['n', 4]);
      const looped = op.Loop({
        steps: scalar(3, 'int64'),
        state: [input1],
        length: 3,
        body: (at, [state]) => ({
          state: [op.Add(op.Mul(state ?? input1, 0.5), op.Cast(at, 'float32'))],
          collect: [op.ReduceMean(op.Exp(input1))],
        }),
      });
      return modelBytes({
        name: 'm',
        inputs: [input1],
        outputs: { y: first(looped.state), c: first(looped.collected) },
        metadata: { b: '2', a: '1' },
      });
    };
    const before = build();
    for (let i = 0; i < 100; i++) op.Exp(x);
    expect(build()).toEqual(before);
  });

  test('an output may be an input, a constant, or the same value as another', async () => {
    const y = op.Exp(x);
    const results = await evaluate({ y, again: y, given: x, fixed: vector([1, 2]) }, [x], {
      x: { data: new Float32Array(4), dims: [1, 4] },
    });
    expect(results.again?.numbers).toEqual([1, 1, 1, 1]);
    expect(results.given?.numbers).toEqual([0, 0, 0, 0]);
    expect(results.fixed?.numbers).toEqual([1, 2]);
  });

  test('results that nothing uses are left out', () => {
    const image = input('x', 'float32', [1, 1, 4, 4]);
    const { graph } = modelProto({ name: 'm', inputs: [image], outputs: { y: op.MaxPool(image, [2, 2]) } });
    expect(graph.nodes[0]?.outputs).toEqual(['y']);
  });
});

describe('loops and branches', () => {
  const feed = { x: { data: Float32Array.from([1, 2, 3, 4]), dims: [1, 4] } };

  test('a loop carries state, collects, and uses outer values; what does not change is computed before it', async () => {
    const looped = op.Loop({
      steps: scalar(3, 'int64'),
      state: [x],
      length: 3,
      body: (at, [state = x]) => {
        const now = op.Add(op.Mul(state, op.Exp(op.Mul(x, 0))), op.Cast(at, 'float32'));
        return { state: [now], collect: [op.ReduceSum(now)] };
      },
    });
    const outputs = { y: first(looped.state), sums: first(looped.collected) };
    expect(opsOf(outputs)).toEqual(['Mul', 'Exp', 'Loop']);
    const results = await evaluate(outputs, [x], feed);
    expect(results.y?.numbers).toEqual([4, 5, 6, 7]);
    expect(results.sums?.numbers).toEqual([10, 14, 22]);
    expect(results.sums?.dims).toEqual([3]);
  });

  test('a scan reads slices', async () => {
    const rows = constant(tensor('float32', [1, 2, 3, 4, 5, 6], [3, 2]));
    const scanned = op.Scan({
      state: [vector([0, 0])],
      sequences: [rows],
      body: ([sum = rows], [row = rows]) => ({ state: [op.Add(sum, row)], collect: [op.Mul(row, 2)] }),
    });
    const results = await evaluate({ sum: first(scanned.state), twice: first(scanned.collected) });
    expect(results.sum?.numbers).toEqual([9, 12]);
    expect(results.twice?.numbers).toEqual([2, 4, 6, 8, 10, 12]);
  });

  test('bodies nest and see through each other', async () => {
    const outer = op.Loop({
      steps: scalar(2, 'int64'),
      state: [x],
      length: 2,
      body: (at, [state = x]) => {
        const inner = op.Loop({
          steps: scalar(2, 'int64'),
          state: [state],
          length: 2,
          body: (_at, [deep = x]) => ({ state: [op.Add(op.Add(deep, x), op.Cast(at, 'float32'))] }),
        });
        return { state: inner.state };
      },
    });
    // x, then twice (twice + x + step): 5 x + 2.
    expect((await evaluate({ y: first(outer.state) }, [x], feed)).y?.numbers).toEqual([7, 12, 17, 22]);
  });

  test('a branch is computed only when it is taken', async () => {
    const flag = input('flag', 'bool', []);
    const [y] = op.If(
      flag,
      () => [op.Exp(op.Mul(x, 0))],
      () => [op.Mul(x, 2)],
    );
    const outputs = { y: y ?? x };
    expect(opsOf(outputs, [x, flag])).toEqual(['If']);
    const taken = (value: number) =>
      evaluate(outputs, [x, flag], { ...feed, flag: { data: Uint8Array.of(value), dims: [] } });
    expect((await taken(1)).y?.numbers).toEqual([1, 1, 1, 1]);
    expect((await taken(0)).y?.numbers).toEqual([2, 4, 6, 8]);
  });
});

test('text becomes numbers and back', async () => {
  const text = input('text', 'string', ['n']);
  const code = op.StringToInt(text, ['red', 'blue'], [0, 1], -1);
  const results = await evaluate(
    {
      code,
      hot: op.OneHotStrings(text, ['red', 'blue']),
      share: op.StringToFloat(text, ['red'], [0.25], 0.5),
      short: op.StringToString(text, ['red'], ['r'], '?'),
      back: op.IntToString(code, [0, 1], ['rot', 'blau'], 'unbekannt'),
      columns: op.ArrayFeatureExtractor(op.OneHotStrings(text, ['red', 'blue']), int64s([1])),
    },
    [text],
    { text: { data: ['blue', 'red', 'green'], dims: [3] } },
  );
  expect(results.code?.numbers).toEqual([1, 0, -1]);
  expect(results.hot?.numbers).toEqual([0, 1, 1, 0, 0, 0]);
  expect(results.share?.numbers).toEqual([0.5, 0.25, 0.5]);
  expect(results.short?.data).toEqual(['?', 'r', '?']);
  expect(results.back?.data).toEqual(['blau', 'rot', 'unbekannt']);
  expect(results.columns?.numbers).toEqual([1, 0, 0]);
});

test('operators without a gradient calculate what their name says', async () => {
  const a = vector([1, 2, 3]);
  const b = vector([3, 2, 1]);
  const results = await evaluate({
    and: op.And(op.Less(a, 3), op.GreaterOrEqual(a, 2)),
    or: op.Or(op.Equal(a, b), op.Not(op.LessOrEqual(a, b))),
    xor: op.Xor(op.Greater(a, b), op.Greater(a, 1)),
    nan: op.IsNaN(op.Div(vector([0, 1]), 0)),
    argmax: op.ArgMax(b),
    kept: op.ArgMax(constant(tensor('float32', [1, 2, 4, 3], [2, 2])), 1, true),
    hot: op.OneHot(int64s([0, 2]), 3),
    shape: op.ShapeOf(constant(tensor('float32', new Float32Array(6), [2, 3]))),
    whole: op.Mod(int64s([5, -5]), 3),
    ceil: op.Ceil(vector([1.2, -1.2])),
    like: op.FillLike(a, 7),
    text: op.Where(
      op.Less(a, 2),
      constant(tensor('string', ['x'], [1])),
      constant(tensor('string', ['y'], [1])),
    ),
  });
  const numbers = Object.fromEntries(
    Object.entries(results).map(([name, { numbers: list }]) => [name, list]),
  );
  expect(numbers).toMatchObject({
    and: [0, 1, 0],
    or: [0, 1, 1],
    xor: [0, 1, 0],
    nan: [1, 0],
    argmax: [0],
    kept: [1, 0],
    hot: [1, 0, 0, 0, 0, 1],
    shape: [2, 3],
    whole: [2, 1],
    ceil: [2, -1],
    like: [7, 7, 7],
  });
  expect(results.text?.data).toEqual(['x', 'y', 'y']);
});
