import type { GoldenRows, ModelSignature } from '../../contracts';
import type { Column, Table } from '../data/table';
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
  const columns = usedColumns(table, inputs);
  const positions = goldenPositions(columns, inputs, rows);
  return {
    v: 1,
    rows: positions.map((at) =>
      Object.fromEntries(columns.map((column) => [column.spec.name, rawValue(column, rows[at])])),
    ),
    ...answers(served, positions),
  };
};

/** Whole rows first, then some with missing values. */
const goldenPositions = (
  columns: readonly Column[],
  inputs: ModelSignature['inputs'],
  rows: Int32Array,
): number[] => {
  const whole: number[] = [];
  const gaps: number[] = [];
  for (let at = 0; at < rows.length && whole.length < MOST_ROWS; at++) {
    const values = columns.map((column) => rawValue(column, rows[at] ?? 0));
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

const usedColumns = (table: Table, inputs: ModelSignature['inputs']): Column[] =>
  inputs.flatMap((input) => table.columns.filter(({ spec }) => spec.name === input.spec.name));
