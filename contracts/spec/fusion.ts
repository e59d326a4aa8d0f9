import { z } from 'zod';
import { BranchTraining, Convolutions } from './cnn';

/** One network for columns of every kind: a branch each for table, text and pictures, joined before the answer. */
export const FusionSpec = z.strictObject({
  family: z.literal('fusion'),
  /** Neurons in which each branch ends. */
  width: z.number().int().min(1).max(1024).default(64),
  /** Quantile bins of the table's piecewise-linear numbers; 0: scaled values only. */
  bins: z.number().int().min(0).max(128).default(16),
  image: Convolutions.prefault({}),
  ...BranchTraining.shape,
});
export type FusionSpec = z.infer<typeof FusionSpec>;
