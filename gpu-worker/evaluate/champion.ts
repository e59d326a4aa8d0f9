import type { Comparison } from '../../contracts';
import type { CostMatrix } from '../calibrate/decision';
import type { Table } from '../data/table';
import type { Served } from '../export/served';
import type { ClassificationTarget, SupervisedTarget } from '../prepare/target';
import { columnNamed } from '../prepare/target';
import { compare } from './compare';
import type { RowScores } from './compare';

interface Answers {
  readonly champion: Served;
  readonly challenger: Served;
}

/**
 * Both models' answers on the same held-out rows: rmse for a regression; for a classification the mean cost of the labels
 * where mistakes have costs, else accuracy.
 */
export const compareServed = (
  table: Table,
  targetName: string,
  target: SupervisedTarget,
  rows: Int32Array,
  answers: Answers,
  { seed, costs }: { readonly seed: number; readonly costs?: CostMatrix },
): Comparison | null => {
  const { metric, score } = scorer(table, targetName, target, rows, costs);
  const scores = { metric, champion: score(answers.champion), challenger: score(answers.challenger) };
  return compare(scores, seed) ?? null;
};

interface Scorer {
  readonly metric: RowScores['metric'];
  readonly score: (served: Served) => Float64Array;
}

const scorer = (
  table: Table,
  targetName: string,
  target: SupervisedTarget,
  rows: Int32Array,
  costs?: CostMatrix,
): Scorer => {
  if (target.task === 'regression')
    return {
      metric: 'rmse',
      score: ({ predictions }) =>
        Float64Array.from(rows, (row, i) => (Number(predictions[i]) - target.values[row]) ** 2),
    };
  if (costs !== undefined) return costScorer(target, rows, costs);
  const column = columnNamed(table, targetName);
  const truth = (row: number): string | undefined =>
    'values' in column ? String(column.values[row]) : column.dictionary[column.codes[row]];
  return {
    metric: 'accuracy',
    score: ({ predictions }) => Float64Array.from(rows, (row, i) => (predictions[i] === truth(row) ? 1 : 0)),
  };
};

/**
 * A row whose true class the new model does not know costs both nothing; a label of the old model that the new one does not
 * know costs as much as the dearest mistake about that row.
 */
const costScorer = (target: ClassificationTarget, rows: Int32Array, costs: CostMatrix): Scorer => {
  const place = new Map(target.classes.map((label, at) => [label, at]));
  return {
    metric: 'cost',
    score: ({ predictions }) =>
      Float64Array.from(rows, (row, i) => {
        const truth = target.codes[row];
        if (truth < 0) return 0;
        const decided = place.get(String(predictions[i]));
        return decided === undefined ? Math.max(...costs[truth]) : costs[truth][decided];
      }),
  };
};
