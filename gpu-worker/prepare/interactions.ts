/**
 * Ratios, products, sums and differences of two number columns that say more about the target than both say one by one. Found on
 * half of the training rows and kept where the other half agrees, so that a chance is not taken for a law.
 */
import { op, randomBits, randomKey, scalar } from '../../onnx';
import type { Value } from '../../onnx';
import type { Column } from '../data/table';
import type { Encoding } from './encoding';
import { fitNumber } from './number';
import type { NumberFit } from './number';
import { quantile } from './quantile';
import type { SupervisedTarget } from './target';

export interface InteractionFit {
  readonly how: 'ratio' | 'product' | 'sum' | 'difference';
  readonly of: readonly [string, string];
  /** What becomes of the derived number, as of any other. */
  readonly fit: NumberFit;
}

const SIGNS = { ratio: '/', product: '×', sum: '+', difference: '-' } as const;
/** Columns whose pairs are tried: those that say most alone come first. */
const MOST_COLUMNS = 12;
const MOST_ROWS = 10_000;
const FEWEST_ROWS = 400;
const BINS = 16;
const BACKFITTING_ROUNDS = 6;
/** A candidate and its two columns settle faster: all else is explained already. */
const JOINT_ROUNDS = 3;
/** Of what the columns one by one leave unexplained, on rows that had no part in finding it. */
const LEAST_GAIN = 0.005;
/** A bin's mean counts as that of so many more rows with no effect. */
const SHRINK = 10;
/** Classes beyond these, by frequency, do not look for interactions of their own. */
const MOST_CLASSES = 3;

/** double [rows] of the columns `of` to double [rows]; NaN where it has no value. */
export const interactionValue = ({ how }: InteractionFit, a: Value, b: Value): Value => {
  switch (how) {
    case 'ratio':
      return op.Where(op.Equal(b, 0), scalar(NaN, 'float64'), op.Div(a, b));
    case 'product':
      return op.Mul(a, b);
    case 'sum':
      return op.Add(a, b);
    case 'difference':
      return op.Sub(a, b);
  }
};

const CALCULATED = {
  ratio: (a: number, b: number) => a / b,
  product: (a: number, b: number) => a * b,
  sum: (a: number, b: number) => a + b,
  difference: (a: number, b: number) => a - b,
} as const;

/** Between the number columns of `offered`: at most `encoding.interactions`, the most telling first. */
export const fitInteractions = (
  offered: readonly Column[],
  target: SupervisedTarget,
  rows: Int32Array,
  encoding: Encoding,
): InteractionFit[] => {
  const columns = offered.filter((column) => column.kind === 'number');
  if (encoding.interactions === 0 || columns.length < 2 || rows.length < FEWEST_ROWS) return [];
  const every = Math.ceil(rows.length / MOST_ROWS);
  const sample = rows.filter((_, i) => i % every === 0);
  const screen = new Screen(sample, target);
  const strongest = columns
    .map((column) => ({ column, bins: binned((row) => column.values[row], sample) }))
    .map(({ column, bins }) => ({ column, bins, gain: screen.gain([bins]) }))
    .sort((a, b) => b.gain - a.gain)
    .slice(0, MOST_COLUMNS);
  const categories = offered.flatMap((column) =>
    column.kind === 'category' ? [frequent(column.codes, sample)] : [],
  );
  screen.explain([...strongest.map(({ bins }) => bins), ...categories]);
  const taken = new Set(columns.map(({ spec }) => spec.name));
  let candidates = pairsOf(strongest).flatMap(({ how, a, b }) => {
    const name = `${a.column.spec.name} ${SIGNS[how]} ${b.column.spec.name}`;
    if (taken.has(name)) return [];
    const value = (row: number): number => {
      const made = CALCULATED[how](a.column.values[row], b.column.values[row]);
      return Number.isFinite(made) ? made : NaN;
    };
    const of = [a.column.spec.name, b.column.spec.name] as const;
    return [{ name, how, of, value, bins: [binned(value, sample), a.bins, b.bins], gain: Infinity }];
  });
  const found: InteractionFit[] = [];
  while (found.length < encoding.interactions) {
    candidates = candidates
      .map((candidate) => ({ ...candidate, gain: screen.gain(candidate.bins) }))
      .filter(({ gain }) => gain >= LEAST_GAIN)
      .sort((a, b) => b.gain - a.gain);
    const [best, ...others] = candidates;
    if (best === undefined) break;
    candidates = others;
    screen.explain(best.bins);
    const values = new Float64Array(columns[0].values.length).fill(NaN);
    for (const row of rows) values[row] = best.value(row);
    const fit = fitNumber(best.name, values, rows, encoding);
    if (fit !== undefined) found.push({ how: best.how, of: best.of, fit });
  }
  return found;
};

