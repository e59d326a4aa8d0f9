import { z } from 'zod';
import { Interactions } from './interactions';
import { WindowOptions } from './series';
import { TargetEncodingAbove } from './target-encoding';

/** Which rows each tree learns from. */
const RowSampling = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('all') }),
  z.strictObject({ kind: z.literal('bagging'), fraction: z.number().gt(0).max(1).default(0.8) }),
  /** All rows with the largest gradients, and a share of the others (Ke et al., «LightGBM», 2017). */
  z.strictObject({
    kind: z.literal('goss'),
    top: z.number().gt(0).lt(1).default(0.2),
    other: z.number().gt(0).lt(1).default(0.1),
  }),
]);

/** Histogram gradient boosting, grown leaf by leaf; missing values and categories are learned from as they are. */
export const TreesSpec = z.strictObject({
  family: z.literal('trees'),
  /** Rounds; a classification of more than two classes grows a tree a class in each. */
  trees: z.number().int().min(1).max(10_000).default(500),
  leaves: z.number().int().min(2).max(1024).default(31),
  /** 0: only the leaves are limited. */
  depth: z.number().int().min(0).max(64).default(0),
  learningRate: z.number().positive().max(1).default(0.05),
  /** Penalties on the absolute and on the squared answer of a leaf. */
  l1: z.number().min(0).max(1e6).default(0),
  l2: z.number().min(0).max(1e6).default(1),
  /** Training rows and sum of second derivatives that a leaf has at least. */
  minRows: z.number().int().min(1).max(1e6).default(20),
  minHessian: z.number().min(0).max(1e6).default(0.001),
  /** Loss that a split must save. */
  minGain: z.number().min(0).max(1e9).default(0),
  bins: z.number().int().min(2).max(255).default(255),
  rows: RowSampling.default({ kind: 'all' }),
  /** Share of the columns that each tree may ask for. */
  columnFraction: z.number().gt(0).max(1).default(1),
  interactions: Interactions.default(0),
  /** Left out: no category is. */
  targetEncodingAbove: TargetEncodingAbove.optional(),
  /** Number columns with which the answer of a regression, or the chance of the second class, may only rise (1) or fall (-1). */
  monotone: z.record(z.string(), z.union([z.literal(1), z.literal(-1)])).default({}),
  /** What a regression minimises; `poisson` for counts; `quantile` answers that quantile. */
  objective: z.enum(['squared', 'absolute', 'poisson', 'quantile']).default('squared'),
  quantile: z.number().gt(0).lt(1).default(0.5),
  /** Number columns are read with what they were in the rows before: lags, their mean and their spread. */
  window: WindowOptions.optional(),
  classWeights: z.enum(['none', 'balanced']).default('none'),
  validationFraction: z.number().min(0).max(0.5).default(0.15),
  /** Stop after this many rounds without a better validation loss and keep the best; 0 = never stop. */
  patience: z.number().int().min(0).max(10_000).default(50),
});
export type TreesSpec = z.infer<typeof TreesSpec>;
