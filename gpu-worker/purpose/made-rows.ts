/** Made-up rows as a table, so that whatever learns from rows can learn from them. */
import type { Column, Table } from '../data/table';
import type { Tensor } from '../engine/onnxruntime';
import type { GeneratedColumn } from '../family/gan/columns';
import { MISSING_TIME } from '../prepare/time';

export const tableOfRows = (
  generated: readonly GeneratedColumn[],
  cells: Readonly<Record<string, Tensor['data']>>,
  rows: number,
): Table => ({
  rows,
  holdout: new Uint8Array(rows),
  columns: generated.map(({ spec }): Column => {
    const values = Array.from({ length: rows }, (_, row): unknown => cells[spec.name]?.[row]);
    if (spec.type === 'number' || spec.type === 'time')
      return {
        spec,
        kind: spec.type,
        values: Float64Array.from(values, (value) => (value === MISSING_TIME ? NaN : Number(value))),
      } as Column;
    return {
      spec,
      kind: 'category',
      ...coded(values.map((value) => (value === '' ? null : String(value)))),
    } as Column;
  }),
});

/** Rows `first` of one table and then rows `second` of another, of the columns that both have. */
export const stacked = (one: Table, first: Int32Array, other: Table, second: Int32Array): Table => ({
  rows: first.length + second.length,
  holdout: new Uint8Array(first.length + second.length),
  columns: one.columns.flatMap((column): Column[] => {
    const match = other.columns.find(({ spec }) => spec.name === column.spec.name);
    if (match === undefined) return [];
    if ('values' in column && 'values' in match) {
      const values = new Float64Array(first.length + second.length);
      first.forEach((row, at) => (values[at] = column.values[row]));
      second.forEach((row, at) => (values[first.length + at] = match.values[row]));
      return [{ ...column, values }];
    }
    if ('values' in column || 'values' in match) return [];
    const cell = ({ dictionary, codes }: typeof column, row: number): string | null =>
      dictionary[codes[row]] ?? null;
    const cells = [
      ...Array.from(first, (row) => cell(column, row)),
      ...Array.from(second, (row) => cell(match, row)),
    ];
    return [{ ...column, ...coded(cells) }];
  }),
});

const coded = (cells: readonly (string | null)[]): { codes: Int32Array; dictionary: string[] } => {
  const dictionary = [...new Set(cells.filter((cell) => cell !== null))].sort();
  const index = new Map(dictionary.map((value, at) => [value, at]));
  return {
    dictionary,
    codes: Int32Array.from(cells, (cell) => (cell === null ? -1 : (index.get(cell) ?? -1))),
  };
};
