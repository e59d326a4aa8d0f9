import { smoothed } from '../../prepare/smooth';
import { filledWindow } from '../../prepare/window-graph';
import { rowOrder, windowFeeds, windowRows } from '../../prepare/window';
import { input, modelBytes } from '../../../onnx';
import { float64, withSession } from '../../engine/onnxruntime';
import { tableOf } from '../../testing/table';
import { filteredSums } from './filtered-sums';
import { addRun, emptySums } from './product-sums';
import type { ProductSums } from './product-sums';
import { regularSeries } from './regular';
import { cellOf, detectStep, instantOf, usualSeason } from './step';
import { completeWindows, splitWindows } from './windows';

const HOUR = 3_600_000_000;
const at = (text: string): number => Date.parse(text) * 1000;
const never = { kind: 'hash', salt: '', fraction: 0 } as const;

describe('the step of a series', () => {
  it('is the usual difference, whatever gaps and a change of the clock do', () => {
    const hours = Float64Array.from([0, 1, 2, 3, 5, 6, 7, 100, 101, 102].map((hour) => hour * HOUR));
    expect(detectStep([hours])).toEqual({ unit: 'micros', count: HOUR });
    expect(usualSeason({ unit: 'micros', count: HOUR })).toBe(24);
  });

  it('is months where the days of the month agree', () => {
    const months = Float64Array.from(['2020-01-31', '2020-02-29'].map(at));
    expect(detectStep([months])).toEqual({ unit: 'micros', count: 29 * 24 * HOUR });
    const firsts = Float64Array.from(['2020-01-01', '2020-02-01', '2020-03-01', '2020-05-01'].map(at));
    const step = detectStep([firsts]);
    expect(step).toEqual({ unit: 'month', count: 1 });
    if (step === undefined) return;
    expect(usualSeason(step)).toBe(12);
    expect(cellOf(step, firsts[0], at('2021-02-01'))).toBe(13);
    expect(instantOf(step, firsts[0], 13)).toBe(at('2021-02-01'));
  });
});

describe('a regular series', () => {
  it('averages duplicates, leaves gaps missing, moves what lies between, and says so', () => {
    // The third and fourth row are the same instant, written in two zones.
    const micros = [
      ...[
        '2024-03-31T00:00:00Z',
        '2024-03-31T01:00:00Z',
        '2024-03-31T02:00:00Z',
        '2024-03-31T04:00:00+02:00',
      ],
      ...['2024-03-31T05:00:00Z', '2024-03-31T06:04:00Z', '2024-03-31T07:00:00Z', '2024-03-31T08:00:00Z'],
    ].map(at);
    const table = tableOf({
      t: { micros },
      y: [1, 2, 3, 5, 6, 7, null, 9],
      kind: ['a', 'b', 'c', 'd', 'e', 'f', 'g', null],
    });
    const { table: made, step, warnings } = regularSeries(table, table.columns, 't', null, never);
    expect(step).toEqual({ unit: 'micros', count: HOUR });
    const [t, y, kind] = made.columns;
    expect('values' in t && [...t.values]).toEqual(
      [0, 1, 2, 3, 4, 5, 6, 7, 8].map((hour) => micros[0] + hour * HOUR),
    );
    expect('values' in y && [...y.values]).toEqual([1, 2, 4, NaN, NaN, 6, 7, NaN, 9]);
    expect('codes' in kind && [...kind.codes].map((code) => kind.dictionary[code] ?? null)).toEqual([
      ...['a', 'b', 'd', null, null, 'e', 'f', 'g', null],
    ]);
    expect(warnings).toEqual([
      expect.stringContaining('1 instants have more than one row'),
      expect.stringContaining('2 steps of one hour have no row'),
      expect.stringContaining('1 rows lie between two steps'),
    ]);
  });

  it('keeps groups apart and counts each from its own first instant', () => {
    const micros = [0, 1, 2, 10, 11].map((hour) => hour * HOUR);
    const table = tableOf({ t: { micros }, who: ['x', 'x', 'x', 'y', 'y'], y: [1, 2, 3, 4, 5] });
    const { table: made, order } = regularSeries(table, table.columns, 't', 'who', never);
    expect(made.rows).toBe(5);
    expect([...order.start]).toEqual([0, 0, 0, 3, 3]);
  });

  it('refuses gaps that are far longer than the data', () => {
    const table = tableOf({
      t: { micros: [0, 1, 2, 3, 1e6].map((hour) => hour * HOUR) },
      y: [1, 2, 3, 4, 5],
    });
    expect(() => regularSeries(table, table.columns, 't', null, never)).toThrow(/would have 1000001 rows/);
  });
});

