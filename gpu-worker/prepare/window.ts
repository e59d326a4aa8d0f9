/** Rows in their order, and the cells that a model reads of a row together with the rows before it. */
import type { Table } from '../data/table';
import { BLOCK_ROWS } from '../engine/in-blocks';
import type { Feeds } from '../engine/onnxruntime';
import { rawFeeds } from './matrix';
import { columnNamed } from './target';

export interface RowOrder {
  /** Table rows, series after series, each in its order. */
  readonly rows: Int32Array;
  /** Where each row of the table stands in `rows`. */
  readonly position: Int32Array;
  /** Of each position: where its series begins in `rows`. */
  readonly start: Int32Array;
}

/** Rows by `order` within equal values of `group` (null: all rows are one series); equal ones stay in file order. */
export const rowOrder = (table: Table, order: string, group: string | null): RowOrder => {
  const rank = ranks(table, order);
  const key = group === null ? new Float64Array(table.rows) : ranks(table, group);
  const rows = Int32Array.from({ length: table.rows }, (_, row) => row).sort(
    (a, b) => key[a] - key[b] || rank[a] - rank[b] || a - b,
  );
  const position = new Int32Array(rows.length);
  const start = new Int32Array(rows.length);
  rows.forEach((row, at) => {
    position[row] = at;
    start[at] = at > 0 && key[rows[at - 1]] === key[row] ? start[at - 1] : at;
  });
  return { rows, position, start };
};

/** What sorts the rows; missing comes first. */
const ranks = (table: Table, name: string): Float64Array => {
  const column = columnNamed(table, name);
  return 'codes' in column
    ? Float64Array.from(column.codes)
    : column.values.map((value) => (Number.isNaN(value) ? -Number.MAX_VALUE : value));
};

/** The rows of each window, oldest first, row-major [rows, length]; -1 stands for what was before a series began. */
export const windowRows = (order: RowOrder, rows: Int32Array, length: number): Int32Array => {
  const cells = new Int32Array(rows.length * length);
  rows.forEach((row, i) => {
    const last = order.position[row];
    const start = order.start[last];
    for (let j = 0; j < length; j++) {
      const at = last - length + 1 + j;
      cells[i * length + j] = at < start ? -1 : order.rows[at];
    }
  });
  return cells;
};

/** Rows of a block when each has so many cells: bounds the memory of a run as BLOCK_ROWS does. */
export const windowBlockRows = (cells: number): number =>
  Math.max(1, Math.min(BLOCK_ROWS, Math.floor((32 * BLOCK_ROWS) / cells)));

export interface FedColumn {
  readonly name: string;
  /** Cells of a row; undefined for a column of one cell a row, [rows]. */
  readonly window?: number;
}

/** Typed inputs of a sealed file: [rows], or [rows, window] where a column is read with a window. */
export const windowFeeds = (
  table: Table,
  columns: readonly FedColumn[],
  order: RowOrder,
  rows: Int32Array,
): Feeds => {
  const cells = new Map<number, Int32Array>();
  return Object.fromEntries(
    columns.map(({ name, window }) => {
      if (window === undefined) return [name, rawFeeds(table, [name], rows)[name]];
      const of = cells.get(window) ?? windowRows(order, rows, window);
      cells.set(window, of);
      return [name, rawFeeds(table, [name], of)[name].reshape([rows.length, window])];
    }),
  );
};
