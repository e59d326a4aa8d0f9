import { z } from 'zod';

/**
 * How number columns are filled and brought to a like size before a model reads them; fitted on training rows, part of the
 * file.
 */
export const Scaling = z.strictObject({
  /**
   * `standard`: by mean and deviation; `robust`: by median and interquartile range; `quantile`: the normal score of the
   * value's rank. Left out: standard.
   */
  scaling: z.enum(['standard', 'robust', 'quantile']).optional(),
  /** Clips to the quantiles q and 1 - q. Left out: values more than ten interquartile ranges beyond the quartiles. */
  winsorise: z.number().gt(0).lt(0.5).optional(),
  /**
   * What stands in for a missing number; where training rows miss some, a 0/1 feature says which. `mode` also makes a
   * missing category the most frequent one, which otherwise has a place of its own. Left out: median.
   */
  missing: z.enum(['median', 'mode']).optional(),
});
export type Scaling = z.infer<typeof Scaling>;
