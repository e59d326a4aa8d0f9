/** How long a trial takes: counted work at a measured pace. For quotes, and for what still fits into a budget. */
import type { ConcreteSpec, SearchShape, TrialOutcome, TrialSpec } from '../../contracts';

/** Seconds on the reference machine for everything around the training of a fold: encoding, sessions, export. */
const PER_FOLD = 0.05;
const PER_CELL = 4e-8;
/** Multiplications a second of a training step, and what a step costs however small it is. */
const PER_SECOND = 2e10;
const PER_STEP = 5e-5;
/** Seconds of a tree for each leaf, and for each cell on each level: on one thread. */
const PER_LEAF = 1e-5;
const PER_TREE_CELL = 5e-10;
const TIME_FEATURES = 5;
/** Seconds a row that interactions are looked for on, at most so many. */
const PER_INTERACTION_ROW = 5e-5;
const MOST_INTERACTION_ROWS = 10_000;
/** Seconds a row of the families that are not in the portfolio. */
const PER_ROW_OF_OTHERS = 1e-3;
/** Networks and trees stop at about this share of the epochs and rounds that they may take. */
const STOPPED_AT = 0.5;

/** At pace 1: the machine that the constants were measured on. */
export const expectedSeconds = (
  { spec, folds, rowShare }: Pick<TrialSpec, 'spec' | 'folds' | 'rowShare'>,
  shape: SearchShape,
): number => {
  const rows = shape.rows * 0.8 * rowShare;
  const made = 'interactions' in spec ? (spec.interactions ?? 0) : 0;
  const wide = { ...shape, numbers: shape.numbers + made, width: shape.width + made };
  const found = made > 0 ? PER_INTERACTION_ROW * Math.min(rows, MOST_INTERACTION_ROWS) : 0;
  return folds.length * (PER_FOLD + PER_CELL * rows * wide.width + found + trainingSeconds(spec, rows, wide));
};

const trainingSeconds = (spec: ConcreteSpec, rows: number, shape: SearchShape): number => {
  if (spec.family === 'linear')
    return shape.classes === 0
      ? (rows * shape.width ** 2) / 1e9
      : network({ epochs: 60, batchSize: 256, members: 1, hidden: [] }, shape.width, rows, shape);
  if (spec.family === 'mlp') {
    const width = shape.width + (spec.numeric === 'piecewise' ? shape.numbers * spec.bins : 0);
    return network(spec, width, rows, shape);
  }
  if (spec.family !== 'trees') return rows * PER_ROW_OF_OTHERS;
  const columns = shape.numbers + shape.categories + shape.times * TIME_FEATURES;
  const rounds = spec.trees * STOPPED_AT * (shape.classes > 2 ? shape.classes : 1);
  const cells = rows * columns * spec.columnFraction * Math.log2(spec.leaves);
  return rounds * (spec.leaves * PER_LEAF + cells * PER_TREE_CELL);
};

const network = (
  spec: { epochs: number; batchSize: number; members: number; hidden: readonly number[] },
  width: number,
  rows: number,
  { classes }: SearchShape,
): number => {
  const sizes = [width, ...spec.hidden, Math.max(1, classes)];
  const weights = sizes.slice(1).reduce((sum, size, layer) => sum + size * (sizes[layer] ?? 0), 0);
  const steps = Math.ceil(rows / spec.batchSize) * spec.epochs * spec.members * STOPPED_AT;
  return steps * (PER_STEP + (3 * spec.batchSize * weights) / PER_SECOND);
};

/**
 * Measured over expected seconds of the trials so far: those of the same candidate, else of the same family, else all;
 * 1 where nothing was measured.
 */
export const paceOf = (
  outcomes: readonly TrialOutcome[],
  shape: SearchShape,
): ((trial: TrialSpec) => number) => {
  const ratioOf = (chosen: readonly TrialOutcome[]): number | undefined => {
    let measured = 0;
    let expected = 0;
    for (const outcome of chosen) {
      if (outcome.status !== 'done') continue;
      const folds = outcome.folds.map(({ fold }) => fold);
      measured += outcome.seconds;
      expected += expectedSeconds({ ...outcome.trial, folds }, shape);
    }
    return expected > 0 ? measured / expected : undefined;
  };
  return ({ candidate, spec }) =>
    ratioOf(outcomes.filter(({ trial }) => trial.candidate === candidate)) ??
    ratioOf(outcomes.filter(({ trial }) => trial.spec.family === spec.family)) ??
    ratioOf(outcomes) ??
    1;
};
