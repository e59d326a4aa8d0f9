import { z } from 'zod';

/** How the products of a network are computed while it learns; the sealed file is float32 in any case. */
export const Precision = z.strictObject({
  /**
   * `mixed`: in float16 on a GPU, with weights and all else in float32. `auto`: so where a measurement on the device says that it
   * is faster. Left out: float32.
   */
  precision: z.enum(['float32', 'mixed', 'auto']).optional(),
});
export type Precision = z.infer<typeof Precision>;
