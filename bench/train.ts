/**
 * The article's example (Dense 64-64-1, Adam, mean squared error, batch 32, 100 epochs): our training loop with its
 * history on validation rows, against scikit-learn's `MLPRegressor.fit` on the same training rows, interleaved.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MlpSpec } from '../contracts';
import type { Epoch } from '../contracts';
import { openSession } from '../gpu-worker/engine/onnxruntime';
import type { Examples, TrainingData } from '../gpu-worker/family/data';
import { trainMlp } from '../gpu-worker/family/mlp/mlp';
import { probeModel } from '../gpu-worker/train/probe';
import { randomKey, randomNormal } from '../onnx';
import { writeResults } from './results';
import { pythonWith } from './python';

const TRAINING_ROWS = 16_512;
const VALIDATION_ROWS = 4_128;
const COLUMNS = 8;
const quick = process.argv.includes('--quick');
const ROUNDS = quick ? 1 : 5;
const EPOCHS = quick ? 20 : 100;

/** Standardised columns and a smooth, noisy target: the work does not depend on the values. */
const examples = (rows: number, stream: number): Examples => {
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

const seconds = async (data: TrainingData): Promise<{ seconds: number; history: readonly Epoch[] }> => {
  const spec = MlpSpec.parse({ family: 'mlp', epochs: EPOCHS });
  const started = performance.now();
  const { history } = await trainMlp(spec, data, {
    seed: 1,
    engine: { name: 'onnxruntime', device: 'cpu', version: '' },
    signal: new AbortController().signal,
    progress: () => undefined,
  });
  return { seconds: (performance.now() - started) / 1000, history };
};

const median = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN;

const main = async (): Promise<void> => {
  const data: TrainingData = {
    preparation: { fits: [], specs: [] },
    target: { task: 'regression', values: new Float64Array(0), mean: 0, deviation: 1 },
    training: examples(TRAINING_ROWS, 1),
    validation: examples(VALIDATION_ROWS, 2),
  };
  const python = pythonWith('sklearn', 'python3-sklearn');
  // Load the native library: a worker's training process has it loaded before a task arrives.
  await (await openSession(probeModel())).close();
  const folder = mkdtempSync(join(tmpdir(), 'bench-train-'));
  try {
    writeFileSync(join(folder, 'x.f32'), data.training.features.values);
    writeFileSync(join(folder, 'y.f32'), data.training.targets);
    const ours: number[] = [];
    const theirs: number[] = [];
    for (let round = 1; round <= ROUNDS; round++) {
      const { seconds: own, history } = await seconds(data);
      ours.push(own);
      // One BLAS thread: matrices this small only lose time on two.
      const printed = execFileSync(python, ['-c', SCIKIT_LEARN, folder, String(EPOCHS), String(COLUMNS)], {
        encoding: 'utf8',
        env: { ...process.env, OPENBLAS_NUM_THREADS: '1', OMP_NUM_THREADS: '1' },
      });
      const [fit, iterations] = printed.trim().split(' ').map(Number);
      if (fit === undefined || iterations !== EPOCHS)
        throw new Error(`scikit-learn stopped after ${iterations} epochs`);
      theirs.push(fit);
      console.log(
        `round ${round}: ours ${own.toFixed(2)} s, scikit-learn ${fit.toFixed(2)} s, val_mae ${history.at(-1)?.valMae?.toFixed(4)}`,
      );
    }
    const [value, baselineValue] = [median(ours), median(theirs)];
    const ratio = baselineValue / value;
    writeResults(
      'train',
      [
        {
          figure: `training loop of the article's example, ${TRAINING_ROWS} x ${COLUMNS} rows, ${EPOCHS} epochs, validation history included`,
          value,
          unit: 's',
          baseline: 'scikit-learn MLPRegressor.fit, no validation',
          baselineValue,
          ratio,
          target: '>= 3.5 times faster',
          met: ratio >= 3.5,
        },
        {
          figure: 'the same per step of 32 rows',
          value: (value / EPOCHS / Math.ceil(TRAINING_ROWS / 32)) * 1000,
          unit: 'ms',
          baseline: 'scikit-learn',
          baselineValue: (baselineValue / EPOCHS / Math.ceil(TRAINING_ROWS / 32)) * 1000,
          ratio,
          target: null,
          met: null,
        },
      ],
      quick,
    );
    console.log(
      `median ${value.toFixed(2)} s against ${baselineValue.toFixed(2)} s: ${ratio.toFixed(2)} times faster`,
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
};

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
