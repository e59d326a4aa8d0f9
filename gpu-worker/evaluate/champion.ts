import type { Comparison } from '../../contracts';
import type { Table } from '../data/table';
import type { Served } from '../export/served';
import type { SupervisedTarget } from '../prepare/target';
import { columnNamed } from '../prepare/target';
import { compare } from './compare';

/** Both models' answers on the same held-out rows; rmse for a regression, accuracy for a classification. */
export const compareServed = (
  table: Table,
  targetName: string,
  target: SupervisedTarget,
  rows: Int32Array,
  answers: { champion: Served; challenger: Served },
  seed: number,
): Comparison | null => {
  const score = scorer(table, targetName, target, rows);
  const scores = {
    metric: target.task === 'regression' ? ('rmse' as const) : ('accuracy' as const),
    champion: score(answers.champion),
    challenger: score(answers.challenger),
  };
  return compare(scores, seed) ?? null;
};

const scorer = (
  table: Table,
  targetName: string,
  target: SupervisedTarget,
  rows: Int32Array,
): ((served: Served) => Float64Array) => {
  if (target.task === 'regression')
    return ({ predictions }) =>
      Float64Array.from(rows, (row, i) => (Number(predictions[i] ?? NaN) - (target.values[row] ?? NaN)) ** 2);
  const column = columnNamed(table, targetName);
  const truth = (row: number): string | undefined =>
    'values' in column ? String(column.values[row]) : column.dictionary[column.codes[row] ?? -1];
  return ({ predictions }) => Float64Array.from(rows, (row, i) => (predictions[i] === truth(row) ? 1 : 0));
};
