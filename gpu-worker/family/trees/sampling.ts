/** Which rows and features a tree learns from. Pure functions of (seed, round or tree), so that a resumed run draws the same. */
import { randomBits, randomKey, randomUnit } from '../../../onnx';
import type { RowSampling } from './learning';

/** Features of one tree, ascending. */
export const sampleFeatures = (
  features: readonly number[],
  fraction: number,
  seed: number,
  tree: number,
): readonly number[] => {
  const wanted = Math.max(1, Math.round(fraction * features.length));
  if (wanted >= features.length) return features;
  const key = randomKey(seed, 0x72, tree);
  return features
    .map((feature) => ({ feature, at: randomBits(key, feature) }))
    .sort((a, b) => a.at - b.at || a.feature - b.feature)
    .slice(0, wanted)
    .map(({ feature }) => feature)
    .sort((a, b) => a - b);
};

export interface RowSample {
  /** Rows that are learned from; they come first in the list. */
  readonly count: number;
  /** Factor of the gradients and hessians of row i; undefined: 1 for all. */
  readonly factors?: Float32Array;
}

/**
 * Fills `rows` with the sample of a round, in ascending order, and after it with the rows that were left out.
 * @param sizes how large the gradient of each row is, for `goss`
 */
export const sampleRows = (
  sampling: RowSampling,
  rows: Int32Array,
  everyRow: Int32Array,
  sizes: () => Float64Array,
  seed: number,
  round: number,
): RowSample => {
  const key = randomKey(seed, 0x73, round);
  switch (sampling.kind) {
    case 'all':
      rows.set(everyRow.length === rows.length ? everyRow : everyRow.subarray(0, rows.length));
      return { count: rows.length };
    case 'bagging':
      return { count: separate(rows, (row) => randomUnit(key, row) < sampling.fraction) };
    case 'goss': {
      const gradients = sizes();
      const threshold = upperQuantile(gradients, sampling.top);
      const share = Math.min(1, sampling.other / (1 - sampling.top));
      const factors = new Float32Array(rows.length).fill(1);
      const count = separate(rows, (row) => {
        if (gradients[row] >= threshold) return true;
        factors[row] = 1 / share;
        return randomUnit(key, row) < share;
      });
      return { count, factors };
    }
  }
};

/** Puts the rows for which `keep` says so first; at least one. */
const separate = (rows: Int32Array, keep: (row: number) => boolean): number => {
  let count = 0;
  let last = rows.length;
  for (let row = 0; row < rows.length; row++) {
    if (keep(row)) rows[count++] = row;
    else rows[--last] = row;
  }
  rows.subarray(last).reverse();
  return Math.max(1, count);
};

/** The value that the largest `share` of the values reach. */
const upperQuantile = (values: Float64Array, share: number): number => {
  const sorted = Float64Array.from(values).sort();
  return sorted[Math.min(sorted.length - 1, Math.floor((1 - share) * sorted.length))] ?? Infinity;
};
