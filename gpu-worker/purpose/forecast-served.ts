/** The answer of a sealed forecast: its nodes, and examples of it. */
import type { ForecastAnswer } from '../../contracts';
import { op, vector } from '../../onnx';
import type { Value } from '../../onnx';
import type { Served } from '../export/served';
import type { ForecastTarget } from '../prepare/target';
import type { Judged } from './purpose';

/** `Trained.output` of a forecast, [rows, horizon · series · (1 + levels)] standardised, as the two outputs of the file. */
export const answerGraph = (output: Value, target: ForecastTarget): Record<string, Value> => {
  const { horizon, series, quantiles, mean, deviation } = target;
  const [rows] = output.shape;
  const shape = [rows, horizon, series.length, 1 + quantiles.length];
  const column = (of: readonly number[]): Value => op.Unsqueeze(vector(of, 'float64'), [1]);
  const scaled = op.Cast(op.Reshape(output, shape), 'float64');
  const all = op.Cast(op.Add(op.Mul(scaled, column(deviation)), column(mean)), 'float32');
  const [points, levels] = op.Split(all, [1, quantiles.length], 3);
  return { prediction: op.Squeeze(points, [3]), quantiles: levels };
};

export const golden = (
  { predictions, quantiles }: Served,
  positions: readonly number[],
  rows: Int32Array,
  { horizon, values, quantiles: { length: levels } }: ForecastTarget,
): ReturnType<Judged['golden']> => {
  const width = horizon * values.length;
  const nested = (from: number): ForecastAnswer => ({
    prediction: Array.from({ length: horizon }, (_, step) =>
      values.map((_of, s) => Number(predictions[from + step * values.length + s])),
    ),
    quantiles: Array.from({ length: horizon }, (_, step) =>
      values.map((_of, s) => {
        const at = (from + step * values.length + s) * levels;
        return [...(quantiles?.subarray(at, at + levels) ?? [])];
      }),
    ),
  });
  const forecasts = positions.map((at) => nested(at * width));
  return {
    predictions: forecasts.map(({ prediction }) => prediction[0][0]),
    probabilities: null,
    // JSON has no NaN; the first known value ahead stands where the first step is missing.
    actuals: positions.map(
      (at) =>
        values[0].subarray(rows[at] + 1, rows[at] + 1 + horizon).find((value) => !Number.isNaN(value)) ?? '',
    ),
    forecasts,
  };
};
