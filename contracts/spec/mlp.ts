import { z } from 'zod';
import { Interactions } from './interactions';
import { Precision } from './precision';
import { Scaling } from './scaling';
import { WindowOptions } from './series';
import { TargetEncodingAbove } from './target-encoding';

/**
 * Multi-layer perceptron. The defaults on a regression are the article's example: Dense 64-64-1, Adam, mean squared
 * error, batch 32, 100 epochs, validation split 0.2. Everything else is neutral until asked for.
 */
export const MlpSpec = z.strictObject({
  family: z.literal('mlp'),
  hidden: z.array(z.number().int().min(1).max(4096)).min(1).max(8).default([64, 64]),
  activation: z.enum(['relu', 'gelu', 'tanh']).default('relu'),
  /** Hidden layers after the first are added to what they read, so all must be of one width. */
  residual: z.boolean().default(false),
  /** Layer normalisation at every hidden layer. */
  normalization: z.enum(['none', 'layer']).default('none'),
  dropout: z.number().min(0).max(0.9).default(0),
  /** Penalty on the squared weights, added to the gradient (not decoupled). */
  l2: z.number().min(0).max(10).default(0),
  optimizer: z.enum(['adam', 'adamW', 'sgd']).default('adam'),
  /** Decoupled decay of the weights (Loshchilov & Hutter 2019); adamW only. */
  weightDecay: z.number().min(0).max(10).default(0),
  learningRate: z.number().positive().max(10).default(0.001),
  /** `plateau` follows the validation loss, and the training loss where there are no validation rows. */
  schedule: z.enum(['constant', 'cosine', 'warmupCosine', 'plateau']).default('constant'),
  /** Limit of the common norm of all gradients; 0 = none. */
  clipNorm: z.number().min(0).max(1e6).default(0),
  batchSize: z.number().int().min(1).max(65536).default(32),
  epochs: z.number().int().min(1).max(10000).default(100),
  validationFraction: z.number().min(0).max(0.5).default(0.2),
  /** Stop after this many epochs without a better validation loss and keep the best weights; 0 = never stop. */
  patience: z.number().int().min(0).max(10000).default(0),
  /** `standard`: scaled values; `piecewise`: piecewise-linear encoding at fitted quantiles (Gorishniy et al. 2022). */
  numeric: z.enum(['standard', 'piecewise']).default('standard'),
  bins: z.number().int().min(2).max(128).default(16),
  ...Scaling.shape,
  /** Left out: no category is. */
  targetEncodingAbove: TargetEncodingAbove.optional(),
  interactions: Interactions.default(0),
  /**
   * What each number becomes before the first layer (Gorishniy et al. 2022). `linear`: a product of its own with all of
   * its features, so with `numeric: piecewise` the piecewise-linear embedding. `periodic`: sines and cosines at learned
   * frequencies, then a product of its own.
   */
  embedding: z.enum(['none', 'linear', 'periodic']).default('none'),
  /** Length of that vector, per number. */
  embeddingSize: z.number().int().min(1).max(256).default(16),
  /** Whether a ReLU follows the linear embedding; one always follows the periodic one. */
  embeddingActivation: z.enum(['none', 'relu']).default('none'),
  /** Frequencies per number, and how widely they are spread at the start. */
  frequencies: z.number().int().min(1).max(256).default(24),
  sigma: z.number().positive().max(100).default(0.1),
  /** Learned vectors of this length instead of one-hot categories; 0 = one-hot. */
  categoryEmbedding: z.number().int().min(0).max(256).default(0),
  /** Number columns are read with what they were in the rows before: lags, their mean and their spread. */
  window: WindowOptions.optional(),
  classWeights: z.enum(['none', 'balanced']).default('none'),
  /** Share of the truth that is spread over all classes while learning. */
  labelSmoothing: z.number().min(0).max(0.5).default(0),
  /** Members of a TabM-mini, which share all weights but a scale per input and the last layer; 1 = a plain network. */
  sharedMembers: z.number().int().min(1).max(128).default(1),
  /** Independently seeded members trained side by side, outputs averaged. */
  members: z.number().int().min(1).max(16).default(1),
  ...Precision.shape,
});
export type MlpSpec = z.infer<typeof MlpSpec>;
