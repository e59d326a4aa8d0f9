/** How good a model version is, and what was done to its answers before they were sealed. docs/evaluation.md explains. */
import { z } from 'zod';

/** What turns a classifier's probabilities into frequencies that come true. */
export const Calibration = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('none') }),
  /** softmax(log(p) / temperature) */
  z.object({ kind: z.literal('temperature'), temperature: z.number().positive() }),
  /**
   * A rising piecewise-linear curve through the points (from, to) for every class, and the results normalised; with two
   * classes one curve, for the second.
   */
  z.object({
    kind: z.literal('isotonic'),
    curves: z.array(z.object({ from: z.array(z.number()).min(2), to: z.array(z.number()).min(2) })),
  }),
]);
export type Calibration = z.infer<typeof Calibration>;

/**
 * What a wrong answer costs, in any unit: of two classes (the second, in the order of the signature, is the positive
 * one), or as a matrix `[truth][decided]` over all classes.
 */
export const ErrorCosts = z.union([
  z.strictObject({ falsePositive: z.number().positive(), falseNegative: z.number().positive() }),
  z.strictObject({ matrix: z.array(z.array(z.number())).min(2) }),
]);
export type ErrorCosts = z.infer<typeof ErrorCosts>;

/** Split conformal prediction: what is added around an answer so that the truth is inside with probability `level`. */
export const Conformal = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('interval'),
    /** prediction ± radius, or ± radius x the model's own spread, or beyond the model's own quantiles. */
    method: z.enum(['absolute', 'normalised', 'quantile']),
    level: z.number(),
    radius: z.number(),
    /** Calibration rows that it was fitted on. */
    rows: z.number().int(),
  }),
  z.object({
    kind: z.literal('set'),
    /** Every class with a probability of `threshold` or more, and always the most probable one. */
    method: z.literal('least-ambiguous'),
    level: z.number(),
    threshold: z.number(),
    rows: z.number().int(),
  }),
]);
export type Conformal = z.infer<typeof Conformal>;
