/** Dense networks on prepared features, as an `mlp` spec wants them. */
import { op } from '../../../onnx';
import type { Value, Weights } from '../../../onnx';
import type { Epoch, MlpSpec } from '../../../contracts';
import type { Examples, Prepared, TrainingContext } from '../data';
import type { Network, NetworkData, Rows } from '../network/network';
import { servedAnswer } from '../network/serve';
import { SupervisedTally, classWeightsOf, targetData } from '../network/supervised';
import { trainNetwork } from '../network/train-network';
import { mlpNetwork } from './network';

export interface TrainedMlp {
  readonly network: Network<'x', 'y'>;
  /** Weights of each member by parameter name. */
  readonly members: readonly Weights[];
  readonly history: readonly Epoch[];
  /** [rows, width] prepared features -> the standardised target [rows, 1] or probabilities [rows, classes]. */
  readonly output: (features: Value) => Value;
}

export const trainMlp = async (
  spec: MlpSpec,
  data: Prepared,
  context: TrainingContext,
): Promise<TrainedMlp> => {
  const { target, training, preparation } = data;
  const features = { width: training.features.width, blocks: preparation.blocks };
  const network = mlpNetwork(target, features, spec);
  const { members, history } = await trainNetwork(
    network,
    networkData(data, spec.classWeights),
    spec,
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
