/** What least squares needs to know of all windows of a series: the sums of the products of their cells. */
import type { ScaledSeries } from './scale';

/** Symmetric [size, size]: cell i with cell j of every window, summed; the last row is that of a constant 1. */
export interface ProductSums {
  readonly size: number;
  readonly sums: Float64Array;
}

export const emptySums = (length: number): ProductSums => ({
  size: length + 1,
  sums: new Float64Array((length + 1) ** 2),
});

export const addSums = (into: ProductSums, from: ProductSums): void => {
  for (let i = 0; i < into.sums.length; i++) into.sums[i] += from.sums[i];
};

/** The cells `at`, `at + 1`, ... of windows, read from `values`: those of the first window begin at `first`. */
interface Cells {
  readonly values: Float64Array;
  readonly first: number;
  readonly at: number;
  readonly length: number;
}

/**
 * Adds windows that begin at `first`, `first + 1`, ... `first + count - 1`, each of `lookback` cells of the past and then the
 * steps ahead.
 */
export const addRun = (
  into: ProductSums,
  { past, ahead }: ScaledSeries,
  lookback: number,
  [first, count]: readonly [first: number, count: number],
): void => {
  const length = into.size - 1;
  const read = { values: past, first, at: 0, length: past === ahead ? length : lookback };
  const parts: Cells[] = [read];
  if (past !== ahead)
    parts.push({ values: ahead, first: first + lookback, at: lookback, length: length - lookback });
  parts.forEach((part, i) => {
    addTotals(into, part, count);
    for (const other of parts.slice(i)) addProducts(into, part, other, count);
  });
  into.sums[into.size ** 2 - 1] += count;
};

/**
 * Neighbouring windows share all cells but two, so the products of cells i + 1 and j + 1 follow from those of i and j:
 * `count · length + length²` products instead of `count · length²`.
 */
const addProducts = ({ size, sums }: ProductSums, a: Cells, b: Cells, count: number): void => {
  for (let apart = a === b ? 0 : 1 - a.length; apart < b.length; apart++) {
    let [i, j] = apart < 0 ? [-apart, 0] : [0, apart];
    let [x, y] = [a.first + i, b.first + j];
    let sum = 0;
    for (let window = 0; window < count; window++) sum += a.values[x + window] * b.values[y + window];
    for (; i < a.length && j < b.length; i++, j++, x++, y++) {
      const [row, column] = [a.at + i, b.at + j];
      sums[row * size + column] += sum;
      if (row !== column) sums[column * size + row] += sum;
      sum += a.values[x + count] * b.values[y + count] - a.values[x] * b.values[y];
    }
  }
};

const addTotals = (
  { size, sums }: ProductSums,
  { values, first, at, length }: Cells,
  count: number,
): void => {
  let total = 0;
  for (let window = 0; window < count; window++) total += values[first + window];
  for (let i = 0; i < length; i++) {
    sums[(at + i) * size + size - 1] += total;
    sums[(size - 1) * size + at + i] += total;
    total += values[first + i + count] - values[first + i];
  }
};

/** Runs of windows that follow each other, as [first cell, windows]; a window is named by its last known row. */
export const runsOf = (windows: Int32Array, lookback: number): [first: number, count: number][] => {
  const runs: [number, number][] = [];
  for (const [i, row] of windows.entries()) {
    if (i > 0 && windows[i - 1] === row - 1) runs[runs.length - 1][1]++;
    else runs.push([row + 1 - lookback, 1]);
  }
  return runs;
};
