/** What least squares needs to know of all windows of a series: the sums of the products of their cells. */

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

/**
 * Adds windows that begin at `first`, `first + 1`, … `first + count - 1` of `values`, which must all be known. Neighbouring
 * windows share all cells but two, so row i + 1 follows from row i: `count · length + length²` products instead of
 * `count · length²`.
 */
export const addRun = (
  { size, sums }: ProductSums,
  values: Float64Array,
  first: number,
  count: number,
): void => {
  const length = size - 1;
  const end = first + count;
  const row = new Float64Array(length);
  for (let j = 0; j < length; j++) {
    let sum = 0;
    for (let at = first; at < end; at++) sum += values[at] * values[at + j];
    row[j] = sum;
  }
  let total = 0;
  for (let at = first; at < end; at++) total += values[at];
  for (let i = 0; i < length; i++) {
    for (let j = i; j < length; j++) {
      const sum = row[j - i];
      sums[i * size + j] += sum;
      if (j > i) sums[j * size + i] += sum;
    }
    sums[i * size + length] += total;
    sums[length * size + i] += total;
    const [gone, come] = [values[first + i], values[end + i]];
    total += come - gone;
    // The next row's entries lie `j - i` apart as these do: each loses the first window's product and gains the next one's.
    for (let d = 0; i + 1 + d < length; d++)
      row[d] += come * values[end + i + d] - gone * values[first + i + d];
  }
  sums[size * size - 1] += count;
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
