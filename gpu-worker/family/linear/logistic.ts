import type { LinearSpec } from '../../../contracts';
import type { TrainingContext, TrainingData } from '../data';
import { ensembleOutput } from '../mlp/ensemble';
import { trainNetwork } from '../mlp/train-network';
import type { Trained } from '../trained';

/**
 * Multinomial logistic regression: a network without hidden layers on the same training graph, stopped early on the
 * validation rows. `l2` counts against the whole log likelihood, as in a ridge regression, so it is spread over the rows.
 */
export const trainLogistic = async (
  spec: LinearSpec,
  data: TrainingData,
  context: TrainingContext,
): Promise<Trained> => {
  const { rows } = data.training.features;
  const network = await trainNetwork(
    {
      hidden: [],
      activation: 'relu',
      dropout: 0,
      l2: spec.l2 / (2 * rows),
      learningRate: 0.01,
      batchSize: rows < 3000 ? 32 : 256,
      epochs: 60,
      patience: 8,
      classWeights: 'none',
      members: 1,
    },
    data,
    context,
  );
  return {
    spec,
    preparation: data.preparation,
    output: ensembleOutput(network, data.target),
    history: network.history,
  };
};
