import { z } from 'zod';
import { ForecastOptions } from './series';

/**
 * `random`: shuffled; `stratified`: shuffled with the classes of the target spread evenly; `time`: earlier rows teach,
 * later rows judge; `group`: rows of one group are never on both sides.
 */
export const SPLIT_KINDS = ['random', 'stratified', 'time', 'group'] as const;
export const SplitKind = z.enum(SPLIT_KINDS);
export type SplitKind = z.infer<typeof SplitKind>;

/**
 * Searches a portfolio of the families and joins the best of what it tried into one model; with pictures, and for tasks
 * without one known answer a row, keeps the best of the families that it tries one after the other. The default.
 */
export const AutoSpec = z.strictObject({
  family: z.literal('auto'),
  /**
   * Hard cap on the search in seconds. A search that runs into it depends on the machine; one that does not, or that is
   * limited by `trials` only (`seconds: null`), gives the same bytes for the same data and seed.
   */
  seconds: z.number().positive().max(604_800).nullable().default(60),
  /** Hard cap on the number of trials; a trial trains one configuration, in a search on some of the folds. */
  trials: z.number().int().min(1).max(10_000).nullable().default(null),
  /** Which rows judge which; `auto` looks at the data. */
  split: z.enum(['auto', ...SPLIT_KINDS]).default('auto'),
  /**
   * The column that orders the rows in time. Left out, the time columns of the table are tried; null: none of them does
   * (a date of birth, say).
   */
  timeColumn: z.string().nullable().optional(),
  /** The column whose equal values must stay together, for `split: 'group'`. */
  groupColumn: z.string().optional(),
  folds: z.number().int().min(2).max(10).default(5),
  /** Families to try; left out: all that docs/training.md names for the data. */
  families: z.array(z.string()).min(1).optional(),
  /** For the task forecast. */
  forecast: ForecastOptions.optional(),
});
export type AutoSpec = z.infer<typeof AutoSpec>;
