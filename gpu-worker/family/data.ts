/** What a family trains on: prepared features and targets of the training and validation rows. */
import type { Epoch } from '../../contracts';
import type { Engine } from '../engine/onnxruntime';
import type { FeatureMatrix } from '../prepare/matrix';
import type { Preparation } from '../prepare/preparation';
import type { Target } from '../prepare/target';

export interface Examples {
  readonly features: FeatureMatrix;
  /** Regression: standardised target, one a row; classification: class index a row. */
  readonly targets: Float32Array;
}

export interface TrainingData {
  readonly preparation: Preparation;
  readonly target: Target;
  readonly training: Examples;
  readonly validation: Examples;
}

export interface TrainingContext {
  readonly seed: number;
  readonly engine: Engine;
  readonly signal: AbortSignal;
  /** `fraction`: 0 to 1 over this training; `epochs`: those finished since the last call. */
  readonly progress: (fraction: number, epochs: readonly Epoch[], message?: string) => void;
}

/** Target values of table rows as a network learns them. */
export const targetsOf = (target: Target, rows: Int32Array): Float32Array =>
  target.task === 'regression'
    ? Float32Array.from(rows, (row) => ((target.values[row] ?? NaN) - target.mean) / target.deviation)
    : Float32Array.from(rows, (row) => target.codes[row] ?? -1);
