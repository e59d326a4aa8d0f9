/** One epoch's figures from what the network put out: no extra nodes in the training graph. */
import type { Epoch } from '../../../contracts';
import type { SupervisedTarget } from '../../prepare/target';

export interface Scores {
  /** Mean loss that was minimised: squared error of the standardised target, or weighted cross-entropy. */
  readonly loss: number;
  readonly mae?: number;
  readonly mse?: number;
  readonly accuracy?: number;
}

/** Running sums over rows of one epoch. */
export class ScoreSum {
  private rows = 0;
  private loss = 0;
  private absolute = 0;
  private right = 0;

  constructor(
    private readonly target: SupervisedTarget,
    private readonly classWeights: Float32Array,
  ) {}

  /**
   * `outputs`: regression predictions or class logits of the examples `index`, row-major and in that order;
   * `targets`: as in `Examples`.
   */
  add(outputs: Float32Array, targets: Float32Array, index: Int32Array): void {
    if (this.target.task === 'regression') this.addRegression(outputs, targets, index);
    else this.addClassification(outputs, targets, index, this.target.classes.length);
    this.rows += index.length;
  }

  private addRegression(outputs: Float32Array, targets: Float32Array, index: Int32Array): void {
    for (let row = 0; row < index.length; row++) {
      const error = (outputs[row] ?? NaN) - (targets[index[row] ?? 0] ?? NaN);
      this.loss += error * error;
      this.absolute += Math.abs(error);
    }
  }

  private addClassification(
    logits: Float32Array,
    targets: Float32Array,
    index: Int32Array,
    classes: number,
  ): void {
    for (let row = 0; row < index.length; row++) {
      const from = row * classes;
      let best = 0;
      for (let i = 1; i < classes; i++) if ((logits[from + i] ?? 0) > (logits[from + best] ?? 0)) best = i;
      const greatest = logits[from + best] ?? NaN;
      let sum = 0;
      for (let i = 0; i < classes; i++) sum += Math.exp((logits[from + i] ?? NaN) - greatest);
      const truth = targets[index[row] ?? 0] ?? -1;
      this.loss +=
        (this.classWeights[truth] ?? 1) * (greatest + Math.log(sum) - (logits[from + truth] ?? NaN));
      if (best === truth) this.right++;
    }
  }

  /** `penalty` is added to the loss, as it is in what was minimised. Undefined when no row was added. */
  scores(penalty: number): Scores | undefined {
    if (this.rows === 0) return undefined;
    const loss = this.loss / this.rows + penalty;
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

export const epochOf = (
  epoch: number,
  training: Scores | undefined,
  validation: Scores | undefined,
): Epoch => ({
  epoch,
  loss: training?.loss ?? NaN,
  valLoss: validation?.loss ?? null,
  ...(training?.accuracy === undefined
    ? {
        mae: training?.mae ?? null,
        mse: training?.mse ?? null,
        valMae: validation?.mae ?? null,
        valMse: validation?.mse ?? null,
      }
    : { accuracy: training.accuracy, valAccuracy: validation?.accuracy ?? null }),
});
