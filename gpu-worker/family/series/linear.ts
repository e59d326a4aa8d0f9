/** The strong linear forecaster: one map from the window to all steps ahead, in closed form. */
import { constant, op, tensor } from '../../../onnx';
import type { Value } from '../../../onnx';
import type { LinearSpec } from '../../../contracts';
import type { ForecastTarget } from '../../prepare/target';
import type { TrainingContext, TrainingData } from '../data';
import type { Trained } from '../trained';
import { filteredSums } from './filtered-sums';
import { coreAnswers, forecaster } from './forecaster';
import type { WindowModel } from './forecaster';
import { completeWindows } from './windows';
import { addRun, emptySums, runsOf } from './product-sums';
import type { ProductSums } from './product-sums';
import { judgeRidges, learnRidge, sumsOfAll } from './ridge';
import type { LinearMap, RidgeChoice } from './ridge';
import { filledSeries, logScale, plainScale } from './scale';
import type { SeriesScale } from './scale';
import { errorQuantiles } from './spread';

/** Of more series than this one map serves all. */
const MOST_OWN_MAPS = 32;
/** Maps of their own must be better by this share: they are chosen among more, so luck favours them. */
const CLEARLY = 0.05;

interface Fitted {
  readonly model: WindowModel;
  readonly choices: readonly RidgeChoice[];
  readonly shared: boolean;
  /** Mean squared error on the validation windows, standardised as the target is. */
  readonly error: number;
}

/**
 * Ridge regression of every step ahead on the window (Zeng et al. 2023; closed form: Toner and Darlow 2024). Scale, level,
 * prior, penalty and whether the series share one map are chosen on the validation windows; the quantiles are those of the
 * errors there. In the end it learns from all windows, unless `refit` is off.
 */
export const trainLinearForecast = async (
  spec: LinearSpec,
  data: TrainingData<ForecastTarget>,
  context: TrainingContext,
): Promise<Trained> => {
  const { target, validation } = data;
  const scales = [plainScale(target), logScale(target, learnedRows(target))].filter(
    (scale) => scale !== undefined,
  );
  let best: Fitted | undefined;
  for (const [at, scale] of scales.entries()) {
    const fitted = await fit(data, scale, context);
    if (best === undefined || fitted.error < best.error) best = fitted;
    context.progress((at + 1) / (scales.length + 1), []);
  }
  if (best === undefined) throw new Error('there is no scale');
  const { model } = best;
  const points = await coreAnswers(model, target, validation, context.signal);
  const offsets = errorQuantiles(target, model.scale, validation, points);
  const made = { spec, history: [], offsets };
  const first = forecaster(data, { ...made, ...model });
  context.progress(1, []);
  if (!target.refit) return first;
  const sums = await productSums(target, model.scale, target.learnable, context);
  const again = modelOf(learn(sums, best, target), model.scale, target);
  const outputs = await first.predict(validation, context.signal);
  return { ...forecaster(data, { ...made, ...again }), outOfSample: { rows: validation, outputs } };
};

const learnedRows = ({ learnable, lookback, horizon, order }: ForecastTarget): Int32Array => {
  const learned = new Set<number>();
  for (const row of learnable)
    for (let at = Math.max(order.start[row], row + 1 - lookback); at <= row + horizon; at++) learned.add(at);
  return Int32Array.from(learned);
};

/** One map for all series, learned from the training windows, its kind and penalty chosen on the validation windows. */
export const sharedMap = async (
  { target, training, validation }: TrainingData<ForecastTarget>,
  scale: SeriesScale,
  context: TrainingContext,
): Promise<LinearMap> => {
  const whole = completeWindows(validation, target);
  const learned = sumsOfAll(await productSums(target, scale, training, context));
  const judged = await productSums(target, scale, whole.length > 0 ? whole : training, context);
  const [best] = judgeRidges(learned, sumsOfAll(judged), target);
  return learnRidge(learned, best.choice, target);
};

