/** From scores to what `Trained` gives: the standardised target, or probabilities; as nodes and as numbers. */
import { op, scalar } from '../../../onnx';
import type { Value } from '../../../onnx';
import type { Shapley, TreesSpec } from '../../../contracts';
import type { SupervisedTarget } from '../../prepare/target';

export interface Link {
  /** [rows, outputs] scores -> [rows, width]. */
  readonly nodes: (scores: Value) => Value;
  readonly numbers: (scores: Float64Array) => Float32Array;
  /** The unit in which trees add up, and the line from a score to it, of the class `label`. */
  readonly unit: NonNullable<Shapley['unit']>;
  readonly additive: (label: number) => Additive;
}

export interface Additive {
  /** Of the forest. */
  readonly output: number;
  /** score x scale + shift */
  readonly scale: number;
  readonly shift: number;
}

const THE_SCORE: Additive = { output: 0, scale: 1, shift: 0 };

export const linkOf = (spec: TreesSpec, target: SupervisedTarget): Link => {
  if (target.task === 'classification')
    return target.classes.length === 2 ? twoClasses : softmax(target.classes.length);
  const { mean, deviation } = target;
  if (spec.objective !== 'poisson')
    return {
      nodes: (scores) => scores,
      numbers: (scores) => Float32Array.from(scores),
      unit: 'target',
      additive: () => ({ output: 0, scale: deviation, shift: mean }),
    };
  return {
    nodes: (scores) => op.Div(op.Sub(op.Exp(scores), mean), deviation),
    numbers: (scores) => Float32Array.from(scores, (score) => (Math.exp(score) - mean) / deviation),
    unit: 'log',
    additive: () => THE_SCORE,
  };
};

/** The score is the log-odds of the second class. */
const twoClasses: Link = {
  nodes: (scores) => {
    const second = op.Sigmoid(scores);
    return op.Concat([op.Sub(scalar(1), second), second], 1);
  },
  numbers: (scores) => {
    const probabilities = new Float32Array(2 * scores.length);
    scores.forEach((score, row) => {
      const second = 1 / (1 + Math.exp(-score));
      probabilities[2 * row] = 1 - second;
      probabilities[2 * row + 1] = second;
    });
    return probabilities;
  },
  unit: 'log-odds',
  additive: (label) => (label === 1 ? THE_SCORE : { ...THE_SCORE, scale: -1 }),
};

const softmax = (classes: number): Link => ({
  nodes: (scores) => op.Softmax(scores, 1),
  numbers: (scores) => {
    const probabilities = new Float32Array(scores.length);
    for (let from = 0; from < scores.length; from += classes) {
      const row = scores.subarray(from, from + classes);
      const largest = row.reduce((most, score) => Math.max(most, score), -Infinity);
      const sum = row.reduce((all, score) => all + Math.exp(score - largest), 0);
      row.forEach((score, at) => (probabilities[from + at] = Math.exp(score - largest) / sum));
    }
    return probabilities;
  },
  unit: 'score',
  additive: (label) => ({ ...THE_SCORE, output: label }),
});
