import {
  input,
  op,
  randomKey,
  randomNormal,
  randomUnit,
  stopGradient,
  gradients,
  constant,
  tensor,
} from '../../../onnx';
import { evaluate } from '../../../onnx/testing/runtime';
import { float64, openSessionCount, strings, withSession } from '../../engine/onnxruntime';
import { request } from '../../testing/examples';
import { tableOf } from '../../testing/table';
import { trainTable } from '../../train/train-table';
import { decoded } from './decode';
import { encodeRows, fitColumns } from './columns';
import { uniformOf } from './uniform';

const listener = { signal: new AbortController().signal, progress: () => undefined, champion: null };
const key = randomKey(4);

/** `kind` decides the height of `size`; `count` is whole; `gap` misses a third of its values. */
const table = (rows = 400) => {
  const kind = Array.from({ length: rows }, (_, row) => (randomUnit(key, row) < 0.3 ? 'rare' : 'usual'));
  const size = kind.map((of, row) => (of === 'rare' ? 20 : 0) + randomNormal(key, 1_000 + row));
  const count = kind.map((_, row) => Math.floor(30 * randomUnit(key, 5_000 + row)));
  const gap = kind.map((_, row) => (row % 3 === 0 ? null : 5 + randomUnit(key, 9_000 + row)));
  return tableOf({ size, count, gap, kind }, (row) => row % 5 === 0);
};
const train = (spec: Record<string, unknown> = {}) =>
  trainTable(
    table(),
    request(
      { family: 'gan', hidden: [32, 32], latent: 8, batchSize: 64, epochs: 250, ...spec },
      { task: 'synthesis', target: 'kind' },
    ),
    listener,
  );

afterEach(() => expect(openSessionCount()).toBe(0));

it('what stops a gradient is a constant to whoever differentiates', async () => {
  const x = input('x', 'float32', []);
  const [slope] = gradients(op.Mul(x, stopGradient(op.Mul(x, 3))), [x]);
  if (slope === undefined) throw new Error('one gradient');
  const found = await evaluate({ slope }, [x], { x: { data: Float32Array.of(2), dims: [] } });
  expect(found['slope']?.numbers).toEqual([6]);
});

it('the penalty needs gradients of gradients: those of x³ are 6x', async () => {
  const x = input('x', 'float32', []);
  const [first = x] = gradients(op.Mul(op.Mul(x, x), x), [x]);
  const [second = x] = gradients(first, [x]);
  const found = await evaluate({ second }, [x], { x: { data: Float32Array.of(2), dims: [] } });
  expect(found['second']?.numbers[0]).toBeCloseTo(12, 4);
});

it('numbers drawn inside a file are uniform, and neither columns nor neighbouring seeds are related', async () => {
  const [rows, columns] = [2_000, 20];
  const seeds = constant(
    tensor(
      'float64',
      Float64Array.from({ length: rows }, (_, row) => row),
    ),
  );
  const { drawn } = await evaluate({ drawn: uniformOf(seeds, columns) });
  const at = (row: number, column: number): number => drawn?.numbers[row * columns + column] ?? NaN;
  const correlation = (a: (row: number) => number, b: (row: number) => number): number => {
    let sum = 0;
    for (let row = 0; row < rows - 1; row++) sum += (a(row) - 0.5) * (b(row) - 0.5);
    return (12 * sum) / (rows - 1);
  };
  for (let column = 0; column < columns; column++) {
    const mean =
      Array.from({ length: rows }, (_, row) => at(row, column)).reduce((sum, value) => sum + value, 0) / rows;
    // Five standard errors of the mean of 2,000 uniform numbers; of a correlation of as many.
    expect(Math.abs(mean - 0.5)).toBeLessThan((5 * Math.sqrt(1 / 12)) / Math.sqrt(rows));
    expect(
      Math.abs(
        correlation(
          (row) => at(row, column),
          (row) => at(row + 1, column),
        ),
      ),
    ).toBeLessThan(5 / Math.sqrt(rows));
    expect(
      Math.abs(
        correlation(
          (row) => at(row, column),
          (row) => at(row, (column + 1) % columns),
        ),
      ),
    ).toBeLessThan(5 / Math.sqrt(rows));
  }
});