const fit = async (
  { target, training, validation }: TrainingData<ForecastTarget>,
  scale: SeriesScale,
  context: TrainingContext,
): Promise<Fitted> => {
  const whole = completeWindows(validation, target);
  const judging = whole.length > 0 ? whole : training;
  const learned = await productSums(target, scale, training, context);
  const judged = await productSums(target, scale, judging, context);
  const [common] = judgeRidges(sumsOfAll(learned), sumsOfAll(judged), target);
  let [shared, choices] = [true, target.series.map(() => common.choice)];
  if (target.series.length > 1 && target.series.length <= MOST_OWN_MAPS) {
    const own: RidgeChoice[] = [];
    let error = 0;
    for (const [s, sums] of learned.entries()) {
      const [first] = judgeRidges(sums, judged[s], target, [common.choice]);
      own.push(first.choice);
      error += first.error / learned.length;
      await new Promise(setImmediate);
      context.signal.throwIfAborted();
    }
    if (error < (1 - CLEARLY) * common.error) [shared, choices] = [false, own];
  }
  const model = modelOf(learn(learned, { choices, shared }, target), scale, target);
  const points = await coreAnswers(model, target, judging, context.signal);
  return { model, choices, shared, error: standardisedError(target, scale, judging, points) };
};

/** Sums over all windows of each series in scale. */
const productSums = async (
  target: ForecastTarget,
  scale: SeriesScale,
  windows: Int32Array,
  { signal }: TrainingContext,
): Promise<ProductSums[]> => {
  const sumsOf = target.smooth === undefined ? sharedCellSums : filteredSums;
  const all: ProductSums[] = [];
  for (const s of target.values.keys()) all.push(await sumsOf(target, scale, s, windows, signal));
  return all;
};

/** Of windows that are cut out of one series as it is: neighbours share their cells. */
const sharedCellSums = async (
  target: ForecastTarget,
  scale: SeriesScale,
  s: number,
  windows: Int32Array,
  signal: AbortSignal,
): Promise<ProductSums> => {
  const filled = filledSeries(target.values[s], target, scale, s);
  const sums = emptySums(target.lookback + target.horizon);
  let since = performance.now();
  for (const [first, count] of runsOf(windows, target.lookback)) {
    addRun(sums, filled, first, count);
    if (performance.now() - since < 100) continue;
    await new Promise(setImmediate);
    signal.throwIfAborted();
    since = performance.now();
  }
  return sums;
};

const learn = (
  sums: readonly ProductSums[],
  { choices, shared }: Pick<Fitted, 'choices' | 'shared'>,
  target: ForecastTarget,
): LinearMap[] =>
  shared
    ? [learnRidge(sumsOfAll(sums), choices[0], target)]
    : sums.map((of, s) => learnRidge(of, choices[s], target));

const modelOf = (
  maps: readonly LinearMap[],
  scale: SeriesScale,
  { lookback, horizon }: ForecastTarget,
): WindowModel => {
  const joined = (of: readonly Float64Array[]): Float32Array =>
    Float32Array.from(of.flatMap((part) => [...part]));
  const weights = constant(
    tensor('float32', joined(maps.map((map) => map.weights)), [maps.length, lookback, horizon]),
  );
  const intercept = constant(
    tensor('float32', joined(maps.map((map) => map.intercept)), [maps.length, horizon]),
  );
  const core = (windows: Value): Value => {
    // [series, rows, lookback] x [series or 1, lookback, horizon]
    const bySeries = op.Transpose(windows, [1, 0, 2]);
    return op.Add(op.Transpose(op.MatMul(bySeries, weights), [1, 0, 2]), intercept);
  };
  return { scale, core };
};

const standardisedError = (
  { values, deviation, horizon }: ForecastTarget,
  scale: SeriesScale,
  rows: Int32Array,
  points: Float32Array,
): number => {
  let [sum, count, at] = [0, 0, 0];
  for (const row of rows)
    for (let s = 0; s < values.length; s++)
      for (let ahead = 1; ahead <= horizon; ahead++, at++) {
        const inScale = points[at] * scale.deviation[s] + scale.mean[s];
        const point = scale.kind === 'log' ? Math.exp(inScale) : inScale;
        const error = (point - values[s][row + ahead]) / deviation[s];
        if (Number.isNaN(error)) continue;
        sum += error * error;
        count++;
      }
  return count === 0 ? Infinity : sum / count;
};
