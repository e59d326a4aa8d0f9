/** One training in a process of its own, ours or XGBoost's; reading the files is not measured. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { trainForest } from '../../gpu-worker/family/trees/train-forest';
import { Predictor } from '../../gpu-worker/family/trees/predictor';
import { DEFAULT_OPTIONS } from '../../gpu-worker/family/trees/learning';
import { FILES, readSet } from './sets';

export interface Settings {
  readonly trees: number;
  readonly threads: number;
  readonly learningRate: number;
}

export interface Run {
  readonly seconds: number;
  readonly rmse: number;
  /** Peak resident memory of the process. */
  readonly peakBytes: number;
}

const LEAVES = 31;
const LEAST_HESSIAN = 20;
const L2 = 1;

/** The child: trains on `folder`/training, is judged by `folder`/test, and prints a `Run`. */
export const runOurs = async (folder: string, settings: Settings): Promise<void> => {
  const { features, targets, columns } = readSet(join(folder, 'training'));
  const test = readSet(join(folder, 'test'));
  const { signal } = new AbortController();
  const started = performance.now();
  const { forest } = await trainForest(
    {
      rows: targets.length,
      targets,
      features: Array.from({ length: columns }, (_, column) => ({
        kind: 'number' as const,
        values: features,
        offset: column,
        stride: columns,
      })),
    },
    undefined,
    {
      ...DEFAULT_OPTIONS,
      objective: { kind: 'squared' },
      rounds: settings.trees,
      learningRate: settings.learningRate,
      leaves: LEAVES,
      leastHessian: LEAST_HESSIAN,
      leastRows: 1,
      l2: L2,
    },
    { signal, threads: settings.threads },
  );
  const seconds = (performance.now() - started) / 1000;
  const peakKiB = /VmHWM:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))?.[1];
  const rows = test.targets.length;
  const scores = await new Predictor(forest).scores({ rows, width: columns, values: test.features }, signal);
  const squares = scores.reduce((sum, score, row) => sum + (score - test.targets[row]) ** 2, 0);
  const run: Run = { seconds, rmse: Math.sqrt(squares / rows), peakBytes: Number(peakKiB) * 1024 };
  console.log(JSON.stringify(run));
};

const XGBOOST = `
import json, resource, sys, time
import numpy as np, xgboost
folder, rest = sys.argv[1], json.loads(sys.argv[2])
def read(part):
    y = np.fromfile(folder + '/' + part + '/${FILES.targets}', dtype='f4')
    return np.fromfile(folder + '/' + part + '/${FILES.features}', dtype='f4').reshape(len(y), -1), y
(x, y), (test, truth) = read('training'), read('test')
threads = rest['threads']
started = time.perf_counter()
matrix = xgboost.DMatrix(x, y, nthread=threads)
model = xgboost.train({
    'tree_method': 'hist', 'grow_policy': 'lossguide', 'max_leaves': ${LEAVES}, 'max_depth': 0, 'max_bin': 256,
    'eta': rest['learningRate'], 'lambda': ${L2}, 'min_child_weight': ${LEAST_HESSIAN}, 'nthread': threads,
}, matrix, rest['trees'])
seconds = time.perf_counter() - started
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
error = model.predict(xgboost.DMatrix(test)) - truth
print(json.dumps({'seconds': seconds, 'rmse': float(np.sqrt(np.mean(error.astype('f8') ** 2))), 'peakBytes': peak}))
`;

/** How OpenMP's threads wait for each other: spinning is faster where each has a core of its own, and ruinous elsewhere. */
export type Waiting = 'active' | 'passive';

export const measureXgboost = (python: string, folder: string, settings: Settings, waiting: Waiting): Run =>
  parsed(
    execFileSync(python, ['-c', XGBOOST, folder, JSON.stringify(settings)], {
      encoding: 'utf8',
      env: { ...process.env, OMP_WAIT_POLICY: waiting },
    }),
  );

/** `script` is a program that passes its arguments on to `runOurs`. */
export const measureOurs = (script: string, folder: string, settings: Settings): Run =>
  parsed(
    execFileSync(process.execPath, [script, '--run', folder, JSON.stringify(settings)], { encoding: 'utf8' }),
  );

const parsed = (printed: string): Run => JSON.parse(printed.trim().split('\n').at(-1) ?? '') as Run;