interface Pair<T> {
  readonly how: InteractionFit['how'];
  readonly a: T;
  readonly b: T;
}

/** Ratios both ways, the others once. */
const pairsOf = <T>(columns: readonly T[]): Pair<T>[] =>
  columns.flatMap((a, i) =>
    columns.flatMap((b, k) => {
      if (i === k) return [];
      const ways = i < k ? (['ratio', 'product', 'sum', 'difference'] as const) : (['ratio'] as const);
      return ways.map((how): Pair<T> => ({ how, a, b }));
    }),
  );

/** Bin of each sampled row by quantiles of the sample; the last is for missing values. */
const binned = (value: (row: number) => number, sample: Int32Array): Uint8Array => {
  const values = Float64Array.from(sample, value);
  const sorted = values.filter((one) => !Number.isNaN(one)).sort();
  const edges = Array.from({ length: BINS - 1 }, (_, i) => quantile(sorted, (i + 1) / BINS));
  return Uint8Array.from(values, (one) => {
    if (Number.isNaN(one)) return BINS;
    let bin = 0;
    while (bin < edges.length && one >= edges[bin]) bin++;
    return bin;
  });
};

/** The most frequent codes of the sample have a bin each, all others and missing ones share the last. */
const frequent = (codes: Int32Array, sample: Int32Array): Uint8Array => {
  const counts = new Map<number, number>();
  for (const row of sample) counts.set(codes[row], (counts.get(codes[row]) ?? 0) + 1);
  const ranked = [...counts].sort((a, b) => b[1] - a[1] || a[0] - b[0]).slice(0, BINS);
  const bins = new Map(ranked.map(([code], bin) => [code, bin]));
  return Uint8Array.from(sample, (row) => bins.get(codes[row]) ?? BINS);
};

/** What is left to explain of the target, on two halves of the sample: one teaches, the other judges. */
class Screen {
  private readonly left: readonly Float64Array[];
  private readonly teaches: Uint8Array;

  constructor(sample: Int32Array, target: SupervisedTarget) {
    const key = randomKey(17, 0);
    this.teaches = Uint8Array.from(sample, (row) => randomBits(key, row) & 1);
    this.left = wanted(target).map((value) => centred(Float64Array.from(sample, value), this.teaches));
  }

  /**
   * Share of what is left on the judging half that the columns explain together, summed over the targets. An interaction is
   * asked together with its two columns: alone, its own additive part would seem to be explained already.
   */
  gain(columns: readonly Uint8Array[]): number {
    return this.left.reduce((sum, left) => {
      const rest = left.slice();
      this.settle(rest, columns, columns.length === 1 ? 1 : JOINT_ROUNDS);
      const before = this.judged(left);
      return sum + (before > 0 ? 1 - this.judged(rest) / before : 0);
    }, 0);
  }

  /** Takes the effects of the columns out of what is left. */
  explain(columns: readonly Uint8Array[]): void {
    for (const left of this.left) this.settle(left, columns, BACKFITTING_ROUNDS);
  }

  /** One column after the other until they settle (backfitting, Hastie and Tibshirani 1986). */
  private settle(left: Float64Array, columns: readonly Uint8Array[], rounds: number): void {
    for (let round = 0; round < rounds; round++)
      for (const bins of columns) {
        const means = this.means(bins, left);
        for (let i = 0; i < left.length; i++) left[i] -= means[bins[i]];
      }
  }

  private judged(left: Float64Array): number {
    let squares = 0;
    for (let i = 0; i < left.length; i++) if (this.teaches[i] === 0) squares += left[i] ** 2;
    return squares;
  }

  private means(bins: Uint8Array, left: Float64Array): Float64Array {
    const sums = new Float64Array(BINS + 1);
    const counts = new Float64Array(BINS + 1).fill(SHRINK);
    for (let i = 0; i < left.length; i++) {
      if (this.teaches[i] === 0) continue;
      const bin = bins[i];
      sums[bin] += left[i];
      counts[bin]++;
    }
    return sums.map((sum, bin) => sum / counts[bin]);
  }
}

const wanted = (target: SupervisedTarget): ((row: number) => number)[] => {
  if (target.task === 'regression') return [(row) => target.values[row]];
  const frequent = target.counts
    .map((count, code) => ({ count, code }))
    .sort((a, b) => b.count - a.count || a.code - b.code)
    .slice(0, target.classes.length === 2 ? 1 : MOST_CLASSES);
  return frequent.map(
    ({ code }) =>
      (row) =>
        target.codes[row] === code ? 1 : 0,
  );
};

const centred = (values: Float64Array, teaches: Uint8Array): Float64Array => {
  let sum = 0;
  let count = 0;
  for (let i = 0; i < values.length; i++)
    if (teaches[i] === 1) {
      sum += values[i];
      count++;
    }
  return values.map((value) => value - (count > 0 ? sum / count : 0));
};
