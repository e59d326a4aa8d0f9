import { openSessionCount } from '../engine/onnxruntime';
import type { Table } from '../data/table';
import { tableOf } from '../testing/table';
import { featureColumns } from '../train/assemble';
import { piecewise, STANDARD } from './encoding';
import { prepareMatrix } from './matrix';
import { fitPreparation, preparedWidth, signatureInputs } from './preparation';

const signal = new AbortController().signal;
const range = (length: number): Int32Array => Int32Array.from({ length }, (_, i) => i);
const standard = STANDARD;
const columns = (table: Table) => featureColumns(table, { target: 'y', exclude: [] });
const rowOf = (values: Float32Array, width: number, row: number): number[] =>
  [...values.subarray(row * width, (row + 1) * width)].map((value) => Math.round(value * 1e5) / 1e5 + 0);

describe('prepared features', () => {
  it('scale numbers, fill missing ones with the median and say so', async () => {
    const table = tableOf({ a: [1, 2, null, 4, 3], y: [0, 0, 0, 0, 0] });
    const fit = fitPreparation(columns(table), range(5), standard);
    const { values, width } = await prepareMatrix(table, fit, range(5), signal);
    expect(width).toBe(2);
    const sd = Math.sqrt((1.5 ** 2 * 2 + 0.5 ** 2 * 2) / 5);
    expect(fit.fits[0]).toMatchObject({ fill: 2.5, center: 2.5 });
    expect(rowOf(values, 2, 2)).toEqual([0, 1]);
    expect(values[0]).toBeCloseTo(-1.5 / sd, 5);
    expect(openSessionCount()).toBe(0);
  });

  it('are fitted on the training rows only', () => {
    const table = tableOf({ a: [1, 2, 3, 1e9], y: [0, 0, 0, 0] });
    expect(fitPreparation(columns(table), range(3), standard).fits[0]).toMatchObject({ center: 2, high: 3 });
  });

  it('clip values far outside the quartiles', () => {
    const table = tableOf({ a: [...range(100), 1e12], y: Array<number>(101).fill(0) });
    const [fit] = fitPreparation(columns(table), range(101), standard).fits;
    expect(fit?.kind === 'number' && fit.high).toBeLessThan(2000);
  });

  it('piecewise-linear encoding walks through the bins', async () => {
    const table = tableOf({ a: Array.from(range(101)), y: Array<number>(101).fill(0) });
    const fit = fitPreparation(columns(table), range(101), piecewise(4));
    const { values, width } = await prepareMatrix(table, fit, range(101), signal);
    expect(width).toBe(5);
    expect(rowOf(values, 5, 30).slice(1)).toEqual([1, 0.2, 0, 0]);
    expect(rowOf(values, 5, 100).slice(1)).toEqual([1, 1, 1, 1]);
  });

  it('closed vocabulary: one feature a value, zeros for an unseen one, and the signature says so', async () => {
    const table = tableOf({ c: [...Array<string>(10).fill('a'), ...Array<string>(10).fill('b'), 'z'] });
    const fit = fitPreparation(columns(table), range(20), standard);
    const { values } = await prepareMatrix(table, fit, Int32Array.of(0, 10, 20), signal);
    expect([...values]).toEqual([1, 0, 0, 1, 0, 0]);
    expect(signatureInputs(fit)[0]?.known).toEqual(['a', 'b']);
  });

  it('rare, missing and unseen values share a bucket where training had one', async () => {
    const table = tableOf({
      c: [...Array<string>(10).fill('a'), ...Array<string>(10).fill('b'), 'rare', null, 'z'],
    });
    const fit = fitPreparation(columns(table), range(22), standard);
    const { values } = await prepareMatrix(table, fit, Int32Array.of(20, 21, 22), signal);
    expect([...values]).toEqual([0, 0, 1, 0, 0, 1, 0, 0, 1]);
    expect(signatureInputs(fit)[0]?.known).toBeNull();
  });

  it('instants become a trend, hours, weekdays and seasons', async () => {
    const day = 86_400_000_000;
    const start = Date.UTC(2024, 0, 1) * 1000; // a Monday
    const micros = Array.from(range(800), (i) => start + i * day + (i % 2) * (day / 4));
    const table = tableOf({ t: { micros: [...micros, NaN] } });
    const fit = fitPreparation(columns(table), range(801), standard);
    const { values, width } = await prepareMatrix(table, fit, range(801), signal);
    expect(width).toBe(preparedWidth(fit));
    const first = rowOf(values, width, 0);
    expect(first.slice(0, 2)).toEqual([0, 0]);
    expect(first.slice(2, 10)).toEqual([0, 1, 0, 1, 0, 1, 0, 1]);
    expect(first.slice(10, 17)).toEqual([1, 0, 0, 0, 0, 0, 0]);
    expect(rowOf(values, width, 1).slice(2, 4)).toEqual([1, 0]);
    expect(rowOf(values, width, 6).slice(10, 17)).toEqual([0, 0, 0, 0, 0, 0, 1]);
    expect(rowOf(values, width, 800)[1]).toBe(1);
  });

  it('the trend of instants is exact near both ends, and stays there beyond them', async () => {
    const hour = 3_600_000_000;
    const table = tableOf({ t: { micros: Array.from(range(13), (i) => (i - 1) * hour) } });
    const fit = fitPreparation(
      columns(table),
      Int32Array.from(range(11), (i) => i + 1),
      standard,
    );
    const { values, width } = await prepareMatrix(table, fit, range(13), signal);
    const trend = Array.from(range(13), (row) => values[row * width]);
    expect(trend).toEqual([0, ...Array.from(range(11), (i) => Math.fround(i / 10)), 1]);
  });

  it('nothing to learn from is NO_USABLE_FEATURES', () => {
    const table = tableOf({ a: [1, 1, 1], y: [1, 2, 3] });
    expect(() => fitPreparation(columns(table), range(3), standard)).toThrow('no feature column is left');
  });
});