it('what is encoded decodes to itself', async () => {
  const of = table(200);
  const rows = Int32Array.from({ length: 200 }, (_, row) => row);
  const columns = fitColumns(of.columns, rows);
  expect(columns.map(({ kind }) => kind)).toEqual(['number', 'number', 'number', 'category']);
  const encoded = encodeRows(columns, of.columns, rows, 1);
  const width = encoded.length / 200;
  // Sure of its categories: no draw changes them.
  const sureness = Float32Array.from({ length: width }, (_, feature) => (feature < 3 ? 1 : 1e6));
  const raw = constant(tensor('float32', encoded, [200, width]));
  const sure = op.Mul(raw, constant(tensor('float32', sureness, [width])));
  const found = await evaluate(decoded(columns, sure, op.Add(op.Mul(raw, 0), 0.5)));
  const size = of.columns[0];
  const gap = of.columns[2];
  if (size?.kind !== 'number' || gap?.kind !== 'number') throw new Error('numbers');
  found['size']?.numbers.forEach((value, row) =>
    expect(Math.abs(value - (size.values[row] ?? 0))).toBeLessThan(1),
  );
  found['count']?.numbers.forEach((value) => expect(Number.isInteger(value)).toBe(true));
  found['gap']?.numbers.forEach((value, row) =>
    expect(Number.isNaN(value)).toBe(Number.isNaN(gap.values[row])),
  );
});

it('makes rows that follow their condition, the same for the same seed', async () => {
  const made = await train();
  const { signature, metrics, verified } = made.manifest;
  expect(signature.inputs.map(({ spec }) => spec.name)).toEqual(['seed', 'kind']);
  expect(signature.generated?.map(({ name, type }) => [name, type])).toEqual([
    ['size', 'number'],
    ['count', 'number'],
    ['gap', 'number'],
    ['kind', 'category'],
  ]);
  expect(verified.rows).toBe(80);
  expect(metrics.test['utility']).toBeGreaterThan(0.8);
  expect(metrics.test['privacyDistance']).toBeLessThan(0.7);
  const { utility, trainedOnReal, privacyDistance } = made.evaluation.metrics;
  for (const { value, low, high } of [utility, trainedOnReal])
    expect((low ?? NaN) <= value && value <= (high ?? NaN)).toBe(true);
  expect(privacyDistance).toEqual({ value: metrics.test['privacyDistance'], low: null, high: null });
  expect(made.evaluation.leftOut.map(({ section }) => section)).toEqual([
    ...['slices', 'importance', 'shapley', 'partialDependence', 'fairness', 'conformal'],
    'interval of privacyDistance',
  ]);
  expect(made.golden.generated).toHaveLength(made.golden.rows.length);
  await withSession(made.onnx, {}, async (session) => {
    const ask = async (kind: string) => {
      const n = 300;
      const answer = await session.run({
        seed: float64(
          Float64Array.from({ length: n }, (_, row) => 10_000 + row),
          [n],
        ),
        kind: strings(Array<string>(n).fill(kind), [n]),
      });
      const of = (name: string) => Array.from(answer[`row/${name}`]?.data as ArrayLike<number | string>);
      return { size: of('size').map(Number), kind: of('kind') };
    };
    const [rare, usual, any] = [await ask('rare'), await ask('usual'), await ask('')];
    expect(new Set(rare.kind)).toEqual(new Set(['rare']));
    const mean = (values: number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
    expect(mean(rare.size)).toBeGreaterThan(mean(usual.size) + 5);
    const share = any.kind.filter((value) => value === 'rare').length / 300;
    expect(share).toBeGreaterThan(0.15);
    expect(share).toBeLessThan(0.5);
    expect((await ask('rare')).size).toEqual(rare.size);
  });
});

it('a condition that is not there is refused with those that are', async () => {
  await expect(train({ condition: 'color' })).rejects.toMatchObject({
    code: 'BAD_SPEC',
    message: 'unknown condition "color"; one of: kind',
  });
});