describe('windows', () => {
  const table = tableOf({ unit: [2, 1, 1, 2, 1], cycle: [1, 3, 1, 2, 2], x: [10, 3, 1, 20, 2] });
  const order = rowOrder(table, 'cycle', 'unit');

  it('end with their row, follow the order, and never reach into another group', () => {
    expect([...windowRows(order, Int32Array.of(1, 3, 0), 3)]).toEqual([2, 4, 1, -1, 0, 3, -1, -1, 0]);
    const feeds = windowFeeds(
      table,
      [{ name: 'x', window: 2 }, { name: 'cycle' }],
      order,
      Int32Array.of(1, 0),
    );
    expect(feeds['x'].dims).toEqual([2, 2]);
    expect([...(feeds['x'].data as Float64Array)]).toEqual([2, 3, NaN, 10]);
    expect([...(feeds['cycle'].data as Float64Array)]).toEqual([3, 1]);
  });

  it('are filled with the nearest earlier value, else the nearest later one', async () => {
    const x = input('x', 'float64', ['rows', 7]);
    const bytes = modelBytes({ name: 'fill', inputs: [x], outputs: { y: filledWindow(x) } });
    const data = Float64Array.of(
      NaN,
      NaN,
      1,
      NaN,
      NaN,
      NaN,
      2,
      NaN,
      NaN,
      NaN,
      NaN,
      NaN,
      NaN,
      NaN,
      5,
      NaN,
      NaN,
      NaN,
      NaN,
      NaN,
      NaN,
    );
    const answer = await withSession(bytes, {}, (session) => session.run({ x: float64(data, [3, 7]) }));
    expect([...(answer['y'].data as Float64Array)]).toEqual([
      ...[1, 1, 1, 1, 1, 1, 2],
      ...Array<number>(7).fill(NaN),
      ...Array<number>(7).fill(5),
    ]);
  });

  it('teach, choose and judge on their own side of the borders', () => {
    const micros = Array.from({ length: 60 }, (_, hour) => hour * HOUR);
    const regular = tableOf(
      { t: { micros }, y: micros.map((_, i) => (i === 20 ? null : i)) },
      (row) => row >= 48,
    );
    const holdout = { kind: 'time', column: 't', fromMicros: 48 * HOUR, toMicros: 59 * HOUR } as const;
    const series = regularSeries(regular, regular.columns, 't', null, holdout);
    const [time, y] = series.table.columns.map((column) =>
      'values' in column ? column.values : new Float64Array(),
    );
    const split = splitWindows(series.table, series.order, {
      ...{ lookback: 4, horizon: 3, season: 1, validationFraction: 0.25, values: [y], instants: time },
    });
    // Steps 36 to 47 choose; the horizon of a training window ends before, that of a held-out window begins at 48.
    expect(split.training[0]).toBe(3);
    expect(split.training[split.training.length - 1]).toBe(32);
    // Row 20 is missing: windows whose horizon has it do not teach, those that only look back on it do.
    expect([...split.training].filter((row) => row >= 16 && row <= 21)).toEqual([16, 20, 21]);
    expect([split.validation[0], split.validation[split.validation.length - 1]]).toEqual([35, 44]);
    expect([split.test[0], split.test[split.test.length - 1]]).toEqual([47, 56]);
    expect(split.learnable[split.learnable.length - 1]).toBe(44);
  });

  it('teach nothing where a series is not known yet: it would show what comes after', () => {
    const micros = Array.from({ length: 60 }, (_, hour) => hour * HOUR);
    const [y, z] = [0, 10].map((known) => Float64Array.from(micros, (_, i) => (i < known ? NaN : i)));
    const late = tableOf({ t: { micros } });
    const whole = regularSeries(late, late.columns, 't', null, never);
    const shape = { lookback: 4, horizon: 3, values: [y, z], order: whole.order };
    const { training } = splitWindows(whole.table, whole.order, {
      ...{ ...shape, season: 1, validationFraction: 0.25, instants: Float64Array.from(micros) },
    });
    // From row 9 on the horizon is known; row 10 is the first with a value of both series.
    expect(training[0]).toBe(10);
    expect([...completeWindows(Int32Array.of(8, 9, 10), shape)]).toEqual([10]);
  });

  const cells = Float64Array.from({ length: 40 }, (_, i) => Math.sin(i * 1.7) + i / 10);
  const expectSums = ({ sums }: ProductSums, windows: readonly (readonly number[])[], digits: number) => {
    for (let i = 0; i < 7; i++)
      for (let j = 0; j < 7; j++)
        expect(sums[i * 7 + j]).toBeCloseTo(
          windows.reduce((sum, of) => sum + of[i] * of[j], 0),
          digits,
        );
  };

  it('their product sums are those of all windows, cell by cell', () => {
    const sums = emptySums(6);
    addRun(sums, cells, 2, 20);
    addRun(sums, cells, 30, 1);
    const firsts = [...Array.from({ length: 20 }, (_, i) => 2 + i), 30];
    expectSums(
      sums,
      firsts.map((first) => [...cells.subarray(first, first + 6), 1]),
      9,
    );
  });

  it('their product sums are of windows that are filtered one by one, and of a raw horizon', async () => {
    const smooth = { kind: 'exponential', share: 0.1 } as const;
    const scale = { kind: 'plain', mean: [0], deviation: [1] } as const;
    const target = { values: [cells], lookback: 4, horizon: 2, smooth };
    const rows = Int32Array.of(5, 6, 30);
    const sums = await filteredSums(target, scale, 0, rows, new AbortController().signal);
    const windows = Array.from(rows, (row) => [
      ...smoothed(cells.slice(row - 3, row + 1), smooth),
      ...cells.subarray(row + 1, row + 3),
      1,
    ]);
    expectSums(sums, windows, 5);
  });
});
