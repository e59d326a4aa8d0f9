/** The predictions of a model in the terms of its user. */
import type { Target } from '../prepare/target';

export interface Predicted {
  readonly rows: number;
  /** Regression: [rows] in target units; classification: row-major probabilities [rows, classes]. */
  readonly values: Float32Array;
}

/** From what a model puts out to the user's terms: a regression in target units, anything else as it is. */
export const predictedOf = (outputs: Float32Array, target: Target, rows: number): Predicted => ({
  rows,
  values:
    target.task === 'regression' ? outputs.map((value) => value * target.deviation + target.mean) : outputs,
});
