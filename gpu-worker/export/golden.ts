import type { GoldenRows, ModelSignature } from '../../contracts';
import type { ImageColumn, Table } from '../data/table';
import { encodeImage } from '../../tabular';
import { columnNamed } from '../prepare/target';
import { rawValue } from '../data/raw-value';
import type { Judged } from '../purpose/purpose';
import type { Served } from './served';

const MOST_ROWS = 32;

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
): GoldenRows => {
  const cells = inputs.map(({ spec }) => cellsOf(table, spec.name));
  const positions = goldenPositions(cells, inputs, rows);
  return {
    v: 1,
    rows: positions.map((at) =>
      Object.fromEntries(inputs.map(({ spec }, i) => [spec.name, cells[i](rows[at])])),
    ),
    ...answers(served, positions),
  };
};

/** Whole rows first, then some with missing values. */
const goldenPositions = (
  cells: readonly Cells[],
  inputs: ModelSignature['inputs'],
  rows: Int32Array,
): number[] => {
  const whole: number[] = [];
  const gaps: number[] = [];
  for (let at = 0; at < rows.length && whole.length < MOST_ROWS; at++) {
    const values = cells.map((cell) => cell(rows[at] ?? 0));
    const unseen = inputs.some(({ known }, i) => {
      const value = values[i];
      return known !== null && typeof value === 'string' && !known.includes(value);
    });
    if (unseen) continue;
    if (!values.includes(null)) whole.push(at);
    else if (gaps.length < MOST_ROWS / 4) gaps.push(at);
  }
  return [...whole.slice(0, MOST_ROWS - gaps.length), ...gaps];
};

type Cells = (row: number) => string | number | null;

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
