import { differentiableOps, gradients } from '.';
import { GraphError } from '../errors';
import { modelBytes } from '../emit';
import * as op from '../op';
import { countOf, tensor } from '../tensor';
import { CASES } from '../testing/cases';
import { distinctInputs } from '../testing/inputs';
import { openSession, runSession } from '../testing/runtime';
import { randomKey, randomUnit } from '../training/random';
import { constant, input, scalar, vector } from '../value';

const need = <T>(value: T | undefined): T => {
  if (value === undefined) throw new Error('missing');
  return value;
};

const STEP = 4e-3;

describe('gradients agree with central differences', () => {
  test.each(CASES)('$name', async (item) => {
    const inputs = item.shapes.map((dims, at) => input(`x${at}`, 'float32', dims));
    const y = item.build(...inputs);
    const key = randomKey(11);
    const weights = Float32Array.from(
      { length: countOf(y.shape.map(Number)) },
      (_, at) => randomUnit(key, at) + 0.5,
    );
    const loss = op.ReduceSum(op.Mul(y, constant(tensor('float32', weights, y.shape.map(Number)))));
    const slopes = gradients(loss, inputs);
    const outputs = Object.fromEntries(slopes.map((slope, at) => [`g${at}`, slope]));
    const session = await openSession(modelBytes({ name: 'gradient', inputs, outputs: { ...outputs, y } }));
    const values = distinctInputs(item.shapes, item.range);
    const feeds = () =>
      Object.fromEntries(values.map((data, at) => [`x${at}`, { data, dims: need(item.shapes[at]) }]));
    const lossNow = async (): Promise<number> =>
      need((await runSession(session, feeds())).y).numbers.reduce(
        (sum, value, at) => sum + value * (weights[at] ?? 0),
        0,
      );
    const results = await runSession(session, feeds());
    expect(need(results.y).dims).toEqual(y.shape);
    for (const [which, array] of values.entries()) {
      const exact = need(results[`g${which}`]);
      expect(exact.dims).toEqual(item.shapes[which]);
      for (let at = 0; at < Math.min(array.length, 60); at++) {
        const before = need(array[at]);
        array[at] = before + STEP;
        const above = need(array[at]);
        const up = await lossNow();
        array[at] = before - STEP;
        const down = await lossNow();
        const slope = (up - down) / (above - need(array[at]));
        array[at] = before;
        const error = Math.abs(slope - need(exact.numbers[at])) / Math.max(1, Math.abs(slope));
        if (!(error < 5e-3))
          throw new Error(`input ${which}[${at}]: ${exact.numbers[at]}, differences say ${slope}`);
      }
    }
    await session.release();
  });
});

test('every rule is checked above', () => {
  const without = new Set(['Sign', 'Floor', 'Ceil', 'Round', 'ArgMax', 'Shape', 'Size', 'OneHot', 'Squeeze']);
  const names = CASES.map(({ name }) => name.split(' ')[0]);
  expect(differentiableOps().filter((name) => !without.has(name) && !names.includes(name))).toEqual([]);
});

test('nothing flows through steps, comparisons and shapes', async () => {
  const x = input('x', 'float32', [3]);
  const loss = op.ReduceSum(op.Add(op.Mul(op.Floor(x), x), op.Add(op.Sign(x), op.Round(x))));
  const [slope] = gradients(loss, [x]);
  const session = await openSession(modelBytes({ name: 'steps', inputs: [x], outputs: { g: need(slope) } }));
  const data = Float32Array.from([-1.5, 0.5, 2.5]);
  expect(need((await runSession(session, { x: { data, dims: [3] } })).g).numbers).toEqual([-2, 0, 2]);
  await session.release();
});

test('equal largest elements of a window share its gradient', async () => {
  const x = input('x', 'float32', [1, 1, 2, 4]);
  const [slope] = gradients(op.ReduceSum(op.Mul(op.MaxPool(x, [2, 2]), vector([8, 1]))), [x]);
  const session = await openSession(modelBytes({ name: 'ties', inputs: [x], outputs: { g: need(slope) } }));
  const data = Float32Array.from([3, 3, -5, -1e6, 3, 3, 0, -2]);
  const { g } = await runSession(session, { x: { data, dims: [1, 1, 2, 4] } });
  expect(g?.numbers).toEqual([2, 2, 0, 0, 2, 2, 1, 0]);
  await session.release();
});

test('a parameter that the loss does not use has the gradient zero', async () => {
  const x = input('x', 'float32', [2]);
  const unused = input('unused', 'float32', [2, 3]);
  const [, slope] = gradients(op.ReduceSum(op.Exp(x)), [x, unused]);
  const session = await openSession(modelBytes({ name: 'zero', inputs: [], outputs: { g: need(slope) } }));
  expect(need((await runSession(session, {})).g).numbers).toEqual([0, 0, 0, 0, 0, 0]);
  await session.release();
});

test('gradients work where the batch size is known only at run time', async () => {
  const x = input('x', 'float32', ['n', 3]);
  const w = input('w', 'float32', [3, 2]);
  const b = input('b', 'float32', [2]);
  const [gw, gb] = gradients(op.ReduceMean(op.Tanh(op.Gemm(x, w, b))), [w, b]);
  const fixed = constant(tensor('float32', [0.1, 0.2, 0.3, 0.4, 0.5, 0.6], [2, 3]));
  const [same] = gradients(op.ReduceMean(op.Tanh(op.Gemm(fixed, w, b))), [w]);
  const outputs = { gw: need(gw), gb: need(gb), same: need(same) };
  const session = await openSession(modelBytes({ name: 'dynamic', inputs: [x, w, b], outputs }));
  const results = await runSession(session, {
    x: { data: Float32Array.from([0.1, 0.2, 0.3, 0.4, 0.5, 0.6]), dims: [2, 3] },
    w: { data: Float32Array.from([1, -1, 0.5, 0.2, -0.3, 0.7]), dims: [3, 2] },
    b: { data: Float32Array.from([0.1, 0.2]), dims: [2] },
  });
  need(results.gw).numbers.forEach((value, at) =>
    expect(value).toBeCloseTo(need(results.same).numbers[at] ?? NaN, 6),
  );
  await session.release();
});

test('what cannot be differentiated is said', () => {
  const x = input('x', 'float32', [3]);
  const looped = op.Loop({
    steps: scalar(3, 'int64'),
    state: [x],
    length: 3,
    body: (_step, [now]) => ({ state: [op.Mul(need(now), 2)] }),
  });
  expect(() => gradients(op.ReduceSum(need(looped.state[0])), [x])).toThrow(
    /Loop has no gradient rule; one of: Abs, Add/,
  );
  expect(() => gradients(op.Exp(x), [x])).toThrow(GraphError);
  expect(() => gradients(op.ReduceSum(op.Cast(x, 'int64')), [x])).toThrow(
    /the loss must be one float, got int64 \[\]/,
  );
});
