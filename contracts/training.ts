/** What to train and what came out of it. */
import { z } from 'zod';
import { Sha256 } from './ids';
import { ColumnSpec, LearningTask } from './column';
import { Calibration, Conformal } from './evaluation';
import { ModelSpec } from './spec';

export const DEVICES = ['cpu', 'webgpu', 'cuda'] as const;
export const Device = z.enum(DEVICES);
export type Device = z.infer<typeof Device>;

/** One epoch of the history; `mae` and `mse` in target units for a regression, `accuracy` for a classification. */
export const Epoch = z.object({
  epoch: z.number().int(),
  loss: z.number(),
  valLoss: z.number().nullable(),
  mae: z.number().nullable().optional(),
  mse: z.number().nullable().optional(),
  valMae: z.number().nullable().optional(),
  valMse: z.number().nullable().optional(),
  accuracy: z.number().nullable().optional(),
  valAccuracy: z.number().nullable().optional(),
});
export type Epoch = z.infer<typeof Epoch>;

/** Metrics under their usual names. Regression: rmse, mae, r2; classification: accuracy, logLoss, auc (binary), f1Macro. */
export const Metrics = z.record(z.string(), z.number().nullable());
export type Metrics = z.infer<typeof Metrics>;
export const MetricsBySplit = z.object({
  train: Metrics,
  validation: Metrics,
  test: Metrics,
  baseline: Metrics,
});
export type MetricsBySplit = z.infer<typeof MetricsBySplit>;

/** What a served model takes and gives; the file's own input and output names. */
export const ModelSignature = z.object({
  v: z.literal(1),
  task: LearningTask,
  target: z.string(),
  /** Raw-cell parsing of each feature column, in the order of the graph's inputs. Input name = column name. */
  inputs: z.array(
    z.object({
      spec: ColumnSpec,
      /** Closed vocabulary of a category column; null when unseen values have a bucket of their own. */
      known: z.array(z.string()).nullable(),
    }),
  ),
  /** Class labels in the order of the `probabilities` output; empty for a regression. */
  classes: z.array(z.string()),
  /**
   * Graph outputs: `prediction` (float or string) [n]; classification also `probabilities` float [n, classes] and `set`
   * bool [n, classes], the labels that hold the truth with the probability `conformal.level` of the manifest; regression
   * `low` and `high` float [n], the interval that does.
   */
  outputs: z.array(z.enum(['prediction', 'probabilities', 'low', 'high', 'set'])),
});
export type ModelSignature = z.infer<typeof ModelSignature>;

export const Comparison = z.object({
  metric: z.string(),
  rows: z.number().int(),
  champion: z.number(),
  challenger: z.number(),
  /** challenger - champion of `metric` on the same held-out rows, with a 95 % paired bootstrap interval. */
  difference: z.number(),
  low: z.number(),
  high: z.number(),
  better: z.enum(['challenger', 'champion', 'undecided']),
});
export type Comparison = z.infer<typeof Comparison>;

export const StoredFile = z.object({ key: z.string(), sha256: Sha256, sizeBytes: z.number().int() });
export type StoredFile = z.infer<typeof StoredFile>;

/** The manifest of a model version; its sha-256 (of canonical JSON) is the version's identity. */
export const ModelManifest = z.object({
  v: z.literal(1),
  onnx: StoredFile,
  golden: StoredFile,
  signature: ModelSignature,
  spec: ModelSpec,
  /** The spec that won, when `spec` was `auto`. */
  chosen: ModelSpec,
  seed: z.number().int(),
  engine: z.object({ name: z.string(), device: Device, version: z.string() }),
  codeVersion: z.string(),
  data: z.object({
    sha256: Sha256,
    trainRows: z.number().int(),
    validationRows: z.number().int(),
    testRows: z.number().int(),
  }),
  metrics: MetricsBySplit,
  history: z.array(Epoch),
  /** Largest difference between trainer and exported file on held-out rows, relative; and the tolerance it met. */
  verified: z.object({ rows: z.number().int(), maxRelativeError: z.number(), tolerance: z.number() }),
  comparison: Comparison.nullable(),
  trainingMs: z.number(),
  /** The evaluation report (`EvaluationReport` as JSON) and the model card made from it (Markdown). */
  evaluation: StoredFile.optional(),
  card: StoredFile.optional(),
  /** What was done to the model's answers within the file. */
  calibration: Calibration.optional(),
  /** `[truth][decided]`: the labels are those that cost least; left out where the most probable one is taken. */
  costs: z.array(z.array(z.number())).optional(),
  conformal: Conformal.optional(),
});
export type ModelManifest = z.infer<typeof ModelManifest>;

/** Golden rows: raw values by column and the answer that the file must give again before a deployment is ready. */
export const GoldenRows = z.object({
  v: z.literal(1),
  rows: z.array(z.record(z.string(), z.union([z.string(), z.number(), z.null()]))),
  predictions: z.array(z.union([z.number(), z.string()])),
  probabilities: z.array(z.array(z.number())).nullable(),
  /** What turned out to be true for each row (they are held-out rows), for examples to show beside the answer. */
  actuals: z.array(z.union([z.string(), z.number()])).optional(),
});
export type GoldenRows = z.infer<typeof GoldenRows>;
