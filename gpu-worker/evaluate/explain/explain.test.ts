import type { Shapley } from '../../../contracts';
import { input, modelBytes, op, randomKey, randomUnit } from '../../../onnx';
import { openSessionCount } from '../../engine/onnxruntime';
import { tableOf } from '../../testing/table';
import { Sections } from '../budget';
import { explanations } from '../explanations';
import { explainRows } from './explain-rows';
import type { RowsToExplain } from './explain-rows';
import { permutationImportance } from './importance';
import { partialDependence } from './partial-dependence';
import { SealedFile } from './sealed-file';
import { sampledShapley } from './shapley';
import type { Game } from './shapley';

const signal = new AbortController().signal;
afterEach(() => expect(openSessionCount()).toBe(0));

/** Of a function of numbers: the explained row's where they are known, else the background's. */
const gameOf = (f: (x: number[]) => number, row: number[], background: number[][]): Game => ({
  players: row.length,
  backgrounds: background.length,
  ask: async ({ background: from, known }) =>
    Float64Array.from(from, (which, question) =>
      f(row.map((value, i) => (known[question * row.length + i] === 1 ? value : background[which][i]))),
    ),
});

/** By the definition: the mean over all orders of the change that a player's step makes. */
const exact = (f: (x: number[]) => number, row: number[], background: number[][]): number[] => {
  const orders = (left: number[]): number[][] =>
    left.length === 0
      ? [[]]
      : left.flatMap((one) => orders(left.filter((i) => i !== one)).map((rest) => [one, ...rest]));
  const values = row.map(() => 0);
  const all = orders([...row.keys()]);
  for (const from of background)
    for (const order of all) {
      const x = [...from];
      for (const player of order) {
        const before = f(x);
        x[player] = row[player];
        values[player] += (f(x) - before) / (all.length * background.length);
      }
    }
  return values;
};

describe('sampled Shapley values', () => {
  const row = [1, 2, -1, 3];
  const background = [
    [0, 0, 0, 0],
    [2, -1, 1, 1],
    [-1, 1, 0, 5],
  ];

  it('are exact where columns act alone or in pairs: an order and its reverse average every pair', async () => {
    const f = ([a, b, c, d]: number[]): number => 3 * a - b * b + a * c + 2 * b * d;
    const { values, base, output } = await sampledShapley(gameOf(f, row, background), 1);
    exact(f, row, background).forEach((value, i) => expect(values[i]).toBeCloseTo(value, 10));
    expect(base).toBeCloseTo(background.reduce((sum, x) => sum + f(x), 0) / 3, 10);
    expect(output).toBeCloseTo(f(row), 10);
  });

  it('always add up to output minus base, and come near the exact ones with many backgrounds', async () => {
    const f = ([a, b, c, d]: number[]): number => Math.sin(a * b) * Math.exp(c / 4) + Math.max(a, d) * b * c;
    const key = randomKey(4, 4);
    const many = Array.from({ length: 200 }, (_, i) =>
      row.map((_value, j) => 2 * randomUnit(key, i * 4 + j)),
    );
    const { values, base, output } = await sampledShapley(gameOf(f, row, many), 2);
    expect(base + values.reduce((a, b) => a + b)).toBeCloseTo(output, 10);
    exact(f, row, many).forEach((value, i) => expect(Math.abs(values[i] - value)).toBeLessThan(0.25));
  });
});

/** prediction = 3 a + (kind is 'x' ? 2 : 0), b unused. */
const rows = 300;
const key = randomKey(6, 6);
const uniform = (at: number): number[] => Array.from({ length: rows }, (_, i) => randomUnit(key, i * 4 + at));
const table = tableOf({
  a: uniform(0),
  b: uniform(1),
  kind: uniform(2).map((u) => (u < 0.5 ? 'x' : 'y')),
});
const truth = Float64Array.from({ length: rows }, (_, i) => {
  const [a, , kind] = table.columns;
  return 3 * ('values' in a ? a.values[i] : NaN) + ('codes' in kind && kind.codes[i] === 0 ? 2 : 0);
});
const onnx = ((): Uint8Array => {
  const [a, b] = ['a', 'b'].map((name) => input(name, 'float64', ['rows']));
  const kind = input('kind', 'string', ['rows']);
  const shift = op.StringToFloat(kind, ['x', 'y'], [2, 0], 0);
  const prediction = op.Add(op.Mul(op.Cast(op.Add(a, op.Mul(b, 0)), 'float32'), 3), shift);
  return modelBytes({ name: 'f', inputs: [a, b, kind], outputs: { prediction } });
})();
const file = (until = signal): Promise<SealedFile> =>
  SealedFile.open({ onnx, table, classes: 0, signal: until });
