import { randomKey, randomNormal } from '../../onnx';
import { blocksOf } from './blocks';
import { bootstrapMetrics } from './bootstrap';
import type { Draw } from './bootstrap';
import { forecastFindings } from './forecast-report';
import type { Forecasts } from './forecast';
import { regressionSample } from './sample';

const signal = new AbortController().signal;
const instants = (count: number): Float64Array => Float64Array.from({ length: count }, (_, i) => 3_600 * i);

const drawnBy = (draw: Draw, rows: number, key: number): number[] => {
  const weights = new Uint16Array(rows);
  draw(weights, key);
  return [...weights];
};

describe('blocks of instants', () => {
  it('as many instants are drawn as there are, in runs of the reach', () => {
    const { count, draw } = blocksOf(instants(40), 8);
    expect(count).toBe(5);
    for (let key = 0; key < 50; key++) {
      const weights = drawnBy(draw, 40, key);
      expect(weights.reduce((sum, weight) => sum + weight, 0)).toBe(40);
      // Where blocks do not overlap every change of the weight is an end of one, and there are at most ten.
      const changes = weights.filter((weight, i) => weight !== (weights[i - 1] ?? 0)).length;
      expect(changes).toBeLessThanOrEqual(10);
    }
    expect(drawnBy(draw, 40, 1)).toEqual(drawnBy(draw, 40, 1));
    expect(drawnBy(draw, 40, 1)).not.toEqual(drawnBy(draw, 40, 2));
  });

  it('are at least the cube root of all long, and at most all of them', () => {
    expect(blocksOf(instants(1000), 1).count).toBe(100);
    expect(blocksOf(instants(5), 8).count).toBe(1);
    expect(blocksOf(instants(0), 8).count).toBe(0);
  });

  it('rows of one instant are drawn together, wherever they stand', () => {
    const twice = Float64Array.from({ length: 60 }, (_, row) => row % 30);
    const weights = drawnBy(blocksOf(twice, 4).draw, 60, 7);
    expect(weights.slice(30)).toEqual(weights.slice(0, 30));
  });

  it('give overlapping windows the width that theory gives them, which rows drawn one by one do not', async () => {
    const [rows, horizon] = [2000, 10];
    const noise = Float64Array.from({ length: rows + horizon }, (_, i) => randomNormal(randomKey(5, 1), i));
    // An error of each window is the mean of the noise within it, far from 0 so that none changes its sign.
    const errors = Float64Array.from(
      { length: rows },
      (_, i) => 100 + noise.subarray(i, i + horizon).reduce((sum, value) => sum + value, 0) / horizon,
    );
    const sample = regressionSample(errors, new Float64Array(rows));
    const width = async (draw?: Draw): Promise<number> => {
      const { mae } = await bootstrapMetrics(sample, 1, signal, draw);
      return (mae.high ?? NaN) - (mae.low ?? NaN);
    };
    // The mean over windows is about that over the steps: 2 x 1.96 / sqrt(rows). Blocks as long as the overlap see
    // sqrt(2 / 3) of it (a triangle of weights on a triangle of covariances); blocks three times as long nearly all.
    const theory = (2 * 1.96) / Math.sqrt(rows);
    const inBlocks = await width(blocksOf(instants(rows), horizon).draw);
    expect(inBlocks / theory).toBeGreaterThan(0.65);
    expect(inBlocks / theory).toBeLessThan(1.1);
    expect((await width()) / theory).toBeLessThan(0.45);
  });
});

describe('what is found of forecasts', () => {
  /** Truths are standard normal, forecasts 0, quantiles those of the normal distribution. */
  const forecasts = (windows: number, horizon: number): Forecasts => {
    const truths = Float64Array.from({ length: windows + horizon }, (_, i) => randomNormal(randomKey(9), i));
    const size = windows * horizon;
    return {
      ...{ horizon, series: 1, scales: [1], predicted: new Float64Array(size) },
      actual: Float64Array.from(
        { length: size },
        (_, at) => truths[Math.floor(at / horizon) + (at % horizon)],
      ),
      quantiles: {
        levels: [0.1, 0.5, 0.9],
        values: Float64Array.from({ length: size * 3 }, (_, i) => [-1.2816, 0, 1.2816][i % 3]),
      },
    };
  };
  const found = (windows: number, horizon: number): ReturnType<typeof forecastFindings> =>
    forecastFindings({
      ...{ forecasts: forecasts(windows, horizon), instants: instants(windows) },
      ...{ fittedOn: 50, seed: 1, signal },
    });

  it('every level comes with the share of truths at or below it', async () => {
    const { conformal, metrics, leftOut, residuals } = await found(1200, 4);
    expect(leftOut).toEqual([]);
    expect(metrics['mae']?.low).toBeLessThan(Math.sqrt(2 / Math.PI));
    expect(metrics['mae']?.high).toBeGreaterThan(Math.sqrt(2 / Math.PI));
    // Forecasts are 0: residuals are normal, too.
    expect(residuals?.byPrediction.reduce((sum, { rows }) => sum + rows, 0)).toBe(4 * 1200);
    expect(residuals?.quantiles[4]).toBeCloseTo(0, 1);
    expect(residuals?.quantiles[6]).toBeCloseTo(1.645, 0);
    expect(conformal?.fit).toEqual({ kind: 'quantiles', method: 'error-quantiles', rows: 50 });
    expect(conformal?.coverage.map(({ level }) => level)).toEqual([0.1, 0.5, 0.9]);
    for (const { level, inside, size } of conformal?.coverage ?? []) {
      expect(inside.low).toBeLessThan(level);
      expect(inside.high).toBeGreaterThan(level);
      expect(inside.rows).toBe(1200);
      expect(size).toBeCloseTo({ 0.1: -1.2816, 0.5: 0, 0.9: 1.2816 }[level] ?? NaN, 6);
    }
  });

  it('too few blocks give the figures without intervals, and the reason', async () => {
    const { conformal, metrics, leftOut } = await found(60, 12);
    expect(metrics['mae']).toMatchObject({ low: null, high: null });
    expect(leftOut).toEqual([
      { section: 'intervals of metrics', why: expect.stringContaining('12 steps') as string },
    ]);
    // Sixty windows that overlap are about five that do not.
    const [, middle] = conformal?.coverage ?? [];
    expect((middle?.inside.high ?? NaN) - (middle?.inside.low ?? NaN)).toBeGreaterThan(0.5);
  });
});
