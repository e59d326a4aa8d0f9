import { randomKey, randomNormal } from '../../onnx';
import { anomalySample, falseAlarms } from './anomaly';
import { adjustedRand, daviesBouldin, groupingSample, silhouette } from './clustering';
import { forecastSample, pinball, seasonalScale } from './forecast';
import { closerToLearned, closestDistances, utility } from './synthesis';

const signal = new AbortController().signal;

describe('forecasts', () => {
  it('the seasonal scale is the mean change over a season, past gaps', () => {
    expect(seasonalScale([1, 2, 4, 2, NaN, 7], 2)).toBe((3 + 0 + 5) / 3);
    expect(seasonalScale([1, 2, 1, 2], 2)).toBeNull();
    expect(seasonalScale([1], 2)).toBeNull();
  });

  /** Two windows of two steps of one series. */
  const forecasts = {
    horizon: 2,
    series: 1,
    predicted: [2, 4, 6, 0],
    actual: [1, 4, 8, NaN],
    scales: [0.5],
    quantiles: { levels: [0.1, 0.9], values: [0, 3, 3, 5, 5, 7, 0, 0] },
  };

  it('errors of a worked example, without what is not known', () => {
    const got = forecastSample(forecasts).metrics();
    expect(got['mae']).toBe(1);
    expect(got['rmse']).toBeCloseTo(Math.sqrt(5 / 3), 12);
    expect(got['mase']).toBe(2);
    expect(got['smape']).toBeCloseTo((2 / 3 + 0 + 4 / 14) / 3, 12);
    expect(got['wape']).toBeCloseTo(3 / 13, 12);
    // Pinball losses 0.1 + 0.2, 0.1 + 0.1, 0.3 + 0.9 over two levels and a size of 13, twice.
    expect(got['quantileLoss']).toBeCloseTo((2 * (0.3 + 0.2 + 1.2)) / (2 * 13), 12);
    expect(got['coverage']).toBeCloseTo(2 / 3, 12);
  });

  it('single steps ahead, and nothing where nothing is known', () => {
    expect(forecastSample(forecasts, new Set([0])).metrics()).toMatchObject({ mae: 1.5 });
    expect(forecastSample(forecasts, new Set([1])).metrics()).toMatchObject({ mae: 0, coverage: 1 });
    expect(forecastSample({ ...forecasts, actual: [NaN, NaN, NaN, NaN] }).metrics()).toMatchObject({
      mae: null,
      coverage: null,
    });
  });

  it('the pinball loss is tilted by the level', () => {
    expect(pinball(2, 0.9)).toBeCloseTo(1.8, 12);
    expect(pinball(-2, 0.9)).toBeCloseTo(0.2, 12);
  });
});

describe('anomaly scores', () => {
  it('false alarms are counted among the rows that are known to be ordinary, flags among all', () => {
    const shares = [0.2, 0.5, 0.9, 0.97, 0.99];
    const counted = (known: number[]): unknown =>
      falseAlarms(shares, known, [0.95, 0.9, 0.95]).map(({ level, inside, size }) => {
        return [level, inside.share, inside.rows, Number(size.toFixed(12))];
      });
    expect(counted([0, 0, 0, 0, 1])).toEqual([
      [0.9, 0.5, 4, 0.6],
      [0.95, 0.75, 4, 0.4],
    ]);
    expect(counted([-1, -1, -1, -1, -1])).toEqual([
      [0.9, 0.4, 5, 0.6],
      [0.95, 0.6, 5, 0.4],
    ]);
    expect(falseAlarms([], [], [0.9])).toEqual([]);
  });

  it('are judged by the rows whose truth is known', () => {
    const sample = anomalySample([0.9, 0.8, 0.7, 0.6, 0.1], [1, 0, -1, 1, 0]);
    expect(sample.metrics()).toEqual({ auc: 0.75, averagePrecision: (1 + 2 / 3) / 2, precisionAtCount: 0.5 });
    expect(sample.metrics([2, 1, 1, 1, 1])).toMatchObject({ precisionAtCount: 2 / 3 });
    expect(anomalySample([1, 2], [0, 0]).metrics()).toEqual({
      auc: null,
      averagePrecision: null,
      precisionAtCount: null,
    });
  });
});