const all = Int32Array.from({ length: rows }, (_, i) => i);
const using = async <T>(work: (opened: SealedFile) => Promise<T>): Promise<T> => {
  const opened = await file();
  return work(opened).finally(() => opened.close());
};
type Explained = Pick<RowsToExplain, 'rows' | 'places' | 'background' | 'columns'>;
const shares = async (asked: Explained): Promise<Shapley> => {
  const more = { classes: [], actual: (row: number) => truth[row], seed: 3, signal };
  const found = await using((opened) => explainRows(opened, { ...asked, ...more }));
  if (found === undefined) throw new Error('sampled values are never too much work');
  return found;
};

describe('explaining a sealed file', () => {
  it('importance: shuffling what is used hurts, shuffling what is not does nothing', async () => {
    const rmse = (answers: Float32Array): number =>
      Math.sqrt(answers.reduce((sum, value, i) => sum + (value - truth[i]) ** 2, 0) / rows);
    const { columns } = await using((opened) =>
      permutationImportance(
        opened,
        all,
        { metric: 'rmse', of: rmse },
        { columns: ['a', 'b', 'kind'], repeats: 3, seed: 1 },
      ),
    );
    expect(columns.map(({ column }) => column)).toEqual(['kind', 'a', 'b']);
    // Two independent draws of a two-valued 2 differ by 2 half of the time, of a uniform by 1/6 on average of squares.
    expect(columns[0].increase).toBeCloseTo(Math.SQRT2, 1);
    expect(columns[1].increase).toBeCloseTo(3 * Math.sqrt(1 / 6), 1);
    expect(columns[2]).toMatchObject({ increase: 0, standardDeviation: 0 });
  });

  it('Shapley values of an additive model are its terms, less their mean', async () => {
    const background = all.subarray(0, 16);
    const {
      rows: explained,
      summary,
      together,
    } = await shares({
      rows: Int32Array.of(20, 21),
      places: [4, 5],
      background,
      columns: ['a', 'b', 'kind'],
    });
    expect(together).toEqual([]);
    const [a] = table.columns;
    if (!('values' in a)) throw new Error('numbers');
    const meanA = background.reduce((sum, row) => sum + a.values[row], 0) / 16;
    const place = summary.findIndex(({ column }) => column === 'a');
    expect(explained[0]).toMatchObject({ row: 4, label: null, actual: truth[20] });
    expect(explained[0].cells[place]).toBe(a.values[20]);
    expect(explained[0].values[place]).toBeCloseTo(3 * (a.values[20] - meanA), 5);
    expect(summary.map(({ column }) => column).at(-1)).toBe('b');
    for (const { base, output, values } of explained)
      expect(base + values.reduce((sum, value) => sum + value, 0)).toBeCloseTo(output, 5);
  });

  it('values that are too much work to be exact are sampled, and the report says so', async () => {
    const target = { task: 'regression', values: truth, mean: 0, deviation: 1 } as const;
    const { shapley, leftOut } = await explanations({
      ...{ onnx, table, target, rows: all.subarray(0, 100), training: all.subarray(100), seed: 1 },
      sections: new Sections(signal),
      shapley: { unit: 'log', values: async () => undefined },
    });
    expect(shapley).toMatchObject({ method: 'sampled', unit: 'target', backgroundRows: 32 });
    expect(leftOut).toEqual([{ section: 'shapley', why: expect.stringContaining('sampled') as string }]);
  });

  it('columns beyond those that are told apart share one value', async () => {
    const {
      summary,
      together,
      rows: explained,
    } = await shares({
      rows: Int32Array.of(7),
      places: [0],
      background: all.subarray(0, 4),
      columns: ['a'],
    });
    expect(together).toEqual(['b', 'kind']);
    expect(new Set(summary.map(({ column }) => column))).toEqual(new Set(['a', '(others)']));
    const [{ base, output, values }] = explained;
    expect(base + values[0] + values[1]).toBeCloseTo(output, 5);
  });

  it('partial dependence of a linear column is its line, of a category its steps', async () => {
    const line = await using((opened) => partialDependence(opened, 'a', all, []));
    for (let i = 1; i < line.points.length; i++) {
      const [before, after] = [line.points[i - 1], line.points[i]];
      expect((after.mean[0] - before.mean[0]) / (Number(after.at) - Number(before.at))).toBeCloseTo(3, 3);
    }
    const { points } = await using((opened) => partialDependence(opened, 'kind', all, []));
    const mean = new Map(points.map(({ at, mean: [value] }) => [at, value]));
    expect((mean.get('x') ?? NaN) - (mean.get('y') ?? NaN)).toBeCloseTo(2, 4);
    expect(points[0].q90 - points[0].q10).toBeGreaterThan(1);
  });

  it('stops when it is told to', async () => {
    const stopped = file(AbortSignal.abort());
    await expect(
      stopped.then((opened) => opened.answers(rows, () => all).finally(() => opened.close())),
    ).rejects.toThrow();
  });
});
