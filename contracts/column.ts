/** The typed columns of a dataset and of a model: what `tabular/` parses raw cells into and ONNX inputs take. */
import { z } from 'zod';

export const COLUMN_TYPES = ['number', 'category', 'text', 'time', 'image'] as const;
export const ColumnType = z.enum(COLUMN_TYPES);
export type ColumnType = z.infer<typeof ColumnType>;

/** How raw cells of one column are read; fitted once on the uploaded file, versioned, and carried by the model. */
export const ColumnSpec = z.object({
  v: z.literal(1),
  name: z.string(),
  type: ColumnType,
  /** Tokens that mean «no value», compared after trimming and case folding; the empty cell always does. */
  missing: z.array(z.string()),
  number: z.object({ decimal: z.enum(['.', ',']), group: z.enum(['', ',', '.', ' ', "'"]) }).optional(),
  time: z.object({ dayFirst: z.boolean() }).optional(),
  /** Every picture is brought to this size; `channels`: 1 grey, 3 red, green, blue. */
  image: z
    .object({
      height: z.number().int().min(1).max(1024),
      width: z.number().int().min(1).max(1024),
      channels: z.union([z.literal(1), z.literal(3)]),
    })
    .optional(),
  /** Folded spelling -> the spelling that the data uses most (`yes` -> `Yes`). */
  category: z.object({ canonical: z.array(z.tuple([z.string(), z.string()])) }).optional(),
});
export type ColumnSpec = z.infer<typeof ColumnSpec>;

/** What was seen in one column of a sealed version. Counts are rows. */
export const ColumnProfile = z.object({
  name: z.string(),
  type: ColumnType,
  rows: z.number().int(),
  missing: z.number().int(),
  distinct: z.number().int(),
  min: z.number().nullable().optional(),
  max: z.number().nullable().optional(),
  mean: z.number().nullable().optional(),
  standardDeviation: z.number().nullable().optional(),
  /** Values at 0, 0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99 and 1; times are epoch microseconds. */
  quantiles: z.array(z.number()).optional(),
  /** Equal-width counts between min and max. */
  histogram: z.array(z.number().int()).optional(),
  /** The most frequent values, most frequent first. */
  frequent: z.array(z.object({ value: z.string(), count: z.number().int() })).optional(),
  /** Strength of the relation with the target, 0 to 1: |Pearson| or the correlation ratio / Cramér's V. */
  targetAssociation: z.number().nullable().optional(),
});
export type ColumnProfile = z.infer<typeof ColumnProfile>;

export const DATASET_WARNINGS = [
  'CONSTANT_COLUMN',
  'IDENTIFIER_COLUMN',
  'LEAKING_COLUMN',
  'MOSTLY_MISSING',
  'HIGH_CARDINALITY',
  'FREE_TEXT',
  'LONG_TEXT',
  'MIXED_VALUES',
  'IMBALANCED_TARGET',
  'NEAR_DUPLICATE_COLUMN',
  'DUPLICATE_ROWS',
  'TARGET_MISSING_ROWS',
] as const;
export const DatasetWarning = z.object({
  code: z.enum(DATASET_WARNINGS),
  column: z.string().nullable(),
  message: z.string(),
});
export type DatasetWarning = z.infer<typeof DatasetWarning>;

/**
 * What a model is for. `forecast`: the next values of series; `anomaly`: how unusual a row is; `clustering`: which group
 * a row belongs to; `synthesis`: new rows like those of the data.
 */
export const TASKS = [
  'regression',
  'classification',
  'forecast',
  'anomaly',
  'clustering',
  'synthesis',
] as const;
export const LearningTask = z.enum(TASKS);
export type LearningTask = z.infer<typeof LearningTask>;

/** Tasks that learn from what is, not from a known answer: a target may be left out, and is no feature where it is not. */
export const WITHOUT_TARGET: readonly LearningTask[] = ['anomaly', 'clustering', 'synthesis'];

/**
 * Which rows are held out, decided once for a dataset and never changed by later versions.
 * `hash`: a row is held out when the hash of its key (all feature cells) falls below `fraction`.
 * `time`: rows of the first version at or after `fromMicros` and up to `toMicros` are held out; later rows train.
 * `group`: rows with one value of `column` are held out together, when its hash falls below `fraction`; rows without a value
 * train.
 */
export const HoldoutRule = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('hash'), salt: z.string(), fraction: z.number().min(0).max(0.5) }),
  z.object({
    kind: z.literal('time'),
    column: z.string(),
    fromMicros: z.number().int(),
    toMicros: z.number().int(),
  }),
  z.object({
    kind: z.literal('group'),
    column: z.string(),
    salt: z.string(),
    fraction: z.number().min(0).max(0.5),
  }),
]);
export type HoldoutRule = z.infer<typeof HoldoutRule>;

/** Name of the boolean column that every sealed version carries: true = held out, never enters any training. */
export const HOLDOUT_COLUMN = '__holdout';
