/**
 * Gradient boosting against XGBoost's `hist`, the same settings (31 leaves, leaf by leaf, 255 and 256 bins, lambda 1,
 * min_child_weight 20), on one and on two threads, interleaved: California housing and 1,000,000 generated rows. Times
 * hold everything from the matrix in memory to the forest; each training has a process of its own.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildOf, pythonWith } from './python';
import { median, writeResults } from './results';
import type { Figure } from './results';
import { measureOurs, measureXgboost, runOurs } from './trees/run';
import type { Run, Settings, Waiting } from './trees/run';
import { generated, housing, writeSet } from './trees/sets';

const quick = process.argv.includes('--quick');
const COLUMNS = 20;
const ROWS = quick ? 200_000 : 1_000_000;

interface Contest {
  readonly name: string;
  readonly folder: string;
  readonly trees: number;
  readonly learningRate: number;
  readonly rounds: number;
  /** Our time over theirs, at most. */
  readonly target: number;
}

interface Pair {
  readonly ours: readonly Run[];
  readonly theirs: readonly Run[];
}

const middle = (runs: readonly Run[], of: (run: Run) => number): number => median(runs.map(of));

/** The peer's threads wait in the way that is faster on this machine at this moment. */
const fasterWaiting = (python: string, { folder, learningRate }: Contest): Waiting => {
  const seconds = (waiting: Waiting): number =>
    measureXgboost(python, folder, { trees: 100, learningRate, threads: 2 }, waiting).seconds;
  return seconds('active') < seconds('passive') ? 'active' : 'passive';
};

const compete = (python: string, contest: Contest, threads: number, waiting: Waiting): Pair => {
  const settings: Settings = { trees: contest.trees, learningRate: contest.learningRate, threads };
  const ours: Run[] = [];
  const theirs: Run[] = [];
  for (let round = 1; round <= contest.rounds; round++) {
    const own = measureOurs(__filename, contest.folder, settings);
    const other = measureXgboost(python, contest.folder, settings, waiting);
    ours.push(own);
    theirs.push(other);
    console.log(
      `${contest.name}, ${threads} threads, round ${round}: ours ${own.seconds.toFixed(2)} s, RMSE ${own.rmse.toFixed(4)}, XGBoost ${other.seconds.toFixed(2)} s, RMSE ${other.rmse.toFixed(4)}`,
    );
  }
  return { ours, theirs };
};

const figuresOf = (contest: Contest, pairs: readonly Pair[], peer: string): Figure[] => {
  const times = pairs.map(({ ours, theirs }, index): Figure => {
    const [value, baselineValue] = [middle(ours, (run) => run.seconds), middle(theirs, (run) => run.seconds)];
    return timeFigure(contest, peer, `${index + 1} thread${index === 0 ? '' : 's'}`, value, baselineValue);
  });
  const best = (side: 'ours' | 'theirs'): number =>
    Math.min(...pairs.map((pair) => middle(pair[side], (run) => run.seconds)));
  const [first] = pairs;
  if (first === undefined) return times;
  const [value, baselineValue] = [
    middle(first.ours, ({ rmse }) => rmse),
    middle(first.theirs, ({ rmse }) => rmse),
  ];
  return [
    ...times,
    timeFigure(contest, peer, 'best of one and two threads each', best('ours'), best('theirs')),
    {
      figure: `${contest.name}: RMSE on test rows`,
      value,
      unit: '',
      baseline: peer,
      baselineValue,
      ratio: value / baselineValue,
      target: '<= 1.01 times',
      met: value <= 1.01 * baselineValue,
    },
  ];
};

const timeFigure = (
  contest: Contest,
  peer: string,
  threads: string,
  value: number,
  baselineValue: number,
): Figure => ({
  figure: `${contest.name}, ${contest.trees} trees x 31 leaves, ${threads}`,
  value,
  unit: 's',
  baseline: peer,
  baselineValue,
  ratio: value / baselineValue,
  target: `<= ${contest.target} times`,
  met: value <= contest.target * baselineValue,
});

const main = (): void => {
  const python = pythonWith('xgboost', 'python3-xgboost');
  const peer = `XGBoost hist (${buildOf(python, 'xgboost')})`;
  const folder = mkdtempSync(join(tmpdir(), 'bench-trees-'));
  try {
    const contests: Contest[] = [
      {
        name: 'California housing, 16,512 x 9',
        folder: join(folder, 'housing'),
        trees: quick ? 200 : 500,
        learningRate: 0.05,
        rounds: quick ? 1 : 5,
        target: 1,
      },
      {
        name: `generated, ${ROWS.toLocaleString('en-US')} x ${COLUMNS}`,
        folder: join(folder, 'generated'),
        trees: quick ? 30 : 500,
        learningRate: 0.1,
        // Each takes about a minute: long enough to even out by itself.
        rounds: 1,
        target: 1.25,
      },
    ];
    const [small, large] = contests;
    if (small === undefined || large === undefined) return;
    const { training, test } = housing();
    writeSet(join(small.folder, 'training'), training);
    writeSet(join(small.folder, 'test'), test);
    writeSet(join(large.folder, 'training'), generated(ROWS, COLUMNS, 1));
    writeSet(join(large.folder, 'test'), generated(ROWS / 10, COLUMNS, 2));
    const waiting = fasterWaiting(python, small);
    console.log(`XGBoost's threads wait ${waiting === 'active' ? 'spinning' : 'asleep'}`);
    const figures: Figure[] = [];
    for (const contest of contests) {
      const pairs = [1, 2].map((threads) => compete(python, contest, threads, waiting));
      figures.push(...figuresOf(contest, pairs, peer));
      if (contest !== large) continue;
      const peaks = (side: 'ours' | 'theirs'): number =>
        Math.max(...pairs.flatMap((pair) => pair[side].map(({ peakBytes }) => peakBytes))) / 1e6;
      figures.push({
        figure: `${contest.name}: peak resident memory of the training process, matrix included`,
        value: peaks('ours'),
        unit: 'MB',
        baseline: peer,
        baselineValue: peaks('theirs'),
        ratio: peaks('ours') / peaks('theirs'),
        target: '< 1,000 MB',
        met: peaks('ours') < 1000,
      });
    }
    writeResults('trees', figures, quick);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
};

const run = process.argv.indexOf('--run');
const start = async (): Promise<void> => {
  if (run < 0) return main();
  const [folder = '', settings = ''] = process.argv.slice(run + 1);
  return runOurs(folder, JSON.parse(settings) as Settings);
};

start().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
