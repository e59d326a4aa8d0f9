/** How good a grouping is: how close its groups are and how far apart, and whether it agrees with known labels. */
import { permutation, randomKey } from '../../onnx';
import type { Sample } from './sample';

/** Row-major [rows, width]: the numbers that distances are measured in. */
export interface Points {
  readonly rows: number;
  readonly width: number;
  readonly values: ArrayLike<number>;
}

/** Rows that distances are measured among; with weights they are asked again and again. */
const MOST_POINTS = 2000;
const MOST_WEIGHED = 300;
const SILHOUETTE = 0x51;

/** How often each row counts; once each when left out. */
type Weights = ArrayLike<number>;

/**
 * What a grouping of rows is worth: silhouette (of at most 300 rows drawn by `seed`), daviesBouldin, and with `labels` (-1 =
 * not known) adjustedRand. Stops when aborted.
 */
export const groupingSample = async (
  points: Points,
  groups: Int32Array,
  labels: Int32Array | null,
  seed: number,
  signal: AbortSignal,
): Promise<Sample> => {
  const drawn = drawnRows(points, seed, MOST_WEIGHED);
  const silhouetteOf = await silhouettes(points, groups, drawn, signal);
  return {
    rows: points.rows,
    work: drawn.length ** 2 + 2 * points.rows * points.width,
    metrics: (weights) => ({
      silhouette: silhouetteOf(weights),
      daviesBouldin: daviesBouldin(points, groups, weights),
      ...(labels !== null && { adjustedRand: adjustedRand(groups, labels, weights) }),
    }),
  };
};

/**
 * Mean silhouette (Rousseeuw 1987) of at most 2,000 rows drawn by `seed`, distances among them only; -1 to 1, higher is
 * better. A row that is alone in its group counts 0. Null with fewer than two groups. Stops when aborted.
 */
export const silhouette = async (
  points: Points,
  groups: ArrayLike<number>,
  seed: number,
  signal: AbortSignal,
): Promise<number | null> =>
  (await silhouettes(points, groups, drawnRows(points, seed, MOST_POINTS), signal))();

const drawnRows = ({ rows }: Points, seed: number, most: number): Int32Array =>
  permutation(rows, randomKey(seed, SILHOUETTE), 0).subarray(0, most);

/**
 * The silhouette by how often each row counts. A row's own copies are not its neighbours: they are no nearer than it is
 * itself, and would make groups look closer than those of as many different rows.
 */
const silhouettes = async (
  { values, width }: Points,
  groups: ArrayLike<number>,
  drawn: Int32Array,
  signal: AbortSignal,
): Promise<(weights?: Weights) => number | null> => {
  // Group after group, so that distances to a group lie beside each other.
  const rows = Int32Array.from(drawn).sort((a, b) => groups[a] - groups[b]);
  const ends = Array.from(rows.keys()).filter((at) => groups[rows[at]] !== groups[rows[at + 1]]);
  const count = rows.length;
  const distances = new Float64Array(count * count);
  for (let at = 0; at < count; at++) {
    if (at % 200 === 199) {
      await new Promise(setImmediate);
      signal.throwIfAborted();
    }
    for (let other = 0; other < at; other++) {
      let sum = 0;
      for (let i = 0; i < width; i++)
        sum += (values[rows[at] * width + i] - values[rows[other] * width + i]) ** 2;
      distances[at * count + other] = distances[other * count + at] = Math.sqrt(sum);
    }
  }
  return (weights) => {
    const counts = Float64Array.from(rows, (row) => weights?.[row] ?? 1);
    const sizes = ends.map((end, group) => {
      let size = 0;
      for (let at = (ends[group - 1] ?? -1) + 1; at <= end; at++) size += counts[at];
      return size;
    });
    if (sizes.filter((size) => size > 0).length < 2) return null;
    let [sum, total] = [0, 0];
    for (let at = 0, own = 0; at < count; at++) {
      if (at > ends[own]) own++;
      if (counts[at] === 0) continue;
      total += counts[at];
      const others = sizes[own] - counts[at];
      if (others === 0) continue;
      const from = at * count;
      let [within, nearest] = [0, Infinity];
      for (let group = 0, other = 0; group < ends.length; group++) {
        let apart = 0;
        for (; other <= ends[group]; other++) apart += counts[other] * distances[from + other];
        if (group === own) within = apart / others;
        else if (sizes[group] > 0) nearest = Math.min(nearest, apart / sizes[group]);
      }
      const larger = Math.max(within, nearest);
      if (larger > 0) sum += (counts[at] * (nearest - within)) / larger;
    }
    return sum / total;
  };
};

