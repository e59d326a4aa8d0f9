/**
 * Training steps against PyTorch, scikit-learn and TensorFlow.js, each with its best of one and two threads (and, for
 * OpenBLAS underneath, of one and all of its own), against our best of one and two; all interleaved in one run, every
 * timing in a round. Steps are those of ready data in memory: batch, forward, loss, backward, Adam. `-- --only NAME` runs
 * one network and keeps the other figures.
 */
import { openSession } from '../gpu-worker/engine/onnxruntime';
import { tinyTraining } from '../gpu-worker/engine/tiny-training';
import { articleLoop } from './train/article-loop';
import { NETWORKS } from './train/networks';
import type { NetworkName } from './train/networks';
import { timeOurs } from './train/ours';
import { timePython, timeTensorFlowJs } from './train/peers';
import type { Threads } from './train/peers';
import { option } from './option';
import { pythonWith } from './python';
import { median, readFigures, writeResults } from './results';
import type { Figure } from './results';

const quick = process.argv.includes('--quick');
const only = option('only');
const ROUNDS = quick ? 1 : 5;
const SECONDS = quick ? 0.5 : 2;
/** A setting that was this much slower than the peer's best in two rounds is not tried again. */
const HOPELESS = 1.6;

/** One way of running ours or a peer. */
interface Runner {
  readonly side: 'ours' | 'PyTorch' | 'scikit-learn' | 'TensorFlow.js';
  readonly threads: number;
  readonly setting: string;
  readonly run: () => Promise<{ readonly stepMs: number; readonly build: string }>;
  readonly times: number[];
  build: string;
}

/** Milliseconds to a session that trains, of every time that a network was opened. */
const creations: Partial<Record<NetworkName, number[]>> = {};

const plural = (threads: number): string => (threads === 1 ? '1 thread' : `${threads} threads`);

const runnersFor = (name: NetworkName, torch: string, sklearn: string): Runner[] => {
  const runner = (side: Runner['side'], threads: number, setting: string, run: Runner['run']): Runner => ({
    side,
    threads,
    setting,
    run,
    times: [],
    build: '',
  });
  const ours = [1, 2].map((threads) =>
    runner('ours', threads, plural(threads), async () => {
      const { stepMs, creationMs } = await timeOurs(NETWORKS[name], threads, SECONDS);
      (creations[name] ??= []).push(creationMs);
      return { stepMs, build: 'onnxruntime' };
    }),
  );
  const blasOf = ({ blas }: Threads): string => `OPENBLAS_NUM_THREADS ${blas ?? 'not set'}`;
  const pyTorch = [1, 2].flatMap((threads) =>
    [1, null].map((blas) => {
      const setting = `${plural(threads)}, ${blasOf({ threads, blas })}`;
      // Left alone, OpenBLAS takes every core whatever PyTorch is told: on one core it is as slow as with one thread.
      return runner('PyTorch', Math.max(threads, blas ?? 2), setting, async () =>
        timePython(torch, 'pytorch', name, SECONDS, { threads, blas }),
      );
    }),
  );
  const scikitLearn = [1, null].map((blas) => {
    const threads = blas ?? 2;
    return runner('scikit-learn', threads, blasOf({ threads, blas }), async () =>
      timePython(sklearn, 'scikit-learn', name, SECONDS, { threads, blas }),
    );
  });
  return [
    ...ours,
    ...pyTorch,
    ...(name === 'mlp-64'
      ? [...scikitLearn, runner('TensorFlow.js', 1, '1 thread', async () => timeTensorFlowJs(SECONDS))]
      : []),
  ];
};

const typical = (runner: Runner): number => median(runner.times);

const bestOf = (runners: readonly Runner[], side: Runner['side'], threads?: number): Runner => {
  const [first, ...rest] = runners.filter(
    (runner) => runner.side === side && (threads === undefined || runner.threads === threads),
  );
  if (first === undefined) throw new Error(`nobody ran ${side}`);
  return rest.reduce((best, runner) => (typical(runner) < typical(best) ? runner : best), first);
};

