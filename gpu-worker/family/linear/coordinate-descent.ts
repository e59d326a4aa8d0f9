import type { NormalEquations } from './normal-equations';

const MOST_ROUNDS = 1000;
/** A round that changes no weight by more, measured in what it adds to the standardised target, ends the search. */
const TOLERANCE = 1e-9;

export interface ElasticNet {
  readonly penalty: number;
  /** Share of the penalty on |w|; the rest counts w²/2. */
  readonly l1Ratio: number;
}

/**
 * Minimises w'Gw/2 - m'w + penalty (l1Ratio |w|₁ + (1 - l1Ratio)/2 |w|²) one weight after the other, from `start`; the last
 * weight, the intercept, is free. Covariance updates of Friedman, Hastie and Tibshirani 2010, section 2.2.
 */
export const coordinateDescent = (
  { gram, moments }: NormalEquations,
  { penalty, l1Ratio }: ElasticNet,
  start: Float64Array,
): Float64Array => {
  const size = moments.length;
  const weights = start.slice();
  const left = Float64Array.from(moments, (moment, i) => {
    let sum = moment;
    for (let k = 0; k < size; k++) sum -= gram[i * size + k] * weights[k];
    return sum;
  });
  const largest = Math.max(...Array.from({ length: size }, (_, i) => gram[i * size + i]));
  const update = (i: number): number => {
    const own = gram[i * size + i];
    if (!(own > largest * 1e-14)) return 0;
    const before = weights[i];
    const free = i === size - 1;
    const pull = left[i] + own * before;
    const shrunk = free ? pull : Math.sign(pull) * Math.max(0, Math.abs(pull) - penalty * l1Ratio);
    const after = shrunk / (own + (free ? 0 : penalty * (1 - l1Ratio)));
    const change = after - before;
    if (change === 0) return 0;
    weights[i] = after;
    for (let k = 0; k < size; k++) left[k] -= gram[i * size + k] * change;
    return own * change * change;
  };
  for (let round = 0, active = Array.from(moments, (_, i) => i); round < MOST_ROUNDS; round++) {
    let most = 0;
    for (const i of active) most = Math.max(most, update(i));
    const settled = most <= TOLERANCE * largest;
    if (settled && active.length === size) break;
    // Between full rounds only weights that are not zero move.
    active = Array.from(moments, (_, i) => i).filter((i) => settled || weights[i] !== 0 || i === size - 1);
  }
  return weights;
};
