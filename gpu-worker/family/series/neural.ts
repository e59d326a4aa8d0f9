import { Failure } from '../../../contracts';
import type { RnnSpec, TransformerSpec } from '../../../contracts';
import type { ForecastTarget, SupervisedTarget } from '../../prepare/target';
import { isForecast, isSupervised } from '../data';
import type { TrainingData } from '../data';
import type { Family } from '../family';
import { warmedUp } from '../network/options';
import { trainNeuralForecast } from './neural-forecast';
import { trainNeuralSequence } from './neural-sequence';
import type { CoreShape, SequenceCore } from './sequence-core';

/** A family of networks over windows: forecasts, and regressions and classifications of sequences. */
export const neuralSeries = <S extends RnnSpec | TransformerSpec>(
  coreOf: (spec: S, shape: CoreShape) => SequenceCore,
): Family<S, SupervisedTarget | ForecastTarget> => ({
  tasks: ['regression', 'classification', 'forecast'],
  validationFraction: (spec) => spec.validationFraction,
  train: async (spec, data: TrainingData, context) => {
    const core = (shape: CoreShape): SequenceCore => coreOf(spec, shape);
    if (isForecast(data)) return trainNeuralForecast(spec, core, warmedUp(spec), data, context);
    if (!isSupervised(data)) throw new Error(`${spec.family} cannot learn a ${data.target.task}`);
    if (spec.window !== undefined)
      return trainNeuralSequence(spec, spec.window, core, warmedUp(spec), data, context);
    throw new Failure('BAD_SPEC', `${spec.family} reads rows together with those before them: say which`, {
      path: ['spec', 'window'],
      hint: 'window: {length, order, group}, or choose a family for single rows',
    });
  },
});
