/** Where a model is worse than on the whole: groups of rows by one or two columns. */
import type { Slice, Slices } from '../../contracts';
import type { Groups } from './groups';

export interface GroupedColumn extends Groups {
  readonly column: string;
}

/** Pairs are looked for among the columns that tell most about the errors. */
const MOST_COLUMNS_IN_PAIRS = 30;
const MOST_SLICES = 10;
/** A slice that shares more of its rows than this with a worse one says nothing new. */
const MOST_OVERLAP = 0.7;
const FALSE_ALARMS = 0.05;
const TURN_MS = 100;

interface Candidate {
  /** One or two of them, with the group in each. */
  readonly columns: readonly { readonly of: GroupedColumn; readonly group: number }[];
  readonly rows: number;
  readonly error: number;
  readonly spread: number;
}

/**
 * Slices whose error surely exceeds that of all rows. `errors`: one a row, what the metric is the mean of. A slice counts
 * from max(30, 1 % of the rows) on. It is ranked by the lower bound of its mean error, one-sided at 5 % divided by the
 * number of slices that were looked at (Bonferroni), with the larger of its own and the whole's standard deviation. A
 * pair of columns must have a higher bound than either column alone.
 */
export const worstSlices = async (
  errors: Float64Array,
  columns: readonly GroupedColumn[],
  metric: Slices['metric'],
  signal: AbortSignal,
): Promise<Slices> => {
  const rows = errors.length;
  const fewestRows = Math.max(30, Math.ceil(rows / 100));
  const whole = summary(errors);
  const singles = columns.map((of) => singlesOf(errors, of, fewestRows));
  const told = columns.map((_, at) => betweenGroups(singles[at], whole.mean));
  const most = new Set([...columns.keys()].sort((a, b) => told[b] - told[a]).slice(0, MOST_COLUMNS_IN_PAIRS));
  const paired = columns.filter((_, at) => most.has(at));
  const pairs: Candidate[] = [];
  let turned = performance.now();
  for (const [at, first] of paired.entries())
    for (const second of paired.slice(at + 1)) {
      pairs.push(...pairsOf(errors, first, second, fewestRows));
      if (performance.now() - turned < TURN_MS) continue;
      await new Promise(setImmediate);
      signal.throwIfAborted();
      turned = performance.now();
    }
  const tested = singles.flat().length + pairs.length;
  const z = upperNormal(FALSE_ALARMS / Math.max(tested, 1));
  const bound = ({ error, spread, rows: count }: Candidate): number =>
    error - (z * Math.max(spread, whole.spread)) / Math.sqrt(count);
  const alone = new Map(singles.flat().map((slice) => [keyOf(slice.columns[0]), bound(slice)]));
  const better = pairs.filter((pair) =>
    pair.columns.every((part) => bound(pair) > (alone.get(keyOf(part)) ?? -Infinity)),
  );
  const ranked = [...singles.flat(), ...better]
    .map((slice) => ({ slice, atLeast: bound(slice) }))
    .filter(({ atLeast }) => atLeast > whole.mean)
    .sort((a, b) => b.atLeast - a.atLeast);
  return { metric, overall: whole.mean, tested, fewestRows, worst: different(ranked, rows) };
};

const keyOf = ({ of, group }: Candidate['columns'][number]): string => JSON.stringify([of.column, group]);

const summary = (errors: Float64Array): { mean: number; spread: number } => {
  const mean = errors.reduce((sum, error) => sum + error, 0) / errors.length;
  const squares = errors.reduce((sum, error) => sum + (error - mean) ** 2, 0);
  return { mean, spread: Math.sqrt(squares / errors.length) };
};

const singlesOf = (errors: Float64Array, of: GroupedColumn, fewestRows: number): Candidate[] =>
  candidates(errors, of.codes, of.labels.length, fewestRows, (group) => [{ of, group }]);

const pairsOf = (
  errors: Float64Array,
  first: GroupedColumn,
  second: GroupedColumn,
  fewestRows: number,
): Candidate[] => {
  const width = second.labels.length;
  const codes = first.codes.map((code, row) => code * width + second.codes[row]);
  return candidates(errors, codes, first.labels.length * width, fewestRows, (group) => [
    { of: first, group: Math.floor(group / width) },
    { of: second, group: group % width },
  ]);
};

const candidates = (
  errors: Float64Array,
  codes: Int32Array,
  groups: number,
  fewestRows: number,
  columnsOf: (group: number) => Candidate['columns'],
): Candidate[] => {
  const counts = new Int32Array(groups);
  const sums = new Float64Array(groups);
  const squares = new Float64Array(groups);
  for (let row = 0; row < errors.length; row++) {
    const code = codes[row];
    counts[code]++;
    sums[code] += errors[row];
    squares[code] += errors[row] * errors[row];
  }
  const found: Candidate[] = [];
  counts.forEach((rows, group) => {
    // A column with one group is no slice.
    if (rows < fewestRows || rows === errors.length) return;
    const error = sums[group] / rows;
    const spread = Math.sqrt(Math.max(0, squares[group] / rows - error * error));
    found.push({ columns: columnsOf(group), rows, error, spread });
  });
  return found;
};

/** How far the groups of a column lie from the mean, by rows. */
const betweenGroups = (slices: readonly Candidate[], mean: number): number =>
  slices.reduce((sum, { rows, error }) => sum + rows * (error - mean) ** 2, 0);

const different = (
  ranked: readonly { readonly slice: Candidate; readonly atLeast: number }[],
  rows: number,
): Slice[] => {
  const kept: { slice: Candidate; atLeast: number; member: Uint8Array }[] = [];
  for (const { slice, atLeast } of ranked) {
    if (kept.length === MOST_SLICES) break;
    const member = Uint8Array.from({ length: rows }, (_, row) =>
      slice.columns.every(({ of, group }) => of.codes[row] === group) ? 1 : 0,
    );
    const shared = (other: Uint8Array): number =>
      member.reduce((sum, inside, row) => sum + (inside & other[row]), 0);
    if (kept.some((other) => shared(other.member) > MOST_OVERLAP * Math.min(slice.rows, other.slice.rows)))
      continue;
    kept.push({ slice, atLeast, member });
  }
  return kept.map(({ slice, atLeast }) => ({
    where: slice.columns.map(({ of, group }) => ({ column: of.column, is: of.labels[group] })),
    rows: slice.rows,
    error: slice.error,
    atLeast,
  }));
};

/** The point that a standard normal exceeds with probability `share` < 0.5 (Abramowitz and Stegun 26.2.23, ± 4.5e-4). */
const upperNormal = (share: number): number => {
  const t = Math.sqrt(-2 * Math.log(share));
  return (
    t - (2.515517 + t * (0.802853 + t * 0.010328)) / (1 + t * (1.432788 + t * (0.189269 + t * 0.001308)))
  );
};
