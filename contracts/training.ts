/** What to train and what came out of it. */
import { z } from 'zod';
import { Sha256 } from './ids';
import { ColumnSpec, LearningTask } from './column';
import { Calibration, Conformal } from './evaluation';
import { ModelSpec } from './spec';

export const DEVICES = ['cpu', 'webgpu', 'cuda'] as const;
export const Device = z.enum(DEVICES);
export type Device = z.infer<typeof Device>;

/** What computes a training: the runtime that serves, or TensorFlow where an operator has installed it. */
export const ENGINES = ['onnxruntime', 'tensorflow'] as const;
export const EngineName = z.enum(ENGINES);
export type EngineName = z.infer<typeof EngineName>;

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

/**
 * Metrics under their usual names. Regression: rmse, mae, r2; classification: accuracy, logLoss, auc (binary), f1Macro;
 * forecast: mae, rmse, mase, smape, wape, and quantileLoss and coverage of the quantiles.
 */
export const Metrics = z.record(z.string(), z.number().nullable());
export type Metrics = z.infer<typeof Metrics>;
export const MetricsBySplit = z.object({
  train: Metrics,
  validation: Metrics,
  test: Metrics,
  baseline: Metrics,
});
export type MetricsBySplit = z.infer<typeof MetricsBySplit>;

/** The distance of two cells of a regular series: so many microseconds, or so many calendar months. */
export const Step = z.discriminatedUnion('unit', [
  z.object({ unit: z.literal('micros'), count: z.number().int().positive() }),
  z.object({ unit: z.literal('month'), count: z.number().int().positive() }),
]);
export type Step = z.infer<typeof Step>;

/** How a forecast did: each figure beside that of the seasonal-naive forecast on the same windows. */
export const ForecastReport = z.object({
  step: Step,
  season: z.number().int(),
  lookback: z.number().int(),
  /** On the held-out windows (the validation windows where nothing is held out), one a step ahead. */
  byHorizon: z.array(
    z.object({
      step: z.number().int(),
      mae: z.number().nullable(),
      rmse: z.number().nullable(),
      naiveMae: z.number().nullable(),
      naiveRmse: z.number().nullable(),
    }),
  ),
  /**
   * Rolling origins: six rising, disjoint parts of the validation windows (fewer where there are fewer instants), all judged by
   * one model that learned from earlier rows.
   */
  backtests: z.array(
    z.object({
      fromMicros: z.number().int(),
      toMicros: z.number().int(),
      windows: z.number().int(),
      metrics: Metrics,
      naive: Metrics,
    }),
  ),
  /** What was found about the time column and done about it. */
  warnings: z.array(z.string()),
});
export type ForecastReport = z.infer<typeof ForecastReport>;

/** What a served model takes and gives; the file's own input and output names. */
export const ModelSignature = z.object({
  v: z.literal(1),
  task: LearningTask,
  /** Null where the data has none. */
  target: z.string().nullable(),
  /** Raw-cell parsing of each feature column, in the order of the graph's inputs. Input name = column name. */
  inputs: z.array(
    z.object({
      spec: ColumnSpec,
      /** Closed vocabulary of a category column; null when unseen values have a bucket of their own. */
      known: z.array(z.string()).nullable(),
      /**
       * Cells that the model reads of this column: the input is [n, window], oldest first, the row's own cell last. A raw
       * value is then an array of so many cells, null where one is not known; a shorter array lacks the oldest. Left out:
       * one cell, input [n].
       */
      window: z.number().int().min(1).optional(),
    }),
  ),
  /** How the cells of a window follow each other: by `order`, among the rows with the same `group` (null: among all). */
  window: z
    .object({
      order: z.string(),
      group: z.string().nullable(),
      /** Forecasts: what lies between two cells. */
      step: Step.optional(),
    })
    .optional(),
  /** Forecasts: steps ahead that are answered; the first is the one after the last cell of the window. */
  horizon: z.number().int().optional(),
  /** Forecasts: the columns that are forecast, in the order of the outputs. */
  targets: z.array(z.string()).optional(),
  /** Forecasts: levels of the output `quantiles`, rising. */
  levels: z.array(z.number()).optional(),
  /** Class labels in the order of the `probabilities` output; empty for a regression. */
  classes: z.array(z.string()),
  /** Synthesis: the columns of a made-up row; each is the output `row/<name>` [n], typed as an input is. */
  generated: z.array(ColumnSpec).optional(),
  /**
   * Graph outputs: `prediction` (float or string) [n]; classification also `probabilities` float [n, classes] and `set`
   * bool [n, classes], the labels that hold the truth with the probability `conformal.level` of the manifest; regression
   * `low` and `high` float [n], the interval that does. A forecast gives `prediction` float [n, horizon, targets] and
   * `quantiles` float [n, horizon, targets, levels].
   */
  outputs: z.array(z.enum(['prediction', 'probabilities', 'low', 'high', 'set', 'quantiles'])),
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
  /** Operators from outside the ONNX standard that the file needs, as `domain.name`; left out where it needs none. */
  operators: z.array(z.string()).optional(),
  /** The evaluation report (`EvaluationReport` as JSON) and the model card made from it (Markdown). */
  evaluation: StoredFile.optional(),
  card: StoredFile.optional(),
  /** What was done to the model's answers within the file. */
  calibration: Calibration.optional(),
  /** `[truth][decided]`: the labels are those that cost least; left out where the most probable one is taken. */
  costs: z.array(z.array(z.number())).optional(),
  conformal: Conformal.optional(),
  forecast: ForecastReport.optional(),
});
export type ModelManifest = z.infer<typeof ModelManifest>;

/** Numbers of one forecast, quantiles included: with its row it is one entry of the prediction log, which NATS bounds. */
export const MOST_FORECAST_NUMBERS = 25_000;

/** One row's forecast: `prediction[step][target]` and `quantiles[step][target][level]`, as the signature lists them. */
export const ForecastAnswer = z.object({
  prediction: z.array(z.array(z.number())),
  quantiles: z.array(z.array(z.array(z.number()))),
});
export type ForecastAnswer = z.infer<typeof ForecastAnswer>;

/** A cell as a partner sends it. */
export const RawCell = z.union([z.string(), z.number(), z.null()]);
export type RawCell = z.infer<typeof RawCell>;
/** A column that is read with a window has an array of cells, oldest first. */
export const RawValue = z.union([RawCell, z.array(RawCell)]);
export type RawValue = z.infer<typeof RawValue>;

/** Golden rows: raw values by column and the answer that the file must give again before a deployment is ready. */
export const GoldenRows = z.object({
  v: z.literal(1),
  rows: z.array(z.record(z.string(), RawValue)),
  /** Forecasts: the first step of the first target; the whole answer stands in `forecasts`. */
  predictions: z.array(z.union([z.number(), z.string()])),
  probabilities: z.array(z.array(z.number())).nullable(),
  /** What turned out to be true for each row (they are held-out rows), for examples to show beside the answer. */
  actuals: z.array(z.union([z.string(), z.number()])).optional(),
  forecasts: z.array(ForecastAnswer).optional(),
  /** Synthesis: the row that each request must give. */
  generated: z.array(z.record(z.string(), RawCell)).optional(),
});
export type GoldenRows = z.infer<typeof GoldenRows>;
