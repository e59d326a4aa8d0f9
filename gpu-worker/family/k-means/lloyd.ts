import { permutation, randomKey, randomUnit } from '../../../onnx';
import type { FeatureMatrix } from '../../prepare/matrix';

export interface Centers {
  readonly count: number;
  /** Row-major [count, width]. */
  readonly values: Float64Array;
  /** Mean squared distance of the rows from their center. */
  readonly inertia: number;
}

const MOST_ROUNDS = 100;
/** Rounds end when the inertia falls by less than this share. */
const TOLERANCE = 1e-5;
/** Rows that a round lets pass before others may have their turn. */
const ROWS_AT_ONCE = 20_000;

/** Lloyd's algorithm from `restarts` starts; the closest groups win. Stops when aborted. */
export const kMeans = async (
  matrix: FeatureMatrix,
  count: number,
  { restarts, seed, signal }: { restarts: number; seed: number; signal: AbortSignal },
): Promise<Centers> => {
  let best: Centers | undefined;
  for (let restart = 0; restart < restarts; restart++) {
    const found = await lloyd(matrix, plusPlus(matrix, count, randomKey(seed, count, restart)), signal);
    if (best === undefined || found.inertia < best.inertia) best = found;
  }
  if (best === undefined) throw new RangeError('k-means needs a start');
  return best;
};

/** Each further center is a row drawn in proportion to its squared distance from the nearest one. */
const plusPlus = ({ rows, width, values }: FeatureMatrix, count: number, key: number): Float64Array => {
  const centers = new Float64Array(count * width);
  const nearest = new Float64Array(rows).fill(Infinity);
  const [first = 0] = permutation(rows, key, 0);
  let chosen = first;
  for (let k = 0; k < count; k++) {
    centers.set(values.subarray(chosen * width, (chosen + 1) * width), k * width);
    let total = 0;
    for (let row = 0; row < rows; row++) {
      const distance = squaredDistance(values, row * width, centers, k * width, width);
      if (distance < nearest[row]) nearest[row] = distance;
      total += nearest[row];
    }
    let left = randomUnit(key, k + 1) * total;
    chosen = 0;
    while (chosen < rows - 1 && left >= nearest[chosen]) left -= nearest[chosen++];
  }
  return centers;
};

const lloyd = async (
  { rows, width, values }: FeatureMatrix,
  centers: Float64Array,
  signal: AbortSignal,
): Promise<Centers> => {
  const count = centers.length / width;
  let before = Infinity;
  for (let round = 0; ; round++) {
    const sums = new Float64Array(count * width);
    const sizes = new Float64Array(count);
    let inertia = 0;
    let farthest = { row: 0, distance: -1 };
    for (let row = 0; row < rows; row++) {
      if (row % ROWS_AT_ONCE === 0) {
        signal.throwIfAborted();
        await new Promise(setImmediate);
      }
      let [nearest, least] = [0, Infinity];
      for (let k = 0; k < count; k++) {
        const distance = squaredDistance(values, row * width, centers, k * width, width);
        if (distance < least) [nearest, least] = [k, distance];
      }
      inertia += least;
      if (least > farthest.distance) farthest = { row, distance: least };
      sizes[nearest]++;
      for (let j = 0; j < width; j++) sums[nearest * width + j] += values[row * width + j];
    }
    if (round === MOST_ROUNDS || before - inertia <= TOLERANCE * before)
      return { count, values: centers, inertia: inertia / rows };
    before = inertia;
    for (let k = 0; k < count; k++) {
      const size = sizes[k];
      // An empty group takes the row that is worst off.
      for (let j = 0; j < width; j++)
        centers[k * width + j] = size > 0 ? sums[k * width + j] / size : values[farthest.row * width + j];
    }
  }
};

export const squaredDistance = (
  a: ArrayLike<number>,
  fromA: number,
  b: ArrayLike<number>,
  fromB: number,
  width: number,
): number => {
  let sum = 0;
  for (let j = 0; j < width; j++) sum += (a[fromA + j] - b[fromB + j]) ** 2;
  return sum;
};
