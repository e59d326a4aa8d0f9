import type { GoldenRows, ModelSignature } from '../../contracts';
import type { ImageColumn, Table } from '../data/table';
import { encodeImage } from '../../tabular';
import { columnNamed } from '../prepare/target';
import { rawValue } from '../data/raw-value';
import { windowRows } from '../prepare/window';
import type { RowOrder } from '../prepare/window';
import type { Judged } from '../purpose/purpose';
import type { Served } from './served';

const MOST_ROWS = 32;
/** A row of windows is large. */
const MOST_WINDOWS = 8;

/**
 * A few of `rows` with raw values by column name and the sealed file's answers (`served`: of all `rows`); instants as
 * ISO 8601 in UTC. Rows with a value outside a closed vocabulary are left out: a partner could not send them.
 */
export const goldenRows = (
  table: Table,
  inputs: ModelSignature['inputs'],
  rows: Int32Array,
  served: Served,
  answers: Judged['golden'],
  order?: RowOrder,
): GoldenRows => {
  const cells = inputs.map(({ spec }) => cellsOf(table, spec.name));
  const raw = (row: number): RawValue[] =>
    inputs.map(({ window }, i) => {
      if (window === undefined || order === undefined) return cells[i](row);
      return Array.from(windowRows(order, Int32Array.of(row), window), cells[i]);
    });
  const positions = goldenPositions(raw, inputs, rows, order === undefined ? MOST_ROWS : MOST_WINDOWS);
  return {
    v: 1,
    rows: positions.map((at) => {
      const values = raw(rows[at]);
      return Object.fromEntries(inputs.map(({ spec }, i) => [spec.name, values[i]]));
    }),
    ...answers(served, positions),
  };
};

type Cell = string | number | null;
type RawValue = Cell | Cell[];

/** Whole rows first, then some with missing values. */
const goldenPositions = (
  raw: (row: number) => readonly RawValue[],
  inputs: ModelSignature['inputs'],
  rows: Int32Array,
  most: number,
): number[] => {
  const whole: number[] = [];
  const gaps: number[] = [];
  for (let at = 0; at < rows.length && whole.length < most; at++) {
    const values = raw(rows[at]).map((value) => (Array.isArray(value) ? value : [value]));
    const unseen = inputs.some(
      ({ known }, i) =>
        known !== null && values[i].some((cell) => typeof cell === 'string' && !known.includes(cell)),
    );
    if (unseen) continue;
    if (!values.some((cells) => cells.includes(null))) whole.push(at);
    else if (gaps.length < most / 4) gaps.push(at);
  }
  return [...whole.slice(0, most - gaps.length), ...gaps];
};

type Cells = (row: number) => Cell;

const cellsOf = (table: Table, name: string): Cells => {
  const image = table.images?.find(({ spec }) => spec.name === name);
  if (image !== undefined) return (row) => pictureOf(image, row);
  const column = columnNamed(table, name);
  return (row) => rawValue(column, row);
};

/** As a partner sends it: PNG in base64. */
const pictureOf = ({ size, pixels }: ImageColumn, row: number): string => {
  const each = size.height * size.width * size.channels;
  return Buffer.from(encodeImage(pixels.subarray(row * each, (row + 1) * each), size)).toString('base64');
};
