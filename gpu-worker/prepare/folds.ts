/** Which rows teach and which rows judge, fold by fold. Equal arguments give equal folds. */
import { permutation, randomKey } from '../../onnx';

export interface Fold {
  readonly training: Int32Array;
  /** Never among `training`. */
  readonly validation: Int32Array;
}

export type FoldRule =
  | { readonly kind: 'random' }
  /** `codes`: class of each table row. */
  | { readonly kind: 'stratified'; readonly codes: Int32Array }
  /** `codes`: group of each table row; rows of one group stay together. */
  | { readonly kind: 'group'; readonly codes: Int32Array }
  /** `values`: when each table row was; NaN counts as before everything else. */
  | { readonly kind: 'time'; readonly values: Float64Array };

/**
 * Up to `folds` pairs of the rows `rows` (numbers of the table). Shuffled folds judge every row once; only a class with a
 * single row always teaches, since nothing is learned from judging by it. By time the first fold is the latest.
 */
export const planFolds = (
  rule: FoldRule,
  rows: Int32Array,
  options: { readonly folds: number; readonly seed: number },
): Fold[] => {
  if (rule.kind === 'time') return forward(rows, rule.values, options.folds);
  const seed = randomKey(options.seed, 0xf01d);
  if (rule.kind === 'group') {
    const folds = Math.min(options.folds, new Set(Array.from(rows, (row) => rule.codes[row])).size);
    return pairs(rows, grouped(rows, rule.codes, folds, seed), folds);
  }
  const codes = rule.kind === 'stratified' ? rule.codes : null;
  return pairs(rows, dealt(rows, codes, options.folds, seed), options.folds);
};

/** Never judges, always teaches. */
const TEACHES = -1;

/** `assigned`: the fold that judges each entry of `rows`. */
const pairs = (rows: Int32Array, assigned: Int32Array, folds: number): Fold[] =>
  Array.from({ length: folds }, (_, fold) => ({
    training: rows.filter((_row, i) => assigned[i] !== fold),
    validation: rows.filter((_row, i) => assigned[i] === fold),
  }));

/** Each class is shuffled and dealt out in turn, the next class going on where the last one stopped. */
const dealt = (rows: Int32Array, codes: Int32Array | null, folds: number, seed: number): Int32Array => {
  const byClass = new Map<number, number[]>();
  for (const at of permutation(rows.length, seed, 0)) {
    const label = codes?.[rows[at]] ?? 0;
    const members = byClass.get(label);
    if (members === undefined) byClass.set(label, [at]);
    else members.push(at);
  }
  const assigned = new Int32Array(rows.length).fill(TEACHES);
  let next = 0;
  for (const [, members] of [...byClass].sort(([a], [b]) => a - b)) {
    if (members.length < 2) continue;
    for (const at of members) assigned[at] = next++ % folds;
  }
  return assigned;
};

/** Largest group first, each to the fold with the fewest rows so far; equal sizes in the order of the shuffle. */
const grouped = (rows: Int32Array, codes: Int32Array, folds: number, seed: number): Int32Array => {
  const sizes = new Map<number, number>();
  for (const row of rows) sizes.set(codes[row], (sizes.get(codes[row]) ?? 0) + 1);
  const groups = [...sizes].sort(([a], [b]) => a - b);
  const order = [...permutation(groups.length, seed, 1)].flatMap((at) => groups[at] ?? []);
  const shuffled = Array.from({ length: groups.length }, (_, i) => ({
    group: order[2 * i],
    size: order[2 * i + 1],
  })).sort((a, b) => b.size - a.size);
  const filled = new Array<number>(folds).fill(0);
  const foldOf = new Map<number, number>();
  for (const { group, size } of shuffled) {
    const fold = filled.indexOf(Math.min(...filled));
    filled[fold] += size;
    foldOf.set(group, fold);
  }
  return Int32Array.from(rows, (row) => foldOf.get(codes[row]) ?? 0);
};

/** Rows before this share only ever teach. */
const FIRST_TRAINING = 0.5;

/**
 * Forward chaining: the second half in blocks, each judged by a model of everything before it. A block ends only where
 * the instant changes.
 */
const forward = (rows: Int32Array, values: Float64Array, folds: number): Fold[] => {
  const ordered = inTimeOrder(rows, values);
  const at = (i: number): number => values[ordered[i]];
  const cut = (share: number): number => {
    let i = Math.round(ordered.length * share);
    while (i > 0 && i < ordered.length && Object.is(at(i), at(i - 1))) i++;
    return i;
  };
  const cuts = Array.from({ length: folds + 1 }, (_, i) =>
    cut(FIRST_TRAINING + ((1 - FIRST_TRAINING) * i) / folds),
  );
  return Array.from({ length: folds }, (_, i) => {
    const from = cuts[folds - 1 - i];
    return { training: ordered.slice(0, from), validation: ordered.slice(from, cuts[folds - i]) };
  }).filter(({ training, validation }) => training.length > 0 && validation.length > 0);
};

/** Rows without an instant first, equal instants in the order of the table. */
export const inTimeOrder = (rows: Int32Array, values: Float64Array): Int32Array => {
  const at = (row: number): number => {
    const value = values[row];
    return Number.isNaN(value) ? -Infinity : value;
  };
  return Int32Array.from([...rows].sort((a, b) => (at(a) === at(b) ? a - b : at(a) < at(b) ? -1 : 1)));
};
