/** What number columns were in the rows before, as columns of their own: for models that read single rows. */
import { op } from '../../onnx';
import type { Value } from '../../onnx';
import { Failure } from '../../contracts';
import type { ModelSignature, WindowOptions } from '../../contracts';
import type { Column, Table } from '../data/table';
import { inBlocks } from '../engine/in-blocks';
import { smoothed, smoothedWindow } from './smooth';
import { rowOrder, windowBlockRows, windowRows } from './window';
import { filledWindow } from './window-graph';

/** Longer windows are for networks. */
const LONGEST = 256;
/** Lags of a column, fewer where the table is large. */
const [FEWEST_LAGS, MOST_LAGS] = [4, 32];
const MOST_CELLS = 100_000_000;

export interface Lagged {
  /** The table with the columns below instead of its number columns. */
  readonly table: Table;
  readonly columns: readonly Column[];
  /** The column of the data that a lagged column is made of. */
  readonly sourceOf: (column: string) => string;
  /** What a file reads for these lagged columns. */
  readonly inputs: (lagged: ModelSignature['inputs']) => ModelSignature['inputs'];
  /** Typed columns as the file reads them -> lagged columns, [rows] each. */
  readonly nodes: (typed: Readonly<Record<string, Value>>) => Record<string, Value>;
}

/**
 * Each number column becomes the column itself (filtered, if asked), `x, 1 before` and so on, `x, mean` and `x, spread` of
 * its window. Missing cells are filled within the window. Cells of held-out rows are hidden from all other rows.
 * Throws BAD_SPEC for a window that is too long, and for a column that has the name of one that is made.
 */
export const laggedColumns = async (
  table: Table,
  offered: readonly Column[],
  { length, order: by, group, smooth }: WindowOptions,
  signal: AbortSignal,
): Promise<Lagged> => {
  if (length > LONGEST)
    throw new Failure(
      'BAD_SPEC',
      `window.length is ${length}; models of single rows read ${LONGEST} at most`,
      {
        path: ['spec', 'window', 'length'],
        hint: 'choose a shorter window, or one of: rnn, transformer, cnn',
      },
    );
  const kept = offered.filter(({ spec: { name } }) => name !== group);
  const isRead = (column: Column): column is NumberColumn =>
    column.kind === 'number' && column.spec.name !== by;
  const read = kept.filter(isRead);
  const lags = lagsOf(length, Math.floor(MOST_CELLS / Math.max(1, read.length * table.rows)));
  const order = rowOrder(table, by, group ?? null);
  const lagged = read.map((column) => ({
    column,
    parts: namesOf(column.spec.name, lags).map((name) => ({
      ...column,
      spec: { ...column.spec, name },
      values: new Float64Array(table.rows),
    })),
  }));
  const named = new Set(lagged.flatMap(({ parts }) => parts.slice(1).map(({ spec }) => spec.name)));
  const clash = table.columns.find(({ spec }) => named.has(spec.name));
  if (clash !== undefined)
    throw new Failure('BAD_SPEC', `column "${clash.spec.name}" is named as what window makes of another`, {
      path: ['spec', 'window'],
      hint: 'rename the column',
    });
  const fill = (from: number, to: number): Promise<void> => {
    const rows = order.rows.subarray(from, to);
    const cells = windowRows(order, rows, length);
    const window = new Float64Array(length);
    for (const { column, parts } of lagged)
      rows.forEach((row, at) => {
        for (let step = 0; step < length; step++) {
          const cell = cells[at * length + step];
          const hidden = cell < 0 || (cell !== row && table.holdout[cell] === 1 && table.holdout[row] === 0);
          window[step] = hidden ? NaN : column.values[cell];
        }
        laggedCells(smoothed(filled(window), smooth), lags).forEach(
          (value, i) => (parts[i].values[row] = value),
        );
      });
    return Promise.resolve();
  };
  await inBlocks(table.rows, signal, fill, windowBlockRows(length));
  const sources = new Map(
    lagged.flatMap(({ column, parts }) => parts.map(({ spec }) => [spec.name, column.spec.name])),
  );
  const made = kept.flatMap(
    (column): readonly Column[] => lagged.find((each) => each.column === column)?.parts ?? [column],
  );
  const untouched = table.columns.filter(
    ({ spec: { name } }) => !kept.some((column) => column.spec.name === name),
  );
  return {
    table: { ...table, columns: [...untouched, ...made] },
    columns: made,
    sourceOf: (column) => sources.get(column) ?? column,
    inputs: (ofColumns) => {
      const specs = new Map(read.map(({ spec }) => [spec.name, spec]));
      const inputs = new Map<string, ModelSignature['inputs'][number]>();
      for (const input of ofColumns) {
        const source = sources.get(input.spec.name);
        const spec = source === undefined ? undefined : specs.get(source);
        if (spec === undefined) inputs.set(input.spec.name, input);
        else inputs.set(spec.name, { spec, known: null, window: length });
      }
      return [...inputs.values()];
    },
    nodes: (typed) =>
      Object.fromEntries(
        Object.entries(typed).flatMap(([name, value]) => {
          if (!read.some(({ spec }) => spec.name === name)) return [[name, value]];
          const parts = laggedNodes(smoothedWindow(filledWindow(value), smooth), lags);
          return namesOf(name, lags).map((lagged, i) => [lagged, parts[i]]);
        }),
      ),
  };
};

