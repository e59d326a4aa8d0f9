/** How good a model version is, and what was done to its answers before they were sealed. docs/evaluation.md explains. */
import { z } from 'zod';

/** What turns a classifier's probabilities into frequencies that come true. */
export const Calibration = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('none') }),
  /** softmax(log(p) / temperature) */
  z.object({ kind: z.literal('temperature'), temperature: z.number().positive() }),
  /**
   * A rising piecewise-linear curve through the points (from, to) for every class, and the results normalised; with two
   * classes one curve, for the second.
   */
  z.object({
    kind: z.literal('isotonic'),
    curves: z.array(z.object({ from: z.array(z.number()).min(2), to: z.array(z.number()).min(2) })),
  }),
]);
export type Calibration = z.infer<typeof Calibration>;

/**
 * What a wrong answer costs, in any unit: of two classes (the second, in the order of the signature, is the positive
 * one), or as a matrix `[truth][decided]` over all classes.
 */
export const ErrorCosts = z.union([
  z.strictObject({ falsePositive: z.number().positive(), falseNegative: z.number().positive() }),
  z.strictObject({ matrix: z.array(z.array(z.number())).min(2) }),
]);
export type ErrorCosts = z.infer<typeof ErrorCosts>;

/** Split conformal prediction: what is added around an answer so that the truth is inside with probability `level`. */
export const Conformal = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('interval'),
    /** prediction ± radius */
    method: z.literal('absolute'),
    level: z.number(),
    radius: z.number(),
    /** Calibration rows that it was fitted on. */
    rows: z.number().int(),
  }),
  z.object({
    kind: z.literal('set'),
    /** Every class with a probability of `threshold` or more, and always the most probable one. */
    method: z.literal('least-ambiguous'),
    level: z.number(),
    threshold: z.number(),
    rows: z.number().int(),
  }),
]);
export type Conformal = z.infer<typeof Conformal>;

/** A figure with its 95 % interval; the ends are null where too few draws of the rows define it. */
export const Estimate = z.object({
  value: z.number(),
  low: z.number().nullable(),
  high: z.number().nullable(),
});
export type Estimate = z.infer<typeof Estimate>;

/** A share of rows with its 95 % Wilson interval. */
export const Share = z.object({
  rows: z.number().int(),
  share: z.number(),
  low: z.number(),
  high: z.number(),
});
export type Share = z.infer<typeof Share>;

export const LearningCurve = z.object({
  /** What `at` counts: passes over the rows, trees, or trials of a search. */
  unit: z.enum(['epoch', 'tree', 'trial']),
  /**
   * At most 200 of them, the first, the last and the best among them: loss on training and on validation rows. Of a trial:
   * its candidate's on the validation rows of its folds, and the least of any candidate so far.
   */
  points: z.array(z.object({ at: z.number(), loss: z.number(), valLoss: z.number().nullable() })),
  best: z.number().nullable(),
});
export type LearningCurve = z.infer<typeof LearningCurve>;

/** How often what was said with a probability came true. */
export const Reliability = z.object({
  /** Two classes: the probability of the second; more: that of the most probable one. */
  of: z.enum(['positive', 'top']),
  bins: z.array(z.object({ predicted: z.number(), observed: Share })),
  /** Mean and largest distance of the two, weighted by rows. */
  expectedError: z.number(),
  maximumError: z.number(),
  brier: z.number(),
});
export type Reliability = z.infer<typeof Reliability>;

export const Confusion = z.object({
  /** `[truth][decided]` by class index, where there are at most 50 classes. */
  counts: z.array(z.array(z.number().int())).nullable(),
  /** The most frequent mistakes. */
  worst: z.array(z.object({ truth: z.string(), decided: z.string(), rows: z.number().int() })),
});
export type Confusion = z.infer<typeof Confusion>;

export const Residuals = z.object({
  /** predicted - actual at 0, 0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99 and 1. */
  quantiles: z.array(z.number()),
  histogram: z.object({ low: z.number(), high: z.number(), counts: z.array(z.number().int()) }),
  /** Groups of equal size by prediction. */
  byPrediction: z.array(
    z.object({
      rows: z.number().int(),
      predicted: z.number(),
      mean: z.number(),
      q10: z.number(),
      q90: z.number(),
    }),
  ),
});
export type Residuals = z.infer<typeof Residuals>;

