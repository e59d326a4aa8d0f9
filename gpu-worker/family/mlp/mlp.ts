import type { MlpSpec } from '../../../contracts';
import { scaledBy } from '../../prepare/encoding';
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
    const { numeric, bins, targetEncodingAbove, interactions } = spec;
    const prepared = await data.prepared({
      ...scaledBy(spec),
      ...(numeric === 'piecewise' && { numbers: numeric, bins }),
      targetAbove: targetEncodingAbove ?? null,
      interactions,
    });
    const { output, history } = await trainMlp(spec, prepared, context);
    return onFeatures(data, prepared.preparation, { spec, output, history });
  },
});
