/**
 * The article's example (Dense 64-64-1, Adam, mean squared error, batch 32, 100 epochs): our training loop with its
 * history on validation rows, against scikit-learn's `MLPRegressor.fit` on the same training rows, interleaved.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MlpSpec } from '../contracts';
import type { Epoch } from '../contracts';
import { openSession } from '../gpu-worker/engine/onnxruntime';
import type { Prepared } from '../gpu-worker/family/data';
import { trainNetwork } from '../gpu-worker/family/mlp/train-network';
import { tinyTraining } from '../gpu-worker/engine/tiny-training';
import { COLUMNS, examples, scikitLearnSeconds } from './article';
import { writeResults } from './results';
import { pythonWith } from './python';

const TRAINING_ROWS = 16_512;
const VALIDATION_ROWS = 4_128;
const quick = process.argv.includes('--quick');
const ROUNDS = quick ? 1 : 5;
const EPOCHS = quick ? 20 : 100;

const seconds = async (data: Prepared): Promise<{ seconds: number; history: readonly Epoch[] }> => {
  const spec = MlpSpec.parse({ family: 'mlp', epochs: EPOCHS });
  const started = performance.now();
  const { history } = await trainNetwork(spec, data, {
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
  const data: Prepared = {
    preparation: { fits: [], specs: [], blocks: [] },
    target: { task: 'regression', values: new Float64Array(0), mean: 0, deviation: 1 },
    training: examples(TRAINING_ROWS, 1),
    validation: examples(VALIDATION_ROWS, 2),
  };
  const python = pythonWith('sklearn', 'python3-sklearn');
  // Load the native library: a worker's training process has it loaded before a task arrives.
  await (await openSession(tinyTraining().bytes)).close();
  const folder = mkdtempSync(join(tmpdir(), 'bench-train-'));
  try {
    const ours: number[] = [];
    const theirs: number[] = [];
    for (let round = 1; round <= ROUNDS; round++) {
      const { seconds: own, history } = await seconds(data);
      ours.push(own);
      const fit = scikitLearnSeconds(python, folder, data.training, EPOCHS);
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
