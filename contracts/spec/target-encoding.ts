import { z } from 'zod';

/**
 * A category with more values than this becomes what each value says about the target: the mean of its training rows, drawn
 * towards that of all. Rows that are learned from get it from other rows (out of fold), so none sees its own answer.
 */
export const TargetEncodingAbove = z.number().int().min(1).max(1_000_000);
