/** Whether made-up rows are useful, and whether they give away the rows that they were learned from. */
import type { Share } from '../../contracts';
import type { Points } from './clustering';
import { shareOf } from './shares';

/**
 * How much of a model's skill survives when it is trained on made-up rows and tested on real ones (train on synthetic, test
 * on real: Esteban et al. 2017): 1 = all of it, 0 = no better than the baseline. Null where real rows give no skill either.
 * `lower`: lower figures are better.
 */
export const utility = (
  figures: { readonly synthetic: number; readonly real: number; readonly baseline: number },
  lower: boolean,
): number | null => {
  const skill = (figure: number): number => (lower ? figures.baseline - figure : figure - figures.baseline);
  return skill(figures.real) > 0 ? skill(figures.synthetic) / skill(figures.real) : null;
};

/** Distance of every row of `from` to the nearest of `to`; widths must be equal. Stops when aborted. */
export const closestDistances = async (
  from: Points,
  to: Points,
  signal: AbortSignal,
): Promise<Float64Array> => {
  const { width } = from;
  const nearest = new Float64Array(from.rows);
  const asked = Float64Array.from(from.values);
  const known = Float64Array.from(to.values);
  let turned = performance.now();
  for (let row = 0; row < from.rows; row++) {
    let least = Infinity;
    for (let other = 0; other < to.rows; other++) {
      let sum = 0;
      // A row that is farther already cannot become the nearest.
      for (let i = 0; i < width && sum < least; i++) {
        const apart = asked[row * width + i] - known[other * width + i];
        sum += apart * apart;
      }
      if (sum < least) least = sum;
    }
    nearest[row] = Math.sqrt(least);
    if (performance.now() - turned < 100) continue;
    await new Promise(setImmediate);
    signal.throwIfAborted();
    turned = performance.now();
  }
  return nearest;
};

/**
 * Distance-to-closest-record share (Platzer and Reutterer 2021): how many made-up rows lie nearer to a row that was learned
 * from than to any held-out row, ties counted half. Of as many held-out as learned rows it is one half where nothing is given
 * away, and near 1 where rows were copied. Null without rows.
 */
export const closerToLearned = (toLearned: Float64Array, toHeldOut: Float64Array): Share | null => {
  const closer = toLearned.reduce((sum, distance, row) => {
    if (distance === toHeldOut[row]) return sum + 0.5;
    return distance < toHeldOut[row] ? sum + 1 : sum;
  }, 0);
  return shareOf(closer, toLearned.length);
};
