import { input, modelBytes, randomKey, randomNormal, randomUnit } from '../../onnx';
import { asFloat32, float32, withSession } from '../engine/onnxruntime';
import {
  conformalQuantile,
  fitInterval,
  fitSet,
  intervalGraph,
  intervals,
  setGraph,
  sets,
} from './conformal';
import { labelledRows } from './labelled';

/** The 1e-6 and 1 - 1e-6 quantiles of Binomial(4000, 0.9), scipy.stats.binom.ppf. */
const [FEWEST_INSIDE, MOST_INSIDE] = [3507, 3687];

interface Answered {
  readonly predicted: Float64Array;
  readonly actual: Float64Array;
}

/** y = x + noise that grows with x; the model answers x. */
const noisy = (rows: number, stream: number): Answered => {
  const key = randomKey(21, stream);
  const predicted = Float64Array.from({ length: rows }, (_, i) => randomUnit(key, i));
  const actual = predicted.map((x, i) => x + (0.1 + x) * randomNormal(key, rows + i));
  return { predicted, actual };
};

const inside = ({ low, high }: { low: Float64Array; high: Float64Array }, { actual }: Answered): number =>
  low.filter((value, row) => value <= actual[row] && actual[row] <= high[row]).length;

describe('conformal intervals', () => {
  it('the quantile is the ceil((n + 1) level)-th smallest score', () => {
    const scores = Float64Array.of(5, 1, 4, 2, 3, 9, 8, 7, 6);
    expect(conformalQuantile(scores, 0.9)).toBe(9);
    expect(conformalQuantile(scores, 0.5)).toBe(5);
    expect(conformalQuantile(scores.subarray(1), 0.9)).toBeUndefined();
  });

  it('intervals of 0.9 hold nine of ten new rows', () => {
    const { predicted, actual } = noisy(4000, 1);
    const fit = fitInterval(predicted, actual, 0.9);
    if (fit === undefined) throw new Error('enough rows');
    expect(fit).toMatchObject({ kind: 'interval', method: 'absolute', level: 0.9, rows: 4000 });
    const fresh = noisy(4000, 2);
    const held = inside(intervals(fit, fresh.predicted), fresh);
    expect(held).toBeGreaterThanOrEqual(FEWEST_INSIDE);
    expect(held).toBeLessThanOrEqual(MOST_INSIDE);
  });

  it('a small calibration set still covers on average: 9 rows, 400 repetitions', () => {
    let held = 0;
    for (let trial = 0; trial < 400; trial++) {
      const { predicted, actual } = noisy(9, 10 + trial);
      const fit = fitInterval(predicted, actual, 0.9);
      if (fit === undefined) throw new Error('enough rows');
      const fresh = noisy(10, 1000 + trial);
      held += inside(intervals(fit, fresh.predicted), fresh);
    }
    // Rows of one trial share its interval, so trials count: 400 of them have a standard error below 0.005.
    expect(held / 4000).toBeGreaterThan(0.87);
    expect(held / 4000).toBeLessThan(0.93);
  });

  it('the graph gives the same bounds', async () => {
    const { predicted, actual } = noisy(50, 3);
    const fit = fitInterval(predicted, actual, 0.8);
    if (fit === undefined) throw new Error('enough rows');
    const y = input('y', 'float32', ['rows']);
    const outputs = intervalGraph(fit, y);
    const expected = intervals(fit, predicted);
    await withSession(modelBytes({ name: 'interval', inputs: [y], outputs }), {}, async (session) => {
      const answer = await session.run({ y: float32(Float32Array.from(predicted), [50]) });
      asFloat32(answer['low']).forEach((value, row) => expect(value).toBeCloseTo(expected.low[row], 5));
      asFloat32(answer['high']).forEach((value, row) => expect(value).toBeCloseTo(expected.high[row], 5));
    });
  });
});

describe('conformal sets', () => {
  const drawn = (rows: number, stream: number) => {
    const key = randomKey(5, stream);
    const probabilities = new Float64Array(rows * 3);
    const codes = Int32Array.from({ length: rows }, (_, row) => {
      const raised = [0, 1, 2].map((i) => Math.exp(3 * randomUnit(key, row * 8 + i)));
      const sum = raised[0] + raised[1] + raised[2];
      probabilities.set(
        raised.map((value) => value / sum),
        row * 3,
      );
      let draw = randomUnit(key, row * 8 + 7);
      return raised.findIndex((value) => (draw -= value / sum) < 0);
    });
    return labelledRows(probabilities, codes, 3);
  };

  it('sets of 0.9 hold the truth of nine of ten new rows, and none is empty', () => {
    const fit = fitSet(drawn(4000, 1), 0.9);
    if (fit === undefined) throw new Error('enough rows');
    const fresh = drawn(4000, 2);
    const chosen = sets(fit, fresh.probabilities, 3);
    const held = fresh.codes.filter((code, row) => chosen[row * 3 + code] === 1).length;
    expect(held).toBeGreaterThanOrEqual(FEWEST_INSIDE);
    expect(held).toBeLessThanOrEqual(MOST_INSIDE);
    for (let row = 0; row < 4000; row++) expect(chosen.subarray(row * 3, row * 3 + 3)).toContain(1);
  });

  it('the graph gives the same sets', async () => {
    const labelled = drawn(200, 3);
    const fit = fitSet(labelled, 0.8);
    if (fit === undefined) throw new Error('enough rows');
    const p = input('p', 'float32', ['rows', 3]);
    const outputs = { set: setGraph(fit, p, 3) };
    const fed = Float32Array.from(labelled.probabilities);
    await withSession(modelBytes({ name: 'sets', inputs: [p], outputs }), {}, async (session) => {
      const answer = await session.run({ p: float32(fed, [200, 3]) });
      expect([...(answer['set']?.data as Uint8Array)].map(Number)).toEqual([...sets(fit, fed, 3)]);
    });
  });
});
