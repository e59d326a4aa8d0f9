/**
 * What the report of a version costs and whether its promises hold: permutation importance against scikit-learn's on the
 * same network and as many rows, the report's time beside that of the training, and how often intervals and sets of
 * real data held the truth on rows that nothing was fitted on.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { EvaluationReport, LearningTask } from '../contracts';
import type { Column, Table } from '../gpu-worker/data/table';
import { permutationImportance } from '../gpu-worker/evaluate/explain/importance';
import { SealedFile } from '../gpu-worker/evaluate/explain/sealed-file';
import { trainTable } from '../gpu-worker/train/train-table';
import type { MadeModel } from '../gpu-worker/train/train-table';
import { COLUMNS, examples } from './article';
import { buildOf, pythonWith } from './python';
import { median, writeResults } from './results';
import type { Figure } from './results';
import { everyFifth, readSet, setNamed } from './sets';
import type { DataSet } from './sets';

const quick = process.argv.includes('--quick');
const ROUNDS = quick ? 1 : 5;
const ROWS = 1000;
const REPEATS = 5;
const signal = new AbortController().signal;

/** Where intervals and sets are counted. */
const COUNTED = [
  'concrete',
  'housing',
  'energy',
  'insurance',
  'bike',
  'adult',
  'german_credit',
  'telco',
  'heart',
];

const numberColumn = (name: string, values: Float64Array): Column => ({
  spec: { v: 1, name, type: 'number', missing: [] },
  kind: 'number',
  values,
});

/** The article's rows as a table of columns x0 to x7 and y. */
const articleTable = (): Table => {
  const { features, targets } = examples(20_640, 1);
  const column = (at: number): Float64Array =>
    Float64Array.from({ length: features.rows }, (_, row) => features.values[row * COLUMNS + at]);
  return {
    rows: features.rows,
    columns: [
      ...Array.from({ length: COLUMNS }, (_, at) => numberColumn(`x${at}`, column(at))),
      numberColumn('y', Float64Array.from(targets)),
    ],
    holdout: everyFifth(features.rows),
  };
};

const made = async (
  table: Table,
  target: string,
  task: LearningTask,
  spec: Readonly<Record<string, unknown>>,
): Promise<{ model: MadeModel; reportMs: number }> => {
  let verified = performance.now();
  const request = {
    ...{ target, task, exclude: [], seed: 1, device: null },
    holdout: { kind: 'hash', salt: '', fraction: 0.2 } as const,
    spec: spec as Parameters<typeof trainTable>[1]['spec'],
  };
  const progress = (): void => void (verified = performance.now());
  const model = await trainTable(table, request, { signal, champion: null, progress });
  return { model, reportMs: performance.now() - verified };
};

const SCIKIT_LEARN = `
import sys, time, warnings
import numpy as np
from sklearn.inspection import permutation_importance
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
warnings.filterwarnings('ignore')
folder, columns, repeats = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
x = np.fromfile(folder + '/x.f64').reshape(-1, columns)
y = np.fromfile(folder + '/y.f64')
model = make_pipeline(StandardScaler(), MLPRegressor((64, 64), max_iter=1, random_state=0)).fit(x, y)
started = time.perf_counter()
permutation_importance(model, x, y, scoring='neg_root_mean_squared_error', n_repeats=repeats, random_state=0, n_jobs=1)
print(time.perf_counter() - started)
`;

