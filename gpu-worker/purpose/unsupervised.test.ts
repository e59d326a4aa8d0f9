import { randomKey, randomNormal } from '../../onnx';
import type { Table } from '../data/table';
import { openSessionCount, withSession, float64 } from '../engine/onnxruntime';
import { meanPath } from '../family/isolation-forest/grow';
import { request } from '../testing/examples';
import { tableOf } from '../testing/table';
import { trainTable } from '../train/train-table';
import type { MadeModel } from '../train/train-table';

const listener = { signal: new AbortController().signal, progress: () => undefined, champion: null };
const key = randomKey(11);

/** Three clouds that touch each other little; the label says which, and is never learned from. */
const clouds = (rows = 360): Table => {
  const centers = [
    [0, 0],
    [6, 0],
    [0, 6],
  ];
  const at = (row: number, axis: number): number =>
    (centers[row % 3]?.[axis] ?? 0) + randomNormal(key, 2 * row + axis);
  const of = (axis: number): number[] => Array.from({ length: rows }, (_, row) => at(row, axis));
  const label = Array.from({ length: rows }, (_, row) => ['a', 'b', 'c'][row % 3] ?? '');
  return tableOf({ x: of(0), y: of(1), label }, (row) => row % 7 === 0);
};

/** y follows x but for one row in 25, which lies in the range of both and off the line. */
const line = (rows = 500): Table => {
  const odd = (row: number): boolean => row % 25 === 3;
  const x = Array.from({ length: rows }, (_, row) => randomNormal(key, 5_000 + row));
  const y = x.map(
    (value, row) =>
      (odd(row) ? -value + (value < 0 ? -3 : 3) : 2 * value) + 0.05 * randomNormal(key, 9_000 + row),
  );
  const label = x.map((_, row) => (odd(row) ? 'broken' : 'fine'));
  return tableOf({ x, y, z: y.map((value, row) => value - (x[row] ?? 0)), label }, (row) => row % 4 === 0);
};

/** What no task without known answers has. */
const NOT_OF_TASK = ['slices', 'importance', 'shapley', 'partialDependence', 'fairness'];
const sectionsOf = (leftOut: readonly { readonly section: string }[]): string[] =>
  leftOut.map(({ section }) => section);

/** Every figure of the report is the manifest's, within its interval. */
const expectIntervals = ({ evaluation, manifest }: MadeModel, names: readonly string[]): void => {
  expect(Object.keys(evaluation.metrics)).toEqual(names);
  for (const [name, { value, low, high }] of Object.entries(evaluation.metrics)) {
    expect(value).toBe(manifest.metrics.test[name]);
    expect(low).toBeLessThanOrEqual(value);
    expect(high).toBeGreaterThanOrEqual(value);
    expect(low).toBeLessThan(high ?? NaN);
  }
  const noCurve = manifest.history.length > 0 ? [] : ['learningCurve'];
  expect(sectionsOf(evaluation.leftOut)).toEqual([...noCurve, ...NOT_OF_TASK, 'conformal']);
};

const train = (
  table: Table,
  task: 'anomaly' | 'clustering',
  spec: Record<string, unknown>,
  more: Parameters<typeof request>[1] = {},
): Promise<MadeModel> => trainTable(table, request(spec, { task, target: 'label', ...more }), listener);

afterEach(() => expect(openSessionCount()).toBe(0));

describe('clustering', () => {
  it.each(['k-means', 'gaussian-mixture'])(
    '%s finds the three clouds by itself, and the file names them',
    async (family) => {
      const { manifest, onnx, golden } = await train(clouds(), 'clustering', { family });
      expect(manifest.signature).toMatchObject({ task: 'clustering', classes: ['0', '1', '2'] });
      expect(manifest.signature.inputs.map(({ spec }) => spec.name)).toEqual(['x', 'y']);
      expect(manifest.metrics.test['adjustedRand']).toBeGreaterThan(0.95);
      expect(manifest.metrics.test['silhouette']).toBeGreaterThan(0.5);
      expect(manifest.metrics.baseline['adjustedRand']).toBeLessThan(0.1);
      expect(['a', 'b', 'c']).toContain(golden.actuals?.[0]);
      await withSession(onnx, {}, async (session) => {
        const answer = await session.run({
          x: float64(Float64Array.of(0, 6, 0, NaN), [4]),
          y: float64(Float64Array.of(0, 0, 6, 0), [4]),
        });
        const groups = answer['prediction']?.data as string[];
        expect(new Set(groups.slice(0, 3)).size).toBe(3);
        const shares = [...(answer['probabilities']?.data as Float32Array)];
        for (let row = 0; row < 4; row++)
          expect(shares.slice(3 * row, 3 * row + 3).reduce((sum, value) => sum + value, 0)).toBeCloseTo(1, 5);
      });
    },
  );

  it('a number of groups that is asked for is kept, and equal seeds give equal bytes', async () => {
    const spec = { family: 'k-means', clusters: 5 };
    const [one, two] = [await train(clouds(), 'clustering', spec), await train(clouds(), 'clustering', spec)];
    expect(one.manifest.signature.classes).toHaveLength(5);
    expect(Buffer.compare(one.onnx, two.onnx)).toBe(0);
    expectIntervals(one, ['silhouette', 'daviesBouldin', 'adjustedRand']);
    expect(two.evaluation).toEqual(one.evaluation);
  });
});

