import { randomKey, randomUnit } from '../../onnx';
import { dataFile } from '../../test/support/data';
import type { Table } from '../data/table';
import { csvTable, tableOf } from '../testing/table';
import { featureColumns } from '../train/assemble';
import { RAW, STANDARD } from './encoding';
import { prepareMatrix } from './matrix';
import { fitPreparation } from './preparation';
import { columnNamed, fitTarget } from './target';

const signal = new AbortController().signal;
const range = (length: number): Int32Array => Int32Array.from({ length }, (_, i) => i);
const key = randomKey(3, 3);
const unit = (column: number, row: number): number => randomUnit(key, column * 100_000 + row);

const fitted = (table: Table, target: string, encoding = { ...RAW, interactions: 6 }) => {
  const rows = range(table.rows);
  const numeric = columnNamed(table, target).kind === 'number';
  const fit = fitTarget(columnNamed(table, target), numeric ? 'regression' : 'classification', {
    training: rows,
    validation: range(0),
  });
  return fitPreparation(featureColumns(table, { target, exclude: [] }), rows, encoding, fit);
};

describe('interactions', () => {
  const rows = 2000;
  const columns = Object.fromEntries(
    ['a', 'b', 'c', 'd'].map((name, at) => [name, Array.from(range(rows), (row) => unit(at, row) + 0.1)]),
  );
  const made = (of: (a: number, b: number, c: number, noise: number) => number): number[] =>
    Array.from(range(rows), (row) =>
      of(
        columns['a']?.[row] ?? NaN,
        columns['b']?.[row] ?? NaN,
        columns['c']?.[row] ?? NaN,
        unit(9, row) - 0.5,
      ),
    );

  it('a ratio is found, and nothing beside it', async () => {
    const table = tableOf({ ...columns, y: made((a, b, _, noise) => a / b + 0.1 * noise) });
    const preparation = fitted(table, 'y');
    expect(preparation.interactions[0]).toMatchObject({ how: 'ratio', of: ['a', 'b'] });
    expect(preparation.interactions.every(({ of }) => !of.includes('d'))).toBe(true);
    const block = preparation.blocks.find(({ of }) => of !== undefined);
    expect(block).toMatchObject({ column: 'a / b', kind: 'value', from: 4, width: 1, of: ['a', 'b'] });
    const { values, width } = await prepareMatrix(table, preparation, range(50), signal);
    for (let row = 0; row < 50; row++)
      expect(values[row * width + 4]).toBe(
        Math.fround((columns['a']?.[row] ?? NaN) / (columns['b']?.[row] ?? NaN)),
      );
  });

  it('a product tells classes apart', () => {
    const y = made((a, b, _, noise) => (a - 0.6) * (b - 0.6) + 0.02 * noise).map((v) =>
      v > 0 ? 'in' : 'out',
    );
    const [first] = fitted(tableOf({ ...columns, y }), 'y').interactions;
    expect([...(first?.of ?? [])].sort()).toEqual(['a', 'b']);
  });

  it('sums of what each column says alone, and chance, have none', () => {
    const additive = made((a, b, c, noise) => Math.sin(6 * a) + b * b - Math.abs(c - 0.5) + 0.5 * noise);
    expect(fitted(tableOf({ ...columns, y: additive }), 'y').interactions).toEqual([]);
    const chance = made((_a, _b, _c, noise) => noise);
    expect(fitted(tableOf({ ...columns, y: chance }), 'y').interactions).toEqual([]);
  });

  it('a wave aslant across two columns goes along their sum', () => {
    const y = made((a, b, _, noise) => Math.sin(4 * (a + b)) + 0.1 * noise);
    const [first] = fitted(tableOf({ ...columns, y }), 'y').interactions;
    expect([first?.how, ...(first?.of ?? [])].sort()).toEqual(['a', 'b', 'sum']);
  });

  it('a column that is called like one stays what it is', () => {
    const y = made((a, b, _, noise) => a / b + 0.1 * noise);
    const { interactions } = fitted(tableOf({ ...columns, 'a / b': columns['c'] ?? [], y }), 'y');
    expect(interactions.map(({ fit }) => fit.name)).not.toContain('a / b');
  });

  it('zeros below a line and gaps give a gap, filled as any other', async () => {
    const y = made((a, b) => a / b);
    const table = tableOf({ ...columns, y });
    const preparation = fitted(table, 'y', { ...STANDARD, interactions: 1 });
    const other = tableOf({ a: [1, null, 1], b: [0, 1, 1], c: [1, 1, 1], d: [1, 1, 1] });
    const { values, width } = await prepareMatrix(other, preparation, range(3), signal);
    const block = preparation.blocks.find(({ of }) => of !== undefined);
    const of = (row: number): number | undefined => values[row * width + (block?.from ?? 0)];
    expect(of(0)).toBe(of(1));
    expect(Number.isFinite(of(2))).toBe(true);
    expect(of(2)).not.toBe(of(0));
  });

  const path = dataFile('california_housing.csv');
  (path === undefined ? it.skip : it)('housing: shares of rooms, bedrooms, people and households', () => {
    const { interactions } = fitted(csvTable(path ?? ''), 'median_house_value');
    const found = interactions.map(({ fit }) => fit.name);
    expect(found).toEqual(expect.arrayContaining([expect.stringMatching(/population|households/)]));
    expect(found.some((name) => name.includes('/'))).toBe(true);
  });
});
