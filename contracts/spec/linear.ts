import { z } from 'zod';
import { ForecastOptions } from './series';

export const LinearSpec = z.strictObject({
  family: z.literal('linear'),
  /** Ridge penalty on standardised features. */
  l2: z.number().min(0).max(1e6).default(1),
  /** For the task forecast, which chooses its own penalty on the validation windows. */
  forecast: ForecastOptions.optional(),
});
export type LinearSpec = z.infer<typeof LinearSpec>;
