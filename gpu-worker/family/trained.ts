/** What every family hands back: a predictor as a graph on prepared features. */
import type { Epoch, LinearSpec, Metrics, MlpSpec } from '../../contracts';
import type { Value } from '../../onnx';
import type { Preparation } from '../prepare/preparation';

/** A spec that says what to train, not that it should be searched for. */
export type ConcreteSpec = LinearSpec | MlpSpec;

export interface Trained {
  readonly spec: ConcreteSpec;
  readonly preparation: Preparation;
  /**
   * [rows, width] float32 features -> [rows, 1] standardised target for a regression, [rows, classes] probabilities
   * for a classification. Weights are constants.
   */
  readonly output: (features: Value) => Value;
  readonly history: readonly Epoch[];
  /** Set when the validation rows were learned from in the end: how the model did on them before that. */
  readonly validationMetrics?: Metrics;
}
