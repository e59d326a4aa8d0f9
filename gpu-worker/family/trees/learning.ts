/** What a forest learns from, and how. */

export interface Feature {
  /** A category holds whole codes from 0; NaN is missing in both. */
  readonly kind: 'number' | 'category';
  /** Value of row i: `values[offset + i * stride]`. Numbers count as float32, as the exported graph sees them. */
  readonly values: Float32Array | Float64Array;
  readonly offset: number;
  readonly stride: number;
}

export interface Examples {
  readonly rows: number;
  readonly features: readonly Feature[];
  /** One a row: a number, or the index of a class. */
  readonly targets: Float32Array | Float64Array;
  /** One a row, not negative; every row counts 1 without. */
  readonly weights?: Float32Array | Float64Array;
}

export type Objective =
  | { readonly kind: 'squared' }
  | { readonly kind: 'absolute' }
  /** Counts and other amounts above 0; the score is the logarithm of the mean. */
  | { readonly kind: 'poisson' }
  | { readonly kind: 'quantile'; readonly level: number }
  /** Two classes; the score is the log-odds of class 1. */
  | { readonly kind: 'logistic' }
  | { readonly kind: 'softmax'; readonly classes: number };

export type RowSampling =
  | { readonly kind: 'all' }
  | { readonly kind: 'bagging'; readonly fraction: number }
  /** Gradient-based one-side sampling (Ke et al. 2017): all of the largest gradients and some of the others. */
  | { readonly kind: 'goss'; readonly top: number; readonly other: number };

export interface ForestOptions {
  readonly objective: Objective;
  readonly rounds: number;
  readonly leaves: number;
  /** 0: no limit. */
  readonly depth: number;
  readonly learningRate: number;
  readonly l1: number;
  readonly l2: number;
  readonly leastHessian: number;
  readonly leastRows: number;
  readonly leastGain: number;
  readonly bins: number;
  readonly rowSampling: RowSampling;
  /** Share of the features that a tree may use. */
  readonly columnFraction: number;
  /** One a feature: 1 for rising, -1 for falling, 0 for free; categories are free. */
  readonly monotone: readonly number[];
  /** Added to the denominators of categories when they are sorted, and to l2 when their splits are judged. */
  readonly categorySmoothing: number;
  readonly categoryL2: number;
  /** Rounds without a better validation loss before it stops; 0: never. */
  readonly patience: number;
  readonly seed: number;
}

export const DEFAULT_OPTIONS: Omit<ForestOptions, 'objective'> = {
  rounds: 100,
  leaves: 31,
  depth: 0,
  learningRate: 0.1,
  l1: 0,
  l2: 1,
  leastHessian: 1e-3,
  leastRows: 20,
  leastGain: 0,
  bins: 255,
  rowSampling: { kind: 'all' },
  columnFraction: 1,
  monotone: [],
  categorySmoothing: 10,
  categoryL2: 10,
  patience: 0,
  seed: 0,
};
