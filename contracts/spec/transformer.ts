import { z } from 'zod';
import { Precision } from './precision';
import { ForecastOptions, WindowOptions } from './series';

/**
 * Encoder over patches of windows (Vaswani et al. 2017). A forecast treats its series alike and one by one (PatchTST, Nie
 * et al. 2023); a regression or classification of sequences reads all columns of a patch together. Without `window` it reads
 * the texts of a row, word by word.
 */
export const TransformerSpec = z.strictObject({
  family: z.literal('transformer'),
  width: z.number().int().min(4).max(1024).default(16),
  heads: z.number().int().min(1).max(16).default(4),
  layers: z.number().int().min(1).max(12).default(2),
  /** Width of the feed-forward part of a layer. */
  feedForward: z.number().int().min(4).max(4096).default(64),
  /** Steps of a patch, and from the start of one to the start of the next. */
  patch: z.number().int().min(1).max(512).default(16),
  stride: z.number().int().min(1).max(512).default(8),
  dropout: z.number().min(0).max(0.9).default(0.2),
  weightDecay: z.number().min(0).max(1).default(0.0001),
  learningRate: z.number().positive().max(10).default(0.001),
  batchSize: z.number().int().min(1).max(65536).default(64),
  epochs: z.number().int().min(1).max(10000).default(20),
  validationFraction: z.number().min(0).max(0.5).default(0.2),
  /** Stop after this many epochs without a better validation loss and keep the best weights; 0 = never stop. */
  patience: z.number().int().min(0).max(10000).default(4),
  members: z.number().int().min(1).max(16).default(1),
  ...Precision.shape,
  /** Words of a text that are read. */
  tokens: z.number().int().min(1).max(512).default(64),
  /** For a regression or classification of sequences. */
  window: WindowOptions.optional(),
  /** For the task forecast. */
  forecast: ForecastOptions.optional(),
});
export type TransformerSpec = z.infer<typeof TransformerSpec>;
