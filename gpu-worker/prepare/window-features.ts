/** Columns of a window as features of its steps: as nodes for the sealed file, and as one matrix to train on. */
import { op } from '../../onnx';
import type { Value } from '../../onnx';
import type { ModelSignature, Smoothing, WindowOptions } from '../../contracts';
import type { Column, Table } from '../data/table';
import { STANDARD } from './encoding';
import { preparedFeatures, ROWS } from './graph';
import { prepareMatrix } from './matrix';
import { fitPreparation, preparedWidth, signatureInputs } from './preparation';
import type { Preparation } from './preparation';
import { smoothed, smoothedWindow } from './smooth';
import type { RowOrder } from './window';
import { filledWindow } from './window-graph';

/**
 * Missing numbers of a window are filled from its other steps (`filledWindow`), what is then still missing as the
 * preparation of single rows does; where training rows missed a number, a 0/1 feature says at which steps.
 */
export interface WindowPreparation {
  readonly base: Preparation;
  readonly length: number;
  readonly smooth?: Smoothing;
  /** Number columns with such a feature, after those of the base. */
  readonly gaps: readonly string[];
}

/** Fitted on `rows`. Throws NO_USABLE_FEATURES. */
export const fitWindowPreparation = (
  columns: readonly Column[],
  rows: Int32Array,
  { length, smooth }: Pick<WindowOptions, 'length' | 'smooth'>,
): WindowPreparation => {
  const base = fitPreparation(columns, rows, STANDARD);
  const gaps = base.specs.flatMap(({ name }) => {
    const column = columns.find(({ spec }) => spec.name === name);
    return column?.kind === 'number' && rows.some((row) => Number.isNaN(column.values[row])) ? [name] : [];
  });
  return { base, length, gaps, ...(smooth && { smooth }) };
};

export const windowInputs = ({ base, length }: WindowPreparation): ModelSignature['inputs'] =>
  signatureInputs(base).map((input) => ({ ...input, window: length }));

export const windowWidth = ({ base, gaps }: WindowPreparation): number => preparedWidth(base) + gaps.length;

/** Typed columns by name, [rows, length] each -> [rows, length, windowWidth] float32. */
export const windowFeatures = (
  { base, length, gaps, smooth }: WindowPreparation,
  columns: Readonly<Record<string, Value>>,
): Value => {
  const cells = base.specs.map(({ name, type }) => {
    const column = type === 'number' ? smoothedWindow(filledWindow(columns[name]), smooth) : columns[name];
    return [name, op.Reshape(column, ['cells'])] as const;
  });
  const features = preparedFeatures(base, Object.fromEntries(cells));
  const steps = op.Reshape(features, [ROWS, length, preparedWidth(base)]);
  if (gaps.length === 0) return steps;
  const missing = gaps.map((name) => op.Unsqueeze(op.Cast(op.IsNaN(columns[name]), 'float32'), [2]));
  return op.Concat([steps, ...missing], 2);
};

export interface StepMatrix {
  readonly width: number;
  /** [steps, width] row-major. */
  readonly values: Float32Array;
  /** The step of each table row: with the `length - 1` steps before it, its window. */
  readonly step: Int32Array;
}

/**
 * The same features for windows cut out of one matrix. They differ from `windowFeatures` in windows that begin within a gap
 * between two values, and where a filter reaches back beyond the window: these see what was known before it. `hidden` rows
 * count as missing: held-out ones never enter a training.
 */
export const stepMatrix = async (
  table: Table,
  { base, length, gaps, smooth }: WindowPreparation,
  order: RowOrder,
  hidden: (row: number) => boolean,
  signal: AbortSignal,
): Promise<StepMatrix> => {
  const names = new Set(base.specs.map(({ name }) => name));
  const columns = table.columns
    .filter(({ spec }) => names.has(spec.name))
    .map((column) => orderedColumn(column, order, hidden));
  const firsts = columns.flatMap(({ column, first }) => (column.kind === 'number' ? [first] : []));
  const { cells, stretches, step } = layOut(order, firsts, length);
  const stepped: Table = {
    rows: cells.length,
    columns: columns.map((of) => steppedColumn(of, cells, stretches, smooth)),
    holdout: new Uint8Array(cells.length),
  };
  const all = Int32Array.from(cells.keys());
  const prepared = await prepareMatrix(stepped, base, all, signal);
  const width = prepared.width + gaps.length;
  if (gaps.length === 0) return { width, values: prepared.values, step };
  const values = new Float32Array(cells.length * width);
  const gapColumns = gaps.map((name) => columns.find(({ column }) => column.spec.name === name)?.column);
  for (const [cell, at] of cells.entries()) {
    values.set(prepared.values.subarray(cell * prepared.width, (cell + 1) * prepared.width), cell * width);
    gapColumns.forEach((column, i) => {
      const known = column?.kind === 'number' && at >= 0 && !Number.isNaN(column.values[at]);
      values[cell * width + prepared.width + i] = known ? 0 : 1;
    });
  }
  return { width, values, step };
};

