/**
 * Which candidates to join and how much each counts: greedy selection with replacement on rows that none of them learned
 * from (Caruana et al., «Ensemble selection from libraries of models», ICML 2004).
 */
import { permutation } from '../../onnx';
import type { SupervisedTarget } from '../prepare/target';
import { LEAST_PROBABILITY, meanOf, outputWidth, rowLosses } from './score';

/** Picks of one greedy run; more only refine the weights. */
const PICKS = 25;
/** Greedy runs over the best and a random half of the library, averaged: a lucky one among the others gets little. */
const BAGS = 12;
/** Fewer candidates than this are not worth drawing from. */
const FEWEST_TO_BAG = 4;
/** A smaller share costs more at serving than it gives. */
const LEAST_WEIGHT = 0.02;

/** `outputs`: of each candidate for the same `rows`, row-major. Returns weights that sum to 1. */
export const ensembleWeights = (
  outputs: readonly Float32Array[],
  target: SupervisedTarget,
  rows: Int32Array,
  seed: number,
): number[] => {
  if (outputs.length === 0) throw new Error('an ensemble needs a candidate');
  const votes = new Array<number>(outputs.length).fill(0);
  const bags = outputs.length < FEWEST_TO_BAG ? 1 : BAGS;
  const losses = outputs.map((output) => meanOf(rowLosses(output, target, rows)).loss);
  const best = losses.indexOf(losses.reduce((least, loss) => Math.min(least, loss)));
  for (let bag = 0; bag < bags; bag++) {
    const all = permutation(outputs.length, seed, bag);
    const half = bags === 1 ? all : all.subarray(0, Math.ceil(outputs.length / 2));
    const picks = greedy(
      outputs,
      [...new Set([best, ...half])].sort((a, b) => a - b),
      target,
      rows,
    );
    for (const pick of picks) votes[pick] = (votes[pick] ?? 0) + 1 / picks.length / bags;
  }
  const kept = votes.map((vote) => (vote < LEAST_WEIGHT ? 0 : vote));
  const total = kept.reduce((sum, vote) => sum + vote, 0);
  return kept.map((vote) => vote / total);
};

/** The picks up to where the joined loss was lowest. */
const greedy = (
  outputs: readonly Float32Array[],
  drawn: readonly number[],
  target: SupervisedTarget,
  rows: Int32Array,
): number[] => {
  const loss = target.task === 'regression' ? squaredLoss(target, rows) : logLoss(target, rows);
  const sum = new Float64Array(loss.wanted(outputs[drawn[0] ?? 0] ?? new Float32Array(0)).length);
  const wanted = outputs.map((output, at) =>
    drawn.includes(at) ? loss.wanted(output) : new Float32Array(0),
  );
  const picks: number[] = [];
  let best = { loss: Infinity, picks: 0 };
  for (let size = 1; size <= PICKS; size++) {
    const losses = drawn.map((at) => loss.of(sum, wanted[at] ?? new Float32Array(0), size));
    const least = losses.reduce((low, one) => Math.min(low, one), Infinity);
    const pick = drawn[Math.max(0, losses.indexOf(least))] ?? 0;
    const added = wanted[pick] ?? new Float32Array(0);
    for (let i = 0; i < sum.length; i++) sum[i] = (sum[i] ?? 0) + (added[i] ?? 0);
    picks.push(pick);
    if (least < best.loss) best = { loss: least, picks: size };
  }
  return picks.slice(0, Math.max(1, best.picks));
};

/** The loss of (sum + added) / size; `wanted` takes from a candidate's outputs what the loss looks at, one a row. */
interface JoinedLoss {
  wanted(outputs: Float32Array): Float32Array;
  of(sum: Float64Array, added: Float32Array, size: number): number;
}

const squaredLoss = (target: SupervisedTarget & { task: 'regression' }, rows: Int32Array): JoinedLoss => {
  const truth = Float32Array.from(
    rows,
    (row) => ((target.values[row] ?? NaN) - target.mean) / target.deviation,
  );
  return {
    wanted: (outputs) => outputs,
    of: (sum, added, size) => {
      let total = 0;
      for (let i = 0; i < truth.length; i++)
        total += (((sum[i] ?? 0) + (added[i] ?? 0)) / size - (truth[i] ?? 0)) ** 2;
      return total / truth.length;
    },
  };
};

const logLoss = (target: SupervisedTarget & { task: 'classification' }, rows: Int32Array): JoinedLoss => ({
  wanted: (outputs) =>
    Float32Array.from(rows, (row, i) => outputs[i * target.classes.length + (target.codes[row] ?? -1)] ?? 0),
  of: (sum, added, size) => {
    let total = 0;
    for (let i = 0; i < sum.length; i++)
      total -= Math.log(Math.max(((sum[i] ?? 0) + (added[i] ?? 0)) / size, LEAST_PROBABILITY));
    return total / sum.length;
  },
});

/** Weighted sum of outputs. */
export const joinedOutputs = (outputs: readonly Float32Array[], weights: readonly number[]): Float32Array => {
  const sum = new Float64Array(outputs[0]?.length ?? 0);
  outputs.forEach((output, at) => {
    const weight = weights[at] ?? 0;
    if (weight > 0) for (let i = 0; i < sum.length; i++) sum[i] = (sum[i] ?? 0) + weight * (output[i] ?? 0);
  });
  return Float32Array.from(sum);
};

/** Answers for rows out of several folds: the mean where more than one fold judged a row. */
export class OutOfFold {
  private readonly sum: Float64Array;
  private readonly count: Uint16Array;
  private readonly width: number;

  constructor(
    private readonly target: SupervisedTarget,
    tableRows: number,
  ) {
    this.width = outputWidth(target);
    this.sum = new Float64Array(tableRows * this.width);
    this.count = new Uint16Array(tableRows);
  }

  add(rows: Int32Array, outputs: Float32Array): void {
    const { width, sum, count } = this;
    rows.forEach((row, i) => {
      count[row] = (count[row] ?? 0) + 1;
      for (let j = 0; j < width; j++)
        sum[row * width + j] = (sum[row * width + j] ?? 0) + (outputs[i * width + j] ?? 0);
    });
  }

  has(row: number): boolean {
    return (this.count[row] ?? 0) > 0;
  }

  of(rows: Int32Array): Float32Array {
    const { width, sum, count } = this;
    const outputs = new Float32Array(rows.length * width);
    rows.forEach((row, i) => {
      for (let j = 0; j < width; j++)
        outputs[i * width + j] = (sum[row * width + j] ?? 0) / (count[row] ?? 0);
    });
    return outputs;
  }

  /** Mean loss and its standard error over `rows`. */
  loss(rows: Int32Array): { readonly loss: number; readonly error: number } {
    return meanOf(rowLosses(this.of(rows), this.target, rows));
  }
}
