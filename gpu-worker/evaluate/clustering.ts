/** How good a grouping is: how close its groups are and how far apart, and whether it agrees with known labels. */
import { permutation, randomKey } from '../../onnx';

/** Row-major [rows, width]: the numbers that distances are measured in. */
export interface Points {
  readonly rows: number;
  readonly width: number;
  readonly values: ArrayLike<number>;
}

const MOST_POINTS = 2000;
const SILHOUETTE = 0x51;

const squaredDistance = ({ values, width }: Points, a: number, b: number): number => {
  let sum = 0;
  for (let i = 0; i < width; i++) sum += (values[a * width + i] - values[b * width + i]) ** 2;
  return sum;
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
): Promise<number | null> => {
  const rows = permutation(points.rows, randomKey(seed, SILHOUETTE), 0).subarray(0, MOST_POINTS);
  const places = new Map<number, number>();
  const codes = rows.map((row) => {
    const place = places.get(groups[row]) ?? places.size;
    places.set(groups[row], place);
    return place;
  });
  if (places.size < 2) return null;
  const counts = new Int32Array(places.size);
  for (const code of codes) counts[code]++;
  let sum = 0;
  for (let at = 0; at < rows.length; at++) {
    if (at % 200 === 199) {
      await new Promise(setImmediate);
      signal.throwIfAborted();
    }
    const own = codes[at];
    if (counts[own] === 1) continue;
    const sums = new Float64Array(places.size);
    for (let other = 0; other < rows.length; other++)
      sums[codes[other]] += Math.sqrt(squaredDistance(points, rows[at], rows[other]));
    const within = sums[own] / (counts[own] - 1);
    const nearest = sums.reduce(
      (least, total, group) => (group === own ? least : Math.min(least, total / counts[group])),
      Infinity,
    );
    const larger = Math.max(within, nearest);
    sum += larger > 0 ? (nearest - within) / larger : 0;
  }
  return sum / rows.length;
};

/** Davies and Bouldin 1979: 0 and up, lower is better. Null with fewer than two groups that have rows. */
export const daviesBouldin = (points: Points, groups: ArrayLike<number>): number | null => {
  const { width, rows } = points;
  const members = new Map<number, number[]>();
  for (let row = 0; row < rows; row++) members.set(groups[row], []);
  for (let row = 0; row < rows; row++) members.get(groups[row])?.push(row);
  if (members.size < 2) return null;
  const found = [...members.values()].map((of) => {
    const centre = Float64Array.from(
      { length: width },
      (_, i) => of.reduce((sum, row) => sum + points.values[row * width + i], 0) / of.length,
    );
    const spread =
      of.reduce((sum, row) => {
        let squares = 0;
        for (let i = 0; i < width; i++) squares += (points.values[row * width + i] - centre[i]) ** 2;
        return sum + Math.sqrt(squares);
      }, 0) / of.length;
    return { centre, spread };
  });
  const worst = found.map((one) =>
    found.reduce((most, other) => {
      if (other === one) return most;
      const apart = Math.hypot(...one.centre.map((value, i) => value - other.centre[i]));
      return Math.max(most, (one.spread + other.spread) / apart);
    }, 0),
  );
  return worst.reduce((sum, value) => sum + value, 0) / worst.length;
};

/**
 * Rand index adjusted for chance (Hubert and Arabie 1985): 1 for equal groupings, about 0 for unrelated ones. Rows with a
 * label below 0 are left out; null without any.
 */
export const adjustedRand = (groups: ArrayLike<number>, labels: ArrayLike<number>): number | null => {
  const cells = new Map<string, number>();
  const byGroup = new Map<number, number>();
  const byLabel = new Map<number, number>();
  let rows = 0;
  for (let row = 0; row < labels.length; row++) {
    if (labels[row] < 0) continue;
    rows++;
    const cell = `${groups[row]} ${labels[row]}`;
    cells.set(cell, (cells.get(cell) ?? 0) + 1);
    byGroup.set(groups[row], (byGroup.get(groups[row]) ?? 0) + 1);
    byLabel.set(labels[row], (byLabel.get(labels[row]) ?? 0) + 1);
  }
  if (rows < 2) return null;
  const pairs = (counts: Map<unknown, number>): number =>
    [...counts.values()].reduce((sum, count) => sum + (count * (count - 1)) / 2, 0);
  const [together, inGroups, inLabels] = [pairs(cells), pairs(byGroup), pairs(byLabel)];
  const expected = (inGroups * inLabels) / ((rows * (rows - 1)) / 2);
  const most = (inGroups + inLabels) / 2;
  return most === expected ? 1 : (together - expected) / (most - expected);
};
