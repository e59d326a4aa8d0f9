/**
 * Default AutoML against the defaults of XGBoost and scikit-learn's HistGradientBoosting on every tabular set, on the
 * same outer folds, one after the other on the same cores. A set's folds are stored as they are done, so that a run can
 * be made in pieces (`-- --sets heart,concrete --folds 5 --seconds 60`): the figures are of all that is stored.
 */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { AutoSpec } from '../contracts';
import { searchFolds } from '../gpu-worker/automl/split';
import { trainAuto } from '../gpu-worker/automl/train-auto';
import type { Table } from '../gpu-worker/data/table';
import { metricsOf } from '../gpu-worker/evaluate/evaluate';
import { chooseEngine } from '../gpu-worker/engine/engine';
import { isSupervised } from '../gpu-worker/family/data';
import { pose } from '../gpu-worker/purpose';
import { Assembly } from '../gpu-worker/train/assemble';
import { PEERS, peerAnswers } from './automl/peers';
import { figuresOf } from './automl/verdict';
import type { SetResult } from './automl/verdict';
import { option } from './option';
import { writeResults } from './results';
import { SETS, readSet } from './sets';
import type { DataSet } from './sets';

const QUICK = process.argv.includes('--quick');
const FOLDS = Number(option('folds') ?? (QUICK ? 2 : 5));
const SECONDS = Number(option('seconds') ?? (QUICK ? 10 : 60));
const OUTER_SEED = 1;
const OUTER_FOLDS = 5;

const never = new AbortController().signal;

interface Fold {
  readonly training: Int32Array;
  readonly test: Int32Array;
}

/** Held-out rows of `fold` are those of the table; the rows of a later time than that are in no part. */
const problemOf = (table: Table, set: DataSet, seed: number, spec: AutoSpec) =>
  pose(
    table,
    {
      ...{ target: set.target, task: set.task, exclude: [], spec, seed, device: null },
      holdout: { kind: 'hash', salt: '', fraction: 0.2 },
    },
    spec,
  );

const assembled = (problem: ReturnType<typeof problemOf>) => {
  const data = new Assembly(
    { ...problem, holdout: { kind: 'hash', salt: '', fraction: 0.2 }, signal: never },
    problem.split.training,
    problem.split.validation,
  );
  if (!isSupervised(data)) throw new Error('a set has a known answer');
  return data;
};

/** Five folds by the split that the search itself would choose: by time where time drives the target. */
const outerFolds = (table: Table, set: DataSet): Fold[] => {
  const spec = AutoSpec.parse({ family: 'auto' });
  const data = assembled(problemOf(table, set, OUTER_SEED, spec));
  const { folds } = searchFolds(data, spec, OUTER_SEED);
  if (folds.length <= OUTER_FOLDS)
    return folds.map(({ training, validation }) => ({ training, test: validation }));
  return Array.from({ length: OUTER_FOLDS }, (_, at) => {
    const tests = folds.filter((_fold, i) => i % OUTER_FOLDS === at);
    const test = new Set(tests.flatMap(({ validation }) => [...validation]));
    return {
      training: data.training.filter((row) => !test.has(row)),
      test: Int32Array.from([...test].sort((a_, b_) => a_ - b_)),
    };
  });
};

/** Only the rows of the fold: a row after the test rows is not there yet. */
const tableOf = (table: Table, { training, test }: Fold): Table => {
  const rows = Int32Array.from([...training, ...test]);
  const holdout = new Uint8Array(rows.length).fill(1, training.length);
  return {
    rows: rows.length,
    holdout,
    columns: table.columns.map((column) =>
      'values' in column
        ? { ...column, values: Float64Array.from(rows, (row) => column.values[row] ?? NaN) }
        : 'codes' in column
          ? { ...column, codes: Int32Array.from(rows, (row) => column.codes[row] ?? -1) }
          : column,
    ),
  };
};

/** Error of ours and of the peers on one fold: RMSE, or log loss. */
const runFold = async (table: Table, set: DataSet, fold: number, folder: string) => {
  const spec = AutoSpec.parse({ family: 'auto', seconds: SECONDS });
  const problem = problemOf(table, set, fold, spec);
  const data = assembled(problem);
  const engine = await chooseEngine(null);
  const started = performance.now();
  const trained = await trainAuto(data, spec, {
    ...{ seed: fold, engine, signal: never },
    progress: () => undefined,
  });
  const seconds = (performance.now() - started) / 1000;
  const judged = await problem.judge(trained, never);
  const metric = set.task === 'regression' ? 'rmse' : 'logLoss';
  const errors: Record<string, number> = { ours: judged.metrics.test[metric] ?? NaN };
  for (const peer of PEERS) {
    const features = problem.columns.map(({ spec: { name } }) => name);
    const rows = { training: problem.split.training, test: problem.split.test };
    const answers = peerAnswers(peer, folder, { table, features, target: data.target }, rows);
    const values = Float32Array.from(answers);
    errors[peer] = metricsOf({ rows: rows.test.length, values }, data.target, rows.test)[metric] ?? NaN;
  }
  for (const row of trained.leaderboard)
    console.log(
      `    ${row.title}: ${row.score.toPrecision(4)} [${row.low.toPrecision(4)}, ${row.high.toPrecision(4)}], ${row.folds} folds, ${row.seconds.toFixed(1)} s, ${row.microsPerRow.toFixed(1)} us/row, weight ${row.weight?.toFixed(2) ?? ''}`,
    );
  return { fold, seconds, errors };
};

const resultsPath = resolve(__dirname, '../../bench/results/folds/automl.json');

const main = async (): Promise<void> => {
  const wanted = option('sets')?.split(',') ?? (QUICK ? ['heart', 'energy'] : SETS.map(({ name }) => name));
  const known =
    existsSync(resultsPath) && !QUICK ? (JSON.parse(readFileSync(resultsPath, 'utf8')) as SetResult[]) : [];
  const results = new Map(known.map((result) => [result.set, result]));
  const folder = mkdtempSync(join(tmpdir(), 'bench-automl-'));
  try {
    for (const set of SETS.filter(({ name }) => wanted.includes(name))) {
      const table = readSet(set);
      if (table === undefined) {
        console.log(`${set.name}: not there, skipped`);
        continue;
      }
      const folds: SetResult['folds'] = [];
      for (const [at, rows] of outerFolds(table, set).slice(0, FOLDS).entries()) {
        const result = await runFold(tableOf(table, rows), set, at, folder);
        folds.push(result);
        console.log(set.name, JSON.stringify(result));
        results.set(set.name, { set: set.name, task: set.task, secondsAllowed: SECONDS, folds });
        if (!QUICK) {
          mkdirSync(resolve(resultsPath, '..'), { recursive: true });
          writeFileSync(resultsPath, `${JSON.stringify([...results.values()], null, 2)}\n`);
        }
      }
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  const figures = figuresOf([...results.values()]);
  for (const figure of figures) console.log(figure.figure, figure.value, figure.met);
  if (!QUICK) writeResults('automl', figures);
};

main().then(
  () => process.exit(0),
  (error: unknown) => {
    console.error(error);
    process.exit(1);
  },
);
