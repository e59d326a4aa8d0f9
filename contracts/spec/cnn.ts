import { z } from 'zod';
import { Precision } from './precision';
import { WindowOptions } from './series';

/** How pictures are changed at random in every training step, so that a model learns what does not matter. */
export const Augmentation = z.strictObject({
  /** Left and right change sides in half of the steps: not for letters and digits. */
  flip: z.boolean().default(false),
  /** Largest shift as a share of the side. */
  shift: z.number().min(0).max(0.5).default(0.08),
  /** Largest change of scale: 0.1 is 90 % to 110 %, which crops or adds a rim. */
  zoom: z.number().min(0).max(0.5).default(0.1),
});
export type Augmentation = z.infer<typeof Augmentation>;

/** The convolutional part: blocks of convolution, batch normalisation, ReLU and halving. */
export const Convolutions = z.strictObject({
  /** Filters of each block; left out: 16, 32, 64, ... until a picture is down to a few cells. */
  filters: z.array(z.number().int().min(1).max(1024)).min(1).max(8).optional(),
  kernel: z.number().int().min(1).max(11).default(3),
  augmentation: Augmentation.prefault({}),
});
export type Convolutions = z.infer<typeof Convolutions>;

/** What training a network of branches needs; AdamW with warm-up and a cosine. */
export const BranchTraining = z.strictObject({
  /** Dense layers between the branches and the answer. */
  hidden: z.array(z.number().int().min(1).max(4096)).max(4).default([64]),
  dropout: z.number().min(0).max(0.9).default(0.2),
  learningRate: z.number().positive().max(10).default(0.003),
  weightDecay: z.number().min(0).max(10).default(0.01),
  batchSize: z.number().int().min(1).max(65536).default(64),
  epochs: z.number().int().min(1).max(10000).default(20),
  validationFraction: z.number().min(0).max(0.5).default(0.1),
  /** Stop after this many epochs without a better validation loss and keep the best weights; 0 = never stop. */
  patience: z.number().int().min(0).max(10000).default(8),
  classWeights: z.enum(['none', 'balanced']).default('none'),
  members: z.number().int().min(1).max(16).default(1),
  ...Precision.shape,
});
export type BranchTraining = z.infer<typeof BranchTraining>;

/** Convolutional network on the pictures of a zip, or, with `window`, along the rows of a sequence. */
export const CnnSpec = z.strictObject({
  family: z.literal('cnn'),
  ...Convolutions.shape,
  ...BranchTraining.shape,
  window: WindowOptions.optional(),
});
export type CnnSpec = z.infer<typeof CnnSpec>;
