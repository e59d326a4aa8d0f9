import { inferNumberFormat, parseNumber } from './number';
import type { ColumnSpec } from './spec';
import { cleanText, fold, MISSING_TOKENS } from './text';
import { inferDayFirst, parseTime } from './time';

/** What a scan of one column found; counts are rows. */
export interface ColumnSummary {
  readonly name: string;
  readonly rows: number;
  readonly empty: number;
  /** Cells that are plain decimal numbers. */
  readonly plain: number;
  readonly distinct: number;
  /** The most frequent cells that are neither empty nor plain numbers, as [cell, count]. */
  readonly others: readonly (readonly [string, number])[];
}

export interface Inferred {
  readonly spec: ColumnSpec;
  /** Rows that the spec cannot read and that become missing; 0 in a clean column. */
  readonly unreadable: number;
}

/** A column is of a type when this share of its values reads as it; the rest becomes missing, with a warning. */
const MOSTLY = 0.97;
/** More distinct texts than this are no categories, however many rows there are. */
const MOST_CATEGORIES = 20_000;

/**
 * The spec of one column. A token such as `?` or `NA` counts as missing where it was seen; «None» and «unknown» stay
 * values, because categories use them.
 */
export const inferColumn = (summary: ColumnSummary): Inferred => {
  const missing = new Set<string>();
  const values: (readonly [string, number])[] = [];
  let missingRows = summary.empty;
  for (const [cell, count] of summary.others) {
    const folded = fold(cell);
    if (folded === '' || MISSING_TOKENS.includes(folded)) {
      if (folded !== '') missing.add(folded);
      missingRows += count;
    } else values.push([cell, count]);
  }
  const present = Math.max(0, summary.rows - missingRows);
  const base = { v: 1 as const, name: summary.name, missing: [...missing].sort() };

  const format = inferNumberFormat(values);
  const notFinite = values.filter(([cell]) => isNotFinite(cell)).reduce((sum, [, count]) => sum + count, 0);
  const read = values.reduce(
    (sum, [cell, count]) => sum + (parseNumber(cell, format).ok ? count : 0),
    summary.plain,
  );
  // A spelled-out NaN or Infinity makes a number column wrong, not a text column.
  if (present > 0 && read > 0 && read + notFinite >= MOSTLY * present) {
    return { spec: { ...base, type: 'number', number: format }, unreadable: present - read - notFinite };
  }
  const dayFirst = inferDayFirst(values);
  const times = values.reduce(
    (sum, [cell, count]) => sum + (parseTime(cell, dayFirst) === null ? 0 : count),
    0,
  );
  const seen = values.reduce((sum, [, count]) => sum + count, 0);
  if (seen > 0 && summary.plain === 0 && times >= MOSTLY * seen) {
    return { spec: { ...base, type: 'time', time: { dayFirst } }, unreadable: seen - times };
  }
  if (present === 0)
    return { spec: { ...base, type: 'category', category: { canonical: [] } }, unreadable: 0 };
  const free =
    summary.distinct > MOST_CATEGORIES || (summary.distinct > 50 && summary.distinct > 0.5 * present);
  return { spec: free ? { ...base, type: 'text' } : { ...base, type: 'category' }, unreadable: 0 };
};

const isNotFinite = (cell: string): boolean => {
  const result = parseNumber(cell);
  return !result.ok && result.problem === 'not-finite';
};

/** Folds spellings: for each folded form the most frequent spelling, ties to the first in code-unit order. */
export const canonicalSpellings = (cells: Iterable<readonly [string, number]>): [string, string][] => {
  const counts = new Map<string, Map<string, number>>();
  for (const [cell, count] of cells) {
    const clean = cleanText(cell);
    if (clean === '') continue;
    const folded = clean.toLowerCase();
    const spellings = counts.get(folded) ?? new Map<string, number>();
    spellings.set(clean, (spellings.get(clean) ?? 0) + count);
    counts.set(folded, spellings);
  }
  return [...counts.entries()]
    .map(([folded, spellings]): [string, string] => {
      const [best] = [...spellings.entries()].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1));
      return [folded, best[0]];
    })
    .sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
};
