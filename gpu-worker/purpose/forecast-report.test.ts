import type { ForecastReport } from '../../contracts';
import type { ForecastTarget } from '../prepare/target';
import { naiveAnswers } from './forecast-answers';
import type { Answers } from './forecast-answers';
import { forecastReport } from './forecast-report';

const HOUR = 3_600_000_000;
const SCALE = 5;

/** Series of `length` hours one after the other, each the squares of its hours; the next two hours are asked for. */
const squares = (length: number, series = 1): { target: ForecastTarget; instants: Float64Array } => {
  const rows = length * series;
  const hours = Float64Array.from({ length: rows }, (_, row) => row % length);
  const places = Int32Array.from(hours.keys());
  const target: ForecastTarget = {
    task: 'forecast',
    ...{ series: ['y'], mean: [0], deviation: [1], scales: [SCALE] },
    values: [hours.map((hour) => hour * hour)],
    order: { rows: places, position: places, start: places.map((row) => row - hours[row]) },
    step: { unit: 'micros', count: HOUR },
    ...{ horizon: 2, lookback: 3, season: 2, quantiles: [], smooth: undefined, refit: false },
    learnable: new Int32Array(0),
  };
  return { target, instants: hours.map((hour) => hour * HOUR) };
};

/** Answers that are off by a tenth of the hour they are given at, too high one step ahead and too low two. */
const off = (target: ForecastTarget, instants: Float64Array, rows: readonly number[]): Answers => {
  const { actual } = naiveAnswers(Int32Array.from(rows), target);
  const points = Float32Array.from(
    actual,
    (value, i) => value + ((i % 2 === 0 ? 0.1 : -0.1) * instants[rows[i >> 1]]) / HOUR,
  );
  return { rows: Int32Array.from(rows), points, actual, quantiles: new Float32Array(0) };
};

const backtestsOf = (length: number, rows: readonly number[], series = 1): ForecastReport['backtests'] => {
  const { target, instants } = squares(length, series);
  const validation = off(target, instants, rows);
  const naive = naiveAnswers(validation.rows, target);
  return forecastReport(target, { instants, warnings: [] }, validation, validation, naive).backtests;
};

const mean = (of: readonly number[]): number => of.reduce((sum, value) => sum + value, 0) / of.length;

describe('backtests of a forecast', () => {
  // Thirteen windows at the hours 10 to 22, given in any order.
  const hours = Array.from({ length: 13 }, (_, i) => 10 + ((i * 5) % 13));
  const parts = backtestsOf(30, hours);

  it('have six rolling origins: rising, disjoint, of nearly equal size, and every window in one of them', () => {
    expect(parts.map(({ windows }) => windows)).toEqual([2, 2, 2, 2, 2, 3]);
    expect(parts.map(({ fromMicros }) => fromMicros / HOUR)).toEqual([10, 12, 14, 16, 18, 20]);
    expect(parts.map(({ toMicros }) => toMicros / HOUR)).toEqual([11, 13, 15, 17, 19, 22]);
  });

  it('have the metrics that one finds by hand, of the forecast and of the seasonal-naive one', () => {
    for (const { fromMicros, toMicros, metrics, naive } of parts) {
      const [from, to] = [fromMicros / HOUR, toMicros / HOUR];
      const origins = Array.from({ length: to - from + 1 }, (_, i) => from + i);
      const mae = mean(origins.map((hour) => hour / 10));
      expect(metrics['mae']).toBeCloseTo(mae, 4);
      expect(metrics['mase']).toBeCloseTo(mae / SCALE, 4);
      expect(metrics['rmse']).toBeCloseTo(Math.sqrt(mean(origins.map((hour) => (hour / 10) ** 2))), 4);
      // Two hours before: (h + 1)² - (h - 1)² = 4h is missed one step ahead, (h + 2)² - h² = 4h + 4 two.
      const missed = origins.flatMap((hour) => [4 * hour, 4 * hour + 4]);
      expect(naive['mae']).toBeCloseTo(mean(missed), 4);
      expect(naive['rmse']).toBeCloseTo(Math.sqrt(mean(missed.map((error) => error ** 2))), 4);
    }
  });

  it('keep the windows of several series at one instant together', () => {
    const both = backtestsOf(30, [...hours, ...hours.map((hour) => 30 + hour)], 2);
    expect(both.map(({ windows }) => windows)).toEqual([4, 4, 4, 4, 4, 6]);
    expect(both.map(({ fromMicros }) => fromMicros)).toEqual(parts.map(({ fromMicros }) => fromMicros));
    expect(both.map(({ metrics }) => metrics['mae'])).toEqual(parts.map(({ metrics }) => metrics['mae']));
  });

  it('are as many as there are instants where those are fewer than six', () => {
    expect(backtestsOf(30, [12, 10, 11]).map(({ windows }) => windows)).toEqual([1, 1, 1]);
    expect(backtestsOf(30, [])).toEqual([]);
  });
});
