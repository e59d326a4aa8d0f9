import { z } from 'zod';

/**
 * At most so many ratios, products, sums and differences of two number columns are features too: those that say more about
 * the target than their columns do one by one, if there are any.
 */
export const Interactions = z.number().int().min(0).max(32);
