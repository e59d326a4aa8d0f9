/** The penalty of a ridge regression by cross-validation, from sums over blocks of rows: each row is read once. */
import type { LinearSpec } from '../../../contracts';
import type { Examples } from '../data';
import type { LinearWeights } from './loss';
import { partEquations, solveRidge } from './normal-equations';
import type { NormalEquations } from './normal-equations';
import { choosePenalty } from './penalty';
import type { Chosen } from './penalty';

const FOLDS = 10;
/** Wider, a factorisation for every fold and penalty takes longer than the choice is worth. */
export const WIDEST_FOLDS = 256;

/**
 * The penalty that predicts blocks of rows best from the other blocks, and the weights that all rows give with it. Every row
 * judges, where a validation part alone would leave the choice to chance.
 */
export const ridgeByFolds = async (
  spec: LinearSpec,
  { features, targets }: Examples,
  signal: AbortSignal,
  tried: (share: number) => void,
): Promise<Chosen<LinearWeights>> => {
  const { rows } = features;
  const ends = Array.from({ length: FOLDS }, (_, fold) => Math.floor((rows * (fold + 1)) / FOLDS));
  const blocks = await partEquations(features, targets, ends, signal);
  const whole = blocks.reduce((sum, block) => combined(sum, block, 1));
  const others = blocks.map((block) => combined(whole, block, -1));
  const chosen = await choosePenalty<{ all: LinearWeights; folds: LinearWeights[] }>(
    spec,
    { trainingRows: rows, validationRows: rows },
    (penalty) => ({
      all: solveRidge(whole, penalty),
      // As much for a row as in the whole.
      folds: others.map((other) => solveRidge(other, penalty * (1 - 1 / FOLDS))),
    }),
    ({ folds }) => Promise.resolve(blocks.reduce((sum, block, fold) => sum + errorOf(block, folds[fold]), 0)),
    tried,
  );
  return { penalty: chosen.penalty, weights: chosen.weights.all };
};

const combined = (a: NormalEquations, b: NormalEquations, sign: 1 | -1): NormalEquations => ({
  gram: a.gram.map((value, at) => value + sign * b.gram[at]),
  moments: a.moments.map((value, at) => value + sign * b.moments[at]),
});

/** Sum of squared errors, but for the squares of the targets, which no weight changes: w'Gw - 2w'm. */
const errorOf = ({ gram, moments }: NormalEquations, weights: LinearWeights): number => {
  const size = moments.length;
  let error = 0;
  for (let i = 0; i < size; i++) {
    let answer = 0;
    for (let k = 0; k < size; k++) answer += gram[i * size + k] * weights[k];
    error += weights[i] * (answer - 2 * moments[i]);
  }
  return error;
};
