/** What a family trains on: rows of a table, and, for those that want a matrix, their prepared features. */
import type { Epoch, HoldoutRule } from '../../contracts';
import type { Column, Table } from '../data/table';
import type { Engine } from '../engine/engine';
import type { FeatureMatrix } from '../prepare/matrix';
import type { Encoding } from '../prepare/encoding';
import type { Preparation } from '../prepare/preparation';
import type { ForecastTarget, SupervisedTarget, Target } from '../prepare/target';

export interface Examples {
  readonly features: FeatureMatrix;
  /** Regression: standardised target, one a row; classification: class index a row, -1 = a class unknown to the model; empty without a target. */
  readonly targets: Float32Array;
}

/** Rows as features of one encoding, fitted on the training rows. */
export interface Prepared<T extends Target = SupervisedTarget> {
  readonly preparation: Preparation;
  readonly target: T;
  readonly training: Examples;
  readonly validation: Examples;
}

/** One split of a table; row numbers are those of the table. */
export interface TrainingData<T extends Target = Target> {
  readonly table: Table;
  /** What may be learned from: every column but the target and those left out, in the table's order. */
  readonly columns: readonly Column[];
  readonly target: T;
  readonly holdout: HoldoutRule;
  readonly training: Int32Array;
  /** Never learned from; empty where nothing is left to judge by. */
  readonly validation: Int32Array;
  /** Made once for each encoding. */
  prepared(encoding: Encoding): Promise<Prepared<T>>;
  /** Features of any rows. */
  matrix(preparation: Preparation, rows: Int32Array): Promise<FeatureMatrix>;
  /** Other rows of the same table, for folds and for learning from the validation rows in the end. */
  split(training: Int32Array, validation: Int32Array): TrainingData<T>;
  /** The same rows and split of a table with other columns. */
  of(table: Table, columns: readonly Column[]): TrainingData<T>;
}

export const isSupervised = (data: TrainingData): data is TrainingData<SupervisedTarget> =>
  data.target.task === 'regression' || data.target.task === 'classification';

export const isForecast = (data: TrainingData): data is TrainingData<ForecastTarget> =>
  data.target.task === 'forecast';

/** Where a training goes on after its process was killed. */
export interface Checkpoints {
  /** What was saved last by an earlier attempt of the same task; null at the first. */
  readonly latest: Uint8Array | null;
  /** Called between chunks, as often as one likes: `state` is asked for only when it is time to save. */
  offer(state: () => Uint8Array): void;
}

export interface TrainingContext {
  readonly seed: number;
  readonly engine: Engine;
  readonly signal: AbortSignal;
  /** `fraction`: 0 to 1 over this training; `epochs`: those finished since the last call. */
  readonly progress: (fraction: number, epochs: readonly Epoch[], message?: string) => void;
  readonly checkpoints?: Checkpoints;
  /** Asked between epochs, trees or the like: true once it is time to end and hand back the best so far. */
  readonly enough?: () => boolean;
  /** Milliseconds until all must be over, the making of the file included; left out: no end is set. */
  readonly leftMs?: () => number;
}

/** Target values of table rows as a network learns them. */
export const targetsOf = (target: Target, rows: Int32Array): Float32Array => {
  switch (target.task) {
    case 'regression':
      return Float32Array.from(rows, (row) => ((target.values[row] ?? NaN) - target.mean) / target.deviation);
    case 'classification':
      return Float32Array.from(rows, (row) => target.codes[row] ?? -1);
    case 'forecast':
    case 'anomaly':
    case 'clustering':
    case 'synthesis':
      return new Float32Array(0);
  }
};
