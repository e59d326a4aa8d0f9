import { op, weightConstants } from '../../../onnx';
import type { Value } from '../../../onnx';
import type { SupervisedTarget } from '../../prepare/target';
import { forward, networkParameters } from './network';
import type { TrainedNetwork } from './train-network';

/** The trained members as one graph: outputs averaged before the softmax of a classification. */
export const ensembleOutput =
  ({ shape, members }: TrainedNetwork, target: SupervisedTarget) =>
  (features: Value): Value => {
    const parameters = networkParameters(shape);
    const outputs = members.map((weights) => forward(shape, weightConstants(parameters, weights), features));
    const sum = outputs.reduce((total, output) => op.Add(total, output));
    const average = members.length === 1 ? sum : op.Mul(sum, 1 / members.length);
    return target.task === 'classification' ? op.Softmax(average, 1) : average;
  };