describe('groupings', () => {
  const values = [0, 0, 0, 1, 1, 0, 5, 5, 5, 6, 6, 5.5, 9, 0, 9.5, 1, 8, 0.5, 4, 3];
  const points = { rows: 10, width: 2, values };
  const groups = [0, 0, 0, 1, 1, 1, 2, 2, 2, 1];

  // sklearn.metrics 1.2.1
  it('silhouette, Davies-Bouldin and adjusted Rand as scikit-learn has them', async () => {
    expect(await silhouette(points, groups, 1, signal)).toBeCloseTo(0.738659765910132, 10);
    expect(daviesBouldin(points, groups)).toBeCloseTo(0.30605966196427264, 10);
    expect(adjustedRand([1, 1, 0, 0, 0, 2, 2], [0, 0, 1, 1, 2, 2, 0])).toBeCloseTo(0.2125, 10);
  });

  it('a row that counts twice is two rows in one place, but no neighbour of itself', async () => {
    const labels = Int32Array.of(0, 0, 1, 1, 1, 0, 2, 2, 2, -1);
    const sample = await groupingSample(points, Int32Array.from(groups), labels, 1, signal);
    expect(sample.metrics()).toEqual({
      silhouette: await silhouette(points, groups, 1, signal),
      daviesBouldin: daviesBouldin(points, groups),
      adjustedRand: adjustedRand(groups, labels),
    });
    const weights = [2, 1, 1, 0, 1, 1, 3, 1, 0, 1];
    const repeated = weights.flatMap((weight, row) => Array.from({ length: weight }, () => row));
    const twice = {
      ...{ rows: repeated.length, width: 2 },
      values: repeated.flatMap((row) => values.slice(2 * row, 2 * row + 2)),
    };
    const [twiceGroups, twiceLabels] = [
      repeated.map((row) => groups[row]),
      repeated.map((row) => labels[row]),
    ];
    const weighed = sample.metrics(weights);
    expect(weighed['daviesBouldin']).toBeCloseTo(daviesBouldin(twice, twiceGroups) ?? NaN, 12);
    expect(weighed['adjustedRand']).toBeCloseTo(adjustedRand(twiceGroups, twiceLabels) ?? NaN, 12);
    // Copies as neighbours make groups look closer.
    expect(weighed['silhouette']).toBeLessThan((await silhouette(twice, twiceGroups, 1, signal)) ?? NaN);
  });

  it('one group has nothing to be told apart from; equal groupings agree whatever their names', async () => {
    const one = new Int32Array(10);
    expect(await silhouette(points, one, 1, signal)).toBeNull();
    expect(daviesBouldin(points, one)).toBeNull();
    expect(
      adjustedRand(
        groups,
        groups.map((group) => 2 - group),
      ),
    ).toBe(1);
    expect(adjustedRand(groups, new Int32Array(10).fill(-1))).toBeNull();
  });
});

describe('made-up rows', () => {
  const key = randomKey(12, 1);
  const drawn = (rows: number, from: number) => ({
    rows,
    width: 3,
    values: Float64Array.from({ length: rows * 3 }, (_, i) => randomNormal(key, from + i)),
  });
  const [learned, heldOut] = [drawn(300, 0), drawn(300, 10_000)];
  const share = async (made: ReturnType<typeof drawn>) =>
    closerToLearned(
      await closestDistances(made, learned, signal),
      await closestDistances(made, heldOut, signal),
    );

  it('fresh rows are as near to held-out rows as to learned ones; copies are not', async () => {
    const fresh = await share(drawn(400, 20_000));
    expect(fresh?.low).toBeLessThan(0.5);
    expect(fresh?.high).toBeGreaterThan(0.5);
    const copies = {
      ...learned,
      values: learned.values.map((value, i) => value + 0.01 * randomNormal(key, 40_000 + i)),
    };
    expect((await share(copies))?.share).toBeGreaterThan(0.95);
  });

  it('utility is the share of skill that is left', () => {
    expect(utility({ synthetic: 0.8, real: 0.9, baseline: 0.5 }, false)).toBeCloseTo(0.75, 12);
    expect(utility({ synthetic: 6, real: 5, baseline: 10 }, true)).toBeCloseTo(0.8, 12);
    expect(utility({ synthetic: 6, real: 11, baseline: 10 }, true)).toBeNull();
  });
});