export const Slice = z.object({
  where: z.array(z.object({ column: z.string(), is: z.string() })).min(1),
  rows: z.number().int(),
  error: z.number(),
  /** One-sided bound that holds for all slices that were looked at together (Bonferroni, 5 %). */
  atLeast: z.number(),
});
export type Slice = z.infer<typeof Slice>;
export const Slices = z.object({
  /** Mean absolute error, or the share of wrong labels. */
  metric: z.enum(['mae', 'errorRate']),
  overall: z.number(),
  tested: z.number().int(),
  fewestRows: z.number().int(),
  /** Those that are surely worse than the whole, worst first. */
  worst: z.array(Slice),
});
export type Slices = z.infer<typeof Slices>;

export const Importance = z.object({
  metric: z.enum(['rmse', 'logLoss', 'score']),
  rows: z.number().int(),
  repeats: z.number().int(),
  /** By how much `metric` grows when the column is shuffled; mean and standard deviation of the repeats. */
  columns: z.array(z.object({ column: z.string(), increase: z.number(), standardDeviation: z.number() })),
});
export type Importance = z.infer<typeof Importance>;

export const Shapley = z.object({
  method: z.enum(['exact', 'sampled']),
  /**
   * What base, output and values are: the target, the probability of the row's label, or what a model of trees adds up to
   * before its probabilities are made and calibrated: the label's log-odds (two classes), its score (more; softmax of all
   * scores), or the logarithm of the answer (poisson). Reports from before this field hold targets or probabilities.
   */
  unit: z.enum(['target', 'probability', 'log-odds', 'score', 'log']).optional(),
  /** Rows that stand for «not known»: their mean answer is the base value. */
  backgroundRows: z.number().int(),
  /** Columns that share one value because there are too many to tell apart. */
  together: z.array(z.string()),
  /** Mean of |value| over the explained rows, greatest first. */
  summary: z.array(z.object({ column: z.string(), meanAbsolute: z.number() })),
  rows: z.array(
    z.object({
      /** Place among the held-out rows. */
      row: z.number().int(),
      /** Class that is explained, the most probable one; null where the answer is a number. */
      label: z.string().nullable(),
      base: z.number(),
      output: z.number(),
      /** What turned out to be true; null where it is not known. */
      actual: z.union([z.number(), z.string()]).nullable(),
      /** One a column of `summary`, in that order; they and `base` sum to `output`. */
      values: z.array(z.number()),
      /** The row's own cells in these columns; null where missing, and for columns that share a value. */
      cells: z.array(z.union([z.number(), z.string()]).nullable()),
    }),
  ),
});
export type Shapley = z.infer<typeof Shapley>;

export const PartialDependence = z.object({
  column: z.string(),
  /** Classes whose mean probability is given; empty where the answer is a number. */
  labels: z.array(z.string()),
  points: z.array(
    z.object({
      at: z.union([z.number(), z.string()]),
      /** Mean answer, one a label (or one). */
      mean: z.array(z.number()),
      /** Of the rows' own answers to the first label: 10 % lie below `q10`, 10 % above `q90`. */
      q10: z.number(),
      q90: z.number(),
    }),
  ),
});
export type PartialDependence = z.infer<typeof PartialDependence>;

