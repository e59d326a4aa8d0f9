/**
 * The whole loop on every file of the acceptance list, with no options beyond data and target, against the error that
 * scikit-learn's HistGradientBoosting reached (its defaults, measured once; the figures stand in the data's index).
 * Not a comparison on the same split: a floor.
 */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { bootstrap } from '../src/embedded/first-start';
import { Client } from '../src/embedded/loop/client';
import { playLoop } from '../src/embedded/loop/play';
import { Terminal } from '../src/embedded/loop/terminal';
import { startEmbedded } from '../src/embedded/platform';
import { writeResults } from './results';
import type { Figure } from './results';

interface Set {
  readonly file: string;
  readonly target: string;
  /** RMSE or error rate of HistGradientBoosting; `bound` where the acceptance says how near we must come. */
  readonly peer: number;
  readonly bound?: number;
}

const SETS: readonly Set[] = [
  { file: 'california_housing', target: 'median_house_value', peer: 47_680, bound: 1.15 },
  { file: 'german_credit', target: 'default', peer: 0.247 },
  { file: 'adult_train', target: 'income', peer: 0.1291, bound: 1.15 },
  { file: 'insurance_charges', target: 'charges', peer: 4817 },
  { file: 'heart_cleveland', target: 'num', peer: Number.NaN },
  { file: 'breast_cancer_wdbc', target: 'diagnosis', peer: 0.0299 },
  { file: 'ai4i2020', target: 'Machine failure', peer: 0.0132 },
  { file: 'telco_churn', target: 'Churn', peer: 0.2052, bound: 1.15 },
  { file: 'concrete', target: 'strength', peer: 4.503, bound: 1.15 },
  { file: 'energy_efficiency', target: 'heating_load', peer: 0.5481 },
  { file: 'bike_sharing_hour', target: 'cnt', peer: 41.69 },
  { file: 'metro_interstate_traffic', target: 'traffic_volume', peer: 492 },
  { file: 'nyc_taxis_sample', target: 'fare', peer: 4.2 },
];

const folder = resolve(__dirname, '../../../shared/data');
const PEER = 'scikit-learn HistGradientBoosting';

const figuresOf = (
  set: Set,
  test: Readonly<Record<string, number | null>>,
  baseline: Readonly<Record<string, number | null>>,
): Figure[] => {
  const regression = test['rmse'] != null;
  const error = (metrics: Readonly<Record<string, number | null>>): number =>
    regression ? (metrics['rmse'] ?? Number.NaN) : 1 - (metrics['accuracy'] ?? Number.NaN);
  const unit = regression ? 'rmse' : 'error rate';
  const [ours, naive] = [error(test), error(baseline)];
  const figures: Figure[] = [
    {
      figure: `${set.file}: held-out error against ${regression ? 'the mean' : 'the majority'}`,
      value: ours,
      unit,
      baseline: regression ? 'predicting the mean' : 'predicting the majority',
      baselineValue: naive,
      ratio: ours / naive,
      target: '< 1',
      met: ours < naive,
    },
  ];
  if (Number.isFinite(set.peer)) {
    figures.push({
      figure: `${set.file}: held-out error against ${PEER}`,
      value: ours,
      unit,
      baseline: PEER,
      baselineValue: set.peer,
      ratio: ours / set.peer,
      target: set.bound === undefined ? null : `<= ${set.bound}`,
      met: set.bound === undefined ? null : ours <= set.bound * set.peer,
    });
  }
  return figures;
};

const main = async (): Promise<void> => {
  const only = process.argv.slice(2).filter((argument) => !argument.startsWith('--'));
  const quick = process.argv.includes('--quick');
  const sets = SETS.filter(({ file }) =>
    only.length > 0 ? only.includes(file) : !quick || file === 'concrete',
  );
  const dataDir = mkdtempSync(join(tmpdir(), 'modelmint-quality-'));
  const platform = await startEmbedded({ dataDir, port: 0, env: process.env, tell: () => undefined });
  const figures: Figure[] = [];
  try {
    const { apiKey } = await bootstrap(platform);
    const client = new Client(platform.endpoint, apiKey);
    for (const set of sets) {
      const file = join(folder, `${set.file}.csv`);
      if (!existsSync(file)) {
        console.log(`${set.file}: not there, skipped`);
        continue;
      }
      const started = performance.now();
      const result = await playLoop(
        client,
        { file, target: set.target, scenario: { name: set.file }, predictions: 5 },
        new Terminal(process.stdout, true),
      );
      const { metrics, trainingMs, chosen } = result.model;
      figures.push(...figuresOf(set, metrics.test, metrics.baseline));
      console.log(
        set.file,
        JSON.stringify({
          test: metrics.test,
          baseline: metrics.baseline,
          chosen,
          trainingS: trainingMs / 1000,
          loopS: (performance.now() - started) / 1000,
        }),
      );
    }
  } finally {
    await platform.stop();
    rmSync(dataDir, { recursive: true, force: true });
  }
  if (only.length === 0) writeResults('quality', figures);
};

main().then(
  () => process.exit(0),
  (error: unknown) => {
    console.error(error);
    process.exit(1);
  },
);
