import type { Scaling } from '../../contracts';

/** How the columns of a table become features; each family asks for the one that it learns best from. */
export interface Encoding {
  /**
   * `raw`: the value. `standard`: (x - mean) / deviation. `robust`: (x - median) / interquartile range. `quantile`: the
   * normal score of its rank. `piecewise`: `standard`, and how far the value has come through each of `bins` bins.
   */
  readonly numbers: 'raw' | 'standard' | 'robust' | 'quantile' | 'piecewise';
  /** Bins of `piecewise` and `quantile`; nothing to the others. */
  readonly bins: number;
  /**
   * `kept`: NaN in numbers, codes and parts of dates. `median`, `mode`: what stands in for a number; where training rows
   * miss some, a 0/1 feature says which. A category has a place of its own for missing values either way, unless `mode`
   * makes them the most frequent value.
   */
  readonly missing: 'kept' | 'median' | 'mode';
  /** `tails`: clip far outside the quartiles; a share q: clip to the quantiles q and 1 - q. */
  readonly winsorise: 'none' | 'tails' | number;
  readonly categories: 'one-hot' | 'ordinal';
  /** A category with more values than this is encoded by what they say about the target instead; null: none is. */
  readonly targetAbove: number | null;
  /** `cyclic`: sines, cosines and one-hot weekdays. `parts`: hour, weekday, day and month as plain numbers. */
  readonly times: 'cyclic' | 'parts';
  /** Features (TF-IDF of words and runs of characters) that all text columns together may become; 0: text is left out. */
  readonly textWidth: number;
  /** Ratios, products, sums and differences of two number columns, at most; only with a target to find them by. */
  readonly interactions: number;
}

/** For models that add features up: all of about the same size, nothing missing. */
export const STANDARD: Encoding = {
  numbers: 'standard',
  bins: 0,
  missing: 'median',
  winsorise: 'tails',
  categories: 'one-hot',
  targetAbove: null,
  times: 'cyclic',
  textWidth: 2048,
  interactions: 0,
};

/** Knots of normal scores, less one. */
const SCORE_BINS = 100;

/** STANDARD, but for what the spec of a family asks for. */
export const scaledBy = ({ scaling, winsorise, missing }: Scaling): Encoding => ({
  ...STANDARD,
  ...(scaling !== undefined && { numbers: scaling }),
  ...(scaling === 'quantile' && { bins: SCORE_BINS }),
  ...(winsorise !== undefined && { winsorise }),
  ...(missing !== undefined && { missing }),
});

/** STANDARD with piecewise-linear numbers (Gorishniy et al., «On embeddings for numerical features», NeurIPS 2022). */
export const piecewise = (bins: number): Encoding => ({ ...STANDARD, numbers: 'piecewise', bins });

/**
 * For trees: one feature a column, in its own units. Missing is NaN. A category is its rank by frequency, 0 the most
 * frequent; rare and unseen values share the code after the last.
 */
export const RAW: Encoding = {
  numbers: 'raw',
  bins: 0,
  missing: 'kept',
  winsorise: 'none',
  categories: 'ordinal',
  targetAbove: null,
  times: 'parts',
  textWidth: 256,
  interactions: 0,
};