const compete = async (name: NetworkName, runners: readonly Runner[]): Promise<void> => {
  for (let round = 1; round <= ROUNDS; round++) {
    for (const runner of runners) {
      // Each thread count keeps its best, since one figure compares one thread with one.
      const worth =
        runner.times.length < 2 ||
        Math.min(...runner.times) < HOPELESS * typical(bestOf(runners, runner.side, runner.threads));
      if (!worth) continue;
      const { stepMs, build } = await runner.run();
      runner.times.push(stepMs);
      runner.build = build;
    }
    const shown = runners.map(
      ({ side, setting, times }) => `${side} (${setting}) ${times.at(-1)?.toFixed(4)}`,
    );
    console.log(`${name}, round ${round}, ms a step: ${shown.join('; ')}`);
  }
};

interface Bar {
  readonly side: Runner['side'];
  readonly least: number;
  /** Both on so many threads; their best when left out. */
  readonly threads?: number;
}

const BARS: Readonly<Record<NetworkName, readonly Bar[]>> = {
  'mlp-64': [
    { side: 'scikit-learn', least: 4 },
    { side: 'PyTorch', least: 8 },
    { side: 'TensorFlow.js', least: 30 },
  ],
  'mlp-512': [
    { side: 'PyTorch', least: 0.8, threads: 1 },
    { side: 'PyTorch', least: 1.1 },
  ],
  cnn: [{ side: 'PyTorch', least: 0.85 }],
  gru: [{ side: 'PyTorch', least: 1.4 }],
  transformer: [{ side: 'PyTorch', least: 1.3 }],
};

const figureOf = (name: NetworkName, runners: readonly Runner[], { side, least, threads }: Bar): Figure => {
  const [ours, theirs] = [bestOf(runners, 'ours', threads), bestOf(runners, side, threads)];
  const ratio = typical(theirs) / typical(ours);
  const compared = threads === 1 ? 'one thread each' : `best of one and two threads: ${ours.setting}`;
  return {
    figure: `${NETWORKS[name].title}, a training step, ${compared}`,
    value: typical(ours),
    unit: 'ms',
    baseline: `${theirs.build} (${theirs.setting})`,
    baselineValue: typical(theirs),
    ratio,
    target: `>= ${least} times as fast`,
    met: ratio >= least,
  };
};

const slowestCreation = (): Figure => {
  const typical = Object.entries(creations).map(([name, times]) => ({ name, ms: median(times) }));
  const slowest = typical.reduce((one, other) => (other.ms > one.ms ? other : one));
  return {
    figure: `compiling a training and creating its session, median of the slowest network: ${slowest.name}`,
    value: slowest.ms,
    unit: 'ms',
    baseline: null,
    baselineValue: null,
    ratio: null,
    target: '< 150 ms',
    met: slowest.ms < 150,
  };
};

const main = async (): Promise<void> => {
  const torch = pythonWith('torch', 'python3-torch');
  const sklearn = pythonWith('sklearn', 'python3-sklearn');
  const figures: Figure[] = [];
  const all = Object.keys(NETWORKS) as NetworkName[];
  // Load the native library: a worker's training process has it loaded before a task arrives.
  await (await openSession(tinyTraining().bytes)).close();
  const names = only === undefined ? all : all.filter((name) => name === only);
  if (names.length === 0) throw new Error(`--only ${only ?? ''}: one of ${all.join(', ')}`);
  for (const name of names) {
    const runners = runnersFor(name, torch, sklearn);
    await compete(name, runners);
    figures.push(...BARS[name].map((bar) => figureOf(name, runners, bar)));
  }
  if (only === undefined) figures.push(slowestCreation(), await articleLoop(sklearn, quick));
  const others = readFigures('train').filter(
    ({ figure }) => !names.some((name) => figure.startsWith(NETWORKS[name].title)),
  );
  writeResults('train', only === undefined ? figures : [...figures, ...others], quick);
  for (const { figure, value, unit, ratio, target, met } of figures)
    console.log(
      `${met === true ? 'met   ' : 'missed'} ${figure}: ${value.toPrecision(4)} ${unit}, ${ratio?.toFixed(2) ?? ''} (${target})`,
    );
};

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
