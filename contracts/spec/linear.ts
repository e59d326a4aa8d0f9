import { z } from 'zod';
import { Interactions } from './interactions';
import { Scaling } from './scaling';
import { ForecastOptions, WindowOptions } from './series';
import { TargetEncodingAbove } from './target-encoding';

export const LinearSpec = z.strictObject({
  family: z.literal('linear'),
  /**
   * Penalty P on standardised features: P/2 |w|² is added to half the squared error, or to minus the log likelihood, of
   * all rows together (1/C in scikit-learn). `auto`: what does best on the validation rows.
   */
  l2: z.union([z.number().min(0).max(1e6), z.literal('auto')]).default('auto'),
  /** Elastic net: this share of the penalty counts |w| instead, which leaves features out. Left out: 0. */
  l1Ratio: z.number().min(0).max(1).optional(),
  /** Left out: 0. A forecast has none. */
  interactions: Interactions.optional(),
  ...Scaling.shape,
  /** Left out: no category is. A forecast has none. */
  targetEncodingAbove: TargetEncodingAbove.optional(),
  /** Number columns are read with what they were in the rows before: lags, their mean and their spread. */
  window: WindowOptions.optional(),
  /** For the task forecast, which chooses its own penalty on the validation windows. */
  forecast: ForecastOptions.optional(),
});
export type LinearSpec = z.infer<typeof LinearSpec>;
