import { z } from 'zod';

/** Tries a small portfolio of the families and keeps the best on the validation rows. The default. */
export const AutoSpec = z.strictObject({ family: z.literal('auto') });
export type AutoSpec = z.infer<typeof AutoSpec>;
