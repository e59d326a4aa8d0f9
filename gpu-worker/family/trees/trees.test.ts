import { dataFile } from '../../../test/support/data';
import { TreesSpec } from '../../../contracts';
import type { Table } from '../../data/table';
import { openSessionCount } from '../../engine/onnxruntime';
import { classRequest, classTable, listener, regressionTable, request } from '../../testing/examples';
import { columnNamed, fitTarget } from '../../prepare/target';
import { csvTable, tableOf } from '../../testing/table';
import { Assembly, featureColumns } from '../../train/assemble';
import { trainTable } from '../../train/train-table';
import type { MadeModel } from '../../train/train-table';
import type { Trained } from '../trained';
import { trees } from './trees';

afterEach(() => expect(openSessionCount()).toBe(0));

const quick = { family: 'trees', trees: 60, minRows: 5, learningRate: 0.1 };
const regression = (table: Table, spec: Record<string, unknown>, target = 'y'): Promise<MadeModel> =>
  trainTable(table, request(spec, { target }), listener());

describe('trees of a table', () => {
  it('learn a regression, tell its history, and are served as they were trained', async () => {
    const voice = listener();
    const made = await trainTable(regressionTable(), request(quick), voice);
    expect(made.manifest.chosen).toMatchObject({ family: 'trees', leaves: 31 });
    expect(made.manifest.metrics.test['r2']).toBeGreaterThan(0.9);
    expect(made.manifest.history.map(({ epoch }) => epoch)).toEqual([10, 20, 30, 40, 50, 60]);
    expect(voice.epochs).toEqual(made.manifest.history);
    // The rounds up to the best one are kept.
    const best = Math.min(...made.manifest.history.map(({ valMse }) => valMse ?? NaN));
    expect(made.manifest.metrics.validation['rmse']).toBeLessThan(Math.sqrt(best) + 1e-4);
    const { shapley } = made.evaluation;
    expect(shapley).toMatchObject({ method: 'exact', unit: 'target', backgroundRows: 100 });
    const columns = shapley?.summary.map(({ column }) => column) ?? [];
    let served = 0;
    for (const { base, output, values, cells } of shapley?.rows ?? []) {
      expect(base + values.reduce((sum, value) => sum + value, 0)).toBeCloseTo(output, 9);
      const place = made.golden.rows.findIndex((row) =>
        columns.every((column, at) => row[column] === cells[at]),
      );
      if (place < 0) continue;
      served++;
      expect(made.golden.predictions[place]).toBeCloseTo(output, 3);
    }
    expect(served).toBeGreaterThan(5);
  });

  it('are the same bytes for the same seed', async () => {
    const spec = { ...quick, rows: { kind: 'bagging' }, columnFraction: 0.7 };
    const [first, second] = [
      await regression(regressionTable(), spec),
      await regression(regressionTable(), spec),
    ];
    expect(Buffer.compare(first.onnx, second.onnx)).toBe(0);
  });

  it('go on from a checkpoint, and end in the same forest', async () => {
    const table = regressionTable();
    const rows = Int32Array.from({ length: table.rows }, (_, row) => row);
    const split = { training: rows.subarray(0, 300), validation: rows.subarray(300) };
    const asked = request(quick);
    const target = fitTarget(columnNamed(table, 'y'), 'regression', split);
    const { signal } = new AbortController();
    const data = new Assembly(
      { table, columns: featureColumns(table, asked), target, holdout: asked.holdout, signal },
      split.training,
      split.validation,
    );
    const engine = { name: 'onnxruntime', device: 'cpu', version: '' } as const;
    const killed = new AbortController();
    let saved: Uint8Array | null = null;
    const run = (latest: Uint8Array | null, own: AbortController): Promise<Trained> =>
      trees.train(TreesSpec.parse(quick), data, {
        seed: 1,
        engine,
        signal: own.signal,
        progress: () => undefined,
        checkpoints: {
          latest,
          offer: (state) => {
            saved = state();
            if (own === killed) own.abort(new Error('killed'));
          },
        },
      });
    await expect(run(null, killed)).rejects.toThrow('killed');
    const resumed = await run(saved, new AbortController());
    const whole = await run(null, new AbortController());
    expect(resumed.history).toEqual(whole.history);
    expect(await resumed.predict(rows, signal)).toEqual(await whole.predict(rows, signal));
  });

  it('tell two classes and three apart, balanced if asked', async () => {
    const three = await trainTable(classTable(), classRequest(quick), listener());
    expect(three.manifest.metrics.test['accuracy']).toBeGreaterThan(0.9);
    expect(three.golden.probabilities?.[0]).toHaveLength(3);
    const table = regressionTable();
    const y = table.columns.find(({ spec }) => spec.name === 'y');
    const values = y?.kind === 'number' ? y.values : new Float64Array();
    const label = Array.from(values, (value) => (value > 104 ? 'dear' : 'cheap'));
    const columns = [...table.columns.filter((column) => column !== y), ...tableOf({ label }).columns];
    const balanced = { ...quick, classWeights: 'balanced' };
    const two = await trainTable({ ...table, columns }, classRequest(balanced), listener());
    expect(two.manifest.metrics.test['auc']).toBeGreaterThan(0.97);
  });

  it('count, take medians and quantiles', async () => {
    const table = regressionTable();
    const counts = tableOf({
      a: Array.from({ length: 400 }, (_, row) => row % 7),
      y: Array.from({ length: 400 }, (_, row) => (row % 7) + ((row * 13) % 3)),
    });
    const poisson = await regression(counts, { ...quick, objective: 'poisson' });
    expect(poisson.manifest.metrics.validation['r2']).toBeGreaterThan(0.7);
    const absolute = await regression(table, { ...quick, objective: 'absolute' });
    expect(absolute.manifest.metrics.test['r2']).toBeGreaterThan(0.8);
    const high = await regression(table, { ...quick, objective: 'quantile', quantile: 0.9 });
    const low = await regression(table, { ...quick, objective: 'quantile', quantile: 0.1 });
    const sum = ({ golden }: MadeModel): number =>
      golden.predictions.reduce<number>((total, prediction) => total + Number(prediction), 0);
    expect(sum(high)).toBeGreaterThan(sum(low) + 0.5 * high.golden.predictions.length);
  });

  it.each([
    [{ monotone: { c: 1 } }, /unknown number column "c"; one of: a, b/],
    [{ monotone: { kind: 1 } }, /unknown number column "kind"; one of: a, b/],
    [{ monotone: { a: 2 } }, /model spec/],
    [{ monotone: { a: 1 }, interactions: 3 }, /made of two columns/],
    [{ interactions: 33 }, /model spec/],
    [{ leaves: 1 }, /model spec/],
    [{ learningRate: -1 }, /model spec/],
    [{ rows: { kind: 'some' } }, /model spec/],
  ])('refuse %j', async (wrong, message) => {
    const failing = regression(regressionTable(), { ...quick, ...wrong });
    await expect(failing).rejects.toMatchObject({
      code: 'BAD_SPEC',
      message: expect.stringMatching(message) as string,
    });
  });

  it('refuse counts below zero', async () => {
    const table = tableOf({
      a: Array.from({ length: 100 }, (_, row) => row),
      y: Array.from({ length: 100 }, (_, row) => row - 50),
    });
    const failing = regression(table, { ...quick, objective: 'poisson' });
    await expect(failing).rejects.toMatchObject({ code: 'BAD_SPEC', path: ['spec', 'objective'] });
  });

  it('make do with a class of one row, and with two rows in all', async () => {
    const a = Array.from({ length: 60 }, (_, row) => row);
    const label = a.map((value) => (value === 31 ? 'once' : value < 30 ? 'low' : 'high'));
    const once = await trainTable(tableOf({ a, label }), classRequest(quick), listener());
    expect(once.manifest.signature.classes).toContain('high');
    const two = await regression(tableOf({ a: [1, 2], y: [3, 4] }), quick).catch((error: unknown) => error);
    expect(two).toMatchObject({
      code: expect.stringMatching(/TOO_FEW_ROWS|NO_USABLE_FEATURES|TARGET_CONSTANT/) as string,
    });
  });
});

