import type { LinearSpec } from '../../../contracts';
import type { Prepared, TrainingContext, TrainingData } from '../data';
import { trainNetwork } from '../mlp/train-network';
import { onFeatures } from '../trained';
import type { Trained } from '../trained';

/**
 * Multinomial logistic regression: a network without hidden layers on the same training graph, stopped early on the
 * validation rows. `l2` counts against the whole log likelihood, as in a ridge regression, so it is spread over the rows.
 */
export const trainLogistic = async (
  spec: LinearSpec,
  data: TrainingData,
  prepared: Prepared,
  context: TrainingContext,
): Promise<Trained> => {
  const { rows } = prepared.training.features;
  const { output, history } = await trainNetwork(
    {
      hidden: [],
      l2: spec.l2 / (2 * rows),
      learningRate: 0.01,
      batchSize: rows < 3000 ? 32 : 256,
      epochs: 60,
      patience: 8,
    },
    prepared,
    context,
  );
  return onFeatures(data, prepared.preparation, {
    spec,
    output,
    history,
  });
};
