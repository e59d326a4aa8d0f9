import type { Reliability } from '../../contracts';
import { decide } from '../calibrate/decision';
import { brierDistance } from './sample';
import { shareOf } from './shares';

const BINS = 15;

/**
 * Expected calibration error over 15 bins of equal width (Naeini et al. 2015; Guo et al. 2017), its largest bin, and the
 * Brier score. Two classes: about the probability of the second; more: about that of the most probable one. Rows of
 * unknown classes (code -1) count as not come true. Undefined without rows.
 */
export const reliability = (
  probabilities: ArrayLike<number>,
  codes: ArrayLike<number>,
  classes: number,
): Reliability | undefined => {
  const rows = codes.length;
  if (rows === 0) return undefined;
  const said = classes === 2 ? Int32Array.from({ length: rows }, () => 1) : decide(probabilities, classes);
  const sums = Array.from({ length: BINS }, () => ({ rows: 0, predicted: 0, hits: 0 }));
  let brier = 0;
  for (let row = 0; row < rows; row++) {
    const p = probabilities[row * classes + said[row]];
    const bin = sums[Math.min(BINS - 1, Math.floor(p * BINS))];
    bin.rows++;
    bin.predicted += p;
    if (codes[row] === said[row]) bin.hits++;
    brier += brierDistance(probabilities, row, codes[row], classes);
  }
  let [expectedError, maximumError] = [0, 0];
  const bins: Reliability['bins'] = [];
  for (const { rows: inBin, predicted, hits } of sums) {
    const observed = shareOf(hits, inBin);
    if (observed === null) continue;
    bins.push({ predicted: predicted / inBin, observed });
    const gap = Math.abs(predicted - hits) / inBin;
    expectedError += (gap * inBin) / rows;
    maximumError = Math.max(maximumError, gap);
  }
  return { of: classes === 2 ? 'positive' : 'top', bins, expectedError, maximumError, brier: brier / rows };
};
