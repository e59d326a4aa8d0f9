import { Failure } from '../../contracts';
import type { HoldoutRule } from '../../contracts';
import type { Table } from '../data/table';
import { permutation } from '../../onnx';
import type { RowOrder } from './window';
import { inTimeOrder } from './folds';
import { columnNamed, targetPresent } from './target';

/** Row numbers of a table. Rows without a target value are in none of the three. */
export interface Split {
  readonly training: Int32Array;
  readonly validation: Int32Array;
  /** Held out when the dataset was made; no training ever sees them. */
  readonly test: Int32Array;
}

/** Fewer rows than this give no model worth a bill. */
const FEWEST_TRAINING_ROWS = 20;

/**
 * Validation rows are the last by time where the holdout rule is by time (the future is what will be predicted),
 * else drawn by `seed`. Throws TOO_FEW_ROWS.
 */
export const splitRows = (
  table: Table,
  target: string,
  holdout: HoldoutRule,
  validationFraction: number,
  seed: number,
): Split => {
  const present = targetPresent(columnNamed(table, target));
  const learning: number[] = [];
  const test: number[] = [];
  for (let row = 0; row < table.rows; row++) {
    if (present[row] === 1) (table.holdout[row] === 1 ? test : learning).push(row);
  }
  const ordered = holdout.kind === 'time' ? byTime(table, holdout.column, learning) : drawn(learning, seed);
  const validationRows = Math.floor(ordered.length * validationFraction);
  const trainingRows = ordered.length - validationRows;
  if (trainingRows < FEWEST_TRAINING_ROWS) {
    const needed = Math.ceil(FEWEST_TRAINING_ROWS / (1 - validationFraction));
    throw new Failure(
      'TOO_FEW_ROWS',
      `${learning.length} rows are left to learn from after the held-out ones; at least ${needed} are needed`,
    );
  }
  return {
    training: ordered.subarray(0, trainingRows),
    validation: ordered.subarray(trainingRows),
    test: Int32Array.from(test),
  };
};

/**
 * Rows that are judged together with those before them: windows overlap, so whole sequences are drawn for the validation
 * part; of a single one the last rows are taken. Throws TOO_FEW_ROWS.
 */
export const splitSequences = (
  table: Table,
  {
    target,
    holdout,
    seed,
  }: { readonly target: string; readonly holdout: HoldoutRule; readonly seed: number },
  order: RowOrder,
  validationFraction: number,
): Split => {
  if (holdout.kind === 'time') return splitRows(table, target, holdout, validationFraction, seed);
  const whole = splitRows(table, target, holdout, 0, seed);
  const learning = Int32Array.from(whole.training).sort((a, b) => order.position[a] - order.position[b]);
  const seriesOf = (row: number): number => order.start[order.position[row]];
  const sizes = new Map<number, number>();
  for (const row of learning) sizes.set(seriesOf(row), (sizes.get(seriesOf(row)) ?? 0) + 1);
  const series = [...sizes.keys()];
  const wanted = Math.floor(learning.length * validationFraction);
  const chosen = new Set<number>();
  let count = 0;
  for (const at of permutation(series.length, seed, 0)) {
    const size = sizes.get(series[at]) ?? 0;
    if (series.length === 1 || count + size > wanted) continue;
    chosen.add(series[at]);
    count += size;
  }
  const judges = (row: number, at: number): boolean =>
    chosen.size > 0 ? chosen.has(seriesOf(row)) : at >= learning.length - wanted;
  return {
    ...whole,
    training: learning.filter((row, at) => !judges(row, at)),
    validation: learning.filter(judges),
  };
};

const drawn = (rows: readonly number[], seed: number): Int32Array =>
  permutation(rows.length, seed, 0).map((at) => rows[at]);

const byTime = (table: Table, name: string, rows: readonly number[]): Int32Array => {
  const column = columnNamed(table, name);
  return column.kind === 'time' ? inTimeOrder(Int32Array.from(rows), column.values) : Int32Array.from(rows);
};
