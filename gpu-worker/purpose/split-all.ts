import { Failure } from '../../contracts';
import type { ModelSpec } from '../../contracts';
import { permutation } from '../../onnx';
import type { Table } from '../data/table';
import { validationFractionOf } from '../family/concrete';
import type { Split } from '../prepare/split';
import { byGroups, heldOutGroups } from '../prepare/whole-groups';
import type { TrainRequest } from '../train/train-table';

/** Fewer rows than this show no pattern. */
const FEWEST_ROWS = 20;

/**
 * For tasks that ask for no answer: every row that is not held out teaches, but for those that a family stops by or, the
 * share `choosing`, that `auto` chooses a family by. Throws TOO_FEW_ROWS.
 */
export const splitAll = (
  table: Table,
  spec: ModelSpec,
  { holdout, seed }: Pick<TrainRequest, 'holdout' | 'seed'>,
  choosing: number,
): Split => {
  const learning: number[] = [];
  const test: number[] = [];
  for (let row = 0; row < table.rows; row++) (table.holdout[row] === 1 ? test : learning).push(row);
  if (learning.length < FEWEST_ROWS)
    throw new Failure(
      'TOO_FEW_ROWS',
      `${learning.length} rows are left to learn from after the held-out ones; at least ${FEWEST_ROWS} are needed`,
    );
  const order = permutation(learning.length, seed, 0).map((at) => learning[at] ?? 0);
  const fraction = spec.family === 'auto' ? choosing : validationFractionOf(spec);
  const groups = heldOutGroups(table, holdout);
  if (groups !== undefined)
    return { ...byGroups(order, (row) => groups[row], fraction, seed), test: Int32Array.from(test) };
  const kept = order.length - Math.floor(order.length * fraction);
  return {
    training: order.subarray(0, kept),
    validation: order.subarray(kept),
    test: Int32Array.from(test),
  };
};
