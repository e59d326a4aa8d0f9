import { constant, op, tensor } from '../../../onnx';
import type { Value } from '../../../onnx';
import type { Target } from '../../prepare/target';
import { forward, weightShapes } from './network';
import type { TrainedNetwork } from './train-network';

/** The trained members as one graph: outputs averaged before the softmax of a classification. */
export const ensembleOutput =
  ({ shape, members }: TrainedNetwork, target: Target) =>
  (features: Value): Value => {
    const outputs = members.map((weights) => forward(shape, constants(shape, weights), features));
    const sum = outputs.reduce((total, output) => op.Add(total, output));
    const average = members.length === 1 ? sum : op.Mul(sum, 1 / members.length);
    return target.task === 'classification' ? op.Softmax(average, 1) : average;
  };

const constants = (shape: TrainedNetwork['shape'], weights: Float32Array): Value[] => {
  let offset = 0;
  return weightShapes(shape).map((dims) => {
    const length = dims.reduce((product, dim) => product * dim, 1);
    const part = weights.slice(offset, offset + length);
    offset += length;
    return constant(tensor('float32', part, dims));
  });
};
