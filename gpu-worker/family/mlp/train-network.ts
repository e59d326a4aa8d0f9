/** Dense networks on prepared features, as `mlp` and the logistic regression train them. */
import { op } from '../../../onnx';
import type { Value, Weights } from '../../../onnx';
import type { Epoch, MlpSpec } from '../../../contracts';
import type { Examples, Prepared, TrainingContext } from '../data';
import type { Network, NetworkData, Rows } from '../network/network';
import { PLAIN } from '../network/options';
import { servedAnswer } from '../network/serve';
import { SupervisedTally, classWeightsOf, targetData } from '../network/supervised';
import { trainNetwork as train } from '../network/train-network';
import { mlpNetwork } from './network';

/** What the logistic regression leaves as it is. */
const PLAIN_NETWORK = {
  activation: 'relu',
  residual: false,
  normalization: 'none',
  dropout: 0,
  embedding: 'none',
  embeddingSize: 1,
  embeddingActivation: 'none',
  frequencies: 1,
  sigma: 1,
  categoryEmbedding: 0,
  labelSmoothing: 0,
  sharedMembers: 1,
  classWeights: 'none',
} as const satisfies Partial<MlpSpec>;

/** `hidden: []` is a linear model. */
export type NetworkOptions = Partial<
  Omit<MlpSpec, 'family' | 'numeric' | 'bins' | 'interactions' | 'validationFraction'>
> &
  Pick<MlpSpec, 'hidden'>;

export interface TrainedNetwork {
  readonly network: Network<'x', 'y'>;
  /** Weights of each member by parameter name. */
  readonly members: readonly Weights[];
  readonly history: readonly Epoch[];
  /** [rows, width] prepared features -> the standardised target [rows, 1] or probabilities [rows, classes]. */
  readonly output: (features: Value) => Value;
}

export const trainNetwork = async (
  given: NetworkOptions,
  data: Prepared,
  context: TrainingContext,
): Promise<TrainedNetwork> => {
  const options = { ...PLAIN, ...PLAIN_NETWORK, ...given };
  const { target, training, preparation } = data;
  const features = { width: training.features.width, blocks: preparation.blocks };
  const network = mlpNetwork(target, features, options);
  const { members, history } = await train(
    network,
    networkData(data, options.classWeights),
    options,
    context,
  );
  const output = (features: Value): Value => {
    const answer = servedAnswer(network, members, { batch: { x: features } });
    return target.task === 'classification' ? op.Softmax(answer, 1) : answer;
  };
  return { network, members, history, output };
};

const networkData = (
  { target, training, validation }: Prepared,
  weighting: MlpSpec['classWeights'],
): NetworkData<'x' | 'y'> => {
  const classWeights = classWeightsOf(target, weighting);
  const rows = ({ features, targets }: Examples): Rows<'x' | 'y'> => ({
    count: features.rows,
    columns: { x: features.values, y: targetData(target, targets, classWeights) },
  });
  const targets = { training: training.targets, validation: validation.targets };
  return {
    training: rows(training),
    validation: rows(validation),
    tally: (part) => new SupervisedTally(target, targets[part], classWeights),
  };
};