interface OrderedColumn {
  /** Its cells by position in the order; those of hidden rows are missing. */
  readonly column: Column;
  /** Of each position: where its series has its first number, up to there; -1: nowhere yet. */
  readonly first: Int32Array;
}

const orderedColumn = (column: Column, order: RowOrder, hidden: (row: number) => boolean): OrderedColumn => {
  const first = new Int32Array(order.rows.length).fill(-1);
  if ('codes' in column) {
    const codes = order.rows.map((row) => (hidden(row) ? -1 : column.codes[row]));
    return { column: { ...column, codes }, first };
  }
  const values = Float64Array.from(order.rows, (row) => (hidden(row) ? NaN : column.values[row]));
  values.forEach((value, at) => {
    const before = order.start[at] === at ? -1 : first[at - 1];
    first[at] = before < 0 && !Number.isNaN(value) ? at : before;
  });
  return { column: { ...column, values }, first };
};

/** Cells from `from` on: those before position `at` that a window can reach back to, then the positions from `at` on. */
interface Stretch {
  readonly from: number;
  readonly at: number;
}

/**
 * A series is laid out anew from where a column has its first number: windows from there on show it in the cells before,
 * as `filledWindow` does, and earlier windows do not.
 */
const layOut = (
  { rows, start }: RowOrder,
  firsts: readonly Int32Array[],
  length: number,
): { cells: number[]; stretches: Stretch[]; step: Int32Array } => {
  const cells: number[] = [];
  const stretches: Stretch[] = [];
  const step = new Int32Array(rows.length);
  rows.forEach((row, at) => {
    if (start[at] === at || firsts.some((first) => first[at] === at)) {
      stretches.push({ from: cells.length, at });
      for (let before = at + 1 - length; before < at; before++) cells.push(before < start[at] ? -1 : before);
    }
    step[row] = cells.length;
    cells.push(at);
  });
  return { cells, stretches, step };
};

const steppedColumn = (
  { column, first }: OrderedColumn,
  cells: readonly number[],
  stretches: readonly Stretch[],
  smooth: Smoothing | undefined,
): Column => {
  if ('codes' in column) return { ...column, codes: Int32Array.from(cells, (at) => column.codes[at] ?? -1) };
  if (column.kind === 'time')
    return { ...column, values: Float64Array.from(cells, (at) => column.values[at] ?? NaN) };
  const filled = filteredRuns(column.values, first, smooth);
  const values = new Float64Array(cells.length);
  stretches.forEach(({ from, at }, i) => {
    const end = stretches[i + 1]?.from ?? cells.length;
    // What comes before the first number; NaN where the rows of this stretch know none.
    const lead = filled[first[at]] ?? NaN;
    for (let cell = from; cell < end; cell++)
      values[cell] = cells[cell] < 0 || first[cells[cell]] < 0 ? lead : filled[cells[cell]];
  });
  return { ...column, values };
};

/** Values from the first one of each series on, gaps filled with the one before, filtered. */
const filteredRuns = (
  values: Float64Array,
  first: Int32Array,
  smooth: Smoothing | undefined,
): Float64Array => {
  const filled = values.slice();
  for (let at = 0; at < values.length;) {
    if (first[at] < 0) {
      at++;
      continue;
    }
    const from = at;
    for (; at < values.length && first[at] === from; at++)
      filled[at] = Number.isNaN(values[at]) ? filled[at - 1] : values[at];
    filled.set(smoothed(filled.slice(from, at), smooth), from);
  }
  return filled;
};
