import type { MlpSpec } from '../../../contracts';
import { piecewise, STANDARD } from '../../prepare/encoding';
import type { SupervisedTarget } from '../../prepare/target';
import type { Family } from '../family';
import { readingLags } from '../lagged';
import { onFeatures } from '../trained';
import { trainMlp } from './train-mlp';

/** Multi-layer perceptron by mini-batch Adam. */
export const mlp: Family<MlpSpec, SupervisedTarget> = readingLags({
  tasks: ['regression', 'classification'],
  validationFraction: (spec) => spec.validationFraction,
  train: async (spec, data, context) => {
    const encoding = spec.numeric === 'piecewise' ? piecewise(spec.bins) : STANDARD;
    const prepared = await data.prepared({ ...encoding, interactions: spec.interactions });
    const { output, history } = await trainMlp(spec, prepared, context);
    return onFeatures(data, prepared.preparation, { spec, output, history });
  },
});