const importanceFigures = async (): Promise<Figure[]> => {
  const python = pythonWith('sklearn', 'python3-sklearn');
  const table = articleTable();
  const { model } = await made(table, 'y', 'regression', { family: 'mlp', epochs: 2 });
  const rows = Int32Array.from({ length: ROWS }, (_, row) => row * 5);
  const [columns, [target]] = [table.columns.slice(0, COLUMNS), table.columns.slice(COLUMNS)];
  const valuesOf = (column: Column): Float64Array =>
    'values' in column ? column.values : new Float64Array(0);
  const truth = Float64Array.from(rows, (row) => valuesOf(target)[row]);
  const folder = mkdtempSync(join(tmpdir(), 'bench-evaluate-'));
  const [ours, theirs]: number[][] = [[], []];
  try {
    const cells = Float64Array.from(
      { length: ROWS * COLUMNS },
      (_, i) => valuesOf(columns[i % COLUMNS])[rows[Math.floor(i / COLUMNS)]],
    );
    writeFileSync(join(folder, 'x.f64'), cells);
    writeFileSync(join(folder, 'y.f64'), truth);
    const of = (answers: Float32Array): number =>
      Math.sqrt(truth.reduce((sum, value, i) => sum + (answers[i] - value) ** 2, 0) / ROWS);
    for (let round = 0; round < ROUNDS; round++) {
      const started = performance.now();
      const file = await SealedFile.open({ onnx: model.onnx, table, classes: 0, signal });
      const names = columns.map(({ spec }) => spec.name);
      await permutationImportance(
        file,
        rows,
        { metric: 'rmse', of },
        { columns: names, repeats: REPEATS, seed: round },
      );
      await file.close();
      ours.push(performance.now() - started);
      const printed = execFileSync(python, ['-c', SCIKIT_LEARN, folder, String(COLUMNS), String(REPEATS)], {
        encoding: 'utf8',
        env: { ...process.env, OPENBLAS_NUM_THREADS: '1', OMP_NUM_THREADS: '1' },
      });
      theirs.push(1000 * Number(printed));
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
  const [own, peer] = [median(ours), median(theirs)];
  return [
    {
      figure: `permutation importance of a sealed mlp 64-64, ${ROWS} rows x ${COLUMNS} columns x ${REPEATS} repeats, from opening the file on`,
      value: own,
      unit: 'ms',
      baseline: `permutation_importance, scaler and MLPRegressor of the same size (${buildOf(python, 'sklearn', 'numpy')}, one thread)`,
      baselineValue: peer,
      ratio: peer / own,
      target: '>= 1 times faster',
      met: peer >= own,
    },
  ];
};

/** A set of ../shared/data with every fifth row held out; undefined where the file is not here. */
const heldOut = (set: DataSet): Table | undefined => {
  const table = readSet(set);
  return table && { ...table, holdout: everyFifth(table.rows) };
};

interface Reported {
  readonly title: string;
  readonly table: Table;
  readonly target: string;
  readonly task: LearningTask;
  readonly spec: Readonly<Record<string, unknown>>;
}

const reported = (): Reported[] => {
  const article: Reported = {
    ...{ title: "the article's example (mlp, 100 epochs)", table: articleTable(), target: 'y' },
    ...{ task: 'regression', spec: { family: 'mlp', epochs: 100 } },
  };
  const trees = (quick ? ['steel_plates'] : ['housing', 'adult', 'steel_plates']).flatMap(
    (name): Reported[] => {
      const set = setNamed(name);
      const table = heldOut(set);
      if (table === undefined) return [];
      return [
        { title: `trees on ${name}`, table, target: set.target, task: set.task, spec: { family: 'trees' } },
      ];
    },
  );
  return [article, ...trees];
};

/** With what the report is made of, so that a section left out does not pass for speed. */
const contentsOf = ({ shapley, leftOut }: EvaluationReport): string =>
  `${shapley?.method ?? 'no'} Shapley values, ${leftOut.length === 0 ? 'nothing' : leftOut.map(({ section }) => section).join(', ')} left out`;

const reportFigure = async ({ title, table, target, task, spec }: Reported): Promise<Figure> => {
  const [reports, trainings]: number[][] = [[], []];
  let contents = '';
  for (let round = 0; round < ROUNDS; round++) {
    const { model, reportMs } = await made(table, target, task, spec);
    reports.push(reportMs / 1000);
    trainings.push(model.manifest.trainingMs / 1000);
    contents = contentsOf(model.evaluation);
  }
  const [value, baselineValue] = [median(reports), median(trainings)];
  return {
    ...{ figure: `whole report of ${title}, ${contents}`, value, unit: 's' },
    ...{ baseline: 'its training', baselineValue, ratio: value / baselineValue },
    ...{ target: '<= 0.1 times, or a second', met: value <= Math.max(1, 0.1 * baselineValue) },
  };
};

const reportFigures = async (): Promise<Figure[]> => {
  const figures: Figure[] = [];
  for (const each of reported()) figures.push(await reportFigure(each));
  return figures;
};

/** Rows that 0.9 held of how many; sets of a model that is right more often than that cannot be told from its accuracy. */
const held = ({ conformal, metrics }: EvaluationReport): { inside: number; rows: number } => {
  const at = conformal?.coverage.find(({ level }) => level === 0.9);
  if (at === undefined || (metrics['accuracy']?.value ?? 0) > 0.9) return { inside: 0, rows: 0 };
  return { inside: at.inside.share * at.inside.rows, rows: at.inside.rows };
};

const coverageFigures = async (): Promise<Figure[]> => {
  const total = {
    regression: { inside: 0, rows: 0, models: 0 },
    classification: { inside: 0, rows: 0, models: 0 },
  };
  for (const set of COUNTED.slice(0, quick ? 1 : undefined).map(setNamed)) {
    const table = heldOut(set);
    if (table === undefined) continue;
    for (const spec of [{ family: 'linear' }, { family: 'mlp', epochs: 40, patience: 5 }]) {
      const { model } = await made(table, set.target, set.task, spec);
      const { inside, rows } = held(model.evaluation);
      console.log(
        `${set.name}, ${spec.family}: ${rows === 0 ? 'not counted' : (inside / rows).toFixed(3)} of ${rows} rows`,
      );
      const sum = total[set.task];
      sum.inside += inside;
      sum.rows += rows;
      sum.models += rows > 0 ? 1 : 0;
    }
  }
  return Object.entries(total)
    .filter(([, { rows }]) => rows > 0)
    .map(([task, { inside, rows, models }]) => ({
      figure: `${task}: held-out rows whose truth lay in the ${task === 'regression' ? 'interval' : 'set'} of 0.9, ${models} models and ${rows} rows together`,
      value: inside / rows,
      unit: 'of the rows',
      ...{ baseline: null, baselineValue: null, ratio: null },
      target: '0.88 to 0.92',
      met: Math.abs(inside / rows - 0.9) <= 0.02,
    }));
};

const main = async (): Promise<void> => {
  const figures = [...(await importanceFigures()), ...(await reportFigures()), ...(await coverageFigures())];
  for (const { figure, value, unit, ratio } of figures)
    console.log(
      `${figure}: ${value.toPrecision(4)} ${unit}${ratio === null ? '' : `, ratio ${ratio.toFixed(2)}`}`,
    );
  writeResults('evaluate', figures);
};

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
