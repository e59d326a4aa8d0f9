import { z } from 'zod';
import { Precision } from './precision';
import { ForecastOptions, WindowOptions } from './series';

/** Recurrent network over windows: GRU (Cho et al. 2014) or LSTM (Hochreiter and Schmidhuber 1997). */
export const RnnSpec = z.strictObject({
  family: z.literal('rnn'),
  cell: z.enum(['gru', 'lstm']).default('gru'),
  hidden: z.number().int().min(1).max(1024).default(64),
  layers: z.number().int().min(1).max(2).default(1),
  dropout: z.number().min(0).max(0.9).default(0),
  weightDecay: z.number().min(0).max(1).default(0.0001),
  learningRate: z.number().positive().max(10).default(0.002),
  batchSize: z.number().int().min(1).max(65536).default(64),
  epochs: z.number().int().min(1).max(10000).default(30),
  validationFraction: z.number().min(0).max(0.5).default(0.2),
  /** Stop after this many epochs without a better validation loss and keep the best weights; 0 = never stop. */
  patience: z.number().int().min(0).max(10000).default(5),
  /** Limit of the Euclidean norm of all gradients together. */
  clipNorm: z.number().positive().max(1e6).default(1),
  /** Independently seeded members, outputs averaged. */
  members: z.number().int().min(1).max(16).default(1),
  ...Precision.shape,
  /** For a regression or classification of sequences. */
  window: WindowOptions.optional(),
  /** For the task forecast. */
  forecast: ForecastOptions.optional(),
});
export type RnnSpec = z.infer<typeof RnnSpec>;
