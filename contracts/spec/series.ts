import { z } from 'zod';

const column = z.string().min(1);

/**
 * What takes the noise out of a number column before a model reads it, looking back only. `median`: of the last `length`
 * cells, which drops single wild values. `exponential`: each cell moves the level by this share of its distance from it.
 */
export const Smoothing = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('median'),
    length: z.union([3, 5, 7, 9].map((cells) => z.literal(cells))),
  }),
  z.strictObject({ kind: z.literal('exponential'), share: z.number().gt(0).lt(1) }),
]);
export type Smoothing = z.infer<typeof Smoothing>;

/**
 * How a forecast is made. Rows are values of one or many series; the instants of a series are brought onto a grid of
 * equal steps: rows of one cell are averaged, empty cells are missing.
 */
export const ForecastOptions = z.strictObject({
  /** Steps ahead: all of 1 to `horizon` are answered. Left out: one season, or 12 steps without one. */
  horizon: z.number().int().min(1).max(1000).optional(),
  /** Steps of the past that the model reads. Left out: some seasons, as many as the data allows. */
  lookback: z.number().int().min(1).max(4096).optional(),
  /** Filter of the past that the model reads; what is forecast and judged stays raw. Left out: it is read as it is. */
  smooth: Smoothing.optional(),
  /** Levels of the quantiles that are answered beside the forecast itself. */
  quantiles: z
    .array(z.number().gt(0).lt(1))
    .min(1)
    .max(19)
    .refine((levels) => levels.every((level, i) => i === 0 || level > levels[i - 1]), 'levels must rise')
    .default([0.1, 0.5, 0.9]),
  /** Steps of a season. Left out: guessed from the step (hourly 24, daily 7, monthly 12, ...). */
  season: z.number().int().min(1).max(10_000).optional(),
  /** Number columns that are forecast together. Left out: the target of the dataset. */
  targets: z.array(column).min(1).max(256).optional(),
  /** The time column. Left out: the one that the holdout rule goes by. */
  time: column.optional(),
  /** The column that tells the series of one table apart. Left out: one series. */
  group: column.optional(),
  /** Share of the steps to learn from, the last ones, whose windows choose and judge while learning. */
  validationFraction: z.number().gt(0).max(0.5).default(0.2),
  /** Learn once more, validation rows included, before the model is sealed. */
  refit: z.boolean().default(true),
});
export type ForecastOptions = z.infer<typeof ForecastOptions>;

/** Each row is judged together with the rows before it: a regression or a classification of sequences. */
export const WindowOptions = z.strictObject({
  /** Rows that the model reads: the row itself is the last of them. */
  length: z.number().int().min(2).max(4096),
  /** The number or time column that orders the rows. */
  order: column,
  /** The column that tells the sequences of one table apart. Left out: one sequence. */
  group: column.optional(),
  /** Filter of the number columns, within each window. Left out: they are read as they are. */
  smooth: Smoothing.optional(),
});
export type WindowOptions = z.infer<typeof WindowOptions>;
