/** From a spec and a target to what the trainer takes. */
import { Failure, oneOf } from '../../../contracts';
import type { TreesSpec } from '../../../contracts';
import type { Column } from '../../data/table';
import type { Preparation } from '../../prepare/preparation';
import type { SupervisedTarget } from '../../prepare/target';
import { DEFAULT_OPTIONS } from './learning';
import type { Examples, ForestOptions, Objective } from './learning';

/** A tree a class and round: more would take for ever. */
const MOST_CLASSES = 200;

export const optionsOf = (
  spec: TreesSpec,
  target: SupervisedTarget,
  monotone: readonly number[],
  seed: number,
): ForestOptions => ({
  ...DEFAULT_OPTIONS,
  objective: objectiveOf(spec, target),
  rounds: spec.trees,
  leaves: spec.leaves,
  depth: spec.depth,
  learningRate: spec.learningRate,
  l1: spec.l1,
  l2: spec.l2,
  leastHessian: spec.minHessian,
  leastRows: spec.minRows,
  leastGain: spec.minGain,
  bins: spec.bins,
  rowSampling: spec.rows,
  columnFraction: spec.columnFraction,
  monotone,
  patience: spec.patience,
  seed,
});

const objectiveOf = (spec: TreesSpec, target: SupervisedTarget): Objective => {
  if (target.task === 'regression')
    return spec.objective === 'quantile'
      ? { kind: 'quantile', level: spec.quantile }
      : { kind: spec.objective };
  const classes = target.classes.length;
  if (classes > MOST_CLASSES)
    throw new Failure('BAD_SPEC', `trees can tell ${MOST_CLASSES} classes apart, not ${classes}`, {
      path: ['spec', 'family'],
      hint: 'choose the family linear or mlp',
    });
  return classes === 2 ? { kind: 'logistic' } : { kind: 'softmax', classes };
};

/** Directions, one a feature. Throws BAD_SPEC for a column that has none. */
export const monotoneOf = (
  { monotone, interactions, window }: TreesSpec,
  columns: readonly Column[],
  { blocks }: Preparation,
): number[] => {
  const numbers = columns.filter(({ kind }) => kind === 'number').map(({ spec }) => spec.name);
  for (const name of Object.keys(monotone))
    if (!numbers.includes(name))
      throw new Failure('BAD_SPEC', oneOf('number column', name, numbers), {
        path: ['spec', 'monotone', name],
      });
  if (interactions > 0 && Object.keys(monotone).length > 0)
    throw new Failure('BAD_SPEC', 'what is made of two columns can rise where one of them may only fall', {
      path: ['spec', 'interactions'],
      hint: 'interactions: 0, or no monotone columns',
    });
  if (window !== undefined && Object.keys(monotone).length > 0)
    throw new Failure('BAD_SPEC', 'what is made of a window can rise where its column may only fall', {
      path: ['spec', 'window'],
      hint: 'no window, or no monotone columns',
    });
  return blocks.flatMap(({ column, kind, width }) =>
    new Array<number>(width).fill(kind === 'value' ? (monotone[column] ?? 0) : 0),
  );
};

/** @param standardised as in `Prepared`: the standardised target, or the index of the class */
export const targetsOf = (
  spec: TreesSpec,
  target: SupervisedTarget,
  rows: Int32Array,
  standardised: Float32Array,
): Pick<Examples, 'targets' | 'weights'> => {
  if (target.task === 'classification') {
    if (spec.classWeights === 'none') return { targets: standardised };
    const total = target.counts.reduce((sum, count) => sum + count, 0);
    return {
      targets: standardised,
      weights: standardised.map(
        (code) => total / (target.counts.length * Math.max(1, target.counts[code] ?? 1)),
      ),
    };
  }
  if (spec.objective !== 'poisson') return { targets: standardised };
  const targets = Float64Array.from(rows, (row) => target.values[row]);
  if (targets.some((value) => value < 0))
    throw new Failure('BAD_SPEC', 'the objective poisson needs a target without negative values', {
      path: ['spec', 'objective'],
      hint: 'one of: squared, absolute, quantile',
    });
  return { targets };
};
