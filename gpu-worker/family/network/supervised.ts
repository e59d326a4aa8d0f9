/** What a network learns from one target column, and the figures of its history. */
import type { SupervisedTarget } from '../../prepare/target';
import { meanSquaredError, softmaxCrossEntropy } from '../../../onnx';
import type { Column, Value } from '../../../onnx';
import type { Scores, Tally } from './network';

/** Numbers that a network puts out for a target: the standardised value, or one logit a class. */
export const outputsOf = (target: SupervisedTarget): number =>
  target.task === 'classification' ? target.classes.length : 1;

/** The column `y`: the standardised target, or the one-hot class times the weight of the class. */
export const targetColumn = (target: SupervisedTarget): Column => ({
  dtype: 'float32',
  dims: [outputsOf(target)],
});

/** [rows, outputs] against the column `y`. */
export const supervisedLoss = (target: SupervisedTarget, outputs: Value, y: Value): Value =>
  target.task === 'classification' ? softmaxCrossEntropy(outputs, y) : meanSquaredError(outputs, y);

/** The data of `targetColumn`; `targets` as in `Examples`. A row of an unknown class is all zeros: it has no part in the loss. */
export const targetData = (
  target: SupervisedTarget,
  targets: Float32Array,
  classWeights: Float32Array,
): Float32Array => {
  if (target.task === 'regression') return targets;
  const classes = target.classes.length;
  const hot = new Float32Array(targets.length * classes);
  for (let row = 0; row < targets.length; row++) {
    const label = targets[row];
    if (label >= 0) hot[row * classes + label] = classWeights[label] ?? 1;
  }
  return hot;
};

/** Running sums over rows of one epoch. As in every report, a row of an unknown class is wrong and has no part in the loss. */
export class SupervisedTally implements Tally {
  private rows = 0;
  /** Rows that have a part in the loss. */
  private judged = 0;
  private loss = 0;
  private absolute = 0;
  private right = 0;

  constructor(
    private readonly target: SupervisedTarget,
    /** Of all examples, as in `Examples`. */
    private readonly targets: Float32Array,
    private readonly classWeights: Float32Array,
  ) {}

  /** `outputs`: regression predictions or class logits. */
  add(outputs: Float32Array, examples: Int32Array): void {
    if (this.target.task === 'regression') this.addRegression(outputs, examples);
    else this.addClassification(outputs, examples, this.target.classes.length);
    this.rows += examples.length;
  }

  private addRegression(outputs: Float32Array, index: Int32Array): void {
    const { targets } = this;
    for (let row = 0; row < index.length; row++) {
      const error = outputs[row] - targets[index[row]];
      this.loss += error * error;
      this.absolute += Math.abs(error);
    }
    this.judged += index.length;
  }

  private addClassification(logits: Float32Array, index: Int32Array, classes: number): void {
    const { targets } = this;
    for (let row = 0; row < index.length; row++) {
      const truth = targets[index[row]];
      if (truth < 0) continue;
      const from = row * classes;
      let best = 0;
      for (let i = 1; i < classes; i++) if (logits[from + i] > logits[from + best]) best = i;
      const greatest = logits[from + best];
      let sum = 0;
      for (let i = 0; i < classes; i++) sum += Math.exp(logits[from + i] - greatest);
      this.loss += (this.classWeights[truth] ?? 1) * (greatest + Math.log(sum) - logits[from + truth]);
      this.judged++;
      if (best === truth) this.right++;
    }
  }

  scores(penalty: number): Scores | undefined {
    if (this.judged === 0) return undefined;
    const loss = this.loss / this.judged + penalty;
    if (this.target.task === 'classification') return { loss, accuracy: this.right / this.rows };
    const { deviation } = this.target;
    return {
      loss,
      mae: (this.absolute / this.rows) * deviation,
      mse: (this.loss / this.rows) * deviation ** 2,
    };
  }
}

/** Weight of each class in the loss: 1, or inverse to its frequency with a mean of 1 over the rows. */
export const classWeightsOf = (target: SupervisedTarget, kind: 'none' | 'balanced'): Float32Array => {
  if (target.task === 'regression') return new Float32Array(0);
  const rows = target.counts.reduce((sum, count) => sum + count, 0);
  return Float32Array.from(target.counts, (count) =>
    kind === 'none' ? 1 : rows / (target.classes.length * Math.max(count, 1)),
  );
};
