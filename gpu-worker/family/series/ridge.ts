/** Linear forecasts in closed form, from sums of products alone. */
import { choleskyFactor, choleskySolution } from '../cholesky';
import { addSums, emptySums } from './product-sums';
import type { ProductSums } from './product-sums';

/** What a forecast is without any evidence; ridge pulls the weights there. */
type Prior = 'level' | 'season';
/** What a window is measured from: its last value (NLinear, Zeng et al. 2023) or the mean of all its values. */
type Level = 'last' | 'mean';

interface RidgeKind {
  readonly level: Level;
  readonly prior: Prior;
}

export interface RidgeChoice extends RidgeKind {
  /** Penalty in units of the mean square of a feature. */
  readonly penalty: number;
}

export interface LinearMap {
  /** [lookback, horizon] row-major. */
  readonly weights: Float64Array;
  readonly intercept: Float64Array;
}

interface Shape {
  readonly lookback: number;
  readonly horizon: number;
  readonly season: number;
}

/**
 * A least-squares problem: x - level and a constant against y - prior, all of them differences of two cells of a window
 * or of a cell and the level, so that their products are four sums each.
 */
interface Normal {
  /** [n, n], n = lookback + 1 with the constant last. */
  readonly gram: Float64Array;
  /** [n, horizon] */
  readonly moments: Float64Array;
  /** Sum of squares of what is to be explained, over all steps ahead. */
  readonly total: number;
  readonly windows: number;
}

const levelWeights = (level: Level, lookback: number): Float64Array =>
  level === 'last'
    ? new Float64Array(lookback).fill(1, lookback - 1)
    : new Float64Array(lookback).fill(1 / lookback);

/** The cell of the look-back that the prior of a step ahead (from 0) repeats; -1: the level. */
const priorCell = (prior: Prior, ahead: number, { lookback, season }: Shape): number =>
  prior === 'level' || season > lookback ? -1 : lookback - season + (ahead % season);

const normalOf = (of: ProductSums, { level, prior }: RidgeKind, shape: Shape): Normal => {
  const { lookback, horizon } = shape;
  const { size } = of;
  const weights = levelWeights(level, lookback);
  // The level as one more cell: its products with every other and with itself.
  const withLevel = new Float64Array(size);
  for (let j = 0; j < lookback; j++)
    if (weights[j] !== 0) for (let i = 0; i < size; i++) withLevel[i] += weights[j] * of.sums[i * size + j];
  let levelSquared = 0;
  for (let j = 0; j < lookback; j++) levelSquared += weights[j] * withLevel[j];
  const product = (i: number, j: number): number =>
    i < 0 ? (j < 0 ? levelSquared : withLevel[j]) : j < 0 ? withLevel[i] : of.sums[i * size + j];
  const n = lookback + 1;
  const gram = new Float64Array(n * n);
  const moments = new Float64Array(n * horizon);
  for (let i = 0; i < lookback; i++) {
    for (let j = 0; j <= i; j++) {
      const sum = of.sums[i * size + j] - withLevel[i] - withLevel[j] + levelSquared;
      gram[i * n + j] = sum;
      gram[j * n + i] = sum;
    }
    gram[i * n + lookback] = of.sums[i * size + size - 1] - withLevel[size - 1];
    gram[lookback * n + i] = gram[i * n + lookback];
  }
  gram[n * n - 1] = of.sums[size * size - 1];
  let total = 0;
  for (let ahead = 0; ahead < horizon; ahead++) {
    const [y, p] = [lookback + ahead, priorCell(prior, ahead, shape)];
    for (let i = 0; i < lookback; i++)
      moments[i * horizon + ahead] = product(i, y) - product(i, p) - withLevel[y] + product(-1, p);
    moments[lookback * horizon + ahead] = product(size - 1, y) - product(size - 1, p);
    total += product(y, y) - 2 * product(y, p) + product(p, p);
  }
  return { gram, moments, total, windows: of.sums[size * size - 1] };
};

