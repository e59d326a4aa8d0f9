import { countOf } from '../tensor';
import { randomKey, randomUnit } from '../training/random';

/** Arrays of distinct values in random order, so that no maximum or kink lies within a small difference. */
export const distinctInputs = (
  shapes: readonly (readonly number[])[],
  [low, high]: readonly [number, number] = [-1, 1],
): Float32Array[] =>
  shapes.map((dims, which) => {
    const count = countOf(dims);
    const key = randomKey(7, which);
    const order = Array.from({ length: count }, (_, at) => at).sort(
      (a, b) => randomUnit(key, a) - randomUnit(key, b),
    );
    const offset = 0.29 + 0.17 * which;
    return Float32Array.from(order, (place) => low + ((place + offset) / count) * (high - low));
  });
