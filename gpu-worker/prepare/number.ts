import { presentSorted, quantile } from './quantile';

/** Fitted on training rows: how one number column becomes features. */
export interface NumberFit {
  readonly kind: 'number';
  readonly name: string;
  /** Stands in for a missing value. */
  readonly median: number;
  /** Missing values were seen: a 0/1 feature says where. */
  readonly indicator: boolean;
  /** Values are clipped to [low, high] before anything else; the observed range unless the tails are heavy. */
  readonly low: number;
  readonly high: number;
  readonly mean: number;
  readonly deviation: number;
  /** Ascending bin edges of the piecewise-linear encoding; empty: the scaled value only. */
  readonly edges: readonly number[];
}

export interface NumberEncoding {
  readonly numeric: 'standard' | 'piecewise';
  readonly bins: number;
}

/** A tail is heavy when it reaches this many interquartile ranges beyond its quartile. */
const TAIL = 10;

/** Undefined when the training rows hold no two different values: nothing can be learned from it. */
export const fitNumber = (
  name: string,
  values: Float64Array,
  rows: Int32Array,
  encoding: NumberEncoding,
): NumberFit | undefined => {
  const sorted = presentSorted(values, rows);
  const indicator = sorted.length < rows.length;
  if (sorted.length === 0) return undefined;
  const median = quantile(sorted, 0.5);
  const { low, high } = clipRange(sorted);
  const { mean, deviation } = moments(values, rows, median, low, high);
  if (!(deviation > 0) && !indicator) return undefined;
  const edges = encoding.numeric === 'piecewise' ? binEdges(sorted, low, high, encoding.bins) : [];
  return { kind: 'number', name, median, indicator, low, high, mean, deviation: deviation || 1, edges };
};

const clipRange = (sorted: Float64Array): { low: number; high: number } => {
  const least = sorted[0] ?? NaN;
  const greatest = sorted[sorted.length - 1] ?? NaN;
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
  median: number,
  low: number,
  high: number,
): { mean: number; deviation: number } => {
  const clipped = (row: number): number => {
    const value = values[row] ?? NaN;
    return Math.min(Math.max(Number.isNaN(value) ? median : value, low), high);
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

/** Quantile edges without repetition (Gorishniy et al., «On embeddings for numerical features», NeurIPS 2022). */
const binEdges = (sorted: Float64Array, low: number, high: number, bins: number): number[] => {
  const edges: number[] = [];
  const add = (edge: number): void => {
    if (edge > (edges.at(-1) ?? -Infinity)) edges.push(edge);
  };
  add(low);
  for (let bin = 1; bin < bins; bin++) add(Math.min(Math.max(quantile(sorted, bin / bins), low), high));
  add(high);
  return edges.length > 2 ? edges : [];
};
