/** What every forecasting family hands back, made from a model of windows of the target series in one scale. */
import { constant, input, modelBytes, op, tensor } from '../../../onnx';
import type { Value } from '../../../onnx';
import type { ConcreteSpec, Epoch } from '../../../contracts';
import { outputInBlocks } from '../../engine/in-blocks';
import { float32 } from '../../engine/onnxruntime';
import { ROWS } from '../../prepare/graph';
import { smoothed } from '../../prepare/smooth';
import { columnNamed } from '../../prepare/target';
import type { ForecastTarget } from '../../prepare/target';
import { windowBlockRows } from '../../prepare/window';
import type { TrainingData } from '../data';
import type { Trained } from '../trained';
import { readWindow, scaled, unscaled } from './scale';
import type { SeriesScale } from './scale';

export interface WindowModel {
  readonly scale: SeriesScale;
  /** [rows, series, lookback] in scale, nothing missing -> [rows, series, horizon] in scale. */
  readonly core: (windows: Value) => Value;
  /** The same for the sealed file, where it is made of other operators. */
  readonly servedCore?: (windows: Value) => Value;
}

interface Made extends WindowModel {
  readonly spec: ConcreteSpec;
  readonly history: readonly Epoch[];
  /** [series, horizon, levels] row-major: what a quantile lies above the forecast, in scale. */
  readonly offsets: Float32Array;
}

/** Windows of all target series as models see them: row-major [rows, series, lookback]. */
export const scaledWindows = (target: ForecastTarget, scale: SeriesScale, rows: Int32Array): Float32Array => {
  const { values, lookback, order, smooth } = target;
  const windows = new Float32Array(rows.length * values.length * lookback);
  const cells = new Float64Array(lookback);
  let at = 0;
  for (const row of rows)
    values.forEach((of, s) => {
      const first = row + 1 - lookback;
      let next = Math.max(first, order.start[row]);
      while (next <= row && Number.isNaN(of[next])) next++;
      // Before the first known value its own; where nothing is known, the mean of the scale.
      let last = next > row ? NaN : of[next];
      for (let cell = 0; cell < lookback; cell++) {
        if (first + cell >= next && !Number.isNaN(of[first + cell])) last = of[first + cell];
        cells[cell] = last;
      }
      for (const value of smoothed(cells, smooth))
        windows[at++] = Number.isNaN(value) ? 0 : scaled(scale, s, value);
    });
  return windows;
};

/** Answers of a core to windows of rows, row-major [rows, series, horizon] in scale. */
export const coreAnswers = async (
  { scale, core }: WindowModel,
  target: ForecastTarget,
  rows: Int32Array,
  signal: AbortSignal,
): Promise<Float32Array> => runCore(core, scale, target, rows, signal);

const runCore = async (
  graph: (windows: Value) => Value,
  scale: SeriesScale,
  target: ForecastTarget,
  rows: Int32Array,
  signal: AbortSignal,
): Promise<Float32Array> => {
  const dims = [target.series.length, target.lookback];
  const windows = input('windows', 'float32', [ROWS, ...dims]);
  const model = modelBytes({ name: 'forecaster', inputs: [windows], outputs: { output: graph(windows) } });
  return outputInBlocks(
    model,
    rows.length,
    (from, to) => ({
      windows: float32(scaledWindows(target, scale, rows.subarray(from, to)), [to - from, ...dims]),
    }),
    signal,
    windowBlockRows(target.series.length * target.lookback),
  );
};

/** `Trained.output` is [rows, horizon · series · (1 + levels)]: forecast, then quantiles, all standardised. */
export const forecaster = (data: TrainingData<ForecastTarget>, made: Made): Trained => {
  const { target, table } = data;
  const { series, horizon, lookback, quantiles } = target;
  const { scale, core, servedCore = core } = made;
  const width = horizon * series.length * (1 + quantiles.length);
  const complete = (of: WindowModel['core']) => (windows: Value) =>
    op.Reshape(answered(of(windows), made, target), [ROWS, width]);
  return {
    spec: made.spec,
    history: made.history,
    inputs: series.map((name) => ({ spec: columnNamed(table, name).spec, known: null, window: lookback })),
    output: (columns) => {
      const windows = series.map((name, s) => op.Unsqueeze(readWindow(columns[name], target, scale, s), [1]));
      return complete(servedCore)(windows.length === 1 ? windows[0] : op.Concat(windows, 1));
    },
    predict: (rows, signal) => runCore(complete(core), scale, target, rows, signal),
  };
};

/** [rows, series, horizon] in scale -> [rows, horizon, series, 1 + levels] standardised. */
const answered = (points: Value, { scale, offsets }: Made, target: ForecastTarget): Value => {
  const { series, horizon, quantiles } = target;
  const shifts = constant(tensor('float32', offsets, [series.length, horizon, quantiles.length]));
  const column = op.Unsqueeze(points, [3]);
  const all = op.Concat([column, op.Add(column, shifts)], 3);
  const byStep = op.Transpose(all, [0, 2, 1, 3]);
  return unscaled(scale, target, byStep);
};