describe('trees of real data', () => {
  const real = (name: string, most?: number): Table | undefined => {
    const path = dataFile(name);
    if (path === undefined) process.stderr.write(`skipped: ../shared/data/${name} is not here\n`);
    return path === undefined ? undefined : csvTable(path, most);
  };

  it('California housing: far better than the mean, with gaps and a category', async () => {
    const table = real('california_housing.csv', 3000);
    if (table === undefined) return;
    const { metrics } = (await regression(table, { ...quick, minRows: 20 }, 'median_house_value')).manifest;
    expect(metrics.test['rmse']).toBeLessThan((metrics.baseline['rmse'] ?? 0) * 0.6);
  });

  it('adult: 14 columns, 8 of them categories', async () => {
    const table = real('adult_train.csv', 3000);
    if (table === undefined) return;
    const asked = request({ ...quick, trees: 30 }, { target: 'income', task: 'classification' });
    const { metrics } = (await trainTable(table, asked, listener())).manifest;
    expect(metrics.test['auc']).toBeGreaterThan(0.88);
  });

  it('steel plates: seven classes', async () => {
    const table = real('steel_plates_faults.csv');
    if (table === undefined) return;
    // One column a fault: their names become the classes.
    const faults = table.columns.filter(
      ({ spec }) => spec.name.endsWith('_Fault') || spec.name.endsWith('_Faults'),
    );
    const label = Array.from(
      { length: table.rows },
      (_, row) => faults.find((fault) => fault.kind === 'number' && fault.values[row] === 1)?.spec.name ?? '',
    );
    const columns = table.columns.filter((column) => !faults.includes(column));
    const labelled = { ...table, columns: [...columns, ...tableOf({ label }).columns] };
    const { metrics } = (await trainTable(labelled, classRequest({ ...quick, trees: 30 }), listener()))
      .manifest;
    expect(metrics.test['accuracy']).toBeGreaterThan(0.72);
  });
});