interface Group {
  weight: number;
  spread: number;
  readonly centre: Float64Array;
}

/**
 * Davies and Bouldin 1979: 0 and up, lower is better. Null with fewer than two groups that have rows, and where two have
 * one centre.
 */
export const daviesBouldin = (
  { rows, width, values }: Points,
  groups: ArrayLike<number>,
  weights?: Weights,
): number | null => {
  const found = new Map<number, Group>();
  const each = (visit: (of: Group, row: number, weight: number) => void): void => {
    for (let row = 0; row < rows; row++) {
      const weight = weights?.[row] ?? 1;
      if (weight === 0) continue;
      let of = found.get(groups[row]);
      if (of === undefined)
        found.set(groups[row], (of = { weight: 0, spread: 0, centre: new Float64Array(width) }));
      visit(of, row, weight);
    }
  };
  each((of, row, weight) => {
    of.weight += weight;
    for (let i = 0; i < width; i++) of.centre[i] += weight * values[row * width + i];
  });
  if (found.size < 2) return null;
  for (const { weight, centre } of found.values()) for (let i = 0; i < width; i++) centre[i] /= weight;
  each((of, row, weight) => {
    let squares = 0;
    for (let i = 0; i < width; i++) squares += (values[row * width + i] - of.centre[i]) ** 2;
    of.spread += (weight * Math.sqrt(squares)) / of.weight;
  });
  const all = [...found.values()];
  const worst = all.map((one) =>
    all.reduce((most, other) => {
      if (other === one) return most;
      const apart = Math.hypot(...one.centre.map((value, i) => value - other.centre[i]));
      return Math.max(most, (one.spread + other.spread) / apart);
    }, 0),
  );
  const mean = worst.reduce((sum, value) => sum + value, 0) / worst.length;
  return Number.isFinite(mean) ? mean : null;
};

/**
 * Rand index adjusted for chance (Hubert and Arabie 1985): 1 for equal groupings, about 0 for unrelated ones. Rows with a
 * label below 0 are left out; null without any.
 */
export const adjustedRand = (
  groups: ArrayLike<number>,
  labels: ArrayLike<number>,
  weights?: Weights,
): number | null => {
  const cells = new Map<number, number>();
  const byGroup = new Map<number, number>();
  const byLabel = new Map<number, number>();
  const add = (to: Map<number, number>, key: number, weight: number): void =>
    void to.set(key, (to.get(key) ?? 0) + weight);
  let rows = 0;
  for (let row = 0; row < labels.length; row++) {
    const weight = weights?.[row] ?? 1;
    if (labels[row] < 0 || weight === 0) continue;
    rows += weight;
    add(cells, groups[row] * 2 ** 20 + labels[row], weight);
    add(byGroup, groups[row], weight);
    add(byLabel, labels[row], weight);
  }
  if (rows < 2) return null;
  const pairs = (counts: Map<number, number>): number =>
    [...counts.values()].reduce((sum, count) => sum + (count * (count - 1)) / 2, 0);
  const [together, inGroups, inLabels] = [pairs(cells), pairs(byGroup), pairs(byLabel)];
  const expected = (inGroups * inLabels) / ((rows * (rows - 1)) / 2);
  const most = (inGroups + inLabels) / 2;
  return most === expected ? 1 : (together - expected) / (most - expected);
};
