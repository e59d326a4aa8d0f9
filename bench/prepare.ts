/** What surrounds a training: profile and seal a CSV, read it, fit and apply the preparation, export and check the file. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { constant, op, tensor } from '../onnx';
import { NO_CALIBRATION } from '../gpu-worker/calibrate/calibration';
import { readSealed, runProfile } from '../gpu-worker/data';
import { sealModel, supervisedAnswer } from '../gpu-worker/export/sealed';
import { serve } from '../gpu-worker/export/served';
import { onFeatures } from '../gpu-worker/family/trained';
import { STANDARD } from '../gpu-worker/prepare/encoding';
import { splitRows } from '../gpu-worker/prepare/split';
import { columnNamed, fitTarget } from '../gpu-worker/prepare/target';
import { Assembly, featureColumns } from '../gpu-worker/train/assemble';
import { localIo, profilePayload } from './local-task';
import { uniform as uniformFrom } from './random';
import { median, writeResults } from './results';

const quick = process.argv.includes('--quick');
const ROWS = 100_000;
const ROUNDS = quick ? 1 : 3;
const TEXTS = 15;
const NUMBERS = 14;
/** No calibration, no interval: nothing was trained here. */
const PLAIN = { calibration: NO_CALIBRATION, levels: [], logLoss: {} } as const;
const signal = new AbortController().signal;

/** Half text categories of 3 to 400 values, half numbers, gaps in both; the target is a noisy sum. */
const generate = (path: string): void => {
  const uniform = uniformFrom(12, 0);
  const names = [
    ...Array.from({ length: NUMBERS }, (_, i) => `n${i}`),
    ...Array.from({ length: TEXTS }, (_, i) => `c${i}`),
    'y',
  ];
  const lines = [names.join(',')];
  for (let row = 0; row < ROWS; row++) {
    const numbers = Array.from({ length: NUMBERS }, () => uniform() * 1000);
    const kinds = Array.from({ length: TEXTS }, (_, i) =>
      Math.floor(uniform() ** 2 * [3, 12, 40, 400][i % 4]),
    );
    const y = numbers[0] * 2 + numbers[1] + kinds[0] * 50 + uniform();
    lines.push(
      [
        ...numbers.map((value) => (uniform() < 0.02 ? '' : value.toFixed(4))),
        ...kinds.map((kind) => (uniform() < 0.02 ? '' : `kind ${kind} of many`)),
        y.toFixed(3),
      ].join(','),
    );
  }
  writeFileSync(path, lines.join('\n'));
};

const steps = ['profile and seal', 'read', 'prepare', 'export', 'check on held-out rows'] as const;
type Seconds = Record<(typeof steps)[number], number>;

const round = async (csv: string, folder: string): Promise<Seconds> => {
  const scratchDir = mkdtempSync(join(folder, 'scratch-'));
  const sealed = join(folder, 'sealed.parquet');
  let last = performance.now();
  const lap = (): number => {
    const now = performance.now();
    const seconds = (now - last) / 1000;
    last = now;
    return seconds;
  };
  const { columns, holdout } = await runProfile(profilePayload(csv, sealed), localIo(scratchDir));
  const profiled = lap();
  const table = await readSealed(sealed, columns);
  const read = lap();
  const split = splitRows(table, 'y', holdout, 0.1, 1);
  const target = fitTarget(columnNamed(table, 'y'), 'regression', split);
  const whole = {
    table,
    columns: featureColumns(table, { target: 'y', exclude: [] }),
    target,
    holdout,
    signal,
  };
  const data = new Assembly(whole, split.training, split.validation);
  const { preparation, training } = await data.prepared(STANDARD);
  const prepared = lap();
  const { width } = training.features;
  const weights = tensor('float32', new Float32Array(width).fill(0.01), [width, 1]);
  const trained = onFeatures(data, preparation, {
    spec: { family: 'linear', l2: 1 },
    output: (x) => op.MatMul(x, constant(weights)),
    history: [],
  });
  const onnx = sealModel(trained, (output) => supervisedAnswer(output, target, PLAIN));
  const exported = lap();
  const answers = await serve(onnx, table, split.test, signal);
  if (answers?.predictions.length !== split.test.length) throw new Error('the file does not answer');
  const checked = lap();
  rmSync(scratchDir, { recursive: true });
  return {
    'profile and seal': profiled,
    read,
    prepare: prepared,
    export: exported,
    'check on held-out rows': checked,
  };
};

const main = async (): Promise<void> => {
  const folder = mkdtempSync(join(tmpdir(), 'bench-prepare-'));
  try {
    const csv = join(folder, 'rows.csv');
    generate(csv);
    const rounds: Seconds[] = [];
    for (let at = 0; at < ROUNDS; at++) {
      const seconds = await round(csv, folder);
      console.log(steps.map((step) => `${step} ${seconds[step].toFixed(2)} s`).join(', '));
      rounds.push(seconds);
    }
    const what = `${ROWS} rows x ${NUMBERS + TEXTS + 1} columns of CSV, ${TEXTS} of them text categories`;
    const alone = { baseline: null, baselineValue: null, ratio: null, unit: 's' };
    const total = median(rounds.map((seconds) => steps.reduce((sum, step) => sum + seconds[step], 0)));
    writeResults('prepare', [
      { ...alone, figure: `${what}: all around a training`, value: total, target: '<= 5 s', met: total <= 5 },
      ...steps.map((step) => ({
        ...alone,
        figure: `${what}: ${step}`,
        value: median(rounds.map((seconds) => seconds[step])),
        target: null,
        met: null,
      })),
    ]);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
};

main().then(
  () => process.exit(0),
  (error: unknown) => {
    console.error(error);
    process.exit(1);
  },
);