export const FairnessGroup = z.object({
  group: z.string(),
  rows: z.number().int(),
  /** Too small to count in the gaps. */
  small: z.boolean(),
  /** Classification, about the label of the table. */
  selectionRate: Share.nullable(),
  truePositiveRate: Share.nullable(),
  falsePositiveRate: Share.nullable(),
  accuracy: Share.nullable(),
  /** Regression: mean of predicted - actual, and mean absolute error. */
  meanError: z.number().nullable(),
  meanAbsoluteError: z.number().nullable(),
});
export type FairnessGroup = z.infer<typeof FairnessGroup>;
export const Fairness = z.object({
  column: z.string(),
  /** The class whose granting is compared; of more than two the one with the greatest gap. Null for a regression. */
  label: z.string().nullable(),
  groups: z.array(FairnessGroup),
  demographicParityDifference: z.number().nullable(),
  disparateImpactRatio: z.number().nullable(),
  equalOpportunityDifference: z.number().nullable(),
  equalizedOddsDifference: z.number().nullable(),
  accuracyGap: z.number().nullable(),
  meanErrorGap: z.number().nullable(),
  meanAbsoluteErrorGap: z.number().nullable(),
});
export type Fairness = z.infer<typeof Fairness>;

/**
 * Quantiles of a forecast: those of the errors at each step ahead on windows that were not learned from, moved outwards for
 * their number, so that a share `level` of the truths lies at or below each.
 */
export const QuantileFit = z.object({
  kind: z.literal('quantiles'),
  method: z.literal('error-quantiles'),
  /** Windows that they were fitted on. */
  rows: z.number().int(),
});
export type QuantileFit = z.infer<typeof QuantileFit>;

/**
 * The anomaly share of a row: which part of the rows that were not learned from has a lower score, so that ordinary rows
 * have a share of `level` or more in 1 - `level` of the cases.
 */
export const AnomalyFit = z.object({
  kind: z.literal('anomaly-share'),
  method: z.literal('score-quantiles'),
  /** Validation rows that it was fitted on. */
  rows: z.number().int(),
});
export type AnomalyFit = z.infer<typeof AnomalyFit>;

/**
 * How often the truth was inside on held-out rows; of a quantile: at or below it; of an anomaly share: how many ordinary
 * rows have less than the level, so that the rest are false alarms (all rows, where it is not known which are ordinary).
 */
export const Coverage = z.object({
  level: z.number(),
  /** Of a forecast: the interval is that of as many rows as there are blocks of windows that do not overlap. */
  inside: Share,
  /**
   * Mean width of an interval, mean number of classes in a set, how far a quantile lies above the forecast on average, or the
   * share of all rows that have the level or more.
   */
  size: z.number(),
});
export type Coverage = z.infer<typeof Coverage>;

export const EvaluationReport = z.object({
  v: z.literal(1),
  task: z.string(),
  target: z.string().nullable(),
  classes: z.array(z.string()),
  /** Which rows the figures are about: the held-out ones, or the validation rows where none are held out. */
  rows: z.object({ of: z.enum(['test', 'validation']), count: z.number().int() }),
  metrics: z.record(z.string(), Estimate),
  gap: z
    .object({
      metric: z.string(),
      train: z.number().nullable(),
      validation: z.number().nullable(),
      test: z.number().nullable(),
    })
    .nullable(),
  learningCurve: LearningCurve.nullable(),
  calibration: z
    .object({
      chosen: Calibration,
      /** Cross-validated log loss by method. */
      logLoss: z.record(z.string(), z.number()),
      reliability: Reliability,
    })
    .nullable(),
  decision: z
    .object({
      /** `[truth][decided]` */
      costs: z.array(z.array(z.number())),
      threshold: z.number().nullable(),
      /** Mean cost a row as decided, and of the most probable label. */
      meanCost: z.number().nullable(),
      meanCostOfMostProbable: z.number().nullable(),
    })
    .nullable(),
  confusion: Confusion.nullable(),
  residuals: Residuals.nullable(),
  conformal: z
    .object({ fit: z.union([Conformal, QuantileFit, AnomalyFit]), coverage: z.array(Coverage) })
    .nullable(),
  slices: Slices.nullable(),
  importance: Importance.nullable(),
  shapley: Shapley.nullable(),
  partialDependence: z.array(PartialDependence),
  fairness: z.array(Fairness),
  /** Why the figures may flatter: how the held-out rows hang together with those that were learned from. */
  warnings: z.array(z.string()).optional(),
  /** What is not in the report, and why. */
  leftOut: z.array(z.object({ section: z.string(), why: z.string() })),
});
export type EvaluationReport = z.infer<typeof EvaluationReport>;
