/**
 * The article's example through the whole platform (submit to registered version: claim, download, preparation, training
 * with validation history, export, verification, upload, registration) against scikit-learn's `fit` alone on as many
 * rows, interleaved.
 */
import { join } from 'node:path';
import { COLUMNS, examples, scikitLearnSeconds, writeCsv } from './article';
import { pythonWith } from './python';
import { median, writeResults } from './results';
import { follow, serve } from './served';
import type { Served } from './served';
import { createScenario, sealDataset, sleep, startTraining } from './work';

/** Of which a fifth validates: 16,512 train. */
const ROWS = 20_640;
const quick = process.argv.includes('--quick');
const ROUNDS = quick ? 1 : 5;
const EPOCHS = quick ? 20 : 100;
/** The defaults of mlp are the article's example. */
const SPEC = quick ? { family: 'mlp', epochs: EPOCHS } : { family: 'mlp' };
/** The worker prepares its next process meanwhile. */
const IDLE_MS = 4000;

/** Seconds from the submission to the registered version, and its id. */
const submit = async (served: Served, datasetVersionId: string, seed: number): Promise<[number, string]> => {
  const from = performance.now();
  const jobId = await startTraining(served.client, { datasetVersionId, spec: SPEC, seed });
  for await (const { atMs, modelVersionId, problem } of follow(served.socket, jobId)) {
    if (problem !== null) throw new Error(problem);
    if (modelVersionId !== null) return [(atMs - from) / 1000, modelVersionId];
  }
  throw new Error('the job ended without a model version');
};

const main = async (): Promise<void> => {
  const python = pythonWith('sklearn', 'python3-sklearn');
  const served = await serve();
  try {
    const path = join(served.folder, 'article.csv');
    writeCsv(path, examples(ROWS, 1));
    const scenarioId = await createScenario(served.client, 'article', 'y');
    const datasetVersionId = await sealDataset(served.client, { scenarioId, path, holdoutFraction: 0 });
    const ours: number[] = [];
    const theirs: number[] = [];
    let rows = 0;
    for (let round = 1; round <= ROUNDS; round++) {
      await sleep(IDLE_MS);
      const [own, id] = await submit(served, datasetVersionId, round);
      const { modelVersion } = await served.client.run<{
        modelVersion: { trainRows: number; validationRows: number; trainingMs: number; history: unknown[] };
      }>(
        `query Version($id: ID!) { modelVersion(id: $id) { trainRows validationRows trainingMs history { epoch } } }`,
        { id },
      );
      rows = modelVersion.trainRows;
      if (modelVersion.history.length !== EPOCHS)
        throw new Error(`trained ${modelVersion.history.length} epochs, not ${EPOCHS}`);
      const fit = scikitLearnSeconds(python, served.folder, examples(rows, 1), EPOCHS);
      ours.push(own);
      theirs.push(fit);
      console.log(
        `round ${round}: through the platform ${own.toFixed(2)} s (training ${(modelVersion.trainingMs / 1000).toFixed(2)} s on ${rows} rows), scikit-learn fit ${fit.toFixed(2)} s`,
      );
    }
    const [value, baselineValue] = [median(ours), median(theirs)];
    const ratio = value / baselineValue;
    writeResults(
      'platform',
      [
        {
          figure: `article's example through the platform, submit to registered version, ${rows} x ${COLUMNS} training rows and ${ROWS - rows} for validation, ${EPOCHS} epochs`,
          value,
          unit: 's',
          baseline: `scikit-learn MLPRegressor.fit alone, ${rows} rows`,
          baselineValue,
          ratio,
          target: '<= 0.5 times',
          met: ratio <= 0.5,
        },
      ],
      quick,
    );
    console.log(
      `median ${value.toFixed(2)} s against ${baselineValue.toFixed(2)} s: ${ratio.toFixed(3)} times`,
    );
  } finally {
    await served.stop();
  }
};

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
