/** Losses with their first and second derivatives by the score. All sums are taken in row order. */
import { quantile } from '../../prepare/quantile';
import type { Examples, Objective } from './learning';

/** The examples of one side with their scores, one array an output. */
export interface Scored {
  readonly targets: Examples['targets'];
  readonly weights?: Examples['weights'];
  readonly scores: readonly Float64Array[];
}

export interface Loss {
  readonly outputs: number;
  /** The best constant scores. */
  base(targets: Examples['targets'], weights: Examples['weights']): number[];
  /** Called once a round, before the gradients of its outputs. */
  beginRound(scored: Scored): void;
  /** Without weights. */
  derivatives(output: number, scored: Scored, gradients: Float64Array, hessians: Float64Array): void;
  /** Loss of one row, as reported and stopped by. */
  of(row: number, scored: Scored): number;
  /** Level of the quantile of residuals that a leaf answers with, where gradients say the direction only. */
  readonly renewal?: number;
}

/** Keeps every Newton step finite. */
const LEAST_HESSIAN = 1e-16;

export const meanLoss = (loss: Loss, scored: Scored): number => {
  let sum = 0;
  let total = 0;
  for (let row = 0; row < scored.targets.length; row++) {
    const weight = scored.weights?.[row] ?? 1;
    sum += weight * loss.of(row, scored);
    total += weight;
  }
  return sum / total;
};

export const lossOf = (objective: Objective): Loss => {
  switch (objective.kind) {
    case 'squared':
      return squared;
    case 'absolute':
      return pinball(0.5, 2);
    case 'quantile':
      return pinball(objective.level, 1);
    case 'poisson':
      return poisson;
    case 'logistic':
      return logistic;
    case 'softmax':
      return new Softmax(objective.classes);
  }
};

const mean = (values: ArrayLike<number>, weights: Examples['weights']): number => {
  let sum = 0;
  let total = 0;
  for (let row = 0; row < values.length; row++) {
    const weight = weights?.[row] ?? 1;
    sum += weight * values[row];
    total += weight;
  }
  return sum / total;
};

/** (score - y)² / 2; reported as (score - y)². */
const squared: Loss = {
  outputs: 1,
  base: (targets, weights) => [mean(targets, weights)],
  beginRound: () => undefined,
  derivatives: (_, { targets, scores: [scores] }, gradients, hessians) => {
    if (scores === undefined) return;
    for (let row = 0; row < gradients.length; row++) gradients[row] = scores[row] - targets[row];
    hessians.fill(1);
  },
  of: (row, { targets, scores }) => (scores[0][row] - targets[row]) ** 2,
};

/** The quantile loss (Koenker and Bassett 1978), `factor` times; twice the one of the median is the absolute error. */
const pinball = (level: number, factor: number): Loss => ({
  outputs: 1,
  base: (targets, weights) => [weightedQuantile(Float64Array.from(targets), weights, level)],
  beginRound: () => undefined,
  derivatives: (_, { targets, scores: [scores] }, gradients, hessians) => {
    if (scores === undefined) return;
    for (let row = 0; row < gradients.length; row++)
      gradients[row] = scores[row] >= targets[row] ? factor * (1 - level) : -factor * level;
    hessians.fill(1);
  },
  of: (row, { targets, scores }) => {
    const above = targets[row] - scores[0][row];
    return factor * (above > 0 ? level * above : (level - 1) * above);
  },
  renewal: level,
});

/** Negative log-likelihood without the term of the target alone. */
const poisson: Loss = {
  outputs: 1,
  base: (targets, weights) => [Math.log(Math.max(mean(targets, weights), 1e-12))],
  beginRound: () => undefined,
  derivatives: (_, { targets, scores: [scores] }, gradients, hessians) => {
    if (scores === undefined) return;
    for (let row = 0; row < gradients.length; row++) {
      const rate = Math.exp(scores[row]);
      gradients[row] = rate - targets[row];
      // As in XGBoost and LightGBM, a larger hessian holds back steps that the exponential would blow up.
      hessians[row] = rate * Math.exp(0.7);
    }
  },
  of: (row, { targets, scores }) => {
    const score = scores[0][row];
    return Math.exp(score) - score * targets[row];
  },
};

