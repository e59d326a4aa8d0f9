/**
 * Forecasts against published and naive ones, all from the sealed files: ETTh1 as in the literature on long horizons (Zeng
 * et al. 2023: 12/4/4 months, look-back 336, 96 steps ahead, every window, all channels, standardised by the training
 * part), two more series against the seasonal-naive forecast, and the remaining life of engines from windows of sensors.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { LearningTask } from '../contracts';
import { ModelSpec as Spec } from '../contracts';
import type { Column, Table } from '../gpu-worker/data/table';
import { serve } from '../gpu-worker/export/served';
import { rowOrder } from '../gpu-worker/prepare/window';
import { trainTable } from '../gpu-worker/train/train-table';
import type { MadeModel, TrainRequest } from '../gpu-worker/train/train-table';
import { parseTime } from '../tabular';
import { writeResults } from './results';
import type { Figure } from './results';

const quick = process.argv.includes('--quick');
const folder = resolve(__dirname, '../../../shared/data');
const { signal } = new AbortController();

interface Data {
  readonly table: Table;
  readonly holdout: TrainRequest['holdout'];
}

const numbers = (name: string, values: Float64Array): Column => ({
  spec: { v: 1, name, type: 'number', missing: [] },
  kind: 'number',
  values,
});

const values = ({ table }: Data, name: string): Float64Array => {
  const column = table.columns.find(({ spec }) => spec.name === name);
  return column !== undefined && 'values' in column ? column.values : new Float64Array(0);
};

/** Plain files without commas in cells; columns that are neither the time nor numbers are left out. */
const read = (file: string, most = Infinity): { names: string[]; cells: string[][] } => {
  const [head, ...lines] = readFileSync(join(folder, file), 'utf8').trim().replaceAll('"', '').split(/\r?\n/);
  return { names: head.split(','), cells: lines.slice(0, most).map((line) => line.split(',')) };
};

/** Held out: the rows from number `from` on, or the last share of them. */
const series = (file: string, time: string, from: number, most?: number): Data => {
  const { names, cells } = read(file, most);
  const columns = names.flatMap((name, at): Column[] => {
    const column = cells.map((row) => row[at]);
    if (name === time) {
      const instants = Float64Array.from(column, (cell) => parseTime(cell, false) ?? NaN);
      return [{ spec: { v: 1, name, type: 'time', missing: [] }, kind: 'time', values: instants }];
    }
    const parsed = Float64Array.from(column, Number);
    return parsed.some(Number.isNaN) ? [] : [numbers(name, parsed)];
  });
  const data: Data = {
    table: { rows: cells.length, columns, holdout: new Uint8Array(cells.length) },
    holdout: { kind: 'time', column: time, fromMicros: 0, toMicros: 0 },
  };
  const instants = Float64Array.from(values(data, time)).sort();
  const fromMicros = instants[from < 1 ? Math.ceil(instants.length * (1 - from)) : from];
  const holdout = {
    kind: 'time',
    column: time,
    fromMicros,
    toMicros: instants[instants.length - 1],
  } as const;
  const held = values(data, time).map((at) => (at >= fromMicros ? 1 : 0));
  return { table: { ...data.table, holdout: Uint8Array.from(held) }, holdout };
};

const train = (
  { table, holdout }: Data,
  spec: Record<string, unknown>,
  task: LearningTask,
  target: string,
): Promise<MadeModel> =>
  trainTable(
    table,
    { target, task, holdout, exclude: [], spec: Spec.parse(spec), seed: 1, device: null },
    { signal, champion: null, progress: () => undefined },
  );

const CHANNELS = ['HUFL', 'HULL', 'MUFL', 'MULL', 'LUFL', 'LULL', 'OT'];
const [TRAINING, LEARNING, ALL] = [12 * 30 * 24, 16 * 30 * 24, 20 * 30 * 24];
const [LOOKBACK, HORIZON] = [336, 96];