describe('anomaly detection', () => {
  it('the mean path of an unsuccessful search', () => {
    expect(meanPath(1)).toBe(0);
    expect(meanPath(2)).toBe(1);
    expect(meanPath(256)).toBeCloseTo(10.2448, 3);
  });

  it.each([
    ['isolation-forest', 0.8],
    ['autoencoder', 0.75],
  ])('%s singles out rows that break the pattern', async (family, auc) => {
    const more = family === 'autoencoder' ? { code: 1, hidden: [8], epochs: 120, noise: 0, patience: 0 } : {};
    const made = await train(line(), 'anomaly', { family, ...more });
    const { manifest, golden } = made;
    expectIntervals(made, ['flaggedShare', 'auc', 'averagePrecision', 'precisionAtCount']);
    expect(manifest.signature).toMatchObject({ task: 'anomaly', classes: ['normal', 'anomaly'] });
    expect(manifest.metrics.test['auc']).toBeGreaterThan(auc);
    expect(manifest.metrics.test['averagePrecision']).toBeGreaterThan(
      3 * (manifest.metrics.baseline['averagePrecision'] ?? 1),
    );
    expect(['normal', 'anomaly']).toContain(golden.predictions[0]);
  });

  const forest = { family: 'isolation-forest', contamination: 0.1 };

  it('of enough validation rows the share keeps its promise: false alarms are as rare as was said', async () => {
    const { evaluation, manifest, rows } = await train(line(3000), 'anomaly', forest, { sensitive: ['x'] });
    const { conformal, confusion, leftOut, classes } = evaluation;
    expect(conformal?.fit).toEqual({ kind: 'anomaly-share', method: 'score-quantiles', rows: 225 });
    expect(rows.validationRows).toBe(225);
    expect(conformal?.coverage.map(({ level }) => level)).toEqual([0.9, 0.95, 0.99]);
    const known = confusion?.counts ?? [];
    for (const { level, inside } of conformal?.coverage ?? []) {
      // Anomalies were among the rows that it was fitted on: of ordinary rows the promise is more than kept.
      expect(inside.high).toBeGreaterThan(level);
      expect(inside.rows).toBe(known[0][0] + known[0][1]);
    }
    expect(classes).toEqual(['normal', 'anomaly']);
    expect(known.flat().reduce((sum, count) => sum + count, 0)).toBe(rows.testRows);
    const [flagged] = conformal?.coverage ?? [];
    expect(flagged.inside.share).toBe(known[0][0] / flagged.inside.rows);
    expect(flagged.size).toBeCloseTo(manifest.metrics.test['flaggedShare'] ?? NaN, 9);
    expect(sectionsOf(leftOut)).toEqual(['learningCurve', ...NOT_OF_TASK]);
    expect(leftOut.at(-1)?.why).toContain('named sensitive and not looked at: x');
  });

  it('where nothing is known about the rows all of them count, and there is no confusion', async () => {
    const { evaluation, rows } = await train(line(3000), 'anomaly', forest, { target: null });
    expect(evaluation.confusion).toBeNull();
    for (const { level, inside, size } of evaluation.conformal?.coverage ?? []) {
      expect(inside.rows).toBe(rows.testRows);
      expect(size).toBeCloseTo(1 - inside.share, 9);
      expect(inside.low).toBeLessThan(level);
      expect(inside.high).toBeGreaterThan(level);
    }
  });

  it('about as many rows are flagged as were said to be unusual', async () => {
    const { manifest } = await train(line(), 'anomaly', { family: 'isolation-forest', contamination: 0.1 });
    expect(manifest.metrics.train['flaggedShare']).toBeCloseTo(0.1, 1);
  });
});

it('where every row was learned from, the report says so and has no figures', async () => {
  const table = { ...clouds(), holdout: new Uint8Array(360) };
  const { evaluation } = await train(table, 'clustering', { family: 'k-means', clusters: 3 });
  expect(evaluation).toMatchObject({
    ...{ rows: { count: 0 }, metrics: {} },
  });
  expect(sectionsOf(evaluation.leftOut)).toEqual(['learningCurve', ...NOT_OF_TASK, 'conformal', 'all']);
});

it('a family that cannot do the task is refused with those that can', async () => {
  await expect(train(clouds(), 'clustering', { family: 'mlp' })).rejects.toMatchObject({
    code: 'BAD_SPEC',
    message: 'unknown family for a clustering "mlp"; one of: k-means, gaussian-mixture',
  });
  await expect(train(clouds(15), 'anomaly', { family: 'isolation-forest' })).rejects.toMatchObject({
    code: 'TOO_FEW_ROWS',
  });
});
