/** Columns as a generator makes them: numbers by the normal score of their rank, categories one-hot. */
import type { ColumnSpec } from '../../../contracts';
import { Failure } from '../../../contracts';
import { randomKey, randomUnit } from '../../../onnx';
import type { Column } from '../../data/table';
import { normalQuantile } from '../../prepare/normal';
import { quantile } from '../../prepare/quantile';

export interface NumberColumn {
  readonly kind: 'number';
  readonly spec: ColumnSpec;
  /** Values at 0, 1 %, ..., 100 % of the training rows that have one. */
  readonly knots: readonly number[];
  /** Only whole values were seen. */
  readonly whole: boolean;
  /** Share of training rows without a value; above 0 the column has two features more, present and missing. */
  readonly missing: number;
}

export interface CategoryColumn {
  readonly kind: 'category';
  readonly spec: ColumnSpec;
  /** Most frequent first; '' where missing values are a value. Numbers of few values are their decimal text. */
  readonly values: readonly string[];
}

export type GeneratedColumn = NumberColumn | CategoryColumn;

const KNOTS = 100;
/** A number with no more values than this has them as such, not something between. */
const FEW_VALUES = 12;
const MOST_VALUES = 100;
/** The least and the greatest value are drawn about as often as this. */
const TAIL = 0.00125;

export const widthOf = (column: GeneratedColumn): number =>
  column.kind === 'category' ? column.values.length : column.missing > 0 ? 3 : 1;

/** Free text is not generated. Throws NO_USABLE_FEATURES when nothing is left. */
export const fitColumns = (columns: readonly Column[], rows: Int32Array): GeneratedColumn[] => {
  const fitted = columns.flatMap((column) => fitColumn(column, rows) ?? []);
  if (fitted.length > 0) return fitted;
  throw new Failure('NO_USABLE_FEATURES', 'no column is left to generate', {
    hint: 'free text and columns without two different values are not generated',
  });
};

const fitColumn = (column: Column, rows: Int32Array): GeneratedColumn | undefined => {
  if (column.kind === 'text') return undefined;
  if (!('values' in column))
    return categoryOf(
      column.spec,
      Array.from(rows, (row) => column.dictionary[column.codes[row]] ?? ''),
    );
  const { values: cells } = column;
  const values = Array.from(rows, (row) => cells[row]);
  const present = Float64Array.from(values.filter((value) => !Number.isNaN(value))).sort();
  const distinct = new Set(present).size;
  if (distinct === 0) return undefined;
  if (column.kind === 'number' && distinct <= FEW_VALUES)
    return categoryOf(
      column.spec,
      values.map((value) => (Number.isNaN(value) ? '' : String(value))),
    );
  return {
    kind: 'number',
    spec: column.spec,
    knots: Array.from({ length: KNOTS + 1 }, (_, at) => quantile(present, at / KNOTS)),
    whole: present.every(Number.isInteger),
    missing: 1 - present.length / Math.max(values.length, 1),
  };
};

const categoryOf = (spec: ColumnSpec, cells: readonly string[]): CategoryColumn | undefined => {
  const counts = new Map<string, number>();
  for (const cell of cells) counts.set(cell, (counts.get(cell) ?? 0) + 1);
  const values = [...counts.entries()]
    .sort(([a, n], [b, m]) => m - n || (a < b ? -1 : 1))
    .slice(0, MOST_VALUES)
    .map(([value]) => value);
  return values.length < 2 ? undefined : { kind: 'category', spec, values };
};

/** Row-major [rows, sum of widths]. */
export const encodeRows = (
  columns: readonly GeneratedColumn[],
  table: readonly Column[],
  rows: Int32Array,
  seed: number,
): Float32Array => {
  const width = columns.reduce((sum, column) => sum + widthOf(column), 0);
  const encoded = new Float32Array(rows.length * width);
  let from = 0;
  for (const [which, column] of columns.entries()) {
    const source = table.find(({ spec }) => spec.name === column.spec.name);
    if (source === undefined) throw new Error(`no column ${column.spec.name}`);
    const key = randomKey(seed, 0x6a4, which);
    rows.forEach((row, at) => {
      const to = at * width + from;
      if (column.kind === 'category') encoded[to + placeOf(column, source, row)] = 1;
      else {
        const value = 'values' in source ? source.values[row] : NaN;
        const missing = Number.isNaN(value);
        encoded[to] = missing ? 0 : normalQuantile(rankOf(column.knots, value, randomUnit(key, at)));
        if (column.missing > 0) encoded[to + (missing ? 2 : 1)] = 1;
      }
    });
    from += widthOf(column);
  }
  return encoded;
};

/** Position among the column's values; a rare value that has none counts as the most frequent. */
export const placeOf = ({ values }: CategoryColumn, source: Column, row: number): number => {
  const cell =
    'values' in source
      ? Number.isNaN(source.values[row])
        ? ''
        : String(source.values[row])
      : (source.dictionary[source.codes[row]] ?? '');
  return Math.max(0, values.indexOf(cell));
};

/** Share of the values below, (0, 1); a value that many rows have is spread over its share by `draw` in [0, 1). */
const rankOf = (knots: readonly number[], value: number, draw: number): number => {
  const last = knots.length - 1;
  let low = 0;
  while (low < last && knots[low + 1] < value) low++;
  let high = low;
  while (high < last && knots[high + 1] <= value) high++;
  const [from, to] = [knots[low], knots[low + 1]];
  const start = low < last && to > from ? low + Math.min(1, Math.max(0, (value - from) / (to - from))) : low;
  const end = Math.max(start, high);
  return Math.min(Math.max((start + draw * (end - start)) / last, TAIL), 1 - TAIL);
};
