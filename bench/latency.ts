/** Submit to first phase event, and to the first epoch's loss on 20,640 rows, as a subscriber of an idle platform sees it. */
import { join } from 'node:path';
import { examples, writeCsv } from './article';
import { median, writeResults } from './results';
import type { Figure } from './results';
import { follow, serve } from './served';
import type { Served } from './served';
import { createScenario, sealDataset, sleep, startTraining } from './work';

const ROWS = 20_640;
const quick = process.argv.includes('--quick');
const WARM_UP = 2;
const SUBMISSIONS = quick ? 5 : 20;
/** An idle platform: the worker has prepared its next process by then. */
const IDLE_MS = 4000;
/** The article's layers and batch; the first epoch does not depend on how many follow. */
const SPEC = { family: 'mlp', epochs: 2 };

const measure = async (served: Served, datasetVersionId: string, seed: number) => {
  const from = performance.now();
  const jobId = await startTraining(served.client, { datasetVersionId, spec: SPEC, seed });
  let phaseMs: number | null = null;
  let lossMs: number | null = null;
  for await (const { atMs, phase, epochs, problem } of follow(served.socket, jobId)) {
    if (problem !== null) throw new Error(problem);
    if (phase !== null) phaseMs ??= atMs - from;
    if (epochs > 0) lossMs ??= atMs - from;
  }
  if (phaseMs === null || lossMs === null) throw new Error('the job ended without a phase or a loss');
  return { phaseMs, lossMs };
};

const figure = (name: string, values: readonly number[], targetMs: number): Figure => {
  const value = median(values);
  return {
    figure: `${name}, p50 of ${values.length}`,
    value,
    unit: 'ms',
    baseline: null,
    baselineValue: null,
    ratio: null,
    target: `<= ${targetMs} ms`,
    met: value <= targetMs,
  };
};

const main = async (): Promise<void> => {
  const served = await serve();
  try {
    const path = join(served.folder, 'rows.csv');
    writeCsv(path, examples(ROWS, 1));
    const scenarioId = await createScenario(served.client, 'latency', 'y');
    const datasetVersionId = await sealDataset(served.client, { scenarioId, path });
    const phases: number[] = [];
    const losses: number[] = [];
    for (let at = 0; at < WARM_UP + SUBMISSIONS; at++) {
      await sleep(IDLE_MS);
      const { phaseMs, lossMs } = await measure(served, datasetVersionId, at);
      console.log(`first phase ${phaseMs.toFixed(0)} ms, first loss ${lossMs.toFixed(0)} ms`);
      if (at < WARM_UP) continue;
      phases.push(phaseMs);
      losses.push(lossMs);
    }
    writeResults(
      'latency',
      [
        figure('submit to first phase event', phases, 150),
        figure(`submit to the first epoch's loss on ${ROWS} rows`, losses, 600),
      ],
      quick,
    );
    console.log(
      `p50: first phase ${median(phases).toFixed(0)} ms, first loss ${median(losses).toFixed(0)} ms`,
    );
  } finally {
    await served.stop();
  }
};

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
