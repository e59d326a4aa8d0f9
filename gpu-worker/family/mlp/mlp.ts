import type { MlpSpec } from '../../../contracts';
import type { TrainingContext, TrainingData } from '../data';
import type { Trained } from '../trained';
import { ensembleOutput } from './ensemble';
import { trainNetwork } from './train-network';

/** Multi-layer perceptron by mini-batch Adam. */
export const trainMlp = async (
  spec: MlpSpec,
  data: TrainingData,
  context: TrainingContext,
): Promise<Trained> => {
  const network = await trainNetwork(spec, data, context);
  return {
    spec,
    preparation: data.preparation,
    output: ensembleOutput(network, data.target),
    history: network.history,
  };
};
