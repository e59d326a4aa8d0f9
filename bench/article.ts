/** The article's example as data, and scikit-learn's training on it. */
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Examples } from '../gpu-worker/family/data';
import { randomKey, randomNormal } from '../onnx';

export const COLUMNS = 8;

/** Standardised columns and a smooth, noisy target: the work does not depend on the values. */
export const examples = (rows: number, stream: number): Examples => {
  const key = randomKey(2026, stream);
  const values = Float32Array.from({ length: rows * COLUMNS }, (_, i) => randomNormal(key, i));
  const targets = Float32Array.from({ length: rows }, (_, row) => {
    const at = (column: number): number => values[row * COLUMNS + column] ?? NaN;
    return (
      0.6 * at(0) +
      0.4 * at(1) * at(2) -
      0.3 * Math.sin(at(3)) +
      0.2 * at(4) +
      0.3 * randomNormal(key, -1 - row)
    );
  });
  return { features: { rows, width: COLUMNS, values }, targets };
};

/** The same as a file with header `x0,...,x7,y`. */
export const writeCsv = (path: string, { features, targets }: Examples): void => {
  const { rows, width, values } = features;
  const lines = [`${Array.from({ length: width }, (_, column) => `x${column}`).join(',')},y`];
  for (let row = 0; row < rows; row++)
    lines.push(`${values.subarray(row * width, (row + 1) * width).join(',')},${targets[row] ?? ''}`);
  writeFileSync(path, `${lines.join('\n')}\n`);
};

const SCIKIT_LEARN = `
import sys, time, warnings
import numpy as np
from sklearn.neural_network import MLPRegressor
warnings.filterwarnings('ignore')
folder, epochs, columns = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
x = np.fromfile(folder + '/x.f32', dtype='f4').reshape(-1, columns).astype('f8')
y = np.fromfile(folder + '/y.f32', dtype='f4').astype('f8')
model = MLPRegressor((64, 64), batch_size=32, max_iter=epochs, tol=0, n_iter_no_change=epochs, random_state=0)
started = time.perf_counter()
model.fit(x, y)
print(time.perf_counter() - started, model.n_iter_)
`;

/** Seconds that `MLPRegressor.fit` takes, loading excluded. */
export const scikitLearnSeconds = (
  python: string,
  folder: string,
  training: Examples,
  epochs: number,
): number => {
  writeFileSync(join(folder, 'x.f32'), training.features.values);
  writeFileSync(join(folder, 'y.f32'), training.targets);
  // One BLAS thread: matrices this small only lose time on two.
  const printed = execFileSync(python, ['-c', SCIKIT_LEARN, folder, String(epochs), String(COLUMNS)], {
    encoding: 'utf8',
    env: { ...process.env, OPENBLAS_NUM_THREADS: '1', OMP_NUM_THREADS: '1' },
  });
  const [fit, iterations] = printed.trim().split(' ').map(Number);
  if (fit === undefined || iterations !== epochs)
    throw new Error(`scikit-learn stopped after ${iterations} epochs`);
  return fit;
};
