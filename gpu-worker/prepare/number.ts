import type { Encoding } from './encoding';
import { normalQuantile } from './normal';
import { presentSorted, quantile } from './quantile';

/** Fitted on training rows: how one number column becomes features. */
export interface NumberFit {
  readonly kind: 'number';
  readonly name: string;
  /** Stands in for a missing value; null: it stays NaN. */
  readonly fill: number | null;
  /** Missing values were seen: a 0/1 feature says where. */
  readonly indicator: boolean;
  /** Values are clipped to [low, high] before anything else. */
  readonly low: number;
  readonly high: number;
  /** The feature is (value - center) / scale, unless there are `scores`. */
  readonly center: number;
  readonly scale: number;
  /** Ascending bin edges of the piecewise-linear encoding; empty: the scaled value only. */
  readonly edges: readonly number[];
  /** The feature is interpolated between these knots, ascending in both; empty: scaled instead. */
  readonly scores: readonly (readonly [value: number, score: number])[];
}

/** A tail is heavy when it reaches this many interquartile ranges beyond its quartile. */
const TAIL = 10;
const MOST_FLOAT32 = 3.4028234663852886e38;

/** Undefined when the training rows hold no two different values: nothing can be learned from it. */
export const fitNumber = (
  name: string,
  values: Float64Array,
  rows: Int32Array,
  encoding: Encoding,
): NumberFit | undefined => {
  const sorted = presentSorted(values, rows);
  const gaps = sorted.length < rows.length;
  if (sorted.length === 0) return undefined;
  const fill = encoding.missing === 'mode' ? mode(sorted) : quantile(sorted, 0.5);
  const { low, high } = clipRange(sorted, encoding.winsorise);
  const { mean, deviation } = moments(values, rows, fill, low, high);
  if (!(deviation > 0) && !gaps) return undefined;
  const kept = encoding.missing === 'kept';
  return {
    kind: 'number',
    name,
    fill: kept ? null : fill,
    indicator: gaps && !kept,
    low,
    high,
    ...scaling(sorted, encoding, { mean, deviation: deviation || 1 }),
    edges: encoding.numbers === 'piecewise' ? binEdges(sorted, low, high, encoding.bins) : [],
    scores: encoding.numbers === 'quantile' ? rankScores(sorted, low, high, encoding.bins) : [],
  };
};

const scaling = (
  sorted: Float64Array,
  { numbers }: Encoding,
  { mean, deviation }: { mean: number; deviation: number },
): { center: number; scale: number } => {
  switch (numbers) {
    case 'raw':
    case 'quantile':
      return { center: 0, scale: 1 };
    case 'standard':
    case 'piecewise':
      return { center: mean, scale: deviation };
    case 'robust': {
      const spread = quantile(sorted, 0.75) - quantile(sorted, 0.25);
      return { center: quantile(sorted, 0.5), scale: spread > 0 ? spread : deviation };
    }
  }
};

const clipRange = (sorted: Float64Array, winsorise: Encoding['winsorise']): { low: number; high: number } => {
  // What float32 cannot hold would become infinite.
  if (winsorise === 'none') return { low: -MOST_FLOAT32, high: MOST_FLOAT32 };
  const least = sorted[0];
  const greatest = sorted[sorted.length - 1];
  if (winsorise !== 'tails')
    return { low: quantile(sorted, winsorise), high: quantile(sorted, 1 - winsorise) };
  const q1 = quantile(sorted, 0.25);
  const q3 = quantile(sorted, 0.75);
  const reach = TAIL * (q3 - q1);
  // More than half of the values equal: the quartiles say nothing about the tails.
  if (!(reach > 0)) return { low: least, high: greatest };
  return { low: Math.max(least, q1 - reach), high: Math.min(greatest, q3 + reach) };
};

const moments = (
  values: Float64Array,
  rows: Int32Array,
  fill: number,
  low: number,
  high: number,
): { mean: number; deviation: number } => {
  const clipped = (row: number): number => {
    const value = values[row];
    return Math.min(Math.max(Number.isNaN(value) ? fill : value, low), high);
  };
  let sum = 0;
  for (const row of rows) sum += clipped(row);
  const mean = sum / rows.length;
  let squares = 0;
  for (const row of rows) squares += (clipped(row) - mean) ** 2;
  const deviation = Math.sqrt(squares / rows.length);
  // A deviation within rounding of the mean is rounding, not signal.
  return { mean, deviation: deviation > Math.abs(mean) * 1e-12 ? deviation : 0 };
};

/** The most frequent value; the smallest of those. */
const mode = (sorted: Float64Array): number => {
  let best = NaN;
  let most = 0;
  for (let first = 0, at = 1; at <= sorted.length; at++) {
    if (at < sorted.length && sorted[at] === sorted[first]) continue;
    if (at - first > most) [most, best] = [at - first, sorted[first]];
    first = at;
  }
  return best;
};

/** Quantile edges without repetition (Gorishniy et al., «On embeddings for numerical features», NeurIPS 2022). */
const binEdges = (sorted: Float64Array, low: number, high: number, bins: number): number[] => {
  const edges: number[] = [];
  const add = (edge: number): void => {
    if (edge > (edges.at(-1) ?? -Infinity)) edges.push(edge);
  };
  add(Math.max(low, sorted[0] ?? low));
  for (let bin = 1; bin < bins; bin++) add(Math.min(Math.max(quantile(sorted, bin / bins), low), high));
  add(Math.min(high, sorted[sorted.length - 1] ?? high));
  return edges.length > 2 ? edges : [];
};

/** Normal scores (Van der Waerden 1952) at `bins` + 1 quantiles; a repeated value gets the score of its middle rank. */
const rankScores = (sorted: Float64Array, low: number, high: number, bins: number): [number, number][] => {
  const knots: { value: number; first: number; last: number }[] = [];
  for (let bin = 0; bin <= bins; bin++) {
    const value = Math.min(Math.max(quantile(sorted, bin / bins), low), high);
    const previous = knots.at(-1);
    if (previous?.value === value) previous.last = bin;
    else knots.push({ value, first: bin, last: bin });
  }
  const least = 0.5 / sorted.length;
  return knots.map(({ value, first, last }) => {
    const rank = (first + last) / (2 * bins);
    return [value, normalQuantile(Math.min(Math.max(rank, least), 1 - least))];
  });
};
