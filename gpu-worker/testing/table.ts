/** Tables for tests: from plain arrays, or from a CSV file of well-behaved cells. */
import { readFileSync } from 'node:fs';
import type { ColumnSpec } from '../../contracts';
import type { Column, Table } from '../data/table';

export type Cells =
  | readonly (number | null)[]
  | readonly (string | null)[]
  | { readonly micros: readonly number[] }
  | { readonly texts: readonly (string | null)[] };

const specOf = <T extends ColumnSpec['type']>(name: string, type: T): ColumnSpec & { type: T } => ({
  v: 1,
  name,
  type,
  missing: [],
});

const columnOf = (name: string, cells: Cells): Column => {
  if ('micros' in cells)
    return { spec: specOf(name, 'time'), kind: 'time', values: Float64Array.from(cells.micros) };
  if ('texts' in cells) return coded(name, 'text', cells.texts);
  if (cells.every((cell) => cell === null || typeof cell === 'number'))
    return {
      spec: specOf(name, 'number'),
      kind: 'number',
      values: Float64Array.from(cells, (cell) => (cell === null ? NaN : Number(cell))),
    };
  return coded(
    name,
    'category',
    cells.map((cell) => (cell === null ? null : String(cell))),
  );
};

const coded = (name: string, kind: 'category' | 'text', cells: readonly (string | null)[]): Column => {
  const dictionary = [...new Set(cells.filter((cell) => cell !== null))].sort();
  const code = new Map(dictionary.map((value, i) => [value, i]));
  return {
    spec: specOf(name, kind),
    kind,
    codes: Int32Array.from(cells, (cell) => (cell === null ? -1 : (code.get(cell) ?? -1))),
    dictionary,
  };
};

/** `heldOut(row)` says which rows never train; none by default. */
export const tableOf = (
  columns: Readonly<Record<string, Cells>>,
  heldOut: (row: number) => boolean = () => false,
): Table => {
  const made = Object.entries(columns).map(([name, cells]) => columnOf(name, cells));
  const [first] = made;
  const rows = first === undefined ? 0 : 'values' in first ? first.values.length : first.codes.length;
  return {
    rows,
    columns: made,
    holdout: Uint8Array.from({ length: rows }, (_, row) => (heldOut(row) ? 1 : 0)),
  };
};

/** Every 5th row held out, of the first `most`. Empty cells and "?" are missing; a column of numbers only is a number column. */
export const csvTable = (path: string, most = Infinity): Table => {
  const [header, ...rows] = readFileSync(path, 'utf8')
    .trim()
    .split(/\r?\n/)
    .slice(0, most + 1)
    .map(cellsOf);
  if (header === undefined) throw new Error(`${path} is empty`);
  const missing = (cell: string): boolean => cell === '' || cell === '?' || cell === ' ';
  const columns = header.map((name, at): [string, Cells] => {
    const cells = rows.map((row) => row[at] ?? '');
    return cells.every((cell) => missing(cell) || Number.isFinite(Number(cell)))
      ? [name, cells.map((cell) => (missing(cell) ? null : Number(cell)))]
      : [name, cells.map((cell) => (missing(cell) ? null : cell))];
  });
  return tableOf(Object.fromEntries(columns), (row) => (row * 7919) % 5 === 0);
};

const cellsOf = (line: string): string[] => {
  const cells: string[] = [];
  for (const match of line.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^,]*))/g))
    cells.push(match[1]?.replaceAll('""', '"') ?? match[2] ?? '');
  return cells;
};
