/** The scale in which models see a series, and the way there and back: as numbers and as nodes. */
import { op, vector } from '../../../onnx';
import type { Value } from '../../../onnx';
import type { Smoothing } from '../../../contracts';
import { smoothed } from '../../prepare/smooth';
import type { ForecastTarget } from '../../prepare/target';
import type { RowOrder } from '../../prepare/window';

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

/** A series in scale with nothing missing: what windows read of it, and what they are to answer. */
export interface ScaledSeries {
  readonly past: Float64Array;
  /** Unfiltered; the same array as `past` where nothing is filtered. */
  readonly ahead: Float64Array;
}

/** A missing value counts as the last known one before it, or the first one; a group without any stands at the mean. */
export const scaledSeries = (
  values: Float64Array,
  { order, smooth }: ForecastTarget,
  scale: SeriesScale,
  s: number,
): ScaledSeries => {
  const filled = values.slice();
  for (let row = 1; row < filled.length; row++)
    if (Number.isNaN(filled[row]) && order.start[row] !== row) filled[row] = filled[row - 1];
  for (let row = filled.length - 2; row >= 0; row--)
    if (Number.isNaN(filled[row]) && order.start[row + 1] === order.start[row]) filled[row] = filled[row + 1];
  const inScale = (of: Float64Array): Float64Array =>
    of.map((value) => (Number.isNaN(value) ? 0 : scaled(scale, s, value)));
  const ahead = inScale(filled);
  return { past: smooth === undefined ? ahead : inScale(smoothedGroups(filled, order, smooth)), ahead };
};

const smoothedGroups = (values: Float64Array, { start }: RowOrder, smooth: Smoothing): Float64Array => {
  const all = new Float64Array(values.length);
  for (let from = 0; from < values.length;) {
    let end = from + 1;
    while (end < values.length && start[end] === from) end++;
    all.set(smoothed(values.slice(from, end), smooth), from);
    from = end;
  }
  return all;
};

/** [rows, length] double of series `s` -> the same in scale, float32. */
export const scaledWindow = ({ kind, mean, deviation }: SeriesScale, s: number, x: Value): Value => {
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