/** Solves (gram + penalty) W = moments by Cholesky; the constant is not penalised. */
const solve = ({ gram, moments }: Normal, penalty: number, horizon: number): Float64Array => {
  const n = Math.sqrt(gram.length);
  let trace = 0;
  for (let i = 0; i < n - 1; i++) trace += gram[i * n + i];
  const mean = trace / (n - 1) || 1;
  const penalised = gram.slice();
  for (let i = 0; i < n; i++) penalised[i * n + i] += i === n - 1 ? 1e-9 * gram[n * n - 1] : penalty * mean;
  return choleskySolution(choleskyFactor(penalised, n, 1e-12 * mean), n, moments, horizon);
};

/** Mean squared error of weights on the windows of a problem. */
const errorOf = (
  { gram, moments, total, windows }: Normal,
  weights: Float64Array,
  horizon: number,
): number => {
  const n = Math.sqrt(gram.length);
  const applied = new Float64Array(horizon);
  let error = total;
  for (let i = 0; i < n; i++) {
    applied.fill(0);
    for (let j = 0; j < n; j++)
      for (let h = 0; h < horizon; h++) applied[h] += gram[i * n + j] * weights[j * horizon + h];
    for (let h = 0; h < horizon; h++)
      error += weights[i * horizon + h] * (applied[h] - 2 * moments[i * horizon + h]);
  }
  return error / (windows * horizon);
};

const PENALTIES = [0.001, 0.01, 0.1, 1, 10, 100];

interface Judged {
  readonly choice: RidgeChoice;
  /** Mean squared error on the validation windows. */
  readonly error: number;
}

/** Each kind of map with each penalty, judged on windows that it did not learn from, best first. */
export const judgeRidges = (
  training: ProductSums,
  validation: ProductSums,
  shape: Shape,
  kinds: readonly RidgeKind[] = kindsOf(shape),
): Judged[] => {
  const judged: Judged[] = [];
  for (const kind of kinds) {
    const [learn, judge] = [training, validation].map((of) => normalOf(of, kind, shape));
    for (const penalty of PENALTIES) {
      const weights = solve(learn, penalty, shape.horizon);
      judged.push({ choice: { ...kind, penalty }, error: errorOf(judge, weights, shape.horizon) });
    }
  }
  return judged.sort((a, b) => a.error - b.error);
};

const kindsOf = ({ season, lookback }: Shape): RidgeKind[] => {
  const priors: Prior[] = season > 1 && season <= lookback ? ['level', 'season'] : ['level'];
  return (['last', 'mean'] as const).flatMap((level) => priors.map((prior) => ({ level, prior })));
};

/** Learns by one choice and folds level, prior and weights into one map from the window to the steps ahead. */
export const learnRidge = (
  sums: ProductSums,
  { level, prior, penalty }: RidgeChoice,
  shape: Shape,
): LinearMap => {
  const { lookback, horizon } = shape;
  const solved = solve(normalOf(sums, { level, prior }, shape), penalty, horizon);
  const share = levelWeights(level, lookback);
  const weights = new Float64Array(lookback * horizon);
  const intercept = new Float64Array(horizon);
  for (let ahead = 0; ahead < horizon; ahead++) {
    const cell = priorCell(prior, ahead, shape);
    let sum = 0;
    for (let i = 0; i < lookback; i++) sum += solved[i * horizon + ahead];
    for (let i = 0; i < lookback; i++)
      weights[i * horizon + ahead] =
        solved[i * horizon + ahead] - share[i] * sum + (cell < 0 ? share[i] : cell === i ? 1 : 0);
    intercept[ahead] = solved[lookback * horizon + ahead];
  }
  return { weights, intercept };
};

export const sumsOfAll = (all: readonly ProductSums[]): ProductSums => {
  const total = emptySums(all[0].size - 1);
  for (const one of all) addSums(total, one);
  return total;
};
