import { permutation, randomKey } from '../../../onnx';
import { silhouette } from '../../evaluate/clustering';
import type { FeatureMatrix } from '../../prepare/matrix';
import { squaredDistance } from './lloyd';
import type { Centers } from './lloyd';

const MOST_CLUSTERS = 10;
/** Groups found on so many rows are those of all. */
const MOST_ROWS = 50_000;

export const sampled = (matrix: FeatureMatrix, seed: number, most = MOST_ROWS): FeatureMatrix => {
  const { rows, width, values } = matrix;
  if (rows <= most) return matrix;
  const picked = permutation(rows, randomKey(seed, 0xc105), 0).subarray(0, most);
  const some = new Float32Array(most * width);
  picked.forEach((row, at) => some.set(values.subarray(row * width, (row + 1) * width), at * width));
  return { rows: most, width, values: some };
};

export const mostClusters = (rows: number): number =>
  Math.max(2, Math.min(MOST_CLUSTERS, Math.floor(rows / 10)));

/** The number of groups with the highest mean silhouette (Rousseeuw 1987). */
export const bestCenters = async (
  matrix: FeatureMatrix,
  candidates: readonly Centers[],
  seed: number,
  signal: AbortSignal,
): Promise<Centers> => {
  let best: { readonly centers: Centers; readonly score: number } | undefined;
  for (const centers of candidates) {
    const score = (await silhouette(matrix, nearestCenters(matrix, centers), seed, signal)) ?? -1;
    if (best === undefined || score > best.score) best = { centers, score };
  }
  if (best === undefined) throw new RangeError('no candidates');
  return best.centers;
};

const nearestCenters = ({ rows, width, values }: FeatureMatrix, centers: Centers): Int32Array =>
  Int32Array.from({ length: rows }, (_, row) => {
    let [nearest, least] = [0, Infinity];
    for (let k = 0; k < centers.count; k++) {
      const distance = squaredDistance(values, row * width, centers.values, k * width, width);
      if (distance < least) [nearest, least] = [k, distance];
    }
    return nearest;
  });
