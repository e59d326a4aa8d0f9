/**
 * The article's example as the worker trains it (Dense 64-64-1, Adam, mean squared error, batch 32, 100 epochs): our
 * training loop with its history on validation rows, against scikit-learn's `MLPRegressor.fit` on the same training
 * rows, interleaved.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MlpSpec } from '../../contracts';
import type { Epoch } from '../../contracts';
import type { Prepared } from '../../gpu-worker/family/data';
import { trainMlp } from '../../gpu-worker/family/mlp/train-mlp';
import { COLUMNS, examples, scikitLearnSeconds } from '../article';
import { buildOf } from '../python';
import { median } from '../results';
import type { Figure } from '../results';

const TRAINING_ROWS = 16_512;
const VALIDATION_ROWS = 4_128;

const seconds = async (
  data: Prepared,
  epochs: number,
): Promise<{ seconds: number; history: readonly Epoch[] }> => {
  const spec = MlpSpec.parse({ family: 'mlp', epochs });
  const started = performance.now();
  const { history } = await trainMlp(spec, data, {
    seed: 1,
    engine: { name: 'onnxruntime', device: 'cpu', version: '' },
    signal: new AbortController().signal,
    progress: () => undefined,
  });
  return { seconds: (performance.now() - started) / 1000, history };
};

export const articleLoop = async (python: string, quick: boolean): Promise<Figure> => {
  const [rounds, epochs] = quick ? [1, 20] : [5, 100];
  const data: Prepared = {
    preparation: { fits: [], specs: [], interactions: [], blocks: [] },
    target: { task: 'regression', values: new Float64Array(0), mean: 0, deviation: 1 },
    training: examples(TRAINING_ROWS, 1),
    validation: examples(VALIDATION_ROWS, 2),
  };
  const folder = mkdtempSync(join(tmpdir(), 'bench-train-'));
  try {
    const ours: number[] = [];
    const theirs: number[] = [];
    for (let round = 1; round <= rounds; round++) {
      const { seconds: own, history } = await seconds(data, epochs);
      ours.push(own);
      const fit = scikitLearnSeconds(python, folder, data.training, epochs);
      theirs.push(fit);
      console.log(
        `the article's loop, round ${round}: ours ${own.toFixed(2)} s, scikit-learn ${fit.toFixed(2)} s, val_mae ${history.at(-1)?.valMae?.toFixed(4)}`,
      );
    }
    const [value, baselineValue] = [median(ours), median(theirs)];
    const ratio = baselineValue / value;
    return {
      figure: `training loop of the article's example, ${TRAINING_ROWS} x ${COLUMNS} rows, ${epochs} epochs, validation history included`,
      value,
      unit: 's',
      baseline: `MLPRegressor.fit, no validation (${buildOf(python, 'sklearn', 'numpy')})`,
      baselineValue,
      ratio,
      target: '>= 3.5 times faster',
      met: ratio >= 3.5,
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
};
