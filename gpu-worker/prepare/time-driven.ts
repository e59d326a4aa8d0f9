/** Does time drive the target? Then shuffled rows would be judged by their own neighbours in time. */
import type { Table } from '../data/table';
import { inTimeOrder } from './folds';
import type { SupervisedTarget } from './target';

/** Below this, neighbours in time say so little about each other that shuffling does no harm. */
const WEAKEST = 0.1;
/** Standard errors by which the neighbours must be nearer than chance. */
const CERTAIN = 4;
const FEWEST_INSTANTS = 30;
const FEWEST_PRESENT = 0.95;

export interface Likeness {
  /** 0: neighbours in time are as different as any two rows; 1: they are equal. */
  readonly strength: number;
  /** In standard errors of what independent rows give. */
  readonly certainty: number;
}

/** How alike the targets of neighbours in time are. */
export const likenessInTime = (
  instants: Float64Array,
  target: SupervisedTarget,
  rows: Int32Array,
): Likeness => {
  const ordered = inTimeOrder(rows, instants);
  return target.task === 'regression'
    ? ranksAlike(Float64Array.from(ordered, (row) => target.values[row]))
    : classesAlike(Int32Array.from(ordered, (row) => target.codes[row]));
};

/** The time column whose order drives the target most, if any does. */
export const drivingColumn = (
  table: Table,
  columns: readonly string[],
  target: SupervisedTarget,
  rows: Int32Array,
): string | null => {
  let best: { name: string; strength: number } | undefined;
  for (const column of table.columns) {
    if (column.kind !== 'time' || !columns.includes(column.spec.name)) continue;
    const present = rows.filter((row) => !Number.isNaN(column.values[row]));
    if (present.length < FEWEST_PRESENT * rows.length) continue;
    if (new Set(Array.from(present, (row) => column.values[row])).size < FEWEST_INSTANTS) continue;
    const { strength, certainty } = likenessInTime(column.values, target, present);
    if (strength < WEAKEST || certainty < CERTAIN || strength <= (best?.strength ?? 0)) continue;
    best = { name: column.spec.name, strength };
  }
  return best?.name ?? null;
};

/**
 * The rank version of von Neumann's ratio: squared differences of neighbouring ranks over the ranks' variance, 2 for
 * independent rows with variance 4 / n (Bartels, «The rank version of von Neumann's ratio test for randomness», JASA 1982).
 */
const ranksAlike = (values: Float64Array): Likeness => {
  const ranks = averageRanks(values);
  const mean = (values.length - 1) / 2;
  let differences = 0;
  let spread = 0;
  for (let i = 0; i < ranks.length; i++) {
    spread += (ranks[i] - mean) ** 2;
    if (i > 0) differences += (ranks[i] - ranks[i - 1]) ** 2;
  }
  if (!(spread > 0)) return { strength: 0, certainty: 0 };
  const strength = 1 - differences / spread / 2;
  return { strength, certainty: strength * Math.sqrt(values.length) };
};

/** How much more often neighbours have the same class than two rows drawn at random (join counts). */
const classesAlike = (codes: Int32Array): Likeness => {
  const counts = new Map<number, number>();
  for (const code of codes) counts.set(code, (counts.get(code) ?? 0) + 1);
  let chance = 0;
  for (const count of counts.values()) chance += (count / codes.length) ** 2;
  if (chance >= 1) return { strength: 0, certainty: 0 };
  let equal = 0;
  for (let i = 1; i < codes.length; i++) if (codes[i] === codes[i - 1]) equal++;
  const seen = equal / (codes.length - 1);
  return {
    strength: (seen - chance) / (1 - chance),
    certainty: (seen - chance) / Math.sqrt((chance * (1 - chance)) / (codes.length - 1)),
  };
};

/** 0-based; equal values share the mean of their ranks. */
const averageRanks = (values: Float64Array): Float64Array => {
  const order = Int32Array.from({ length: values.length }, (_, i) => i).sort((a, b) => values[a] - values[b]);
  const ranks = new Float64Array(values.length);
  for (let from = 0; from < order.length;) {
    let to = from;
    while (to < order.length && values[order[to]] === values[order[from]]) to++;
    for (let i = from; i < to; i++) ranks[order[i]] = (from + to - 1) / 2;
    from = to;
  }
  return ranks;
};
