import { Failure } from '../../contracts';
import type { HoldoutRule } from '../../contracts';
import type { Table } from '../data/table';
import { permutation } from '../../onnx';
import type { RowOrder } from './window';
import { inTimeOrder } from './folds';
import { columnNamed, targetPresent } from './target';
import { byGroups, heldOutGroups } from './whole-groups';

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
 * Validation rows are chosen as the held-out ones were: the last by time (the future is what will be predicted), whole
 * groups, or rows drawn by `seed`. Throws TOO_FEW_ROWS.
 */
export const splitRows = (
  table: Table,
  target: string,
  holdout: HoldoutRule,
  validationFraction: number,
  seed: number,
): Split => {
  const { learning, test } = sides(table, target);
  const groups = heldOutGroups(table, holdout);
  const ordered = holdout.kind === 'time' ? byTime(table, holdout.column, learning) : drawn(learning, seed);
  const kept = ordered.length - Math.floor(ordered.length * validationFraction);
  const parts =
    groups === undefined
      ? { training: ordered.subarray(0, kept), validation: ordered.subarray(kept) }
      : byGroups(ordered, (row) => groups[row], validationFraction, seed);
  if (parts.training.length < FEWEST_TRAINING_ROWS) {
    const needed = Math.ceil(FEWEST_TRAINING_ROWS / (1 - validationFraction));
    throw new Failure(
      'TOO_FEW_ROWS',
      `${learning.length} rows are left to learn from after the held-out ones; at least ${needed} are needed`,
    );
  }
  return { ...parts, test: Int32Array.from(test) };
};

/** Rows with a target value: those that may be learned from, and the held-out ones. */
const sides = (table: Table, target: string): { readonly learning: number[]; readonly test: number[] } => {
  const present = targetPresent(columnNamed(table, target));
  const learning: number[] = [];
  const test: number[] = [];
  for (let row = 0; row < table.rows; row++) {
    if (present[row] === 1) (table.holdout[row] === 1 ? test : learning).push(row);
  }
  return { learning, test };
};

/**
 * Rows that are judged together with those before them: windows overlap, so whole sequences are drawn for the validation
 * part, or whole groups where rows are held out by groups; of a single one the last rows are taken. Throws TOO_FEW_ROWS.
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
  const groups = heldOutGroups(table, holdout);
  const seriesOf = (row: number): number => groups?.[row] ?? order.start[order.position[row]];
  return { ...whole, ...byGroups(learning, seriesOf, validationFraction, seed) };
};

const drawn = (rows: readonly number[], seed: number): Int32Array =>
  permutation(rows.length, seed, 0).map((at) => rows[at]);

const byTime = (table: Table, name: string, rows: readonly number[]): Int32Array => {
  const column = columnNamed(table, name);
  return column.kind === 'time' ? inTimeOrder(Int32Array.from(rows), column.values) : Int32Array.from(rows);
};
