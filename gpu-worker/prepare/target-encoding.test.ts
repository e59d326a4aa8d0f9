import { randomKey, randomUnit } from '../../onnx';
import type { Table } from '../data/table';
import { tableOf } from '../testing/table';
import { featureColumns } from '../train/assemble';
import { STANDARD } from './encoding';
import { prepareMatrix, prepareTraining } from './matrix';
import { fitPreparation } from './preparation';
import { columnNamed, fitTarget } from './target';

const signal = new AbortController().signal;
const range = (length: number, from = 0): Int32Array => Int32Array.from({ length }, (_, i) => from + i);
const key = randomKey(5, 1);
const encoding = { ...STANDARD, targetAbove: 5 };

const prepared = async (table: Table, task: 'regression' | 'classification', training: number) => {
  const rows = range(training);
  const validation = range(table.rows - training, training);
  const target = fitTarget(columnNamed(table, 'y'), task, { training: rows, validation });
  const columns = featureColumns(table, { target: 'y', exclude: [] });
  const preparation = fitPreparation(columns, rows, encoding, target);
  return {
    preparation,
    learned: await prepareTraining(table, preparation, target, rows, signal),
    served: await prepareMatrix(table, preparation, range(table.rows), signal),
  };
};

const correlation = (a: readonly number[], b: readonly number[]): number => {
  const mean = (values: readonly number[]): number => values.reduce((x, y) => x + y, 0) / values.length;
  const [ma, mb] = [mean(a), mean(b)];
  const dot = (x: readonly number[], mx: number, y: readonly number[], my: number): number =>
    x.reduce((sum, value, i) => sum + (value - mx) * ((y[i] ?? NaN) - my), 0);
  return dot(a, ma, b, mb) / Math.sqrt(dot(a, ma, a, ma) * dot(b, mb, b, mb));
};

describe('target encoding', () => {
  const rows = 2000;
  const noise = Array.from(range(rows), (i) => randomUnit(key, i) - 0.5);
  const shop = Array.from(range(rows), (i) => `s${Math.floor(randomUnit(key, rows + i) * 40)}`);

  it('gives a value the mean of its rows, drawn towards all', async () => {
    const y = noise.map((value, i) => Number(shop[i]?.slice(1)) + value);
    const { served, preparation } = await prepared(tableOf({ shop, y }), 'regression', 1500);
    expect(preparation.blocks).toEqual([{ column: 'shop', kind: 'target', from: 0, width: 1 }]);
    expect(correlation([...served.values.subarray(1500)], y.slice(1500))).toBeGreaterThan(0.99);
  });

  const chance = Array.from(range(rows), (i) => (randomUnit(key, 7000 + i) < 0.5 ? 'no' : 'yes'));
  /** How well training rows could be told by the encoding of `column` alone; 0 when it is left out. */
  const leak = async (cells: readonly string[]): Promise<number> => {
    const { preparation, learned } = await prepared(
      tableOf({ cells, x: noise, y: chance }),
      'classification',
      1500,
    );
    const block = preparation.blocks.find(({ column }) => column === 'cells');
    if (block === undefined) return 0;
    const scores = Array.from(range(1500), (i) => learned.values[i * learned.width + block.from] ?? NaN);
    const truth = chance.slice(0, 1500).map((label) => (label === 'yes' ? 1 : 0));
    return new Set(scores).size === 1 ? 0 : correlation(scores, truth);
  };

  it('learns nothing from identifiers, from pairs and from groups that are chance', async () => {
    expect(await leak(Array.from(range(rows), (i) => `id${i}`))).toBe(0);
    // Means of other folds lean away from the truth; never towards it.
    expect(await leak(Array.from(range(rows), (i) => `id${i >> 1}`))).toBeLessThan(0.05);
    expect(await leak(shop)).toBeLessThan(0.05);
  });

  it('would be fooled without the folds: this is what the test above can see', async () => {
    const pairs = Array.from(range(rows), (i) => `id${i >> 1}`);
    const y = chance.map((label, i) => (i % 4 === 0 ? (chance[i + 1] ?? label) : label));
    const { served } = await prepared(tableOf({ pairs, y }), 'classification', 1500);
    const truth = y.slice(0, 1500).map((label) => (label === 'yes' ? 1 : 0));
    expect(correlation([...served.values.subarray(0, 1500)], truth)).toBeGreaterThan(0.5);
  });

  it('no row of training is encoded by its own target', async () => {
    const y = noise.map((value, i) => Number(shop[i]?.slice(1)) + value);
    const before = await prepared(tableOf({ shop, y }), 'regression', 1500);
    const changed = y.map((value, i) => (i === 7 ? value + 1e-3 : value));
    const after = await prepared(tableOf({ shop, y: changed }), 'regression', 1500);
    // The target's own scale moves with it in the ninth digit; the encoding of row 7 by nothing else.
    expect(after.learned.values[7]).toBeCloseTo(before.learned.values[7] ?? NaN, 6);
    const others = range(1500).filter((i) => i !== 7 && shop[i] === shop[7]);
    const moved = others.filter(
      (i) => Math.abs((after.learned.values[i] ?? NaN) - (before.learned.values[i] ?? NaN)) > 1e-6,
    );
    expect(moved.length).toBeGreaterThan(others.length / 2);
  });

  it('missing is a value of its own and unseen values get the prior', async () => {
    const cells = shop.map((value, i) => (i % 10 === 0 ? null : i >= 1900 ? 'new' : value));
    const y = cells.map((value, i) => (value === null ? 50 : (noise[i] ?? 0)));
    const { served } = await prepared(tableOf({ shop: cells, y }), 'regression', 1500);
    expect(served.values[0]).toBeGreaterThan(2);
    expect(served.values[1901]).toBeCloseTo(0, 5);
  });

  it('classes beyond two have a column each but the first', async () => {
    const y = shop.map((value) => ['a', 'b', 'c'][Number(value.slice(1)) % 3] ?? '');
    const { served, preparation } = await prepared(tableOf({ shop, y }), 'classification', 1500);
    expect(preparation.blocks[0]?.width).toBe(2);
    const row = shop.indexOf('s4');
    expect(served.values[row * 2]).toBeGreaterThan(0.95);
    expect(served.values[row * 2 + 1]).toBeLessThan(0.05);
  });
});