/** Mean squared error over all windows, steps and channels of the last four months, standardised by the first twelve. */
const etth1Error = async (
  data: Data,
  answer: (windows: Int32Array) => Promise<ArrayLike<number>>,
): Promise<number> => {
  const windows = Int32Array.from({ length: ALL - LEARNING - HORIZON + 1 }, (_, i) => LEARNING - 1 + i);
  const answers = await answer(windows);
  let sum = 0;
  CHANNELS.forEach((name, channel) => {
    const of = values(data, name);
    const learned = of.subarray(0, TRAINING);
    const mean = learned.reduce((total, value) => total + value, 0) / TRAINING;
    const variance = learned.reduce((total, value) => total + (value - mean) ** 2, 0) / TRAINING;
    windows.forEach((row, i) => {
      for (let step = 0; step < HORIZON; step++) {
        const error = answers[(i * HORIZON + step) * CHANNELS.length + channel] - of[row + 1 + step];
        sum += error ** 2 / variance;
      }
    });
  });
  return sum / (windows.length * HORIZON * CHANNELS.length);
};

const etth1 = async (): Promise<Figure[]> => {
  const data = series('ETTh1.csv', 'date', LEARNING, ALL);
  const forecast = {
    ...{ horizon: HORIZON, lookback: LOOKBACK, targets: CHANNELS },
    // A quarter of the 16 months; what is published learns from the first twelve alone.
    ...{ validationFraction: 0.25, refit: false },
  };
  const order = rowOrder(data.table, 'date', null);
  const naive = await etth1Error(data, (windows) => {
    const of = CHANNELS.map((name) => values(data, name));
    const answers = new Float64Array(windows.length * HORIZON * CHANNELS.length);
    let at = 0;
    for (const row of windows)
      for (let step = 0; step < HORIZON; step++)
        for (const channel of of) answers[at++] = channel[row - 23 + (step % 24)];
    return Promise.resolve(answers);
  });
  const figures: Figure[] = [];
  const specs: Record<string, unknown>[] = [{ family: 'linear' }];
  if (!quick)
    specs.push({
      family: 'transformer',
      layers: 1,
      stride: 16,
      batchSize: 512,
      epochs: 3,
      learningRate: 0.0005,
    });
  for (const spec of specs) {
    const made = await train(data, { ...spec, forecast }, 'forecast', 'OT');
    const mse = await etth1Error(data, async (windows) => {
      const served = await serve(made.onnx, data.table, windows, signal, { order });
      return served?.predictions instanceof Float32Array ? served.predictions : [];
    });
    const family = String(spec['family']);
    const seconds = made.manifest.trainingMs / 1000;
    console.log(
      `ETTh1 ${family}: ${mse.toFixed(4)} (${made.rows.trainRows} windows, ${seconds.toFixed(1)} s)`,
    );
    figures.push(
      {
        figure: `ETTh1, 96 steps ahead, look-back 336, 7 channels: ${family}`,
        ...{ value: mse, unit: 'MSE, standardised', baseline: 'DLinear, published', baselineValue: 0.374 },
        ...{ ratio: mse / 0.374, target: '<= 0.378', met: mse <= 0.378 },
      },
      {
        figure: `ETTh1: ${family} against the day before again`,
        ...{
          value: mse,
          unit: 'MSE, standardised',
          baseline: 'seasonal-naive, same windows',
          baselineValue: naive,
        },
        ...{ ratio: mse / naive, target: '< 1', met: mse < naive },
      },
    );
  }
  return figures;
};

const againstNaive = async (
  name: string,
  data: Data,
  target: string,
  forecast: Record<string, unknown>,
): Promise<Figure> => {
  const { manifest } = await train(data, { family: 'linear', forecast }, 'forecast', target);
  const { test, baseline } = manifest.metrics;
  const [ours, naive] = [test['rmse'] ?? NaN, baseline['rmse'] ?? NaN];
  console.log(name, { ours, naive, coverage: test['coverage'], warnings: manifest.forecast?.warnings });
  return {
    figure: name,
    ...{ value: ours, unit: 'RMSE', baseline: 'seasonal-naive, same windows', baselineValue: naive },
    ...{ ratio: ours / naive, target: '< 1', met: ours < naive },
  };
};

const CAP = 125;

