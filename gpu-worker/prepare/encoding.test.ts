import type { Table } from '../data/table';
import { tableOf } from '../testing/table';
import { featureColumns } from '../train/assemble';
import { piecewise, RAW, STANDARD } from './encoding';
import type { Encoding } from './encoding';
import { prepareMatrix } from './matrix';
import { fitPreparation, preparedWidth } from './preparation';

const signal = new AbortController().signal;
const range = (length: number): Int32Array => Int32Array.from({ length }, (_, i) => i);

/** Fitted on the first `training` rows (default: all); features of every row. */
const features = async (table: Table, encoding: Encoding, training = table.rows) => {
  const columns = featureColumns(table, { target: 'y', exclude: [] });
  const preparation = fitPreparation(columns, range(training), encoding);
  const { values, width } = await prepareMatrix(table, preparation, range(table.rows), signal);
  expect(width).toBe(preparedWidth(preparation));
  const of = (column: string, kind: string): number[][] => {
    const block = preparation.blocks.find((one) => one.column === column && one.kind === kind);
    if (block === undefined) throw new Error(`${column} has no ${kind}`);
    return Array.from(range(table.rows), (row) => [
      ...values.subarray(row * width + block.from, row * width + block.from + block.width),
    ]);
  };
  return { preparation, of };
};

const DAY = 86_400_000_000;
const micros = (iso: string): number => Date.parse(iso) * 1000;

describe('encodings', () => {
  it('raw keeps numbers, gaps and codes by frequency; rare and unseen share the last code', async () => {
    const c = [...Array<string>(9).fill('b'), ...Array<string>(6).fill('a'), 'rare', null, 'unseen'];
    const table = tableOf({ n: [...Array.from(range(15), (i) => i * 1.5), null, 1e300, -7], c });
    const { preparation, of } = await features(table, RAW, 17);
    const numbers = of('n', 'value').flat();
    expect(numbers.slice(0, 3)).toEqual([0, 1.5, 3]);
    expect(numbers.slice(15)).toEqual([NaN, Math.fround(3.4028234663852886e38), -7]);
    expect(of('c', 'code').flat().slice(8)).toEqual([0, 1, 1, 1, 1, 1, 1, 2, NaN, 2]);
    expect(preparation.blocks).toEqual([
      { column: 'n', kind: 'value', from: 0, width: 1 },
      { column: 'c', kind: 'code', from: 1, width: 1, places: 3 },
    ]);
  });

  it('codes for embeddings have no gap: what is missing is among the others', async () => {
    const c = [...Array<string>(9).fill('b'), ...Array<string>(6).fill('a'), null, 'rare'];
    const { of } = await features(tableOf({ c }), { ...STANDARD, categories: 'ordinal' });
    expect(of('c', 'code').flat().slice(13)).toEqual([1, 1, 2, 2]);
  });

  it('robust scales by median and quartiles', async () => {
    const table = tableOf({ n: [1, 2, 3, 4, 5, 6, 7, 8, 1000] });
    const { of } = await features(table, { ...STANDARD, numbers: 'robust', winsorise: 'none' });
    expect(of('n', 'value').flat().slice(0, 3)).toEqual([-1, -0.75, -0.5]);
  });

  it('a share winsorises at the fitted quantiles', async () => {
    const table = tableOf({ n: Array.from(range(101)) });
    const { preparation } = await features(table, { ...RAW, winsorise: 0.05 });
    expect(preparation.fits[0]).toMatchObject({ low: 5, high: 95 });
  });

  it('quantile gives normal scores whatever the shape, and one score to a value that repeats', async () => {
    const skewed = Array.from(range(1001), (i) => Math.exp(i / 100));
    const flat = Array.from(range(1001), (i) => (i < 500 ? 0 : i));
    const encoding = { ...STANDARD, numbers: 'quantile', bins: 100, winsorise: 'none' } as const;
    const { of } = await features(tableOf({ skewed, flat }), encoding);
    const scores = of('skewed', 'value').flat();
    expect(scores[500]).toBeCloseTo(0, 5);
    // Standard normal quantiles of 0.9 and 0.975.
    expect(scores[900]).toBeCloseTo(1.281552, 4);
    expect(scores[975]).toBeCloseTo(1.959964, 1);
    expect(scores.every((score, i) => i === 0 || score > (scores[i - 1] ?? Infinity))).toBe(true);
    const atoms = of('flat', 'value').flat();
    expect(atoms[0]).toBeCloseTo(-0.6875, 1);
    expect(new Set(atoms.slice(0, 500)).size).toBe(1);
  });

  it('mode fills with the most frequent, of numbers and of categories', async () => {
    const table = tableOf({
      n: [...Array<number>(6).fill(2), ...Array.from(range(9)), null],
      c: [...Array<string>(9).fill('b'), ...Array<string>(6).fill('a'), null],
    });
    const { preparation, of } = await features(table, { ...STANDARD, missing: 'mode' });
    expect(preparation.fits[0]).toMatchObject({ fill: 2, indicator: true });
    expect(of('c', 'one-hot')[15]).toEqual([1, 0]);
  });

  it('parts of dates are those of the calendar, leap days and years before 1970 included', async () => {
    const dates = [
      '1899-12-31T06:30:00Z',
      '1968-02-29T23:00:00Z',
      '2000-02-29T00:00:00Z',
      '2023-07-01T12:00:00Z',
    ];
    const table = tableOf({ t: { micros: [...dates.map(micros), NaN] } });
    const { of } = await features(table, RAW);
    const parts = ['hour', 'weekday', 'day', 'season'].map((kind) => of('t', kind).flat());
    expect(parts).toEqual([
      [6.5, 23, 0, 12, NaN],
      [6, 3, 1, 5, NaN],
      [31, 29, 29, 1, NaN],
      [12, 2, 2, 7, NaN],
    ]);
    expect(of('t', 'trend').flat()).toEqual([0, expect.any(Number), expect.any(Number), 1, NaN]);
  });

  it('every day of four centuries', async () => {
    const from = micros('1999-12-25T00:00:00Z');
    const table = tableOf({ t: { micros: Array.from(range(146_200), (i) => from + i * DAY) } });
    const { of } = await features(table, RAW);
    const dates = Array.from(range(146_200), (i) => new Date((from + i * DAY) / 1000));
    expect(of('t', 'day').flat()).toEqual(dates.map((date) => date.getUTCDate()));
    expect(of('t', 'season').flat()).toEqual(dates.map((date) => date.getUTCMonth() + 1));
  });

  it('blocks cover the features in order, without gaps', async () => {
    const table = tableOf({
      c: Array.from(range(60), (i) => (i % 9 === 0 ? null : `v${i % 3}`)),
      n: Array.from(range(60), (i) => (i % 7 === 0 ? null : i)),
      t: { micros: Array.from(range(60), (i) => i * 7.25 * DAY) },
      m: Array.from(range(60), (i) => i * i),
    });
    const all: Encoding[] = [
      STANDARD,
      RAW,
      piecewise(6),
      { ...STANDARD, times: 'parts', categories: 'ordinal' },
    ];
    for (const encoding of all) {
      const { preparation } = await features(table, encoding);
      let next = 0;
      for (const { from, width } of preparation.blocks) {
        expect(from).toBe(next);
        next += width;
      }
      expect(new Set(preparation.blocks.map(({ column }) => column)).size).toBe(4);
    }
  });
});
