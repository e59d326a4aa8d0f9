import type { LinearSpec } from '../../../contracts';
import { scaledBy } from '../../prepare/encoding';
import type { ForecastTarget, SupervisedTarget } from '../../prepare/target';
import { isForecast, isSupervised } from '../data';
import type { Family } from '../family';
import { readingLags } from '../lagged';
import { trainLinearForecast } from '../series/linear';
import { trainLogistic } from './logistic';
import { trainRidge } from './ridge';

/** Ridge regression in closed form, multinomial logistic regression, and linear forecasts. */
export const linear: Family<LinearSpec, SupervisedTarget | ForecastTarget> = readingLags({
  tasks: ['regression', 'classification', 'forecast'],
  // A linear model needs few rows to be judged.
  validationFraction: () => 0.1,
  train: async (spec, data, context) => {
    if (isForecast(data)) return trainLinearForecast(spec, data, context);
    if (!isSupervised(data)) throw new Error(`a linear model cannot learn a ${data.target.task}`);
    const prepared = await data.prepared({
      ...scaledBy(spec),
      targetAbove: spec.targetEncodingAbove ?? null,
      interactions: spec.interactions ?? 0,
    });
    const train = data.target.task === 'regression' ? trainRidge : trainLogistic;
    return train(spec, data, prepared, context);
  },
});
