/**
 * How long an isolation forest takes to judge the rows of a table: our sealed file, from raw cells to the flag and its
 * probabilities, beside scikit-learn's `score_samples` of a ready matrix; on the same rows, its forest grown on four fifths of
 * them, ours on nine tenths of those: the others say what an ordinary score is. How well each ranks the anomalies of the other fifth stands beside, so that a worse forest does not
 * pass for a fast one.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ModelSpec } from '../contracts';
import type { Table } from '../gpu-worker/data/table';
import { SealedFile } from '../gpu-worker/evaluate/explain/sealed-file';
import { trainTable } from '../gpu-worker/train/train-table';
import { matrixOf } from './automl/peers';
import { pythonWith } from './python';
import { median, writeResults } from './results';
import type { Figure } from './results';
import { everyFifth, readSet, setNamed } from './sets';
import type { DataSet } from './sets';

const ROUNDS = process.argv.includes('--quick') ? 1 : 5;
/** Of a round; the median counts. */
const TIMES = 11;
const signal = new AbortController().signal;

const SCIKIT_LEARN = `
import json, sys, time
import numpy as np
from sklearn.ensemble import IsolationForest
from sklearn.metrics import average_precision_score
x, rare, held = (np.fromfile(name) for name in ('x.f64', 'rare.f64', 'held.f64'))
x, held = x.reshape(len(rare), -1), held > 0
model = IsolationForest(n_estimators=100, max_samples=256, random_state=int(sys.argv[1])).fit(x[~held])
times = []
for _ in range(int(sys.argv[2])):
    started = time.perf_counter()
    scores = model.score_samples(x)
    times.append(time.perf_counter() - started)
print(json.dumps({'ms': 1000 * float(np.median(times)), 'precision': average_precision_score(rare[held], -scores[held])}))
`;

interface Judged {
  readonly ms: number;
  /** Average precision of the held-out rows. */
  readonly precision: number;
}

const ours = async (table: Table, target: string, seed: number): Promise<Judged> => {
  const model = await trainTable(
    table,
    {
      ...{ target, task: 'anomaly', exclude: [], seed, device: null },
      spec: ModelSpec.parse({ family: 'isolation-forest', trees: 100, sample: 256 }),
      holdout: { kind: 'hash', salt: '', fraction: 0.2 },
    },
    { signal, champion: null, progress: () => undefined },
  );
  const file = await SealedFile.open({ onnx: model.onnx, table, classes: 2, signal });
  try {
    const times: number[] = [];
    for (let time = 0; time < TIMES; time++) {
      // A list of its own: tensors of the same list would be kept.
      const rows = Int32Array.from({ length: table.rows }, (_, row) => row);
      const started = performance.now();
      await file.answers(table.rows, () => rows);
      times.push(performance.now() - started);
    }
    return { ms: median(times), precision: model.manifest.metrics.test['averagePrecision'] ?? NaN };
  } finally {
    await file.close();
  }
};

const theirs = (python: string, folder: string, seed: number): Judged =>
  JSON.parse(
    execFileSync(python, ['-c', SCIKIT_LEARN, String(seed), String(TIMES)], {
      cwd: folder,
      encoding: 'utf8',
    }),
  ) as Judged;

/** What scikit-learn reads: the cells, which rows are of the rarer class, and which are held out. */
const writeRows = (folder: string, { columns, rows, holdout }: Table, target: string): void => {
  const parts = {
    x: matrixOf(
      columns.filter(({ spec }) => spec.name !== target),
      rows,
    ),
    // Of both sets the rarer class is the one coded 1.
    rare: matrixOf(
      columns.filter(({ spec }) => spec.name === target),
      rows,
    ),
    held: Float64Array.from(holdout),
  };
  for (const [name, values] of Object.entries(parts)) writeFileSync(join(folder, `${name}.f64`), values);
};

const PEER = 'scikit-learn IsolationForest';

const compete = async (python: string, set: DataSet, folder: string): Promise<Figure[]> => {
  const read = readSet(set);
  if (read === undefined) return [];
  const table = { ...read, holdout: everyFifth(read.rows) };
  writeRows(folder, table, set.target);
  const rounds: { own: Judged; peer: Judged }[] = [];
  for (let seed = 1; seed <= ROUNDS; seed++)
    rounds.push({ own: await ours(table, set.target, seed), peer: theirs(python, folder, seed) });
  const of = (side: 'own' | 'peer', what: keyof Judged): number =>
    median(rounds.map((round) => round[side][what]));
  const [value, baselineValue] = [of('own', 'ms'), of('peer', 'ms')];
  const [precision, peerPrecision] = [of('own', 'precision'), of('peer', 'precision')];
  const forest = `isolation forest of 100 trees on ${set.name}`;
  return [
    {
      ...{
        figure: `${forest}: judging ${table.rows} rows of ${table.columns.length - 1} columns`,
        value,
        unit: 'ms',
      },
      ...{
        baseline: `${PEER}, score_samples of a ready matrix`,
        baselineValue,
        ratio: baselineValue / value,
      },
      ...{ target: '>= 1 times faster', met: value <= baselineValue },
    },
    {
      ...{ figure: `${forest}: average precision of held-out rows`, value: precision, unit: '' },
      ...{ baseline: PEER, baselineValue: peerPrecision, ratio: precision / peerPrecision },
      ...{ target: null, met: null },
    },
  ];
};

const main = async (): Promise<void> => {
  const python = pythonWith('sklearn', 'python3-sklearn');
  const folder = mkdtempSync(join(tmpdir(), 'bench-forest-'));
  try {
    const figures: Figure[] = [];
    for (const name of ['ai4i', 'breast_cancer'])
      figures.push(...(await compete(python, setNamed(name), folder)));
    for (const { figure, value, baselineValue } of figures) console.log(figure, value, baselineValue);
    writeResults('forest', figures);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
};

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