type NumberColumn = Extract<Column, { kind: 'number' }>;

/** Cells back from the row's own, 0 first: all where they are few, else ever further apart. */
export const lagsOf = (length: number, most: number): number[] => {
  const count = Math.min(length, Math.max(FEWEST_LAGS, Math.min(MOST_LAGS, most)));
  const lags = Array.from({ length: count }, (_, i) =>
    Math.max(i, Math.round(length ** (i / Math.max(1, count - 1))) - 1),
  );
  return [...new Set(lags)];
};

const namesOf = (name: string, lags: readonly number[]): string[] => [
  ...lags.map((back) => (back === 0 ? name : `${name}, ${back} before`)),
  `${name}, mean`,
  `${name}, spread`,
];

/** With the nearest earlier value, else the nearest later one, as `filledWindow`. */
const filled = (window: Float64Array): Float64Array => {
  for (let at = 1; at < window.length; at++) if (Number.isNaN(window[at])) window[at] = window[at - 1];
  for (let at = window.length - 2; at >= 0; at--) if (Number.isNaN(window[at])) window[at] = window[at + 1];
  return window;
};

const laggedCells = (window: Float64Array, lags: readonly number[]): number[] => {
  const { length } = window;
  const mean = pairwiseSum(window) / length;
  const squares = window.map((value) => (value - mean) * (value - mean));
  const spread = Math.sqrt(pairwiseSum(squares) / length);
  return [...lags.map((back) => window[length - 1 - back]), mean, spread];
};

/** The same operations in the same order: equal in every bit, so that trees may cut between values that lie close. */
const laggedNodes = (window: Value, lags: readonly number[]): Value[] => {
  const length = Number(window.shape[1]);
  const flat = (x: Value): Value => op.Squeeze(x, [1]);
  const mean = op.Div(pairwiseSumNodes(window), length);
  const distance = op.Sub(window, mean);
  const spread = op.Sqrt(op.Div(pairwiseSumNodes(op.Mul(distance, distance)), length));
  const cell = (back: number): Value =>
    op.Slice(window, [{ axis: 1, start: length - 1 - back, end: length - back }]);
  return [...lags.map((back) => flat(cell(back))), flat(mean), flat(spread)];
};

/** The second half is added to the first until one is left; of an odd number the last waits. */
const pairwiseSum = (values: Float64Array): number => {
  const sums = values.slice();
  let { length } = sums;
  while (length > 1) {
    const half = length >> 1;
    for (let at = 0; at < half; at++) sums[at] += sums[half + at];
    if (length % 2 === 1) sums[half] = sums[length - 1];
    length = half + (length % 2);
  }
  return sums[0];
};

const pairwiseSumNodes = (x: Value): Value => {
  const length = Number(x.shape[1]);
  if (length === 1) return x;
  const half = length >> 1;
  const cut = (start: number, end: number): Value => op.Slice(x, [{ axis: 1, start, end }]);
  const halves = op.Add(cut(0, half), cut(half, 2 * half));
  return pairwiseSumNodes(length % 2 === 1 ? op.Concat([halves, cut(length - 1, length)], 1) : halves);
};
