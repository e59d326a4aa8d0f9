/** The scale in which models see a series, and the way there and back: as numbers and as nodes. */
import { op, vector } from '../../../onnx';
import type { Value } from '../../../onnx';
import { smoothedWindow } from '../../prepare/smooth';
import type { ForecastTarget } from '../../prepare/target';
import { filledWindow } from '../../prepare/window-graph';

/** `log`: of positive series that grow in proportion; afterwards standardised as the others are. */
export interface SeriesScale {
  readonly kind: 'plain' | 'log';
  /** One a series. */
  readonly mean: readonly number[];
  readonly deviation: readonly number[];
}

export const plainScale = ({ mean, deviation }: ForecastTarget): SeriesScale => ({
  kind: 'plain',
  mean,
  deviation,
});

/** Undefined where a known value of a learned row is not positive. */
export const logScale = ({ values }: ForecastTarget, rows: Int32Array): SeriesScale | undefined => {
  const moments = values.map((of) => {
    const known = rows.filter((row) => !Number.isNaN(of[row]));
    if (known.some((row) => of[row] <= 0)) return undefined;
    const mean = known.reduce((sum, row) => sum + Math.log(of[row]), 0) / known.length;
    const square = known.reduce((sum, row) => sum + (Math.log(of[row]) - mean) ** 2, 0) / known.length;
    return { mean, deviation: Math.sqrt(square) };
  });
  const [mean, deviation]: [number[], number[]] = [[], []];
  for (const one of moments) {
    if (one === undefined || !(one.deviation > 0)) return undefined;
    mean.push(one.mean);
    deviation.push(one.deviation);
  }
  return { kind: 'log', mean, deviation };
};

/** A value that the log cannot take counts as the smallest that it can. */
const SMALLEST = 1e-6;

export const scaled = ({ kind, mean, deviation }: SeriesScale, s: number, value: number): number =>
  ((kind === 'log' ? Math.log(Math.max(value, SMALLEST)) : value) - mean[s]) / deviation[s];

/** A series in scale, each missing value as the last known one before it, or the first one. */
export const filledSeries = (
  values: Float64Array,
  { order }: ForecastTarget,
  scale: SeriesScale,
  s: number,
): Float64Array => {
  const filled = values.map((value) => scaled(scale, s, value));
  for (let row = 1; row < filled.length; row++)
    if (Number.isNaN(filled[row]) && order.start[row] !== row) filled[row] = filled[row - 1];
  for (let row = filled.length - 2; row >= 0; row--)
    if (Number.isNaN(filled[row]) && order.start[row + 1] === order.start[row]) filled[row] = filled[row + 1];
  return filled.map((value) => (Number.isNaN(value) ? 0 : value));
};

/**
 * A window of series `s` as models read it: [rows, length] double, NaN = missing -> filtered and in scale, float32. One
 * without any value stands at the mean.
 */
export const readWindow = (
  x: Value,
  { smooth }: Pick<ForecastTarget, 'smooth'>,
  scale: SeriesScale,
  s: number,
): Value => {
  const filled = filledWindow(x);
  return op.Where(op.IsNaN(filled), 0, scaledWindow(scale, s, smoothedWindow(filled, smooth)));
};

/** [rows, length] double of series `s` -> the same in scale, float32. */
const scaledWindow = ({ kind, mean, deviation }: SeriesScale, s: number, x: Value): Value => {
  const value = kind === 'log' ? op.Log(op.Max(x, SMALLEST)) : x;
  return op.Cast(op.Div(op.Sub(value, mean[s]), deviation[s]), 'float32');
};

/** From the model's scale, [..., series, n] float32, to the target standardised as in `ForecastTarget`. */
export const unscaled = (scale: SeriesScale, target: ForecastTarget, x: Value): Value => {
  if (scale.kind === 'plain') return x;
  const column = (of: readonly number[]): Value => op.Unsqueeze(vector(of, 'float64'), [1]);
  const log = op.Add(op.Mul(op.Cast(x, 'float64'), column(scale.deviation)), column(scale.mean));
  // Exp in double is not in every provider; float32 keeps seven digits of the value.
  const value = op.Cast(op.Exp(op.Cast(log, 'float32')), 'float64');
  return op.Cast(op.Div(op.Sub(value, column(target.mean)), column(target.deviation)), 'float32');
};
