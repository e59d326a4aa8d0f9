import type { NumberEncoding } from '../prepare/number';
import type { TrainingContext, TrainingData } from './data';
import { trainLogistic } from './linear/logistic';
import { trainRidge } from './linear/ridge';
import { trainMlp } from './mlp/mlp';
import type { ConcreteSpec, Trained } from './trained';

/** How the numbers must be encoded for a spec. */
export const encodingOf = (spec: ConcreteSpec): NumberEncoding =>
  spec.family === 'mlp' ? { numeric: spec.numeric, bins: spec.bins } : { numeric: 'standard', bins: 0 };

/** The trainer of a spec's family; `data` must be encoded as `encodingOf` says. */
export const trainConcrete = (
  spec: ConcreteSpec,
  data: TrainingData,
  context: TrainingContext,
): Promise<Trained> => {
  if (spec.family === 'mlp') return trainMlp(spec, data, context);
  return data.target.task === 'regression'
    ? trainRidge(spec, data, context)
    : trainLogistic(spec, data, context);
};
