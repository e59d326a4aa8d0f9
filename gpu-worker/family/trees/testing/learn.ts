import { randomKey, randomNormal, randomUnit } from '../../../../onnx';
import { DEFAULT_OPTIONS } from '../learning';
import type { Examples, Feature, ForestOptions } from '../learning';
import { trainForest } from '../train-forest';
import type { ForestControl, TrainedForest } from '../train-forest';

/** Trains with what matters to a test; leaves of one row and no penalty unless it says otherwise. */
export const learn = (
  training: Examples,
  options: Partial<ForestOptions> = {},
  validation?: Examples,
  control: Partial<ForestControl> = {},
): Promise<TrainedForest> =>
  trainForest(
    training,
    validation,
    {
      ...DEFAULT_OPTIONS,
      objective: { kind: 'squared' },
      l2: 0,
      leastRows: 1,
      leastHessian: 0,
      ...options,
    },
    { signal: new AbortController().signal, threads: 1, ...control },
  );

export const feature = (values: readonly number[], kind: Feature['kind'] = 'number'): Feature => ({
  kind,
  values: Float64Array.from(values),
  offset: 0,
  stride: 1,
});

export const examples = (columns: readonly Feature[], targets: readonly number[]): Examples => ({
  rows: targets.length,
  features: columns,
  targets: Float64Array.from(targets),
});

/** Values of one row, as the forest sees them. */
export const rowOf = ({ features }: Examples, row: number): number[] =>
  features.map(({ values, offset, stride }) => values[offset + row * stride] ?? NaN);

/** Two numbers, one with gaps, one category, and a target that depends on all of them. */
export const mixed = (rows: number, seed: number): Examples => {
  const key = randomKey(seed, 1);
  const indices = Array.from({ length: rows }, (_, row) => row);
  const a = indices.map((row) => randomNormal(key, 4 * row));
  const b = indices.map((row) =>
    randomUnit(key, 8 * rows + row) < 0.2 ? NaN : Math.round(10 * randomNormal(key, 4 * row + 1)) / 10,
  );
  const c = indices.map((row) =>
    randomUnit(key, 9 * rows + row) < 0.1 ? NaN : Math.floor(8 * randomUnit(key, 10 * rows + row)),
  );
  const targets = indices.map((row) => {
    const x = a[row] ?? 0;
    const y = b[row] ?? NaN;
    const z = c[row] ?? NaN;
    const noise = 0.3 * randomNormal(key, 4 * row + 3);
    return Math.sin(2 * x) + (Number.isNaN(y) ? 1 : y * x) + ([1, 4, 6].includes(z) ? 2 : 0) + noise;
  });
  return examples([feature(a), feature(b), feature(c, 'category')], targets);
};
