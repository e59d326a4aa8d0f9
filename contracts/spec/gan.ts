import { z } from 'zod';

/**
 * Generative adversarial network for tables: a generator makes rows, a discriminator tells them from real ones (Wasserstein
 * loss with gradient penalty, Gulrajani et al. 2017; columns and conditions after Xu et al., «CTGAN», 2019).
 */
export const GanSpec = z.strictObject({
  family: z.literal('gan'),
  /** Category column whose value may be asked for; left out: the target where it is a category, else none. */
  condition: z.string().min(1).max(200).optional(),
  latent: z.number().int().min(1).max(1024).default(64),
  hidden: z.array(z.number().int().min(1).max(2048)).min(1).max(4).default([128, 128]),
  learningRate: z.number().positive().max(1).default(0.001),
  batchSize: z.number().int().min(8).max(65536).default(256),
  /** Passes over the rows; left out: about 3,000 steps. */
  epochs: z.number().int().min(1).max(10000).optional(),
});
export type GanSpec = z.infer<typeof GanSpec>;
