/** From values to at most 255 bins a feature: thresholds at quantiles, or a bin for every frequent category. */
import { randomKey, randomUnit } from '../../../onnx';
import type { Feature } from './learning';

export interface FeatureBins {
  readonly kind: 'number' | 'category';
  /** Bins that hold values: 0 to count - 1. Bin `count` holds missing values. */
  readonly count: number;
  /** Number: bin i holds values above threshold i - 1 and up to threshold i; count - 1 of them, ascending float32. */
  readonly thresholds: Float32Array;
  /** Category: the code of bin i. Other codes share bin `count + 1` and always go right. */
  readonly codes: Int32Array;
}

/** Bins 0 to 255 are one byte: the last is for missing values, and one before it for other categories. */
export const MOST_BINS = 255;
const MOST_CATEGORY_BINS = 254;
/** Thresholds are quantiles of this many rows, one out of every stretch of equal length. */
const SAMPLE_ROWS = 100_000;

export const fitBins = (feature: Feature, rows: number, bins: number, seed: number): FeatureBins =>
  feature.kind === 'category' ? categoryBins(feature, rows, bins) : numberBins(feature, rows, bins, seed);

const numberBins = (feature: Feature, rows: number, bins: number, seed: number): FeatureBins => {
  const sorted = sample(feature, rows, seed).sort();
  // Distinct values, and how many there are of each; the values move to the front of the same array.
  const counts = new Int32Array(sorted.length);
  let distinct = 0;
  for (let at = 0; at < sorted.length; at++) {
    const value = sorted[at];
    if (distinct === 0 || value !== sorted[distinct - 1]) sorted[distinct++] = value;
    counts[distinct - 1]++;
  }
  const lasts = lastOfBins(counts.subarray(0, distinct), sorted.length, Math.min(bins, MOST_BINS));
  const thresholds = Float32Array.from(lasts, (last) => between(sorted[last], sorted[last + 1]));
  return {
    kind: 'number',
    // Without any value there is no bin to divide.
    count: distinct === 0 ? 0 : thresholds.length + 1,
    thresholds,
    codes: new Int32Array(0),
  };
};

/** A float32 t with low <= t < high, as near to the middle as it gets. */
const between = (low: number, high: number): number => {
  const middle = Math.fround(low / 2 + high / 2);
  return middle >= low && middle < high ? middle : low;
};

/**
 * Which distinct value is the last of its bin, for all bins but the last. Values that fill a bin alone get one; the
 * others share the rest evenly (as LightGBM's GreedyFindBin).
 */
const lastOfBins = (counts: Int32Array, total: number, bins: number): number[] => {
  if (counts.length <= bins) return Array.from({ length: Math.max(0, counts.length - 1) }, (_, at) => at);
  const alone = total / bins;
  let restBins = bins;
  let restCount = total;
  for (const count of counts) {
    if (count < alone) continue;
    restBins--;
    restCount -= count;
  }
  const lasts: number[] = [];
  let inBin = 0;
  for (let at = 0; at < counts.length - 1 && lasts.length < bins - 1; at++) {
    const count = counts[at];
    inBin += count;
    const heavy = count >= alone;
    if (!heavy) restCount -= count;
    const nextHeavy = (counts[at + 1] ?? 0) >= alone;
    if (!heavy && !nextHeavy && inBin < (restCount + inBin) / Math.max(1, restBins)) continue;
    lasts.push(at);
    if (!heavy) restBins--;
    inBin = 0;
  }
  return lasts;
};

/** Present values of evenly spread rows, as float32. */
const sample = (feature: Feature, rows: number, seed: number): Float32Array => {
  const { values, offset, stride } = feature;
  const wanted = Math.min(rows, SAMPLE_ROWS);
  const picked = new Float32Array(wanted);
  const key = randomKey(seed, 0x71);
  let count = 0;
  for (let at = 0; at < wanted; at++) {
    const row = rows === wanted ? at : Math.floor(((at + randomUnit(key, at)) * rows) / wanted);
    const value = values[offset + row * stride];
    if (!Number.isNaN(value)) picked[count++] = value === 0 ? 0 : value; // -0 is sorted before 0 and equal to it
  }
  return picked.subarray(0, count);
};

const categoryBins = (feature: Feature, rows: number, bins: number): FeatureBins => {
  const counts = new Map<number, number>();
  for (let row = 0; row < rows; row++) {
    const code = feature.values[feature.offset + row * feature.stride];
    if (!Number.isNaN(code)) counts.set(code, (counts.get(code) ?? 0) + 1);
  }
  const codes = [...counts]
    .sort(([codeA, a], [codeB, b]) => b - a || codeA - codeB)
    .slice(0, Math.min(bins, MOST_CATEGORY_BINS))
    .map(([code]) => code)
    .sort((a, b) => a - b);
  return {
    kind: 'category',
    count: codes.length,
    thresholds: new Float32Array(0),
    codes: Int32Array.from(codes),
  };
};

/** Bins of a category column, a byte a row, written to `column` and, `stride` bytes apart, to `table`. */
export const binCategories = (
  feature: Feature,
  rows: number,
  { codes, count }: FeatureBins,
  write: (row: number, bin: number) => void,
): void => {
  const bins = new Map<number, number>();
  codes.forEach((code, bin) => bins.set(code, bin));
  for (let row = 0; row < rows; row++) {
    const code = feature.values[feature.offset + row * feature.stride];
    write(row, Number.isNaN(code) ? count : (bins.get(code) ?? count + 1));
  }
};
