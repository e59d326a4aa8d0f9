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
  /** [steps, width] row-major: before each series as many steps without values as a window can reach back. */
  readonly values: Float32Array;
  /** The step of each table row. */
  readonly step: Int32Array;
}

/**
 * The same features for windows cut out of one matrix. They differ from `windowFeatures` in windows that begin within a
 * gap, and where a filter reaches back beyond the window: these see what was known before it, if anything was. `hidden` rows count as
 * missing: held-out ones never enter a training.
 */
export const stepMatrix = async (
  table: Table,
  { base, length, gaps, smooth }: WindowPreparation,
  order: RowOrder,
  hidden: (row: number) => boolean,
  signal: AbortSignal,
): Promise<StepMatrix> => {
  const cells: number[] = [];
  const starts: number[] = [];
  const step = new Int32Array(table.rows);
  order.rows.forEach((row, at) => {
    if (order.start[at] === at) {
      starts.push(cells.length);
      for (let i = 1; i < length; i++) cells.push(-1);
    }
    step[row] = cells.length;
    cells.push(hidden(row) ? -1 : row);
  });
  const names = new Set(base.specs.map(({ name }) => name));
  const columns = table.columns.filter(({ spec }) => names.has(spec.name));
  const stepped: Table = {
    rows: cells.length,
    columns: columns.map((column) => steppedColumn(column, cells, { starts, length, smooth })),
    holdout: new Uint8Array(cells.length),
  };
  const all = Int32Array.from(cells.keys());
  const prepared = await prepareMatrix(stepped, base, all, signal);
  const width = prepared.width + gaps.length;
  if (gaps.length === 0) return { width, values: prepared.values, step };
  const values = new Float32Array(cells.length * width);
  const gapColumns = gaps.map((name) => columns.find(({ spec }) => spec.name === name));
  for (const [at, row] of cells.entries()) {
    values.set(prepared.values.subarray(at * prepared.width, (at + 1) * prepared.width), at * width);
    gapColumns.forEach((column, i) => {
      const known = column?.kind === 'number' && row >= 0 && !Number.isNaN(column.values[row]);
      values[at * width + prepared.width + i] = known ? 0 : 1;
    });
  }
  return { width, values, step };
};

const steppedColumn = (
  column: Column,
  cells: readonly number[],
  { starts, length, smooth }: { starts: readonly number[]; length: number; smooth: Smoothing | undefined },
): Column => {
  if ('codes' in column)
    return { ...column, codes: Int32Array.from(cells, (row) => column.codes[row] ?? -1) };
  const values = Float64Array.from(cells, (row) => column.values[row] ?? NaN);
  if (column.kind === 'time') return { ...column, values };
  starts.forEach((start, i) => {
    const end = starts[i + 1] ?? cells.length;
    let known = start;
    while (known < end && Number.isNaN(values[known])) known++;
    for (let at = known + 1; at < end; at++) if (Number.isNaN(values[at])) values[at] = values[at - 1];
    values.set(smoothed(values.slice(known, end), smooth), known);
    // Where its first rows are missing, these would see a value that comes after them.
    if (known === start + length - 1) values.fill(values[known], start, known);
  });
  return { ...column, values };
};
