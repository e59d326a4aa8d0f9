/** Anomaly detection and clustering: nothing is known about a row, or only to judge by. */
import { CHOOSING_FRACTION } from '../automl/in-turn/in-turn';
import type { Table } from '../data/table';
import type { UnsupervisedTarget } from '../prepare/target';
import { featureColumns } from '../train/assemble';
import type { TrainRequest } from '../train/train-table';
import { anomaly } from './anomaly';
import { clustering } from './clustering';
import type { Pose, Problem } from './purpose';
import { splitAll } from './split-all';

export const unsupervised =
  (task: 'anomaly' | 'clustering'): Pose =>
  (table, request, spec) => {
    const target: UnsupervisedTarget = { task, labels: labelsOf(table, request.target) };
    const split = splitAll(table, spec, request, CHOOSING_FRACTION);
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
