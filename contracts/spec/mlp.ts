import { z } from 'zod';

/**
 * Multi-layer perceptron. The defaults on a regression are the article's example: Dense 64-64-1, Adam, mean squared
 * error, batch 32, 100 epochs, validation split 0.2.
 */
export const MlpSpec = z.strictObject({
  family: z.literal('mlp'),
  hidden: z.array(z.number().int().min(1).max(4096)).min(1).max(8).default([64, 64]),
  activation: z.enum(['relu', 'gelu', 'tanh']).default('relu'),
  dropout: z.number().min(0).max(0.9).default(0),
  /** Penalty on the squared weights, added to the gradient (not decoupled). */
  l2: z.number().min(0).max(10).default(0),
  learningRate: z.number().positive().max(10).default(0.001),
  batchSize: z.number().int().min(1).max(65536).default(32),
  epochs: z.number().int().min(1).max(10000).default(100),
  validationFraction: z.number().min(0).max(0.5).default(0.2),
  /** Stop after this many epochs without a better validation loss and keep the best weights; 0 = never stop. */
  patience: z.number().int().min(0).max(10000).default(0),
  /** `standard`: scaled values; `piecewise`: piecewise-linear encoding at fitted quantiles (Gorishniy et al. 2022). */
  numeric: z.enum(['standard', 'piecewise']).default('standard'),
  bins: z.number().int().min(2).max(128).default(16),
  classWeights: z.enum(['none', 'balanced']).default('none'),
  /** Independently seeded members trained side by side, outputs averaged. */
  members: z.number().int().min(1).max(16).default(1),
});
export type MlpSpec = z.infer<typeof MlpSpec>;
