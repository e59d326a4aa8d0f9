import type { LinearSpec } from '../../../contracts';
import { STANDARD } from '../../prepare/encoding';
import type { SupervisedTarget } from '../../prepare/target';
import type { Family } from '../family';
import { trainLogistic } from './logistic';
import { trainRidge } from './ridge';

/** Ridge regression in closed form, and multinomial logistic regression. */
export const linear: Family<LinearSpec, SupervisedTarget> = {
  tasks: ['regression', 'classification'],
  // A linear model needs few rows to be judged.
  validationFraction: () => 0.1,
  train: async (spec, data, context) => {
    const prepared = await data.prepared(STANDARD);
    const train = data.target.task === 'regression' ? trainRidge : trainLogistic;
    return train(spec, data, prepared, context);
  },
};
