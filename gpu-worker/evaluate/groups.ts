/** Columns cut into few groups of rows, to look at a model's behaviour in each. */
import type { Column } from '../data/table';
import { presentSorted, quantile } from '../prepare/quantile';

export interface Groups {
  /** Index into `labels`, one a row asked for. */
  readonly codes: Int32Array;
  readonly labels: readonly string[];
}

export interface GroupLimits {
  /** Numbers and times are cut at quantiles into so many groups, unless they have no more distinct values than that. */
  readonly bins: number;
  /** So many of the most frequent categories are told apart. */
  readonly categories: number;
}

/** Of the table rows `rows`. A group of missing values, and one of rare categories, stand last where there are such. */
export const groupsOf = (column: Column, rows: Int32Array, limits: GroupLimits): Groups =>
  column.kind === 'number' || column.kind === 'time'
    ? numberGroups(column, rows, limits.bins)
    : categoryGroups(column, rows, limits.categories);

const numberGroups = (
  column: Extract<Column, { kind: 'number' | 'time' }>,
  rows: Int32Array,
  bins: number,
): Groups => {
  const { values } = column;
  const sorted = presentSorted(values, rows);
  const distinct = distinctUpTo(sorted, bins);
  const edges = distinct?.slice(0, -1) ?? quantileEdges(sorted, bins);
  const show = column.kind === 'time' ? showTime : showNumber;
  const labels =
    distinct?.map(show) ??
    [...edges, NaN].map((edge, i) => {
      if (i === 0) return `up to ${show(edge)}`;
      return i === edges.length ? `above ${show(edges[i - 1])}` : `${show(edges[i - 1])} to ${show(edge)}`;
    });
  const missing = labels.length;
  const codes = Int32Array.from(rows, (row) => {
    const value = values[row];
    if (Number.isNaN(value)) return missing;
    let at = 0;
    while (at < edges.length && value > edges[at]) at++;
    return at;
  });
  return { codes, labels: sorted.length < rows.length ? [...labels, 'missing'] : labels };
};

/** All different values, ascending; undefined when there are more than `most`. */
const distinctUpTo = (sorted: Float64Array, most: number): number[] | undefined => {
  const found: number[] = [];
  for (const value of sorted) {
    if (value === found.at(-1)) continue;
    if (found.length === most) return undefined;
    found.push(value);
  }
  return found;
};

/** Strictly rising, and below the greatest value. */
const quantileEdges = (sorted: Float64Array, bins: number): number[] => {
  const edges = new Set<number>();
  for (let bin = 1; bin < bins; bin++) edges.add(quantile(sorted, bin / bins));
  edges.delete(sorted[sorted.length - 1]);
  return [...edges];
};

const showNumber = (value: number): string => String(Number(value.toPrecision(4)));
const showTime = (micros: number): string => new Date(micros / 1000).toISOString().slice(0, 16);

const categoryGroups = (
  { codes: all, dictionary }: Extract<Column, { kind: 'category' | 'text' }>,
  rows: Int32Array,
  most: number,
): Groups => {
  const counts = new Map<number, number>();
  for (const row of rows) if (all[row] >= 0) counts.set(all[row], (counts.get(all[row]) ?? 0) + 1);
  const ranked = [...counts].sort(([a, many], [b, more]) => more - many || a - b).map(([code]) => code);
  const kept = ranked.length > most ? ranked.slice(0, most) : ranked;
  const place = new Map(kept.map((code, at) => [code, at]));
  const labels = kept.map((code) => dictionary[code]);
  const other = ranked.length > kept.length ? labels.push('(other)') - 1 : -1;
  const codes = Int32Array.from(rows, (row) =>
    all[row] < 0 ? labels.length : (place.get(all[row]) ?? other),
  );
  return { codes, labels: codes.includes(labels.length) ? [...labels, 'missing'] : labels };
};
