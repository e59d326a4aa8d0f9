import { modelBytes, modelProto, OPSET } from './emit';
import { GraphError } from './errors';
import { inlineModel } from './inline';
import * as op from './op';
import { readModel } from './proto/read';
import { tensor } from './tensor';
import { openSession, runSession } from './testing/runtime';
import { constant, input, scalar, type Value } from './value';

const WIDTH = 40;
const weights = (seed: number, dims: readonly number[]): Value =>
  constant(
    tensor(
      'float32',
      Float32Array.from({ length: dims.reduce((a, b) => a * b, 1) }, (_, at) => Math.sin(at * seed)),
      dims,
    ),
  );

/** Text and numbers in, a preparation that all share, then a network of its own. */
const built = (seed: number) => {
  const color = input('color', 'string', ['rows']);
  const area = input('area', 'float32', ['rows', 3]);
  const prepared = op.Concat([op.OneHotStrings(color, ['red', 'blue']), op.Div(area, 0.3)], 1);
  const hidden = op.LeakyRelu(op.Gemm(prepared, weights(seed, [5, WIDTH])), 0.1);
  const price = op.Gemm(hidden, weights(seed + 1, [WIDTH, 1]));
  return { inputs: [color, area], outputs: { price, hidden: op.Flatten(op.Unsqueeze(hidden, [2])) } };
};
const file = (seed: number): Uint8Array => modelBytes({ name: `member ${seed}`, ...built(seed) });

const inputs = () => ({ color: input('color', 'string', ['n']), area: input('area', 'float32', ['n', 3]) });
const feeds = {
  color: { data: ['red', 'green'], dims: [2] },
  area: { data: Float32Array.from([1, 2, 3, 4, 5, 6]), dims: [2, 3] },
};
const output = (outputs: Readonly<Record<string, Value>>, name: string): Value => {
  const value = outputs[name];
  if (value === undefined) throw new Error(`no ${name}`);
  return value;
};

test('two copies of a model add nothing to one, whether inlined once or twice', () => {
  const given = inputs();
  const [one, two] = [inlineModel(file(1)), inlineModel(file(1))];
  const nodes = (outputs: Record<string, Value>): number[] => {
    const { graph } = modelProto({ name: 'merged', inputs: Object.values(given), outputs });
    return [graph.nodes.filter(({ op: name }) => name !== 'Identity').length, graph.initializers.length];
  };
  const alone = nodes({ price: output(one(given), 'price') });
  const [first, again, other] = [one(given), one(given), two(given)];
  expect(nodes({ a: output(first, 'price'), b: output(again, 'price'), c: output(other, 'price') })).toEqual(
    alone,
  );
  expect(readModel(file(1)).graph.nodes.length).toBeGreaterThanOrEqual(alone[0] ?? NaN);
});

test('a model that was written, inlined and written again is the same but for names, and answers in the same bits', async () => {
  const given = inputs();
  const bytes = modelBytes({
    name: 'again',
    inputs: Object.values(given),
    outputs: inlineModel(file(1))(given),
  });
  expect(readModel(bytes).graph.nodes.map(({ op: name, attributes }) => [name, attributes])).toEqual(
    readModel(file(1)).graph.nodes.map(({ op: name, attributes }) => [name, attributes]),
  );
  const answers = [];
  for (const model of [file(1), bytes]) {
    const session = await openSession(model);
    answers.push(await runSession(session, feeds));
    await session.release();
  }
  expect(answers[1]).toEqual(answers[0]);
});

test('members of an ensemble share their preparation, with a graph that is built freshly too', async () => {
  const given = inputs();
  const members = [1, 2].map((seed) => output(inlineModel(file(seed))(given), 'price'));
  const mean = op.Mul(op.Add(members[0] ?? scalar(0), members[1] ?? scalar(0)), 0.5);
  const merged = { name: 'ensemble', inputs: Object.values(given), outputs: { mean } };
  const count = (name: string): number =>
    modelProto(merged).graph.nodes.filter(({ op: other }) => other === name).length;
  expect([count('OneHotEncoder'), count('Concat'), count('Gemm')]).toEqual([1, 1, 4]);
  const session = await openSession(modelBytes(merged));
  const { mean: answer } = await runSession(session, feeds);
  await session.release();
  let sum = [0, 0];
  for (const seed of [1, 2]) {
    const member = await openSession(file(seed));
    const { price } = await runSession(member, feeds);
    sum = sum.map((value, row) => Math.fround(value + (price?.numbers[row] ?? NaN)));
    await member.release();
  }
  expect(answer?.numbers).toEqual(sum.map((value) => value / 2));
});

test('outputs speak of the dimensions of the inputs given', () => {
  const shapes = (given: Record<string, Value>) =>
    Object.fromEntries(
      Object.entries(inlineModel(file(1))(given)).map(([name, { shape, dtype }]) => [
        name,
        [dtype, ...shape],
      ]),
    );
  expect(shapes(inputs())).toEqual({ price: ['float32', 'n', 1], hidden: ['float32', 'n', WIDTH] });
  const fixed = { color: input('color', 'string', [7]), area: input('area', 'float32', [7, 3]) };
  expect(shapes(fixed).price).toEqual(['float32', 7, 1]);
  const x = input('x', 'float32', ['rows', 2]);
  const tall = modelBytes({ name: 'tall', inputs: [x], outputs: { y: op.Reshape(x, ['rows*2']) } });
  expect(inlineModel(tall)({ x: input('x', 'float32', [5, 2]) }).y?.shape).toEqual([10]);
  expect(inlineModel(tall)({ x: input('x', 'float32', ['m', 2]) }).y?.shape).toEqual(['m*2']);
});

test('inputs that are missing or do not fit are refused', () => {
  const { color } = inputs();
  const model = inlineModel(file(1));
  expect(() => model({ color })).toThrow(/model member 1: no input area/);
  expect(() => model({ color, area: color })).toThrow(/input area is float32 \[rows, 3\], got string \[n\]/);
  expect(() => model({ color, area: input('area', 'float32', ['n', 4]) })).toThrow(GraphError);
  expect(() => model({ color, area: input('area', 'float32', ['m', 3]) })).toThrow(/got float32 \[m, 3\]/);
});

test('loops, tensors in attributes and other operator sets are refused', () => {
  const x = input('x', 'float32', [2]);
  const looped = op.Loop({
    steps: scalar(2, 'int64'),
    state: [x],
    length: 2,
    body: (_step, [now = x]) => ({ state: [op.Mul(now, 2)] }),
  });
  const proto = modelProto({ name: 'looped', inputs: [x], outputs: { y: looped.state[0] ?? x } });
  expect(() => inlineModel(proto)).toThrow(/Loop cannot be inlined, attribute body is a graph/);
  expect(() => inlineModel({ ...proto, opsetImports: [{ domain: '', version: OPSET + 1 }] })).toThrow(
    /operator set "" of version 18, only 17 can be inlined/,
  );
});
