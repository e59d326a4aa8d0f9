/** Networks that forecast: each series alone, by one network for all of them, from windows brought to a common level. */
import { constant, op, tensor } from '../../../onnx';
import type { Value } from '../../../onnx';
import type { ConcreteSpec } from '../../../contracts';
import { smoothedWindow } from '../../prepare/smooth';
import type { ForecastTarget } from '../../prepare/target';
import type { TrainingContext, TrainingData } from '../data';
import type { Network } from '../network/network';
import type { TrainingOptions } from '../network/options';
import { trainNetwork } from '../network/train-network';
import type { Trained } from '../trained';
import { coreAnswers, forecaster } from './forecaster';
import type { WindowModel } from './forecaster';
import { sharedMap } from './linear';
import type { LinearMap } from './ridge';
import { completeWindows } from './windows';
import { filledSeries, plainScale } from './scale';
import { membersAnswer } from './sequence-core';
import type { CoreShape, SequenceCore } from './sequence-core';
import { errorQuantiles } from './spread';

/** Keeps a window without movement from being blown up; the scale has a deviation of 1. */
const STILL = 0.01;

/**
 * The network learns what the linear forecast leaves: its answer is added to that of one ridge for all series. It sees every
 * window measured from its last value in units of the window's own spread, and its answer is in these units too (reversible
 * normalisation, Kim et al. 2022). Trained on the squared error; the quantiles are those of the errors on the validation
 * windows. Learns from the training windows alone: the validation windows say when to stop.
 */
export const trainNeuralForecast = async (
  spec: ConcreteSpec,
  coreOf: (shape: CoreShape) => SequenceCore,
  options: TrainingOptions,
  data: TrainingData<ForecastTarget>,
  context: TrainingContext,
): Promise<Trained> => {
  const { target, training, validation, table } = data;
  const { lookback, horizon, values } = target;
  const core = coreOf({ length: lookback, channels: 1, outputs: horizon });
  const scale = plainScale(target);
  const line = await sharedMap(data, scale, context);
  const filled = values.map((of, s) => filledSeries(of, target, scale, s));
  const resident = new Float32Array(values.length * table.rows);
  filled.forEach((of, s) => resident.set(of, s * table.rows));
  const examples = (windows: Int32Array): { count: number; columns: { first: Int32Array } } => {
    const firsts = filled.flatMap((_, s) =>
      Array.from(windows, (row) => s * table.rows + row + 1 - lookback),
    );
    return { count: firsts.length, columns: { first: Int32Array.from(firsts) } };
  };
  const steps = constant(
    tensor(
      'int32',
      Int32Array.from({ length: lookback + horizon }, (_, i) => i),
      [1, lookback + horizon],
    ),
  );
  const network: Network<'first', never> = {
    ...core,
    inputs: { first: { dtype: 'int32', dims: [] } },
    targets: {},
    resident: { series: { dtype: 'float32', shape: ['cells'] } },
    forward: ({ weights, dropout, batch, resident: { series } }) => {
      const cells = op.Gather(series, op.Add(op.Unsqueeze(batch.first, [1]), steps));
      const [past, y] = op.Split(cells, [lookback, horizon], 1);
      const x = smoothedWindow(past, target.smooth);
      return op.Sub(
        corrected(line, x, (of) => core.forward({ weights, dropout, fused: false }, of)),
        y,
      );
    },
    loss: (errors) => op.ReduceMean(op.Mul(errors, errors)),
  };
  const whole = completeWindows(validation, target);
  const { members, history } = await trainNetwork(
    network,
    {
      training: examples(training),
      validation: examples(whole),
      resident: { series: { data: resident, dims: [resident.length] } },
    },
    options,
    context,
  );
  const answer =
    (fused: boolean): WindowModel['core'] =>
    (windows) => {
      const flat = op.Reshape(windows, ['windows', lookback]);
      const points = membersAnswer(core, members, fused, (forward) => corrected(line, flat, forward));
      return op.Reshape(points, [windows.shape[0], values.length, horizon]);
    };
  const model: WindowModel = { scale, core: answer(false), servedCore: answer(true) };
  const points = await coreAnswers(model, target, validation, context.signal);
  const offsets = errorQuantiles(target, scale, validation, points);
  return forecaster(data, { ...model, spec, history, offsets });
};

/** The line's answer to [windows, lookback] and, on top, the network's to [windows, lookback, 1]: [windows, horizon]. */
const corrected = ({ weights, intercept }: LinearMap, x: Value, forward: (x: Value) => Value): Value => {
  const length = Number(x.shape[1]);
  const horizon = intercept.length;
  const matrix = constant(tensor('float32', Float32Array.from(weights), [length, horizon]));
  const line = op.Gemm(x, matrix, constant(tensor('float32', Float32Array.from(intercept), [horizon])));
  const last = op.Slice(x, [{ axis: 1, start: length - 1, end: length }]);
  const center = op.Sub(x, op.ReduceMean(x, { axes: [1], keepDims: true }));
  const variance = op.ReduceMean(op.Mul(center, center), { axes: [1], keepDims: true });
  const spread = op.Sqrt(op.Add(variance, STILL ** 2));
  const seen = op.Unsqueeze(op.Div(op.Sub(x, last), spread), [2]);
  return op.Add(line, op.Mul(forward(seen), spread));
};
