/** Quantile of ascending `sorted` by linear interpolation (type 7 of Hyndman and Fan 1996, numpy's default). */
export const quantile = (sorted: Float64Array, at: number): number => {
  const position = at * (sorted.length - 1);
  const below = Math.floor(position);
  const low = sorted[below] ?? NaN;
  const high = sorted[Math.min(below + 1, sorted.length - 1)] ?? NaN;
  return low === high ? low : low + (high - low) * (position - below);
};

/** The values of `rows` that are present, ascending. */
export const presentSorted = (values: Float64Array, rows: Int32Array): Float64Array => {
  const present = new Float64Array(rows.length);
  let count = 0;
  for (const row of rows) {
    const value = values[row];
    if (!Number.isNaN(value)) present[count++] = value;
  }
  return present.subarray(0, count).sort();
};
