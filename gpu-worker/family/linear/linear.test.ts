import { LinearSpec } from '../../../contracts';
import { dataFile } from '../../../test/support/data';
import { openSessionCount } from '../../engine/onnxruntime';
import { classRequest, listener, request } from '../../testing/examples';
import { csvTable } from '../../testing/table';
import { trainTable } from '../../train/train-table';
import type { Examples } from '../data';
import { coordinateDescent } from './coordinate-descent';
import { withLoss } from './loss';
import type { LossShape } from './loss';
import { newton, steepness } from './newton';
import { normalEquations, partEquations, solveRidge } from './normal-equations';
import type { NormalEquations } from './normal-equations';
import { ridgeByFolds } from './ridge-folds';

const signal = new AbortController().signal;
const rows = Array.from({ length: 60 }, (_, i) => i);
const columns = rows.map((i) => [Math.sin(1.3 * i), Math.cos(0.7 * i), Math.sin(0.31 * i + 1)]);
const examples = (target: (i: number, x: readonly number[]) => number): Examples => ({
  features: { rows: 60, width: 3, values: Float32Array.from(columns.flat()) },
  targets: Float32Array.from(rows, (i) => target(i, columns[i] ?? [])),
});
const line = examples((i, [a = 0, b = 0]) => 1.5 * a - 0.5 * b + 0.2 * Math.sin(5.1 * i) + 0.3);
const two = examples((i, [a = 0]) => (a + 0.8 * Math.sin(3.3 * i) > 0.1 ? 1 : 0));
const three = examples((i, [a = 0, b = 0]) => (a + 0.5 * Math.sin(3.3 * i) > 0.5 ? 2 : b > 0 ? 1 : 0));

const newtonOf = (data: Examples, shape: LossShape, l2: number): Promise<Float64Array> =>
  withLoss(data, shape, signal, async (loss) =>
    newton(loss, l2, { start: new Float64Array(loss.size), steep: await steepness(loss) }),
  );

const expectClose = (got: Float64Array, expected: readonly number[], digits = 4): void => {
  expect(got).toHaveLength(expected.length);
  expected.forEach((value, i) => expect(got[i]).toBeCloseTo(value, digits));
};

afterEach(() => expect(openSessionCount()).toBe(0));

/** Coefficients of scikit-learn 1.2 on the same rows. */
describe('linear models are those of scikit-learn', () => {
  const ridge = [1.3885606619, -0.477883025, -0.0003885032, 0.3003568117];

  it('Ridge(alpha=2), in closed form and by Newton', async () => {
    expectClose(solveRidge(await normalEquations(line.features, line.targets, signal), 2), ridge, 6);
    expectClose(await newtonOf(line, { kind: 'squared', outputs: 1 }, 2), ridge);
  });

  it('ElasticNet(alpha=6/60, l1_ratio=0.5): a weight is exactly 0', async () => {
    const equations = await normalEquations(line.features, line.targets, signal);
    const weights = coordinateDescent(equations, { penalty: 6, l1Ratio: 0.5 }, new Float64Array(4));
    expectClose(weights, [1.2517676753, -0.3701772463, 0, 0.3035571909], 5);
    expect(weights[2]).toBe(0);
  });

  it('LogisticRegression(C=2) of two classes', async () =>
    expectClose(
      await newtonOf(two, { kind: 'binary', outputs: 1 }, 0.5),
      [2.4933145434, 0.082753274, -0.031315912, -0.51549304],
    ));

  it('LogisticRegression(C=2, multinomial) of three', async () =>
    expectClose(
      await newtonOf(three, { kind: 'softmax', outputs: 3 }, 0.5),
      [
        [-1.022755, -1.149071, 2.171826],
        [-2.247327, 2.011454, 0.235873],
        [0.089605, -0.388517, 0.298912],
        [-0.131881, 0.432497, -0.300616],
      ].flat(),
    ));
});

it('the penalty by folds is the one that predicts the rows left out best', async () => {
  const { features, targets } = line;
  const picked = (wanted: readonly number[]): Examples => ({
    features: { rows: wanted.length, width: 3, values: Float32Array.from(wanted.flatMap((i) => columns[i])) },
    targets: Float32Array.from(wanted, (i) => targets[i]),
  });
  const leftOut = async (penalty: number): Promise<number> => {
    let error = 0;
    for (let fold = 0; fold < 10; fold++) {
      const out = rows.filter((i) => Math.floor(i / 6) === fold);
      const others = picked(rows.filter((i) => !out.includes(i)));
      const equations = await normalEquations(others.features, others.targets, signal);
      const [a, b, c, d] = solveRidge(equations, 0.9 * penalty);
      for (const i of out)
        error += (targets[i] - a * columns[i][0] - b * columns[i][1] - c * columns[i][2] - d) ** 2;
    }
    return error;
  };
  const spec = LinearSpec.parse({ family: 'linear' });
  const { penalty, weights } = await ridgeByFolds(spec, line, signal, () => undefined);
  const least = await leftOut(penalty);
  for (const times of [10, 3, 0.3, 0.1]) expect(await leftOut(times * penalty)).toBeGreaterThan(least);
  expectClose(weights, [...solveRidge(await normalEquations(features, targets, signal), penalty)], 9);
});

it('sums of parts of the rows are, bit for bit, those of each part alone', async () => {
  const [count, width] = [9000, 3];
  const values = Float32Array.from({ length: count * width }, (_, i) => Math.sin(0.37 * i) * 10 ** (i % 4));
  const targets = Float32Array.from({ length: count }, (_, i) => Math.cos(1.7 * i));
  const weights = targets.map((value) => value * value);
  const ends = [4100, 4100, 8999, count];
  for (const weighing of [undefined, weights]) {
    const parts = await partEquations({ rows: count, width, values }, targets, ends, signal, weighing);
    const alone: NormalEquations[] = [];
    for (const [at, to] of ends.entries()) {
      const from = ends[at - 1] ?? 0;
      const part = { rows: to - from, width, values: values.slice(from * width, to * width) };
      const weight = weighing?.slice(from, to);
      alone.push(await normalEquations(part, targets.slice(from, to), signal, weight));
    }
    expect(parts).toEqual(alone);
  }
});

describe('linear on real data', () => {
  const withData = (name: string): jest.It => (dataFile(name) === undefined ? it.skip : it);
  const table = (name: string) => csvTable(dataFile(name) ?? '');

  withData('concrete.csv')('concrete: the penalty is chosen and stands in the spec', async () => {
    const asked = request({ family: 'linear' }, { target: 'strength' });
    const { metrics, chosen } = (await trainTable(table('concrete.csv'), asked, listener())).manifest;
    // scikit-learn's LinearRegression on the raw columns: about 10.4.
    expect(metrics.test['rmse']).toBeLessThan(11);
    expect(chosen).toMatchObject({ family: 'linear', l2: expect.any(Number) as number });
  });

  withData('breast_cancer_wdbc.csv')('breast cancer: 0.95 at least, elastic net too', async () => {
    const asked = classRequest({ family: 'linear' });
    for (const spec of [{ family: 'linear' }, { family: 'linear', l1Ratio: 0.5 }]) {
      const made = await trainTable(
        table('breast_cancer_wdbc.csv'),
        { ...asked, spec: spec as never, target: 'diagnosis', exclude: ['id'] },
        listener(),
      );
      expect(made.manifest.metrics.test['accuracy']).toBeGreaterThan(0.95);
    }
  });
});
