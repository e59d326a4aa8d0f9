import { randomKey, randomNormal } from '../../onnx';
import { bootstrapMetrics } from './bootstrap';
import { classificationSample, regressionSample } from './sample';

const signal = new AbortController().signal;
const errors = (rows: number, stream: number): Float64Array => {
  const key = randomKey(17, stream);
  return Float64Array.from({ length: rows }, (_, i) => randomNormal(key, i));
};

describe('bootstrap intervals', () => {
  it('hold the true value about as often as they say, and around the value itself', async () => {
    let held = 0;
    for (let trial = 0; trial < 20; trial++) {
      const made = errors(80, trial);
      const { rmse } = await bootstrapMetrics(regressionSample(made, new Float64Array(80)), trial, signal);
      if (rmse.low === null || rmse.high === null) throw new Error('defined in every draw');
      expect(rmse.low).toBeLessThan(rmse.value);
      expect(rmse.high).toBeGreaterThan(rmse.value);
      if (rmse.low <= 1 && rmse.high >= 1) held++;
    }
    // Binomial(20, 0.95) is below 15 once in 3,000 times.
    expect(held).toBeGreaterThanOrEqual(15);
  });

  it('of a mean have the width that theory gives: 2 x 1.96 sd / sqrt(n)', async () => {
    const made = errors(1000, 99).map(Math.abs);
    const { mae } = await bootstrapMetrics(regressionSample(made, new Float64Array(1000)), 1, signal);
    const width = (mae.high ?? NaN) - (mae.low ?? NaN);
    // The standard deviation of |N(0, 1)| is sqrt(1 - 2 / pi).
    expect(width / ((2 * 1.96 * Math.sqrt(1 - 2 / Math.PI)) / Math.sqrt(1000))).toBeCloseTo(1, 0);
  });

  it('are a pure function of the seed', async () => {
    const sample = regressionSample(errors(100, 1), new Float64Array(100));
    expect(await bootstrapMetrics(sample, 5, signal)).toEqual(await bootstrapMetrics(sample, 5, signal));
    expect(await bootstrapMetrics(sample, 6, signal)).not.toEqual(await bootstrapMetrics(sample, 5, signal));
  });

  it('say nothing where most draws leave a metric undefined, and nothing without rows', async () => {
    const oneRow = classificationSample([0.4, 0.6, 0.7, 0.3], [1, 0], 2);
    const estimates = await bootstrapMetrics(oneRow, 1, signal);
    expect(estimates['auc']).toEqual({ value: 1, low: null, high: null });
    expect(await bootstrapMetrics(regressionSample([], []), 1, signal)).toEqual({});
  });
});
