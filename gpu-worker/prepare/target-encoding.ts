/**
 * A category column as what its values say about the target (Micci-Barreca 2001): per value a mean, drawn towards that
 * of all rows the more, the fewer rows it has and the less the values differ. Training rows must not see themselves in
 * it: they get the means of other folds (`outOfFold`), only new rows get those of all training rows.
 */
import { randomBits, randomKey } from '../../onnx';
import type { SupervisedTarget } from './target';

export interface TargetEncodingFit {
  readonly kind: 'target';
  readonly name: string;
  /** Missing is the value ''. */
  readonly values: readonly string[];
  /** One a value, `width` numbers each. */
  readonly scores: readonly (readonly number[])[];
  /** For values that training never saw. */
  readonly prior: readonly number[];
}

const FOLDS = 5;
/** A class of its own for each would be wide; the most frequent say most. */
const MOST_CLASSES = 16;
const MOST_VALUES = 20_000;

/** Columns of the target: the standardised value, or for classes all but the first: 1 where the row has it. */
const targetWidth = (target: SupervisedTarget): number =>
  target.task === 'regression' ? 1 : Math.min(MOST_CLASSES, target.classes.length - 1);

const targetAt = (target: SupervisedTarget, row: number, column: number): number =>
  target.task === 'regression'
    ? (target.values[row] - target.mean) / target.deviation
    : target.codes[row] === column + 1
      ? 1
      : 0;

interface CodedColumn {
  readonly codes: Int32Array;
  readonly dictionary: readonly string[];
}

/** Undefined when the values tell nothing apart: a constant column, one of identifiers, or pure chance. */
export const fitTargetEncoding = (
  name: string,
  column: CodedColumn,
  target: SupervisedTarget,
  rows: Int32Array,
): TargetEncodingFit | undefined => {
  const width = targetWidth(target);
  const columns = Array.from({ length: width }, (_, at) => encode(column, target, at, rows));
  if (columns.every(({ told }) => !told)) return undefined;
  const counts = columns[0]?.counts ?? new Float64Array(0);
  const kept = Array.from(counts, (count, place) => ({ count, place }))
    // A value seen once says nothing; without it the file is smaller.
    .filter(({ count }) => count >= 2)
    .sort((a, b) => b.count - a.count || a.place - b.place)
    .slice(0, MOST_VALUES);
  return {
    kind: 'target',
    name,
    values: kept.map(({ place }) => column.dictionary[place - 1] ?? ''),
    scores: kept.map(({ place }) => columns.map(({ scores }) => scores[place])),
    prior: columns.map(({ prior }) => prior),
  };
};

export const targetEncodingWidth = (fit: TargetEncodingFit): number => fit.prior.length;

/** Row-major [rows, width]: each training row by the rows of the other folds. Folds hang on the row numbers only. */
export const outOfFold = (
  fit: TargetEncodingFit,
  column: CodedColumn,
  target: SupervisedTarget,
  rows: Int32Array,
): Float32Array => {
  const width = targetEncodingWidth(fit);
  const key = randomKey(FOLDS, 0);
  const foldOf = (row: number): number => randomBits(key, row) % FOLDS;
  const values = new Float32Array(rows.length * width);
  for (let fold = 0; fold < FOLDS; fold++) {
    const others = rows.filter((row) => foldOf(row) !== fold);
    for (let at = 0; at < width; at++) {
      const { counts, scores, prior } = encode(column, target, at, others);
      for (let i = 0; i < rows.length; i++) {
        const row = rows[i];
        if (foldOf(row) !== fold) continue;
        const place = column.codes[row] + 1;
        values[i * width + at] = counts[place] >= 2 ? (scores[place] ?? prior) : prior;
      }
    }
  }
  return values;
};

interface Encoded {
  /** By code + 1; 0 is missing. */
  readonly counts: Float64Array;
  readonly scores: Float64Array;
  readonly prior: number;
  /** The values differ by more than chance would have it. */
  readonly told: boolean;
}

/**
 * Empirical Bayes: a value with n rows keeps n / (n + m) of its own mean, m = variance within the values / variance
 * between them, both as in a one-way analysis of variance with random effects (Searle, Casella and McCulloch 1992, §3.6).
 */
const encode = (column: CodedColumn, target: SupervisedTarget, at: number, rows: Int32Array): Encoded => {
  const places = column.dictionary.length + 1;
  const counts = new Float64Array(places);
  const sums = new Float64Array(places);
  let total = 0;
  let squares = 0;
  for (const row of rows) {
    const place = column.codes[row] + 1;
    const value = targetAt(target, row, at);
    counts[place]++;
    sums[place] += value;
    total += value;
    squares += value * value;
  }
  const prior = rows.length > 0 ? total / rows.length : 0;
  let used = 0;
  let between = 0;
  let countSquares = 0;
  for (let place = 0; place < places; place++) {
    const count = counts[place];
    if (count === 0) continue;
    used++;
    between += count * (sums[place] / count - prior) ** 2;
    countSquares += count * count;
  }
  const within = squares - rows.length * prior * prior - between;
  const withinVariance = rows.length > used ? Math.max(0, within) / (rows.length - used) : Infinity;
  const betweenVariance =
    (between - (used - 1) * withinVariance) / (rows.length - countSquares / rows.length);
  const told = betweenVariance > 0;
  const m = told ? withinVariance / betweenVariance : Infinity;
  const scores = sums.map((sum, place) => {
    const count = counts[place];
    if (count === 0 || !told) return prior;
    const own = count / (count + m);
    return own * (sum / count) + (1 - own) * prior;
  });
  return { counts, scores, prior, told };
};
