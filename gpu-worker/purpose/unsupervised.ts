/** Anomaly detection and clustering: nothing is known about a row, or only to judge by. */
import { Failure } from '../../contracts';
import type { ModelSpec } from '../../contracts';
import { permutation } from '../../onnx';
import type { Table } from '../data/table';
import { validationFractionOf } from '../family/concrete';
import type { Split } from '../prepare/split';
import type { UnsupervisedTarget } from '../prepare/target';
import { featureColumns } from '../train/assemble';
import type { TrainRequest } from '../train/train-table';
import { anomaly } from './anomaly';
import { clustering } from './clustering';
import type { Pose, Problem } from './purpose';

/** Fewer rows than this show no pattern. */
const FEWEST_ROWS = 20;

export const unsupervised =
  (task: 'anomaly' | 'clustering'): Pose =>
  (table, request, spec) => {
    const target: UnsupervisedTarget = { task, labels: labelsOf(table, request.target) };
    const split = splitAll(table, spec, request.seed);
    const problem: Omit<Problem, 'judge'> = { table, columns: featureColumns(table, request), target, split };
    const judge = task === 'anomaly' ? anomaly : clustering;
    return { ...problem, judge: (trained, signal) => judge(problem, trained, spec, request, signal) };
  };

/** A column named as target says what is known; it is never learned from. */
const labelsOf = (table: Table, name: TrainRequest['target']): UnsupervisedTarget['labels'] => {
  const column = table.columns.find(({ spec }) => spec.name === name);
  if (column === undefined) return null;
  const of = (row: number): string | undefined => {
    if (!('values' in column)) return column.dictionary[column.codes[row] ?? -1];
    const value = column.values[row] ?? NaN;
    return Number.isNaN(value) ? undefined : String(value);
  };
  const labels = Array.from({ length: table.rows }, (_, row) => of(row));
  const classes = [...new Set(labels.filter((label) => label !== undefined))].sort();
  // A measured quantity is no grouping.
  if (classes.length < 2 || classes.length > 50) return null;
  const index = new Map(classes.map((label, at) => [label, at]));
  return { classes, codes: Int32Array.from(labels, (label) => index.get(label ?? '') ?? -1) };
};

const splitAll = (table: Table, spec: ModelSpec, seed: number): Split => {
  const learning: number[] = [];
  const test: number[] = [];
  for (let row = 0; row < table.rows; row++) (table.holdout[row] === 1 ? test : learning).push(row);
  if (learning.length < FEWEST_ROWS)
    throw new Failure(
      'TOO_FEW_ROWS',
      `${learning.length} rows are left to learn from after the held-out ones; at least ${FEWEST_ROWS} are needed`,
    );
  const order = permutation(learning.length, seed, 0).map((at) => learning[at] ?? 0);
  const fraction = spec.family === 'auto' ? 0 : validationFractionOf(spec);
  const kept = order.length - Math.floor(order.length * fraction);
  return {
    training: order.subarray(0, kept),
    validation: order.subarray(kept),
    test: Int32Array.from(test),
  };
};
