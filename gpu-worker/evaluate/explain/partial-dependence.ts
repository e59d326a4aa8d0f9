import type { PartialDependence } from '../../../contracts';
import { rawValue } from '../../data/raw-value';
import type { Column } from '../../data/table';
import { quantile } from '../../prepare/quantile';
import type { SealedFile } from './sealed-file';

const NUMBERS = 20;
const CATEGORIES = 12;
const MOST_LABELS = 5;

/**
 * Mean answer when a column has the same value in all `rows`, for values from the 2nd to the 98th percentile or the most
 * frequent categories (Friedman 2001), with the spread of the rows' own curves (ICE, Goldstein et al. 2015). No points for pictures, free text and
 * windows, which have no one value.
 */
export const partialDependence = async (
  file: SealedFile,
  column: string,
  rows: Int32Array,
  classes: readonly string[],
): Promise<PartialDependence> => {
  const labels = shownLabels(await file.answers(rows.length, () => rows), classes);
  const shown = classes.length === 0 ? [0] : labels;
  const points: PartialDependence['points'] = [];
  const values = file.column(column);
  const drawable = values !== undefined && values.kind !== 'text' && file.window(column) === 1;
  for (const row of drawable ? grid(values, rows) : []) {
    const fixed = new Int32Array(rows.length).fill(row);
    const answers = await file.answers(rows.length, (name) => (name === column ? fixed : rows));
    const of = (output: number): Float64Array =>
      Float64Array.from(rows, (_, i) => answers[i * file.width + output]).sort();
    const first = of(shown[0]);
    points.push({
      at: (values && rawValue(values, row)) ?? '',
      mean: shown.map((output) => of(output).reduce((sum, value) => sum + value, 0) / rows.length),
      q10: quantile(first, 0.1),
      q90: quantile(first, 0.9),
    });
  }
  return { column, labels: labels.map((label) => classes[label]), points };
};

/** Of two classes the second; of more the most probable ones on average. */
const shownLabels = (answers: Float32Array, classes: readonly string[]): number[] => {
  if (classes.length === 0) return [];
  if (classes.length === 2) return [1];
  const sums = classes.map((_, label) => {
    let sum = 0;
    for (let at = label; at < answers.length; at += classes.length) sum += answers[at];
    return sum;
  });
  return [...classes.keys()].sort((a, b) => sums[b] - sums[a]).slice(0, MOST_LABELS);
};

/** Rows that have the values to be looked at, without missing ones. */
const grid = (column: Column, rows: Int32Array): number[] => {
  if ('codes' in column) return frequent(column.codes, rows);
  const { values } = column;
  const present = rows.filter((row) => !Number.isNaN(values[row])).sort((a, b) => values[a] - values[b]);
  const places = Array.from({ length: NUMBERS }, (_, i) =>
    Math.round((0.02 + (0.96 * i) / (NUMBERS - 1)) * (present.length - 1)),
  );
  const found: number[] = [];
  for (const row of places.map((place) => present[place]))
    if (row !== undefined && values[row] !== values[found[found.length - 1]]) found.push(row);
  return found;
};

const frequent = (codes: Int32Array, rows: Int32Array): number[] => {
  const seen = new Map<number, { row: number; count: number }>();
  for (const row of rows) {
    if (codes[row] < 0) continue;
    const { count, row: first } = seen.get(codes[row]) ?? { count: 0, row };
    seen.set(codes[row], { row: first, count: count + 1 });
  }
  const ranked = [...seen.values()].sort((a, b) => b.count - a.count || a.row - b.row);
  return ranked.slice(0, CATEGORIES).map(({ row }) => row);
};