const logistic: Loss = {
  outputs: 1,
  base: (targets, weights) => {
    const share = Math.min(Math.max(mean(targets, weights), 1e-12), 1 - 1e-12);
    return [Math.log(share / (1 - share))];
  },
  beginRound: () => undefined,
  derivatives: (_, { targets, scores: [scores] }, gradients, hessians) => {
    if (scores === undefined) return;
    for (let row = 0; row < gradients.length; row++) {
      const probability = 1 / (1 + Math.exp(-scores[row]));
      gradients[row] = probability - targets[row];
      hessians[row] = Math.max(probability * (1 - probability), LEAST_HESSIAN);
    }
  },
  of: (row, { targets, scores }) => {
    const score = scores[0][row];
    const margin = targets[row] > 0.5 ? score : -score;
    return margin > 0 ? Math.log1p(Math.exp(-margin)) : Math.log1p(Math.exp(margin)) - margin;
  },
};

class Softmax implements Loss {
  /** Logarithm of the sum of the exponentials of a row's scores at the beginning of the round. */
  private normalisers = new Float64Array(0);
  private before: Float64Array[] = [];

  constructor(readonly outputs: number) {}

  base(targets: Examples['targets'], weights: Examples['weights']): number[] {
    const shares = new Float64Array(this.outputs);
    let total = 0;
    for (let row = 0; row < targets.length; row++) {
      const weight = weights?.[row] ?? 1;
      shares[targets[row]] += weight;
      total += weight;
    }
    return Array.from(shares, (share) => Math.log(Math.max(share / total, 1e-12)));
  }

  beginRound({ scores }: Scored): void {
    // The trees of a round are fitted to the scores before it.
    this.before = scores.map((output, index) => {
      const kept = this.before[index] ?? new Float64Array(output.length);
      kept.set(output);
      return kept;
    });
    const rows = scores[0].length;
    if (this.normalisers.length !== rows) this.normalisers = new Float64Array(rows);
    for (let row = 0; row < rows; row++) this.normalisers[row] = logSumExp(scores, row);
  }

  derivatives(output: number, { targets }: Scored, gradients: Float64Array, hessians: Float64Array): void {
    const scores = this.before[output];
    if (scores === undefined) return;
    for (let row = 0; row < gradients.length; row++) {
      const probability = Math.exp(scores[row] - this.normalisers[row]);
      gradients[row] = probability - (targets[row] === output ? 1 : 0);
      // Twice the diagonal of the hessian: an upper bound of the whole (as in XGBoost).
      hessians[row] = Math.max(2 * probability * (1 - probability), LEAST_HESSIAN);
    }
  }

  of(row: number, { targets, scores }: Scored): number {
    return logSumExp(scores, row) - (scores[targets[row]]?.[row] ?? 0);
  }
}

const logSumExp = (scores: readonly Float64Array[], row: number): number => {
  let largest = -Infinity;
  for (const output of scores) largest = Math.max(largest, output[row]);
  let sum = 0;
  for (const output of scores) sum += Math.exp(output[row] - largest);
  return largest + Math.log(sum);
};

/** Quantile of values; with weights, the smallest value that has at least `level` of the weight up to it. Sorts `values`. */
export const weightedQuantile = (
  values: Float64Array,
  weights: ArrayLike<number> | undefined,
  level: number,
): number => {
  if (weights === undefined) return quantile(values.sort(), level);
  const order = Uint32Array.from(values, (_, index) => index).sort((a, b) => values[a] - values[b] || a - b);
  let total = 0;
  for (let at = 0; at < values.length; at++) total += weights[at];
  let sum = 0;
  for (const index of order) {
    sum += weights[index];
    if (sum >= level * total) return values[index];
  }
  return values[order.at(-1) ?? 0] ?? NaN;
};
