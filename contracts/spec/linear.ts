import { z } from 'zod';

export const LinearSpec = z.strictObject({
  family: z.literal('linear'),
  /** Ridge penalty on standardised features. */
  l2: z.number().min(0).max(1e6).default(1),
});
export type LinearSpec = z.infer<typeof LinearSpec>;