/** Remaining cycles, capped, of the training engines and, held out, of the test engines under other numbers. */
const engines = (): { data: Data; lastRows: Int32Array; truth: number[]; uncapped: number[] } => {
  const { names, cells } = read('cmapss_fd001_train.csv');
  const learned = cells.map((row) => row.map(Number));
  const held = read('cmapss_fd001_test.csv').cells.map((row) => row.map(Number));
  const left = read('cmapss_fd001_test_rul.csv').cells.map(([, rul]) => Number(rul));
  const ends = (rows: readonly number[][]): Map<number, number> =>
    new Map(rows.map(([unit, cycle]) => [unit, cycle]));
  const [failed, stopped] = [ends(learned), ends(held)];
  const rows = [
    ...learned.map((row) => [...row, Math.min(CAP, (failed.get(row[0]) ?? NaN) - row[1])]),
    ...held.map((row) => [
      ...[row[0] + 1000, ...row.slice(1)],
      Math.min(CAP, left[row[0] - 1] + (stopped.get(row[0]) ?? NaN) - row[1]),
    ]),
  ];
  const columns = [...names, 'rul'].map((name, at) =>
    numbers(
      name,
      Float64Array.from(rows, (row) => row[at]),
    ),
  );
  const lastRows = left.map(
    (_, unit) =>
      learned.length + held.findIndex((row) => row[0] === unit + 1 && row[1] === stopped.get(unit + 1)),
  );
  return {
    data: {
      table: { rows: rows.length, columns, holdout: Uint8Array.from(rows, (row) => (row[0] > 1000 ? 1 : 0)) },
      holdout: { kind: 'hash', salt: '', fraction: 0.2 },
    },
    lastRows: Int32Array.from(lastRows),
    truth: left.map((rul) => Math.min(CAP, rul)),
    uncapped: left,
  };
};

const remainingLife = async (): Promise<Figure[]> => {
  const { data, lastRows, truth, uncapped } = engines();
  const spec = {
    ...{ family: 'rnn', epochs: quick ? 3 : 8 },
    window: { length: 30, order: 'cycle', group: 'unit' },
  };
  const made = await train(data, spec, 'regression', 'rul');
  const served = await serve(made.onnx, data.table, lastRows, signal, {
    order: rowOrder(data.table, 'cycle', 'unit'),
  });
  const error = (actual: readonly number[]): number => {
    const squares = actual.map((rul, i) => (Number(served?.predictions[i]) - rul) ** 2);
    return Math.sqrt(squares.reduce((sum, one) => sum + one, 0) / squares.length);
  };
  // The baseline's truth may have been capped or not: both are shown, the model learned from capped values.
  return [
    { truths: 'capped at 125', rmse: error(truth) },
    { truths: 'as it was', rmse: error(uncapped) },
  ].map(({ truths, rmse }) => {
    console.log('C-MAPSS FD001', truths, { rmse, seconds: made.manifest.trainingMs / 1000 });
    return {
      figure: `C-MAPSS FD001, remaining life at the last cycle of 100 engines, truth ${truths}: gru`,
      ...{ value: rmse, unit: 'RMSE', baseline: 'scikit-learn HistGradientBoosting (index of the data)' },
      ...{ baselineValue: 19.4, ratio: rmse / 19.4, target: '< 1', met: rmse < 19.4 },
    };
  });
};

const main = async (): Promise<void> => {
  if (!existsSync(join(folder, 'ETTh1.csv')))
    return console.log(`${folder} is not there: nothing to measure`);
  const figures = await etth1();
  const airline = series('airline_passengers.csv', 'Month', 0.2);
  figures.push(
    await againstNaive('airline passengers, 1 month ahead, last 20 %', airline, 'Passengers', { horizon: 1 }),
  );
  figures.push(
    await againstNaive('airline passengers, 1 to 12 months ahead, last 20 %', airline, 'Passengers', {
      horizon: 12,
    }),
  );
  const metro = series('metro_interstate_traffic.csv', 'date_time', 0.2);
  figures.push(
    await againstNaive(
      'metro traffic, 1 to 24 hours ahead, last 20 %: the same hour of the day before',
      metro,
      'traffic_volume',
      { horizon: 24 },
    ),
    await againstNaive(
      'metro traffic, 1 to 24 hours ahead, last 20 %: the same hour of the week before',
      metro,
      'traffic_volume',
      { horizon: 24, season: 168 },
    ),
  );
  figures.push(...(await remainingLife()));
  writeResults('etth1', figures);
};

main().then(
  () => process.exit(0),
  (error: unknown) => {
    console.error(error);
    process.exit(1);
  },
);
